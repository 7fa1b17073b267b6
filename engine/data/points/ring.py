"""Gaussians on a circle: the standard picture of mode collapse (Metz et al. 2017, Srivastava et al. 2017)."""

from __future__ import annotations

import numpy as np

from engine import options
from engine.data.source import PointSource
from engine.options import knob


class RingOptions(options.Options):
    modes: int = knob(8, "Modes", "Number of Gaussians on the circle.", ge=1, le=32, step=1, group="data")
    radius: float = knob(1.0, "Radius", "Radius of the circle.", ge=0.2, le=5.0, step=0.1, group="data")
    sd: float = knob(
        0.05,
        "Width of a mode",
        "Standard deviation of each Gaussian; 0.01 is the benchmark, 0.05 can be seen.",
        ge=0.005,
        le=0.5,
        step=0.005,
        scale="log",
        group="data",
    )


class Ring(PointSource):
    """``modes`` equal Gaussians on a circle around the origin, counted anticlockwise from angle 0."""

    name = "ring"
    title = "Ring of Gaussians"
    sentence = "Eight separate clusters on a circle: a generator that covers only some of them has collapsed."
    Options = RingOptions

    def __init__(self, options: RingOptions | None = None) -> None:
        super().__init__(options)
        knobs: RingOptions = self.options
        angle = 2 * np.pi * np.arange(knobs.modes) / knobs.modes
        self.centres = knobs.radius * np.stack([np.cos(angle), np.sin(angle)], 1)  # (K, 2)
        self.modes = self.centres.astype(np.float32)
        self.sd = knobs.sd
        half = 1.6 * knobs.radius + 3 * knobs.sd
        self.extent = (-half, half, -half, half)
