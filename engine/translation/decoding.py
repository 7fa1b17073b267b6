"""A file from a stranger to pixels at its full size, and back to a file. Runs in the batch process only."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from engine.data.pixels import to_png
from engine.data.reading import pictures
from engine.data.reading.depth import Scale, usual_scale
from engine.data.reading.opening import open_picture
from engine.data.reading.pictures import UnreadableError
from engine.options import BadInput

QUICK = 1_000_000  # pixels above which PNGs are packed quickly rather than well
_WHOLE = 1 << 40  # of a size that no picture reaches: nothing is reduced


@dataclass
class Decoded:
    """uint8 ``pixels`` (H, W, 3) in sRGB on white; where the picture is not opaque, its ``alpha`` (H, W), and
    its colours on nothing, ``bare`` (H, W, 3).
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    notes: list[str]
    bare: np.ndarray | None = None

    def with_alpha(self) -> np.ndarray:
        """uint8 (H, W, 4): colours as they are, and how opaque they are."""
        colours = self.pixels if self.bare is None else self.bare
        opaque = np.full(colours.shape[:2], 255, np.uint8)
        return np.dstack([colours, opaque if self.alpha is None else self.alpha])


def decode(raw: bytes, scale: Scale | None = None) -> Decoded:
    """Any common format, turned as its EXIF data say, of any depth, colour space and profile. Grey values of
    more than 8 bits are made levels on ``scale``, or on one chosen from them alone. Raises ``BadInput`` with
    the reason.
    """
    picture, notes = open_picture(raw)
    try:
        pictures.turn(picture)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _plain(picture, notes, scale)
    except (UnreadableError, *pictures.DAMAGED) as problem:
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise BadInput(f"that file cannot be read: {reason}.", "image", "Save it anew as PNG.") from None


def _plain(picture: Image.Image, notes: list[str], scale: Scale | None) -> Decoded:
    alpha: Image.Image | None = None
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        alpha = layer.getchannel("A")
        if alpha.getextrema() == (255, 255):
            alpha = None
        plain = picture.convert("L") if picture.mode in ("LA", "La") else layer.convert("RGB")
        plain.info["icc_profile"] = picture.info.get("icc_profile")
    elif pictures.is_deep(picture):
        values, low, high = pictures.deep_values(picture, _WHOLE)
        chosen = scale or usual_scale(low, high, picture.mode == "F")
        whose = "as was said" if scale else f"chosen from this picture: they go from {low:g} to {high:g}"
        notes.append(f"Its values: {chosen} ({whose}).")
        plain = Image.fromarray(chosen.levels(np.asarray(values)))
    else:
        plain = picture.convert("RGB") if picture.mode in ("P", "1") else picture
        plain.info["icc_profile"] = picture.info.get("icc_profile")
    colours = _in_srgb(plain, notes)
    bare = None
    if alpha is not None:
        bare = np.asarray(colours)
        white = Image.new("RGB", colours.size, "white")
        white.paste(colours, mask=alpha)
        colours = white
    return Decoded(np.asarray(colours), None if alpha is None else np.asarray(alpha), notes, bare)


def _in_srgb(picture: Image.Image, notes: list[str]) -> Image.Image:
    """``picture`` as RGB, by its colour profile if it has a usable one."""
    profile = picture.info.get("icc_profile")
    if picture.mode == "LAB":
        source = ImageCms.createProfile("LAB")
    elif isinstance(profile, bytes) and profile and picture.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" in ImageCms.getProfileDescription(source).lower():
                return picture.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("Its colour profile is damaged, and was ignored.")
            return picture.convert("RGB")
    else:
        return picture.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        assert converted is not None, "it was not asked to work in place"
    except (ImageCms.PyCMSError, OSError, ValueError):
        notes.append("Its colour profile does not fit the picture, and was ignored.")
        return picture.convert("RGB")
    notes.append("Its colour profile was converted to sRGB.")
    return converted


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """uint8 (H, W, C) or (H, W) brought to another size with Lanczos' filter."""
    if pixels.shape[:2] == (height, width):
        return pixels
    plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    made = np.asarray(Image.fromarray(plain).resize((width, height), Image.Resampling.LANCZOS))
    return made[..., None] if plain is not pixels else made


def encode(pixels: np.ndarray, alpha: np.ndarray | None = None) -> bytes:
    """uint8 (H, W, 1), (H, W, 3) or (H, W, 4) as a PNG, with ``alpha`` (H, W) if it is given."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    return to_png(picture, effort=1 if picture.width * picture.height > QUICK else 4)
