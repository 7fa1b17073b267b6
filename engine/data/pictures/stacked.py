"""Stacked MNIST: three digits at once, as red, green and blue; 1,000 modes to find (Metz et al. 2017,
unrolled GANs; Srivastava et al. 2017, VEEGAN).
"""

from __future__ import annotations

from functools import cache

import torch

from engine.data.pictures import mnist
from engine.data.pictures.mnist import DigitsOptions, Mnist
from engine.data.reading.split import Part, Split
from engine.data.source import Labelled, PartedSource
from engine.options import BadInput

SEEDS: dict[Part, int] = {"train": 0, "test": 1, "val": 2}


class Stacked(PartedSource):
    """As many images as MNIST's parts have: each digit is once red, once green and once blue.

    The class is the number that the three digits spell, red first. Digits stay in their part.
    """

    name = "stacked_mnist"
    title = "Stacked MNIST"
    sentence = "Three random digits as red, green and blue: 1,000 modes that can be counted."
    licence = Mnist.licence
    Options = DigitsOptions

    @classmethod
    def missing(cls, options: DigitsOptions | None = None) -> BadInput | None:
        return Mnist.missing(options)

    def __init__(self, options: DigitsOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing():
            raise problem

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.options.size, self.options.size)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(f"{number:03}" for number in range(1000))

    def held(self, part: Part) -> Labelled | None:
        return _stacked(part, self.options.size, self.split)


@cache
def digits(part: Part, split: Split) -> torch.Tensor:
    """Which digits of MNIST's part stand in the red, green and blue channel of each image: int64 (N, 3)."""
    found = mnist.read(part, 28, split)
    assert found is not None
    generator = torch.Generator().manual_seed(SEEDS[part])
    return torch.stack([torch.randperm(len(found.images), generator=generator) for _ in range(3)], 1)


@cache
def _stacked(part: Part, size: int, split: Split) -> Labelled | None:
    """uint8 (N, 3, size, size) and numbers of three digits (N,), stacked once a process."""
    found = mnist.read(part, size, split)
    if found is None:
        return None
    images, labels = found
    assert labels is not None
    places = digits(part, split)  # (N, 3)
    hundreds, tens, ones = labels[places].unbind(1)
    return Labelled(images[:, 0][places], 100 * hundreds + 10 * tens + ones)  # (N, 3, H, W)
