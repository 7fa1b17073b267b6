"""Pixels as networks see them, and back: numbers from -1 (black) to 1 (white). The one place that scales."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor

LEVELS = 127.5  # grey levels from 0 to 1


def to_floats(pixels: Tensor) -> Tensor:
    """uint8 of any shape as float32 in [-1, 1], in the same memory format."""
    assert pixels.dtype == torch.uint8
    return scaled_(pixels.to(torch.float32))


def scaled_(levels: Tensor) -> Tensor:
    """Grey levels 0..255 that are floats already as numbers in [-1, 1], in place."""
    return levels.div_(LEVELS).sub_(1.0)


def to_pixels(x: Tensor, cut: bool = False) -> Tensor:
    """Numbers in [-1, 1], others cut off, as uint8: rounded, so that a picture comes back as it was, or
    ``cut`` to the level below.
    """
    levels = x.detach().clamp(-1, 1).add_(1).mul_(LEVELS)
    return (levels if cut else levels.round_()).to(torch.uint8)


def to_png(picture: Image.Image, effort: int = 1) -> bytes:
    """``picture`` as a PNG file. ``effort``: 1 is quick, 9 small."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=effort)
    return file.getvalue()
