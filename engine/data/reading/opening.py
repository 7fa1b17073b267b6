"""A picture file that somebody sends, opened and decoded whatever its format."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFile

from engine.data.reading import pictures
from engine.data.reading.pictures import TooLargeError, UnreadableError
from engine.options import BadInput

PNG, COLOURED = (
    b"\x89PNG\r\n\x1a\n",
    (2, 4, 6),
)  # a file's first bytes; kinds of pixels that Pillow cuts to 8 bits
LEAST = 0.25  # share of a cut file's rows that must be there


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
        notes = ["Animated: this is its first frame."] if getattr(picture, "is_animated", False) else []
        if raw[:8] == PNG and raw[24] == 16 and raw[25] in COLOURED:
            notes.append("Of its 16 bits a colour the first 8 were read.")
        decoded = _decoded(raw, picture, notes)
        if decoded.mode == "F" and not np.isfinite(np.asarray(decoded)).all():
            raise UnreadableError("it holds values that are not numbers")
        return decoded, notes
    except TooLargeError as problem:
        raise BadInput(f"that picture has {problem}.", "image", "Send one of at most 64 million.") from None
    except UnreadableError as problem:
        remedy = "Send a PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF."
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
