"""What the curves that have a width share."""

from __future__ import annotations

from typing import Any

from engine.data.source import CurveSource
from engine.options import knob


def width(default: float) -> Any:
    """The knob ``sd``."""
    return knob(
        default,
        "Width",
        "Standard deviation of the noise.",
        ge=0.005,
        le=0.3,
        step=0.005,
        scale="log",
        group="data",
    )


class WideCurve(CurveSource):
    """A curve whose option ``sd`` is the standard deviation of the points around it."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.sd = self.options.sd
