"""Points along an Archimedean spiral: one connected, curled-up piece."""

from __future__ import annotations

import torch

from engine import options
from engine.data.points.curve import WideCurve, width
from engine.options import knob


class SpiralOptions(options.Options):
    turns: float = knob(
        2.0, "Turns", "How often the spiral goes round.", ge=0.5, le=4.0, step=0.25, group="data"
    )
    sd: float = width(0.03)


class Spiral(WideCurve):
    """A spiral from near the origin out to radius 1, equally dense along its length."""

    name = "spiral"
    title = "Spiral"
    sentence = "One long curl: the generator has to roll a disc of noise up into it."
    Options = SpiralOptions
    extent = (-1.7, 1.7, -1.7, 1.7)

    def curve(self, u: torch.Tensor) -> torch.Tensor:
        # Length grows with the square of the angle (beyond the first half turn, where the spiral starts).
        last = 2 * torch.pi * (self.options.turns + 0.25)
        first = torch.pi / 2
        angle = (first**2 + (last**2 - first**2) * u).sqrt()
        return (angle / last)[:, None] * torch.stack([angle.cos(), angle.sin()], 1)  # (n, 2)
