"""A distribution that the user paints: a raster of weights, resampled to points."""

from __future__ import annotations

import base64
import binascii

import numpy as np
import torch
from pydantic import field_validator

from engine import options
from engine.data.source import PointSource
from engine.options import BadInput, knob

CANVAS = 48  # cells across and up
_PAINT_AGAIN = "Paint on the canvas, or leave the option out for the drawing that is there."


class DrawnOptions(options.Options):
    drawing: str = knob(
        "",
        "Drawing",
        "48 x 48 weights, one byte each, the top row first, in base64; empty takes a heart.",
        group="data",
        max_length=4 * CANVAS * CANVAS // 3 + 8,
    )

    @field_validator("drawing")
    @classmethod
    def _is_a_drawing(cls, drawing: str) -> str:
        raster(drawing)
        return drawing


class Drawn(PointSource):
    """Each painted cell is as likely as it is dark; inside a cell points are uniform. The canvas spans [-1.5,
    1.5]^2.
    """

    name = "drawn"
    title = "Draw your own"
    subject = "a drawing of your own"
    sentence = "Paint a distribution on a canvas and see whether the generator can learn it."
    Options = DrawnOptions
    canvas = (-1.5, 1.5, -1.5, 1.5)
    extent = (-2.0, 2.0, -2.0, 2.0)

    def __init__(self, options: DrawnOptions | None = None) -> None:
        super().__init__(options)
        weights = raster(self.options.drawing)[::-1].astype(np.float64)  # row 0 = y min from here on
        self._mass = weights / weights.sum()  # (48, 48)
        self._upto = torch.from_numpy(self._mass.ravel().cumsum())

    @property
    def cell(self) -> float:
        """Side of a painted cell in data units."""
        return (self.canvas[1] - self.canvas[0]) / CANVAS

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        drawn = torch.rand(n, generator=generator, dtype=torch.float64) * self._upto[-1]
        chosen = torch.searchsorted(self._upto, drawn, right=True).clamp_(max=CANVAS * CANVAS - 1)
        corner = torch.stack([chosen % CANVAS, chosen // CANVAS], 1)  # (n, 2)
        return (corner + torch.rand(n, 2, generator=generator)) * self.cell + self.canvas[0]

    def density(self, points: np.ndarray) -> np.ndarray:
        place = np.floor((np.asarray(points, np.float64) - self.canvas[0]) / self.cell).astype(int)  # (M, 2)
        inside = ((place >= 0) & (place < CANVAS)).all(1)
        column, row = place.clip(0, CANVAS - 1).T
        return np.where(inside, self._mass[row, column], 0.0) / self.cell**2

    def mass(self, cells: int) -> np.ndarray:
        painted = np.linspace(self.canvas[0], self.canvas[1], CANVAS + 1)
        asked = np.linspace(self.extent[0], self.extent[1], cells + 1)
        low = np.maximum(asked[:-1, None], painted[None, :-1])
        high = np.minimum(asked[1:, None], painted[None, 1:])
        overlap = (high - low).clip(
            0
        ) / self.cell  # (cells, 48): share of each painted column inside each asked one
        return overlap @ self._mass @ overlap.T


def raster(drawing: str) -> np.ndarray:
    """The weights of a base64 ``drawing``: uint8 (48, 48), row 0 = y max as painted. Raises ``BadInput``."""
    if not drawing:
        return heart()
    try:
        raw = base64.b64decode(drawing, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("the drawing is not base64.", "drawing", _PAINT_AGAIN) from None
    if len(raw) != CANVAS * CANVAS:
        raise BadInput(
            f"a drawing has {CANVAS * CANVAS} bytes, this one has {len(raw)}.", "drawing", _PAINT_AGAIN
        )
    weights = np.frombuffer(raw, np.uint8).reshape(CANVAS, CANVAS)
    if not weights.any():
        raise BadInput("the drawing is empty.", "drawing", "Paint something on the canvas first.")
    return weights


def heart() -> np.ndarray:
    """What stands there before anything is painted: the outline of a heart, uint8 (48, 48), row 0 = y max."""
    t = np.linspace(0, 2 * np.pi, 400)
    x = np.sin(t) ** 3
    y = (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16 + 0.15
    ticks = (np.arange(CANVAS) + 0.5) / CANVAS * 3 - 1.5
    across = (ticks[None, :, None] - x) ** 2  # (1, 48, 400)
    up = (-ticks[:, None, None] - y) ** 2  # (48, 1, 400)
    return np.where((across + up).min(2) < 0.07**2, 255, 0).astype(np.uint8)
