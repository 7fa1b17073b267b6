"""Twemoji as it ships: 1,612 emoji in flat colours without outlines, those that OpenMoji has too; see
twemoji.LICENCE.md.
"""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import torch

from engine.data.pictures import openmoji

FILE = Path(__file__).with_name("twemoji.zip")
CODES, SHEET = "codes.txt", "colour.webp"
# px of a cell and of Twemoji's canvas in it: Twemoji fills its canvas, OpenMoji three quarters (the median).
SIDE, INNER = 128, 98


def key(hexcode: str) -> str:
    """A code as both sets know it: they differ in case and in whether they name the variation selector."""
    return hexcode.upper().replace("-FE0F", "")


@cache
def codes() -> tuple[str, ...]:
    """OpenMoji's codes of the drawings, in the order of the sheet."""
    with zipfile.ZipFile(FILE) as archive:
        return tuple(archive.read(CODES).decode().split("\n"))


def drawings(size: int) -> torch.Tensor:
    """All drawings in the order of ``codes()``: uint8 (N, 3, size, size), ``size`` 128 or 64."""
    with zipfile.ZipFile(FILE) as archive:
        return openmoji.cells(archive.read(SHEET), SIDE, size)[: len(codes())]
