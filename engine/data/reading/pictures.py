"""One user's picture file to one small array: any common format in, uint8 (C, size, size) out."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

# no EPS or PDF: those run other programs
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
MAX_PIXELS = 64_000_000
Image.MAX_IMAGE_PIXELS = (
    MAX_PIXELS  # Pillow's own guard against decompression bombs, for whoever opens a file past this module
)

# What Pillow raises over damaged files: its decoders were written by many hands.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    RuntimeError,  # AVIF
    MemoryError,
    struct.error,
    zlib.error,
)


class UnreadableError(Exception):
    """A file that is no picture, or a damaged one. ``str()`` says why."""


class TooLargeError(Exception):
    """A picture with more pixels than may be decoded. ``str()`` says how many."""


def size_of(raw: bytes) -> tuple[Image.Image, int]:
    """The picture in ``raw``, not yet decoded, and its number of pixels. Raises ``UnreadableError`` or
    ``TooLargeError``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # over tags that do not matter, and over sizes: see below
            picture = Image.open(io.BytesIO(raw), formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooLargeError(f"more than {2 * MAX_PIXELS / 1e6:.0f} million pixels") from None
    except Image.UnidentifiedImageError:
        raise UnreadableError("not a picture in a known format") from None
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise TooLargeError(f"{pixels / 1e6:.0f} million pixels")
    return picture, pixels


def shrink(picture: Image.Image, size: int, colour: bool) -> np.ndarray:
    """``picture`` turned upright, scaled and centre-cropped: uint8 (3, size, size), or (1, size, size).

    What is transparent becomes white. Raises ``UnreadableError`` if decoding fails.
    """
    return fitted(upright(picture, size), size, colour)


def fitted(plain: Image.Image, size: int, colour: bool) -> np.ndarray:
    """What ``upright`` gives, scaled and centre-cropped: uint8 (3, size, size), or (1, size, size)."""
    try:
        small = ImageOps.fit(plain.convert("RGB" if colour else "L"), (size, size), Image.Resampling.LANCZOS)
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None
    array = np.asarray(small)
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if colour else array[None]  # (C, size, size)


def halves(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The left and the right half of a picture of two side by side, upright. Raises ``UnreadableError`` if it
    cannot be such a picture, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ImageOps.exif_transpose(picture, in_place=True)
        width, height = picture.size
        if width < height or width % 2:
            why = "odd, so its halves are not alike" if width % 2 else "less than its height, so it is no A|B"
            raise UnreadableError(f"its width of {width} px is {why}")
        return picture.crop((0, 0, width // 2, height)), picture.crop((width // 2, 0, width, height))
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None


def upright(picture: Image.Image, size: int, ground: str = "white") -> Image.Image:
    """``picture`` as 8-bit RGB or grey, turned as its EXIF data say, transparency on ``ground``, its shorter
    side made not much longer than 3 ``size``. Raises ``UnreadableError`` if decoding fails.
    """
    try:
        if picture.format == "JPEG":
            picture.draft(None, (2 * size, 2 * size))  # decodes at a fraction of the size, many times faster
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ImageOps.exif_transpose(picture, in_place=True)
        return _plain(picture, max(1, min(picture.size) // (3 * size)), ground)
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None


def _plain(picture: Image.Image, by: int, ground: str) -> Image.Image:
    """``picture`` as 8-bit RGB or grey, ``by`` times smaller so that what follows is quick.

    Deeper ones are scaled, palettes resolved, transparency put on ``ground``.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(np.asarray(picture), picture.mode, by)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA").reduce(by)
        return Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer).convert("RGB")
    return (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).reduce(by)


def _eight_bits(values: np.ndarray, mode: str, by: int) -> Image.Image:
    """Grey ``values`` (H, W) of more than 8 bits as 0..255; Pillow's ``mode`` says what white is. Means of
    ``by`` x ``by``.
    """
    height, width = values.shape[0] // by, values.shape[1] // by
    top = float(values.max(initial=0))
    means = values[: height * by, : width * by].reshape(height, by, width, by).mean((1, 3), dtype=np.float32)
    if not np.isfinite(means).all():
        raise UnreadableError("holds values that are no numbers")
    if mode.startswith("I;16") or (mode == "I" and 255 < top <= 65535):
        white = 65535.0
    elif mode == "F" and top <= 1:
        white = 1.0
    else:
        white = max(255.0, top)
    return Image.fromarray(np.clip(means * (255.0 / white), 0, 255).round().astype(np.uint8))


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:120] or type(problem).__name__
