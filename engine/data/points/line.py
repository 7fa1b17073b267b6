"""Points along a straight line: the simplest data that do not fill the plane."""

from __future__ import annotations

import torch

from engine import options
from engine.data.points.curve import WideCurve, width


class LineOptions(options.Options):
    sd: float = width(0.05)


class Line(WideCurve):
    """The line from (-1, -0.5) to (1, 0.5), equally dense along its length."""

    name = "line"
    title = "Line"
    sentence = "A straight line through the origin: easy to learn, and easy to see what each network does."
    Options = LineOptions
    extent = (-1.75, 1.75, -1.75, 1.75)

    def curve(self, u: torch.Tensor) -> torch.Tensor:
        return torch.stack([2 * u - 1, u - 0.5], 1)  # (n, 2)
