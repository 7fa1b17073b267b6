"""Gaussians on a square grid: many modes at once (Srivastava et al. 2017, VEEGAN, table 1)."""

from __future__ import annotations

import numpy as np

from engine import options
from engine.data.source import PointSource
from engine.options import knob


class GridOptions(options.Options):
    side: int = knob(
        5, "Modes per side", "The grid has this many modes across and up.", ge=1, le=9, step=1, group="data"
    )
    spacing: float = knob(
        2.0, "Spacing", "Distance between neighbouring modes.", ge=0.2, le=5.0, step=0.1, group="data"
    )
    sd: float = knob(
        0.05,
        "Width of a mode",
        "Standard deviation of each Gaussian.",
        ge=0.005,
        le=0.5,
        step=0.005,
        scale="log",
        group="data",
    )


class Grid(PointSource):
    """``side`` x ``side`` equal Gaussians around the origin, counted row by row from the lower left."""

    name = "grid"
    title = "Grid of Gaussians"
    sentence = (
        "25 clusters on a square: how many does the generator find, and how many samples fall between them?"
    )
    Options = GridOptions

    def __init__(self, options: GridOptions | None = None) -> None:
        super().__init__(options)
        knobs: GridOptions = self.options
        ticks = (np.arange(knobs.side) - (knobs.side - 1) / 2) * knobs.spacing
        self.centres = np.stack(np.meshgrid(ticks, ticks), 2).reshape(-1, 2)  # (K, 2)
        self.modes = self.centres.astype(np.float32)
        self.sd = knobs.sd
        half = (knobs.side - 1) / 2 * knobs.spacing + 0.75 * knobs.spacing + 3 * knobs.sd
        self.extent = (-half, half, -half, half)
