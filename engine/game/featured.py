"""What GANs ask of a network beyond calling it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class Featured(Protocol):
    """A discriminator that is a ``head``, to logits (N, 1), on ``features`` (N, F) of its input."""

    head: nn.Module

    def features(self, x: Tensor) -> Tensor: ...
