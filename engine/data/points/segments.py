"""Real data on one thin segment, far from where a fresh generator puts its points: disjoint supports.

A discriminator that has been trained for a moment separates the two perfectly, log(1 - D) is flat where the
fake points are, and the Jensen-Shannon divergence is log 2 at any distance - while the Wasserstein distance
falls as the generator comes nearer (Arjovsky, Chintala and Bottou 2017, example 1, "parallel lines").
"""

from __future__ import annotations

import torch

from engine import options
from engine.data.source import CurveSource
from engine.options import knob


class SegmentsOptions(options.Options):
    distance: float = knob(
        2.0,
        "Distance",
        "How far to the right of the origin, where a fresh generator starts, the real segment stands.",
        ge=0.0,
        le=5.0,
        step=0.1,
        group="data",
    )
    sd: float = knob(
        0.01,
        "Width",
        "Standard deviation of the noise across the segment.",
        ge=0.002,
        le=0.3,
        scale="log",
        group="data",
    )


class Segments(CurveSource):
    """The upright segment from (distance, -1) to (distance, 1)."""

    name = "segments"
    title = "Disjoint segments"
    sentence = "Real points on a thin segment far from where the generator starts: a perfect D, no gradient."
    Options = SegmentsOptions

    def __init__(self, options: SegmentsOptions | None = None) -> None:
        super().__init__(options)
        knobs: SegmentsOptions = self.options
        self.sd = knobs.sd
        half = max(2.5, knobs.distance / 2 + 2.0)
        self.extent = (knobs.distance / 2 - half, knobs.distance / 2 + half, -half, half)

    def curve(self, u: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.full_like(u, self.options.distance), 2 * u - 1], 1)  # (n, 2)
