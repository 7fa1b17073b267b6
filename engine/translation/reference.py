"""The reference implementation's own way with pictures, so that its results can be had again to 1 of 255.

Its ``--preprocess`` at test time, with ``--load_size`` and ``--crop_size`` at the model's size: EXIF data,
profiles and transparency are not looked at, and PIL's bicubic filter brings the picture to a size that it may
not have the aspect of. The result stays at that size, and its numbers are cut to levels, not rounded.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from engine.data.reading.opening import open_picture
from engine.options import BadInput

Preprocess = Literal["off", "resize_and_crop", "scale_width", "none"]
BASE = 4  # of which sides are multiples under "none"


def preprocessed(raw: bytes, how: Preprocess, size: int, channels: int) -> tuple[np.ndarray, list[str]]:
    """A picture file as uint8 (H, W, ``channels``), 1 or 3, at ``size`` px as ``how`` means it, and notes.
    Raises ``BadInput``.
    """
    if channels not in (1, 3):
        raise BadInput("the reference knows RGB and grey pictures only.", "preprocess", "Leave it off.")
    opened, notes = open_picture(raw)
    picture = opened.convert("RGB").convert("L" if channels == 1 else "RGB")
    wanted = _size(*picture.size, how, size)
    if picture.size != wanted:
        picture = picture.resize(wanted, Image.Resampling.BICUBIC)
    pixels = np.asarray(picture)
    return (pixels[..., None] if channels == 1 else pixels), notes


def _size(width: int, height: int, how: Preprocess, size: int) -> tuple[int, int]:
    """Width and height that a picture is brought to."""
    if how == "resize_and_crop":
        return size, size
    if how == "scale_width":
        if width == size and height >= size:
            return width, height
        return size, int(max(size * height / width, size))
    return round(width / BASE) * BASE or BASE, round(height / BASE) * BASE or BASE


def check_multiple(height: int, width: int, step: int) -> None:
    """Refuse sizes at which the reference fails, or gives pictures of another size. Raises ``BadInput``."""
    if height % step or width % step:
        raise BadInput(
            f"it comes to {width} x {height} px, and this network takes multiples of {step}.",
            "preprocess",
            "Choose resize_and_crop, or leave preprocess off.",
        )
