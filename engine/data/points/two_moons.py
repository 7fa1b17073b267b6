"""Two interleaved half circles."""

from __future__ import annotations

import torch

from engine import options
from engine.data.points.curve import WideCurve, width


class TwoMoonsOptions(options.Options):
    sd: float = width(0.05)


class TwoMoons(WideCurve):
    """Half circles of radius 0.8, the upper around (-0.4, -0.2), the lower around (0.4, 0.2): two equal,
    separate pieces.
    """

    name = "two_moons"
    title = "Two moons"
    sentence = "Two bent pieces with a gap between them: a continuous generator leaves a bridge."
    Options = TwoMoonsOptions
    extent = (-2.0, 2.0, -2.0, 2.0)

    def curve(self, u: torch.Tensor) -> torch.Tensor:
        upper = (u < 0.5).to(u.dtype)
        angle = 2 * torch.pi * u  # the first half turn is the upper moon, the second the lower one
        x = 0.8 * angle.cos() + 0.4 - 0.8 * upper
        y = 0.8 * angle.sin() + 0.2 - 0.4 * upper
        return torch.stack([x, y], 1)  # (n, 2)
