"""Stacked MNIST: three digits at once, as red, green and blue; 1,000 modes to find (Metz et al. 2017,
unrolled GANs; Srivastava et al. 2017, VEEGAN).
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch

from engine.data.pictures import mnist
from engine.data.pictures.mnist import DigitsOptions, Mnist
from engine.data.source import ImageSource
from engine.options import BadInput

Part = Literal["train", "test"]
SEEDS: dict[Part, int] = {"train": 0, "test": 1}


class Stacked(ImageSource):
    """60,000 training and 10,000 test images: each digit of MNIST is once red, once green and once blue.

    The class is the number that the three digits spell, red first. Test images are made of test digits alone.
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

    @property
    def images(self) -> torch.Tensor:
        return _images("train", self.options.size)

    @property
    def labels(self) -> torch.Tensor:
        return _labels("train")

    @property
    def test_images(self) -> torch.Tensor:
        return _images("test", self.options.size)

    @property
    def test_labels(self) -> torch.Tensor:
        return _labels("test")


@cache
def digits(which: Part) -> torch.Tensor:
    """Which digits of MNIST's part stand in the red, green and blue channel of each image: int64 (N, 3)."""
    count = len(mnist.part(which, 28)[1])
    generator = torch.Generator().manual_seed(SEEDS[which])
    return torch.stack([torch.randperm(count, generator=generator) for _ in range(3)], 1)  # (N, 3)


@cache
def _images(which: Part, size: int) -> torch.Tensor:
    """uint8 (N, 3, size, size), stacked once a process."""
    return mnist.part(which, size)[0][:, 0][digits(which)]  # (N, 3, H, W)


@cache
def _labels(which: Part) -> torch.Tensor:
    hundreds, tens, ones = mnist.part(which, 28)[1][digits(which)].unbind(1)
    return 100 * hundreds + 10 * tens + ones
