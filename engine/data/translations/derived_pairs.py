"""Pairs made out of any pictures: something is taken away from each, and a GAN learns to give it back.

Letters in shapes: N pictures, S the side in px at which they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from engine.data.pictures.folder import listed
from engine.data.pictures.upload import PICTURES, datasets_folder, no_upload, read_card
from engine.data.reading import ingest
from engine.data.reading.cache import prepared
from engine.data.reading.layouts import Place
from engine.data.reading.sides import MOST_BYTES, Sides, kept_side, split
from engine.data.reading.split import lot
from engine.data.translations.own_sides import OwnSides, OwnSidesOptions, load_once
from engine.options import BadInput, knob

HOLE = 0.5  # side of the hole by the picture's
GREY = 128  # what is in the hole
FACTOR = 4  # of "low_resolution"
Make = Literal["edges", "grey", "low_resolution", "masked"]
SHOWN: dict[Make, str] = {
    "edges": "edges",
    "grey": "grey picture",
    "low_resolution": "low resolution",
    "masked": "picture with a hole",
}


class DerivedPairsOptions(OwnSidesOptions):
    make: Make = knob(
        "edges",
        "Input",
        "What the input is; the picture itself is the target.",
        group="data",
        choices={
            "edges": "its edges",
            "grey": "the picture in grey",
            "low_resolution": "the picture at a quarter of its resolution",
            "masked": "the picture with a hole",
        },
    )


class DerivedPairs(OwnSides):
    """Pictures of a folder or upload (B), and what is left of each (A). A tenth is held out, as
    folders say or by a hash of the names.
    """

    name = "derived_pairs"
    title = "Pairs made from your pictures"
    subject = "pairs made from your pictures"
    sentence = (
        "Restore your pictures from their edges, from grey, from low resolution or with a hole in them."
    )
    kind = "pairs"
    Options = DerivedPairsOptions

    @classmethod
    def unfit(cls, options: OwnSidesOptions) -> BadInput | None:
        if problem := no_upload(options.upload):
            return problem
        card = read_card(options.upload)
        if card.get("layout", "images") != "images":
            return BadInput(
                f"this was uploaded as {card['layout']}.", "upload", "Choose an upload of single pictures."
            )
        if card["size"] < options.size or not card["colour"]:
            found = f"{card['size']} pixels, {'in colour' if card['colour'] else 'grey'}"
            return BadInput(
                f"these pictures were uploaded at {found}.",
                "size",
                f"Upload them again in colour at {options.size} pixels or more.",
            )
        return None

    def __init__(self, options: DerivedPairsOptions | None = None) -> None:
        super().__init__(options)
        self.margin = self._sides.b.shape[-1] - self.options.size
        self.names = (SHOWN[self.options.make], "picture")

    @cached_property
    def _sides(self) -> Sides:
        size, make = self.options.size, self.options.make
        if self.options.upload:
            source = datasets_folder() / self.options.upload / PICTURES
            key = [str(source.resolve()), source.stat().st_mtime_ns, size, make, "val"]
            return load_once(
                prepared("sides", key, lambda path: derive(_uploaded(source, size), size, make).save(path))
            )
        root, listing = listed(self.options.folder)
        scale = self.options.value_range
        key = [str(root), size, make, scale, listing]
        return load_once(
            prepared("sides", key, lambda path: derive(_of_folder(root, size, scale), size, make).save(path))
        )


def _of_folder(root: Path, size: int, value_range: str) -> ingest.Pictures:
    side = kept_side(size)
    return ingest.ingest(root, side, True, most_bytes=MOST_BYTES // 2, value_range=value_range)


def _uploaded(path: Path, size: int) -> ingest.Pictures:
    """Uploaded pictures, made smaller if they are larger than needed for windows of ``size``."""
    found, side = ingest.Pictures.load(path), kept_side(size)
    if found.images.shape[-1] <= side:
        return found
    small = [
        np.asarray(Image.fromarray(item).resize((side, side), Image.Resampling.LANCZOS))
        for item in found.images.permute(0, 2, 3, 1).numpy()
    ]
    return ingest.Pictures(
        torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous(),
        None,
        None,
        found.skipped,
        found.names,
        found.parts,
        found.notes,
    )


def derive(found: ingest.Pictures, size: int, make: Make) -> Sides:
    """Pairs of pictures: B as they are, A what ``make`` leaves of them."""
    parts = found.parts or (None,) * len(found.names)
    numbered = [
        (Place(None, part, name), number)
        for number, (name, part) in enumerate(zip(found.names, parts, strict=True))
    ]
    notes = list(found.notes)
    train, val, test = split(numbered, notes)
    a = torch.stack(
        [
            torch.from_numpy(left_over(picture, make, size, name)).permute(2, 0, 1)
            for picture, name in zip(found.images.permute(0, 2, 3, 1).numpy(), found.names, strict=True)
        ]
    )  # (N, 3, S, S)
    b = found.images
    return Sides(
        a[train], b[train], a[val], b[val], a[test], b[test], size, found.skipped, notes=tuple(notes)
    )


def left_over(picture: np.ndarray, make: Make, size: int, name: str) -> np.ndarray:
    """What ``make`` leaves of a picture, uint8 (S, S, 3), to be cut into windows of ``size``. ``name`` draws
    where the hole is.
    """
    if make == "masked":
        return _masked(picture, size, name)
    makers: dict[Make, Callable[[np.ndarray], np.ndarray]] = {
        "edges": edges,
        "grey": _grey,
        "low_resolution": _low_resolution,
    }
    return makers[make](picture)


def edges(picture: np.ndarray) -> np.ndarray:
    """Canny's edges (PAMI 1986) of a picture (S, S, 3), black on white as if drawn: uint8 (S, S, 3)."""
    from skimage.feature import canny  # not above: it takes a second, and only this needs it

    grey = np.asarray(Image.fromarray(picture).convert("L"))
    found = canny(grey / 255, sigma=max(1.0, len(picture) / 128))
    return np.repeat(np.where(found, 0, 255).astype(np.uint8)[..., None], 3, 2)


def _grey(picture: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(picture).convert("L").convert("RGB"))


def _low_resolution(picture: np.ndarray) -> np.ndarray:
    """Means of 4 x 4 pixels, enlarged to the old size."""
    whole = Image.fromarray(picture)
    return np.array(whole.reduce(FACTOR).resize(whole.size, Image.Resampling.BICUBIC))


def _masked(picture: np.ndarray, size: int, name: str) -> np.ndarray:
    """A grey square somewhere, which every window of ``size`` holds as a whole."""
    margin = len(picture) - size
    side = min(round(size * HOLE), size - margin)
    top, left = (margin + int(lot(f"{axis} {name}") * (size - side - margin + 1)) for axis in "yx")
    copy = picture.copy()
    copy[top : top + side, left : left + side] = GREY
    return copy
