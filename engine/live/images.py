"""The live picture of a run, and what is measured on it: all from fixed latents, in eval mode, drawing
nothing at random.

So a run that is watched computes the same numbers as one that is not.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.data import ImageSource
from engine.data.pixels import to_floats, to_png
from engine.game.recipe import Exhibit, Show
from engine.game.showing import Shown, evaluating
from engine.live import frames
from engine.live.drawing import (
    EXHIBIT_EVERY_S,
    THUMBNAIL,
    picture_grid,
)
from engine.metrics.classes import ClassCounter
from engine.metrics.diversity import diversity
from engine.runs.headers import Moment
from engine.runs.records import Values

MEASURED = 256  # pictures that diversity and classes are measured on
GRID = (8, 8)


class ImagesPicture:
    """Pictures: a grid of samples from fixed z."""

    def __init__(self, shown: Shown, source: ImageSource) -> None:
        self.shown, self.source = shown, source
        self.z = shown.latents(MEASURED)
        self.counter = ClassCounter.for_source(source)
        chosen = torch.randperm(len(source.images), generator=torch.Generator().manual_seed(shown.seed))
        self.real_pictures = to_floats(source.images[chosen[:64]])  # (64, C, H, W)
        self.real_labels = None if source.labels is None else source.labels[chosen[:64]].to(self.shown.device)
        self.reference = diversity(self.real_pictures)
        self._shown_exhibits: list[tuple[Exhibit, bytes]] = []
        self._exhibits_due = 0.0

    def _samples(self, n: int) -> Tensor:
        generators = self.shown.generators
        with evaluating(*generators.values()):
            return self.shown.recipe.generate(generators, self.z[:n]).float()

    def measure(self) -> Values:
        """Diversity of samples relative to real data, and where a classifier ships, their classes and the KL
        to the data's.
        """
        samples = self._samples(MEASURED)
        if not bool(torch.isfinite(samples).all()):
            return {"samples": len(samples)}
        found: dict[str, Any] = {
            "samples": len(samples),
            "diversity": diversity(samples[:64].cpu()) / max(self.reference, 1e-8),
        }
        networks = self.shown.networks
        with evaluating(*networks.values()):
            found |= self.shown.recipe.figures(networks, self.source)
        return found | (self.counter.count(samples) if self.counter else {})

    def _exhibits(self) -> list[tuple[Exhibit, bytes]]:
        """What is special about this GAN, drawn anew every ``EXHIBIT_EVERY_S``: it may take several times
        what the samples take.
        """
        if time.perf_counter() < self._exhibits_due:
            return self._shown_exhibits
        networks = self.shown.networks
        with evaluating(*networks.values()):
            real = self.real_pictures.to(self.shown.device)
            found = self.shown.recipe.exhibits(Show(networks, self.z, real, self.real_labels))
        self._shown_exhibits = [
            (one, to_png(picture_grid(one.pictures, one.rows, one.columns))) for one in found
        ]
        self._exhibits_due = time.perf_counter() + EXHIBIT_EVERY_S
        return self._shown_exhibits

    def frame(self, header: Moment) -> bytes:
        """A packed frame of the present state: samples, and one grid for each exhibit of the GAN."""
        cell = list(self.source.shape[1:])
        arrays: dict[str, np.ndarray | bytes] = {"samples": to_png(picture_grid(self._samples(64), *GRID))}
        shown = []
        for exhibit, png in self._exhibits():
            arrays[f"exhibit_{exhibit.name}"] = png
            words = {"name": exhibit.name, "title": exhibit.title, "sentence": exhibit.sentence}
            words["marks"] = exhibit.marks
            shape = {"grid": [exhibit.rows, exhibit.columns], "cell": list(exhibit.pictures.shape[2:])}
            shown.append(words | shape)
        extra = {"kind": "images", "grid": list(GRID), "cell": cell, "exhibits": shown}
        return frames.pack({**header, **extra}, arrays)

    def real(self) -> bytes:
        """A packed frame with a grid of real pictures."""
        cell = list(self.source.shape[1:])
        grid = to_png(picture_grid(self.real_pictures, *GRID))
        return frames.pack({"kind": "images", "grid": list(GRID), "cell": cell}, {"samples": grid})

    def thumbnail(self) -> bytes:
        """A small picture: the first 16 samples."""
        grid = picture_grid(self._samples(16), 4, 4)
        return to_png(grid.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST))
