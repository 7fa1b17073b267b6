"""OpenMoji: 2,109 emoji in one style, each in colour and as black lines. Ships beside this file; see
openmoji.LICENCE.md.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from engine import options
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import Part, Split, lot
from engine.data.source import Labelled, PartedSource, flips_knob
from engine.options import BadInput, knob

FILE = Path(__file__).with_name("openmoji.zip")
LARGE = Path(__file__).with_name("openmoji_128.zip")  # the same sheets at twice the size, for line_art.py
FAMILIES = Path(__file__).with_name(
    "openmoji.families.txt"
)  # codes of a family a line; see ``building.families``
INDEX = "emoji.csv"  # one line an emoji, in the order of the sheets
SIDE, LARGE_SIDE, ACROSS = 64, 128, 48  # px of an emoji in either file; emoji in a row of a sheet
TEST_SHARE, VAL_SHARE = 0.1, 0.05
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


@dataclass(frozen=True)
class Emoji:
    """What OpenMoji says about one drawing. Emoji that differ only in gender, in direction or in colour have
    the same ``base``.
    """

    hexcode: str  # code points in hexadecimal, joined by "-"
    annotation: str
    group: str  # one of GROUPS
    subgroup: str
    tags: tuple[str, ...]
    author: str
    base: str

    def family(self, split: Split) -> str:
        """What names those that are always on one side of a split."""
        return families().get(self.hexcode, self.base) if split == "families" else self.base

    def part(self, split: Split) -> Part | None:
        """Where it belongs; ``None`` if it is neither learned from nor unseen."""
        drawn = lot(f"openmoji {self.family(split)}")
        if split == "families":
            return "test" if drawn < TEST_SHARE else "val" if drawn < TEST_SHARE + VAL_SHARE else "train"
        if drawn >= TEST_SHARE:
            return "train"
        return None if split == "unseen" and self.family("families") in learned_families() else "test"


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


class OpenMoji(PartedSource):
    """1,838 emoji to learn from, 81 to choose by and 190 to test on, on white, RGB; ten groups as classes.

    Image i in colour and image i in lines are the same emoji, aligned to the pixel. Emoji that differ only in
    gender, in direction, in colour or in a detail of their outline are on the same side of the split.
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
        return part("train", self.split)

    @property
    def test_emoji(self) -> tuple[Emoji, ...]:
        """What is known about each test image."""
        return part("test", self.split)

    @property
    def annotations(self) -> tuple[str, ...]:
        """The name of each training image, such as "grinning face"."""
        return tuple(emoji.annotation for emoji in self.emoji)

    def held(self, part: Part) -> Labelled | None:
        if not rows(part, self.split):
            return None
        images = _images(self.options.drawing, self.options.size, part, self.split)
        return Labelled(images, _labels(part, self.split))


def part(which: Part, split: Split) -> tuple[Emoji, ...]:
    """The emoji of one part, in the order of its images."""
    return tuple(index()[row] for row in rows(which, split))


@cache
def families() -> dict[str, str]:
    """The families of emoji with more than one base: by code, the base of the first."""
    bases = {one.hexcode: one.base for one in index()}
    lines = [line.split() for line in FAMILIES.read_text("utf-8").splitlines()]
    return {code: bases[line[0]] for line in lines for code in line}


@cache
def learned_families() -> set[str]:
    """The families of emoji that runs with the split "names" learn from."""
    return {one.family("families") for one in index() if one.part("names") == "train"}


@cache
def index() -> tuple[Emoji, ...]:
    """All emoji in the order of the sheets."""
    with zipfile.ZipFile(FILE) as archive:
        lines = csv.DictReader(io.StringIO(archive.read(INDEX).decode()))
        return tuple(
            Emoji(**{**line, "tags": tuple(filter(None, line["tags"].split(", ")))}) for line in lines
        )


@cache
def rows(which: Part, split: Split) -> list[int]:
    """Places in the sheets of one part's emoji, shuffled once and for all."""
    chosen = [row for row, emoji in enumerate(index()) if emoji.part(split) == which]
    return sorted(chosen, key=lambda row: lot(index()[row].hexcode))


@cache
def _labels(which: Part, split: Split) -> torch.Tensor:
    return torch.tensor([GROUPS.index(emoji.group) for emoji in part(which, split)])


@cache
def _images(drawing: Drawing, size: int, which: Part, split: Split) -> torch.Tensor:
    """One part, uint8 (N, 3, size, size), kept once a process."""
    return _sheet(drawing, size)[rows(which, split)]


@lru_cache(maxsize=2)
def _sheet(drawing: Drawing, size: int) -> torch.Tensor:
    """All of them, uint8 (N, 3, size, size)."""
    with zipfile.ZipFile(FILE) as archive:
        return cells(archive.read(f"{drawing}.webp"), SIDE, size)


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
