"""Dropout whose draws can be repeated."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """As torch's, but drawn from ``generator`` where there is one: a run that is resumed leaves out the same.

    Whoever trains sets it; a copy of the network begins without.
    """

    generator: torch.Generator | None = None

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.generator is None:
            return super().forward(input)
        drawn = torch.rand(input.shape, device=input.device, generator=self.generator)
        return input * (drawn >= self.p) / (1 - self.p)
