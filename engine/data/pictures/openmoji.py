"""OpenMoji: 2,109 emoji in one style, each in colour and as black lines. Ships beside this file; see
openmoji.LICENCE.md.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from engine import options
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import lot
from engine.data.source import ImageSource, flips_knob
from engine.options import BadInput, knob

FILE = Path(__file__).with_name("openmoji.zip")
LARGE = Path(__file__).with_name("openmoji_128.zip")  # the same sheets at twice the size, for line_art.py
INDEX = "emoji.csv"  # one line an emoji, in the order of the sheets
SIDE, LARGE_SIDE, ACROSS = 64, 128, 48  # px of an emoji in either file; emoji in a row of a sheet
TEST_SHARE = 0.1
GROUPS = (
    "smileys-emotion",
    "people-body",
    "animals-nature",
    "food-drink",
    "travel-places",
    "activities",
    "objects",
    "symbols",
    "extras-openmoji",
    "extras-unicode",
)
Drawing = Literal["colour", "line"]
Part = Literal["train", "test"]


@dataclass(frozen=True)
class Emoji:
    """What OpenMoji says about one drawing. ``base`` names its family: emoji that share it share the part."""

    hexcode: str  # code points in hexadecimal, joined by "-"
    annotation: str
    group: str  # one of GROUPS
    subgroup: str
    tags: tuple[str, ...]
    author: str
    base: str

    @property
    def part(self) -> Part:
        return "test" if lot(f"openmoji {self.base}") < TEST_SHARE else "train"


class OpenMojiOptions(options.Options):
    size: Literal[32, 64] = knob(
        64,
        "Picture size",
        "64 pixels, or 32: the mean of each 2 x 2.",
        group="data",
        choices={32: "32 x 32", 64: "64 x 64"},
    )
    drawing: Drawing = knob(
        "colour",
        "Drawing",
        "The finished drawing, or its black outlines alone.",
        group="data",
        choices={"colour": "In colour", "line": "Black lines"},
    )
    flips: bool = flips_knob()


class OpenMoji(ImageSource):
    """1,896 training and 213 test emoji on white, RGB; ten groups as classes.

    Image i in colour and image i in lines are the same emoji, aligned to the pixel. Emoji that differ only in
    gender, in direction or in colour are on the same side of the split.
    """

    name = "openmoji"
    title = "OpenMoji"
    sentence = (
        "2,109 emoji drawn in one style, each with its line art and its name: small, colourful, varied."
    )
    licence = "CC BY-SA 4.0, OpenMoji (openmoji.org), the open-source emoji and icon project"
    Options = OpenMojiOptions

    @classmethod
    def missing(cls, options: OpenMojiOptions | None = None) -> BadInput | None:
        return not_shipped(FILE, "openmoji")

    def __init__(self, options: OpenMojiOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing():
            raise problem

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.options.size, self.options.size)

    @property
    def classes(self) -> tuple[str, ...]:
        return GROUPS

    @property
    def emoji(self) -> tuple[Emoji, ...]:
        """What is known about each training image."""
        return part("train")

    @property
    def test_emoji(self) -> tuple[Emoji, ...]:
        """What is known about each test image."""
        return part("test")

    @property
    def annotations(self) -> tuple[str, ...]:
        """The name of each training image, such as "grinning face"."""
        return tuple(emoji.annotation for emoji in self.emoji)

    @property
    def images(self) -> torch.Tensor:
        return _images(self.options.drawing, self.options.size)["train"]

    @property
    def labels(self) -> torch.Tensor:
        return _labels("train")

    @property
    def test_images(self) -> torch.Tensor:
        return _images(self.options.drawing, self.options.size)["test"]

    @property
    def test_labels(self) -> torch.Tensor:
        return _labels("test")


def part(which: Part) -> tuple[Emoji, ...]:
    """The emoji of one part, in the order of its images."""
    return tuple(index()[row] for row in rows(which))


@cache
def index() -> tuple[Emoji, ...]:
    """All emoji in the order of the sheets."""
    with zipfile.ZipFile(FILE) as archive:
        lines = csv.DictReader(io.StringIO(archive.read(INDEX).decode()))
        return tuple(
            Emoji(**{**line, "tags": tuple(filter(None, line["tags"].split(", ")))}) for line in lines
        )


@cache
def rows(which: Part) -> list[int]:
    """Places in the sheets of one part's emoji, shuffled once and for all."""
    chosen = [row for row, emoji in enumerate(index()) if emoji.part == which]
    return sorted(chosen, key=lambda row: lot(index()[row].hexcode))


@cache
def _labels(which: Part) -> torch.Tensor:
    return torch.tensor([GROUPS.index(emoji.group) for emoji in part(which)])


@cache
def _images(drawing: Drawing, size: int) -> dict[str, torch.Tensor]:
    """Both parts, uint8 (N, 3, size, size), decoded once a process."""
    with zipfile.ZipFile(FILE) as archive:
        images = cells(archive.read(f"{drawing}.webp"), SIDE, size)
    return {which: images[rows(which)] for which in ("train", "test")}


def cells(raw: bytes, side: int, size: int) -> torch.Tensor:
    """The pictures of a sheet of cells of ``side`` px, in order, each made ``size`` px by taking means: uint8
    (N, 3, size, size), the blank ones at the end included.
    """
    with Image.open(io.BytesIO(raw)) as file:
        sheet = file.convert("RGB").reduce(side // size)
    parts = (
        np.array(sheet).reshape(-1, size, ACROSS, size, 3).transpose(0, 2, 4, 1, 3)
    )  # (rows, columns, 3, H, W)
    return torch.from_numpy(parts.reshape(-1, 3, size, size))  # (N, 3, H, W)
