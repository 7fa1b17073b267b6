"""OpenMoji's line art and the finished drawings, as pairs, with what is held out by family.

N pictures, H = W = the option ``size``, M the margin.
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from typing import Literal, get_args

import torch
import torch.nn.functional as F

from engine import options
from engine.data.pictures import openmoji
from engine.data.pictures.openmoji import OpenMoji
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import Part, Split
from engine.data.translations.two_sides import Side, SquareSource
from engine.options import BadInput, knob


class LineArtOptions(options.Options):
    size: Literal[64, 128] = knob(
        128,
        "Picture size",
        "Pixels high and wide; 64 trains four times as fast.",
        group="data",
        choices={64: "64 x 64", 128: "128 x 128"},
    )


class LineArt(SquareSource):
    """Black outlines (A) and the same emoji in colour (B), split as in ``OpenMoji``."""

    name = "line_art"
    title = "Line art and colour"
    sentence = "Colour in outlines: 2,109 emoji, each as black line art and as the finished drawing."
    licence = OpenMoji.licence
    kind = "pairs"
    names = ("line art", "colour")
    flips = True
    Options = LineArtOptions

    @classmethod
    def missing(cls, options: LineArtOptions | None = None) -> BadInput | None:
        return OpenMoji.missing() or not_shipped(openmoji.LARGE, "openmoji_128")

    def pictures(self, side: Side, part: Part) -> torch.Tensor:
        return _parts("line" if side == "a" else "colour", self.options.size, self.split)[part]


@lru_cache(maxsize=2)  # both sides of one size: 130 MB at 128 px
def _parts(drawing: openmoji.Drawing, size: int, split: Split) -> dict[Part, torch.Tensor]:
    """The training part with a white border, so that windows of it shift: uint8 (N, 3, H + M, W + M); the
    others without.
    """
    images = drawings(drawing, size)
    parts = {part: images[openmoji.rows(part, split)] for part in get_args(Part)}
    parts["train"] = white_border(parts["train"], size // 16)
    return {part: images.expand(-1, 3, -1, -1) for part, images in parts.items()}


def drawings(drawing: openmoji.Drawing, size: int) -> torch.Tensor:
    """All drawings, in the order of ``openmoji.index()``, ``size`` 128 or 64: uint8 (N, 3, H, W) in colour,
    (N, 1, H, W) of lines.
    """
    large = size == openmoji.LARGE_SIDE
    file, side = (openmoji.LARGE, openmoji.LARGE_SIDE) if large else (openmoji.FILE, openmoji.SIDE)
    with zipfile.ZipFile(file) as archive:
        images = openmoji.cells(archive.read(f"{drawing}.webp"), side, size)[: len(openmoji.index())]
    return images[:, :1] if drawing == "line" else images


def white_border(images: torch.Tensor, border: int) -> torch.Tensor:
    """``images`` (N, C, H, W) with ``border`` white pixels on each side."""
    return F.pad(images, [border] * 4, value=255)
