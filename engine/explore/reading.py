"""A picture that somebody sends, as a model would see it: any common format in, (C, H, W) in [-1, 1] out.

Runs in the batch process: what decodes files from outside may crash, and must take nobody with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps
from torch import Tensor

from engine.data import pictures
from engine.data.pictures import TooLargeError, UnreadableError
from engine.explore.loaded import Loaded
from engine.gans.base import Shape
from engine.options import BadInput
from engine.picture import picture_grid, to_png

LIGHT_ON_DARK = ("mnist", "fashion", "stacked_mnist")  # data whose ground is black
HANDWRITTEN = ("mnist", "stacked_mnist")  # each fits a box of 20 of 28 px, its centre of mass in the middle
BOX = 20 / 28
LEAST = 0.25  # share of a cut file's rows that must be there
WORKED_ON = 256  # px that a handwritten picture has while it is centred


def read(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Turn the file ``arguments["raw"]`` into what the model's data look like.

    ``{"pixels": uint8 (C, H, W) as bytes, "original": PNG, "note": what was done to it}``. ``invert`` and
    ``centre`` (true, false) overrule what would be guessed. Raises ``BadInput`` with the reason.
    """
    shape = loaded.model.shape
    if shape.kind != "images":
        raise BadInput("this model draws points, not pictures.", "model", "Choose a model of pictures.")
    picture, notes = open_picture(arguments["raw"])
    data = loaded.model.config["data"]
    array = fit(picture, shape, data, arguments.get("invert"), arguments.get("centre", True), notes)
    original = picture_grid(as_input(array.tobytes(), shape)[None], 1, 1)
    return {"result": {"pixels": array.tobytes(), "original": to_png(original), "note": " ".join(notes)}}


def as_input(pixels: bytes, shape: Shape) -> Tensor:
    """Bytes of uint8 (C, H, W) as float32 in [-1, 1]."""
    flat = torch.frombuffer(bytearray(pixels), dtype=torch.uint8)
    return flat.view(*shape.shape).float() / 127.5 - 1  # (C, H, W)


def open_picture(raw: bytes) -> tuple[Image.Image, list[str]]:
    """The picture in ``raw``, decoded, and what is to be said about it. Raises ``BadInput``."""
    if not raw:
        raise BadInput("the file is empty.", "image", "Send a picture.")
    if b"<svg" in raw[:4096].lower():
        raise BadInput("that is an SVG drawing.", "image", "Export it as PNG, and send that.")
    try:
        picture, pixels = pictures.size_of(raw)
        if not pixels:
            raise BadInput("the picture has no pixels.", "image", "Send one with at least 1 x 1.")
        notes = ["Animated: this is its first frame."] if getattr(picture, "n_frames", 1) > 1 else []
        return _decoded(raw, picture, notes), notes
    except TooLargeError as problem:
        raise BadInput(f"that picture has {problem}.", "image", "Send one of at most 64 million.") from None
    except UnreadableError as problem:
        remedy = "Send a PNG, JPEG, WebP, GIF, BMP or TIFF."
        raise BadInput(f"that file cannot be read: {problem}.", "image", remedy) from None


def _decoded(raw: bytes, picture: Image.Image, notes: list[str]) -> Image.Image:
    """``picture`` with its pixels; of a file that ends too early, what there is."""
    try:
        picture.load()
        return picture
    except pictures.DAMAGED as problem:
        picture, _ = pictures.size_of(raw)
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            picture.load()
        except pictures.DAMAGED:
            raise UnreadableError(f"damaged: {problem}") from None
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        grey = np.asarray(picture.convert("L"))
        read = np.flatnonzero((grey != grey[-1, -1]).any(1))  # what was not read has one colour
        if not len(read) or read[-1] < LEAST * len(grey):
            raise UnreadableError("most of it is missing") from None
        notes.append("The file is damaged: a part of the picture is missing.")
        return picture


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
