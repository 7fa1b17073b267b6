"""A picture that somebody sends, as a model would see it: any common format in, (C, H, W) in [-1, 1] out.

Runs in the batch process: what decodes files from outside may crash, and must take nobody with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from engine.data.pixels import to_floats, to_png
from engine.data.reading import pictures
from engine.data.reading.opening import open_picture
from engine.game.recipe import Shape
from engine.live.drawing import picture_grid
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.pictures import Look

LIGHT_ON_DARK = ("mnist", "fashion", "stacked_mnist")  # data whose ground is black
HANDWRITTEN = ("mnist", "stacked_mnist")  # each fits a box of 20 of 28 px, its centre of mass in the middle
BOX = 20 / 28
WORKED_ON = 256  # px that a handwritten picture has while it is centred


def read(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Turn the file of a ``Look`` into what the model's data look like.

    ``{"pixels": uint8 (C, H, W) as bytes, "original": PNG, "note": what was done to it}``. ``invert`` and
    ``centre`` (true, false) overrule what would be guessed. Raises ``BadInput`` with the reason.
    """
    shape = loaded.model.shape
    if shape.kind != "images":
        raise BadInput("this model draws points, not pictures.", "model", "Choose a model of pictures.")
    asked = Look.read(arguments)
    picture, notes = open_picture(asked.image)
    data = loaded.model.config["data"]
    try:
        array = fit(picture, shape, data, asked.invert, asked.centre, notes)
    except pictures.UnreadableError as problem:
        remedy = "Save it anew as PNG."
        raise BadInput(f"that file cannot be read: {problem}.", "image", remedy) from None
    original = picture_grid(as_input(array.tobytes(), shape)[None], 1, 1)
    return {"result": {"pixels": array.tobytes(), "original": to_png(original), "note": " ".join(notes)}}


def as_input(pixels: bytes, shape: Shape) -> Tensor:
    """Bytes of uint8 (C, H, W) as float32 in [-1, 1]."""
    flat = torch.frombuffer(bytearray(pixels), dtype=torch.uint8)
    return to_floats(flat.view(*shape.shape))  # (C, H, W)


def fit(
    picture: Image.Image, shape: Shape, data: str, invert: bool | None, centre: bool, notes: list[str]
) -> np.ndarray:
    """``picture`` in the size and colours of ``data``: uint8 (C, H, W). Adds to ``notes`` what was done."""
    channels, size = shape.shape[0], shape.shape[1]
    if data not in LIGHT_ON_DARK:
        plain = pictures.upright(picture, size)
        return _array(ImageOps.fit(plain.convert("RGB"), (size, size), Image.Resampling.LANCZOS), channels)
    plain = _readable(picture, WORKED_ON)
    dark_on_light = _ground(plain) > 127
    if dark_on_light if invert is None else invert:
        plain = ImageOps.invert(plain)
        notes.append("Inverted: the data are light on black.")
    if data in HANDWRITTEN and centre and plain.size != (size, size):
        plain = _centred(plain.convert("L"), size)
        notes.append("Scaled and centred as handwritten digits are in MNIST.")
    return _array(ImageOps.fit(plain, (size, size), Image.Resampling.LANCZOS), channels)


def _readable(picture: Image.Image, size: int) -> Image.Image:
    """What is transparent on black or on white, wherever more is to be seen; RGB."""
    grounds = ("black", "white") if picture.has_transparency_data else ("black",)
    layers = [pictures.upright(picture.copy(), size, ground).convert("RGB") for ground in grounds]
    return max(layers, key=lambda layer: float(np.asarray(layer.convert("L"), np.float32).std()))


def _ground(picture: Image.Image) -> float:
    """The median brightness of the outermost pixels, 0..255."""
    grey = np.asarray(picture.convert("L"))
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))


def _centred(picture: Image.Image, size: int) -> Image.Image:
    """The ink of a light on dark ``picture`` as MNIST has it (LeCun et al. 1998, section III.A)."""
    grey = np.asarray(picture, np.float32)
    dark, light = np.percentile(grey, 5), float(grey.max())
    if light - dark < 16:
        return picture  # there is nothing on it
    ink = np.clip((grey - dark) / (light - dark), 0, 1)
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis)) for axis in (1, 0))
    cut = Image.fromarray((ink * 255).astype(np.uint8)).crop(
        (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    )
    scale = size * BOX / max(cut.size)
    small = cut.resize([max(1, round(side * scale)) for side in cut.size], Image.Resampling.BOX)
    mass = np.asarray(small, np.float32)
    total = max(float(mass.sum()), 1.0)
    x = float((mass.sum(0) * (np.arange(mass.shape[1]) + 0.5)).sum()) / total
    y = float((mass.sum(1) * (np.arange(mass.shape[0]) + 0.5)).sum()) / total
    sheet = Image.new("L", (size, size))
    sheet.paste(small, (round(size / 2 - x), round(size / 2 - y)))
    return sheet


def _array(picture: Image.Image, channels: int) -> np.ndarray:
    """uint8 (C, H, W), grey if there is one channel."""
    array = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    return array[None] if channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))
