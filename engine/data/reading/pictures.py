"""One user's picture file to one small array: any common format in, uint8 (C, size, size) out."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

from engine.data.reading import markers

# no EPS or PDF: those run other programs
FORMATS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
try:
    import pillow_heif
except ImportError:  # an optional extra
    HEIC = False
else:
    pillow_heif.register_heif_opener()
    HEIC, FORMATS = True, (*FORMATS, "HEIF")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
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
        markers.check(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # over tags that do not matter, and over sizes: see below
            picture = Image.open(io.BytesIO(raw), formats=FORMATS)
    except markers.CostlyError as why:
        raise UnreadableError(str(why)) from None
    except Image.DecompressionBombError:
        raise TooLargeError(f"more than {2 * MAX_PIXELS / 1e6:.0f} million pixels") from None
    except Image.UnidentifiedImageError:
        raise UnreadableError(_unknown(raw)) from None
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise TooLargeError(f"{pixels / 1e6:.0f} million pixels")
    return picture, pixels


def _unknown(raw: bytes) -> str:
    if raw[4:8] == b"ftyp" and raw[8:12] in _HEIC_BRANDS and not HEIC:
        return "HEIC is read once pillow-heif is installed (pip install 'ganscope[heic]'), or save it as JPEG"
    return "not a picture in a known format"


def shrink(picture: Image.Image, size: int, colour: bool) -> np.ndarray:
    """``picture`` turned upright, scaled and centre-cropped: uint8 (3, size, size), or (1, size, size).

    What is transparent becomes white. Raises ``UnreadableError`` if decoding fails.
    """
    return fitted(upright(picture, size), size, colour)


def fitted(plain: Image.Image, size: int, colour: bool) -> np.ndarray:
    """What ``upright`` gives, scaled and centre-cropped: uint8 (3, size, size), or (1, size, size). What
    ``deep_values`` gives: float32 (1, size, size).
    """
    try:
        if plain.mode == "F":
            return np.asarray(ImageOps.fit(plain, (size, size), Image.Resampling.LANCZOS))[None]
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
        turn(picture)
        width, height = picture.size
        if width < height or width % 2:
            why = (
                "odd, so its halves are not alike"
                if width % 2
                else "less than its height, so it is not a pair A|B"
            )
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
        turn(picture)
        return _plain(picture, _reduction(picture, size), ground)
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None


def is_deep(picture: Image.Image) -> bool:
    """Whether it has more than 8 bits, and grey values alone."""
    return picture.mode.startswith("I") or picture.mode == "F"


def deep_values(picture: Image.Image, size: int) -> tuple[Image.Image, float, float]:
    """A deep picture upright, of floats, its shorter side made not much longer than 3 ``size``, and its least
    and greatest value before. Raises ``UnreadableError``.
    """
    try:
        turn(picture)
        values = np.asarray(picture)
        means = _means(values, _reduction(picture, size))
        return Image.fromarray(means), float(values.min()), float(values.max())
    except DAMAGED as problem:
        raise UnreadableError(f"damaged: {_short(problem)}") from None


def check_exif(picture: Image.Image) -> None:
    """To be called before its Exif data are read. Raises ``UnreadableError``."""
    if picture.format == "PNG":
        picture.load()  # they may stand behind the pixels
    try:
        markers.check_tags(picture.info.get("exif") or b"")
    except markers.CostlyError as why:
        raise UnreadableError(str(why)) from None


def turn(picture: Image.Image) -> None:
    """Turn it as its Exif data say, in place. Raises ``UnreadableError``, or one of ``DAMAGED``."""
    check_exif(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ImageOps.exif_transpose(picture, in_place=True)


def _reduction(picture: Image.Image, size: int) -> int:
    return max(1, min(picture.size) // (3 * size))


def _plain(picture: Image.Image, by: int, ground: str) -> Image.Image:
    """``picture`` as 8-bit RGB or grey, ``by`` times smaller so that what follows is quick.

    Deeper ones are scaled, palettes resolved, transparency put on ``ground``.
    """
    if is_deep(picture):
        return _eight_bits(np.asarray(picture), picture.mode, by)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA").reduce(by)
        return Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer).convert("RGB")
    return (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).reduce(by)


def _eight_bits(values: np.ndarray, mode: str, by: int) -> Image.Image:
    """Grey ``values`` (H, W) of more than 8 bits as 0..255; Pillow's ``mode`` says what white is. Means of
    ``by`` x ``by``.
    """
    top, means = float(values.max(initial=0)), _means(values, by)
    if mode.startswith("I;16") or (mode == "I" and 255 < top <= 65535):
        white = 65535.0
    elif mode == "F" and top <= 1:
        white = 1.0
    else:
        white = max(255.0, top)
    return Image.fromarray(np.clip(means * (255.0 / white), 0, 255).round().astype(np.uint8))


def _means(values: np.ndarray, by: int) -> np.ndarray:
    """Means of ``by`` x ``by`` values (H, W): float32. Raises ``UnreadableError`` if some are no numbers."""
    height, width = values.shape[0] // by, values.shape[1] // by
    parts = values[: height * by, : width * by].reshape(height, by, width, by)
    means = parts.mean((1, 3), dtype=np.float64).astype(np.float32)
    if not np.isfinite(means).all():
        raise UnreadableError("it holds values that are not numbers")
    return means


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:120] or type(problem).__name__
