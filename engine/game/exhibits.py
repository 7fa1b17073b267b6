"""What a GAN shows of itself beside its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

Networks = dict[str, nn.Module]


@dataclass(frozen=True)
class Show:
    """What an exhibit is made of: the networks in eval mode with their averages in place, fixed latents
    (N, latent_dim), and 64 real pictures (64, C, H, W) with their labels (64,), if there are any.
    """

    networks: Networks
    latent: Tensor
    real: Tensor
    labels: Tensor | None


@dataclass(frozen=True)
class Exhibit:
    """A grid of pictures (rows * columns, C, H, W) in [-1, 1] that shows what is special about a GAN.

    ``marks`` are those of the legend: what is "generated" has another than what is "real"; "" is neither.
    """

    name: str
    title: str
    sentence: str
    pictures: Tensor
    rows: int
    columns: int
    marks: Literal["generated", "real", "both", ""] = "generated"
