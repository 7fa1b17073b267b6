"""MNIST: 70,000 handwritten digits (LeCun, Cortes, Burges). Ships beside this file; see mnist.LICENCE.md."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from engine import options
from engine.data.source import ImageSource, pad
from engine.options import BadInput, knob

FILE = Path(__file__).with_name("mnist.npz")


class DigitsOptions(options.Options):
    size: Literal[28, 32] = knob(
        28,
        "Picture size",
        "28 pixels as published, or 32 with a black border.",
        group="data",
        choices={28: "28 x 28, as published", 32: "32 x 32, with a border"},
    )


class Mnist(ImageSource):
    """60,000 training and 10,000 test images of the digits 0-9, grey."""

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

    @property
    def images(self) -> torch.Tensor:
        return part("train", self.options.size)[0]

    @property
    def labels(self) -> torch.Tensor:
        return part("train", self.options.size)[1]

    @property
    def test_images(self) -> torch.Tensor:
        return part("test", self.options.size)[0]

    @property
    def test_labels(self) -> torch.Tensor:
        return part("test", self.options.size)[1]


@cache
def part(which: Literal["train", "test"], size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (N, 1, size, size) and labels int64 (N,) of one part, read once a process."""
    if size != 28:
        images, labels = part(which, 28)
        return pad(images, size), labels
    with np.load(
        FILE
    ) as arrays:  # each member is unpacked on its own: the test part costs nothing unless asked for
        images = torch.from_numpy(arrays[f"{which}_images"])[:, None]  # (N, 1, 28, 28)
        return images, torch.from_numpy(arrays[f"{which}_labels"]).long()
