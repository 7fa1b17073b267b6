"""One point at the origin: the smallest data that there are, for the smallest game
(``engine/gans/dirac.py``).
"""

from __future__ import annotations

import numpy as np

from engine import options
from engine.data.points.curve import width
from engine.data.source import PointSource


class PointOptions(options.Options):
    sd: float = width(0.005)


class Point(PointSource):
    """A Gaussian at the origin, as narrow as a point."""

    name = "point"
    title = "A single point"
    sentence = "All data are one point: what is left of a GAN is two numbers that chase each other."
    Options = PointOptions
    extent = (-3.0, 3.0, -3.0, 3.0)
    centres = np.zeros((1, 2))
    modes = np.zeros((1, 2), np.float32)

    def __init__(self, options: PointOptions | None = None) -> None:
        super().__init__(options)
        self.sd = self.options.sd
