"""The parts of a latent that mean something, and walks along them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 2.0  # traversals go a little beyond what was trained, as in InfoGAN's paper


@dataclass(frozen=True)
class Code:
    """A part of the latent that means something: columns ``start`` to ``start + size``.

    A categorical code is one-hot over ``size`` values, called ``labels``; a uniform one lies in [-1, 1], a
    Gaussian one is N(0, 1). ``given``: a class that the data name, rather than one that the GAN discovers.
    """

    name: str
    kind: Literal["categorical", "uniform", "gaussian"]
    size: int
    start: int
    labels: tuple[str, ...] = ()
    given: bool = False

    def of(self, latent: Tensor) -> Tensor:
        """This code's columns of ``latent`` (N, latent_dim): (N, size)."""
        return latent[:, self.start : self.start + self.size]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, size), each category equally likely."""
        device = generator.device
        if self.kind == "categorical":
            chosen = torch.randint(self.size, (n,), device=device, generator=generator)
            return F.one_hot(chosen, self.size).float()  # (n, size)
        if self.kind == "uniform":
            return torch.rand(n, self.size, device=device, generator=generator) * 2 - 1
        return torch.randn(n, self.size, device=device, generator=generator)


def first_category(codes: Iterable[Code]) -> Code | None:
    """The first categorical one of ``codes``, or ``None``."""
    return next((code for code in codes if code.kind == "categorical"), None)


def each_value(bases: Tensor, code: Code, rows: int) -> Tensor:
    """(rows * N, latent_dim): all of ``bases`` (N, latent_dim) in each row, which has its own value of a
    categorical ``code``, in turn.
    """
    latents = bases.repeat(rows, 1)
    values = torch.arange(rows, device=bases.device).repeat_interleave(len(bases))
    latents[:, code.start : code.start + code.size] = F.one_hot(values, code.size).float()
    return latents


def traversal(base: Tensor, down: Code, rows: int, across: Code, columns: int) -> Tensor:
    """(rows * columns, latent_dim): ``base`` (1, latent_dim) with code ``down`` set by row, ``across`` by
    column. A categorical code takes its values in turn, a continuous one goes from -2 to 2.
    """
    latents = base.repeat(rows * columns, 1)  # (rows * columns, latent_dim)
    places = torch.arange(rows * columns, device=base.device)
    for code, place, count in ((down, places // columns, rows), (across, places % columns, columns)):
        if code.kind == "categorical":
            values = F.one_hot(place % code.size, code.size).float()
        else:
            values = (place / (count - 1) * 2 - 1)[:, None].expand(-1, code.size) * REACH
        latents[:, code.start : code.start + code.size] = values
    return latents
