"""MNIST: 70,000 handwritten digits (LeCun, Cortes, Burges). Ships beside this file; see mnist.LICENCE.md."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from engine import options
from engine.data.reading.split import Part, Split
from engine.data.source import Labelled, PartedSource, pad
from engine.options import BadInput, knob

FILE = Path(__file__).with_name("mnist.npz")
VALIDATION = 12  # the last 12th of the published training part is chosen by: 5,000 images


class DigitsOptions(options.Options):
    size: Literal[28, 32] = knob(
        28,
        "Picture size",
        "28 pixels as published, or 32 with a black border.",
        group="data",
        choices={28: "28 x 28, as published", 32: "32 x 32, with a border"},
    )


class Mnist(PartedSource):
    """Images of the digits 0-9, grey: 55,000 to learn from, 5,000 to choose by and 10,000 to test on."""

    name = "mnist"
    title = "MNIST digits"
    sentence = "70,000 handwritten digits: the classic, complete and offline."
    licence = "CC BY-SA 3.0, Yann LeCun and Corinna Cortes; derived from NIST Special Databases 1 and 3"
    Options = DigitsOptions
    classifier = "mnist-classifier"

    @classmethod
    def missing(cls, options: DigitsOptions | None = None) -> BadInput | None:
        if FILE.exists():
            return None
        return BadInput(
            f"{FILE.name} is not where it ships.", "data", "Rebuild it: python -m engine.data.building.build"
        )

    def __init__(self, options: DigitsOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing():
            raise problem

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.options.size, self.options.size)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def held(self, part: Part) -> Labelled | None:
        return read(part, self.options.size, self.split)


@cache
def read(part: Part, size: int, split: Split) -> Labelled | None:
    """Images uint8 (N, 1, size, size) and labels int64 (N,) of one part, read once a process."""
    found = published("test" if part == "test" else "train", size)
    return found if part == "test" else validated(found, part, split)


def validated(published: Labelled, part: Part, split: Split) -> Labelled | None:
    """What of the published training part is learned from, or chosen by: the last ones,
    most of which are of other writers, since a writer's digits lie together.
    """
    if split != "families":
        return published if part == "train" else None
    images, labels = published
    assert labels is not None
    first = len(images) - len(images) // VALIDATION
    kept = slice(None, first) if part == "train" else slice(first, None)
    return Labelled(images[kept], labels[kept])


@cache
def published(which: Literal["train", "test"], size: int) -> Labelled:
    if size != 28:
        images, labels = published(which, 28)
        return Labelled(pad(images, size), labels)
    # each member is unpacked on its own: the test part costs nothing unless asked for
    with np.load(FILE) as arrays:
        images = torch.from_numpy(arrays[f"{which}_images"])[:, None]  # (N, 1, 28, 28)
        return Labelled(images, torch.from_numpy(arrays[f"{which}_labels"]).long())
