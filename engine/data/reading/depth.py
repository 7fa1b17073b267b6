"""Pictures of more than 8 bits, of integers or of floats: all of one data set, or of one of its sides, are
made grey levels on one scale, so that equal values stay equal.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.data.reading import pictures
from engine.options import BadInput

BITS = (8, 10, 12, 14, 16)  # depths that cameras and scanners have
REMEDY = (
    "Give two numbers, the values that are black and white, such as -1024 3071; for A and B: 0 4095; 0 1."
)


@dataclass(frozen=True)
class Scale:
    """The values that become black and white. Those outside are cut off."""

    black: float
    white: float

    def levels(self, values: np.ndarray) -> np.ndarray:
        """Float ``values`` as uint8 of the same shape."""
        share = (values.astype(np.float64) - self.black) / (self.white - self.black)
        return np.clip(np.rint(share * 255), 0, 255).astype(np.uint8)

    def __str__(self) -> str:
        return f"{self.black:g} is black and {self.white:g} white"


def read_scales(text: str) -> tuple[Scale | None, Scale | None]:
    """The scales of sides A and B that a user gave: two numbers, or two for each side with ``;`` between;
    ``None`` where they are to be chosen. Raises ``BadInput``.
    """
    if not text.strip():
        return None, None
    sides = [_read_scale(part) for part in text.split(";")]
    if len(sides) > 2:
        raise BadInput(f"{text[:80]!r} has more than two ranges.", "value_range", REMEDY)
    return sides[0], sides[-1]


def _read_scale(text: str) -> Scale:
    try:
        black, white = map(float, re.split(r"[\s,]+|\s*\.\.\s*", text.strip()))
    except ValueError:
        raise BadInput(f"{text[:80]!r} is not a range of values.", "value_range", REMEDY) from None
    if not (math.isfinite(black) and math.isfinite(white) and black != white):
        raise BadInput(f"{text[:80]!r} is not a range of values.", "value_range", REMEDY)
    return Scale(black, white)


class Depth:
    """Keeps pictures as they are until all have been seen, then chooses the scale: ``chosen``, or that of the
    least and the greatest value.
    """

    def __init__(self, chosen: Scale | None = None) -> None:
        self.chosen, self.count = chosen, 0
        self._low, self._high, self._floats = math.inf, -math.inf, False

    def keep(self, picture: Image.Image, size: int, colour: bool) -> np.ndarray:
        """``picture`` scaled and cropped as by ``pictures.shrink``: uint8 (C, size, size), or float32
        (1, size, size) of its own values. Raises ``UnreadableError``.
        """
        if not pictures.is_deep(picture):
            return pictures.shrink(picture, size, colour)
        values, low, high = pictures.deep_values(picture, size)
        fitted = pictures.fitted(values, size, colour)
        self.count += 1
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._floats |= picture.mode == "F"
        return fitted

    @property
    def scale(self) -> Scale:
        """What became of all values so far."""
        return self.chosen or usual_scale(self._low, self._high, self._floats)

    def to_levels(self, kept: np.ndarray, colour: bool) -> np.ndarray:
        """What ``keep`` gave as uint8 (C, size, size)."""
        if kept.dtype == np.uint8:
            return kept
        return self.scale.levels(kept).repeat(3 if colour else 1, 0)  # (C, size, size)

    def notes(self, whose: str) -> list[str]:
        """What is to be said about ``whose`` values, if there are any of more than 8 bits."""
        if not self.count:
            return []
        how = (
            "as you said" if self.chosen else f"chosen from all: they go from {self._low:g} to {self._high:g}"
        )
        return [f"Values of {whose}: {self.scale} ({how})."]


def usual_scale(low: float, high: float, floats: bool) -> Scale:
    """For values from ``low`` to ``high``: from 0 to what their depth can hold, and of floats to 1, if they
    go about as far; negative ones as far as they go.
    """
    if not low < high:
        low, high = min(low, 0.0), max(high, 1.0)
    if low < 0:
        return Scale(low, high)
    if floats:
        return Scale(0.0, 1.0 if 0.25 < high <= 1 else high)
    return Scale(0.0, next((2.0**bits - 1 for bits in BITS if high < 2**bits), high))
