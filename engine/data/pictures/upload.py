"""The user's own pictures, uploaded in the browser: a zip or several files, kept under an id."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from engine import options
from engine.data.pictures.folder import OwnImages
from engine.data.reading import ingest
from engine.data.reading.sides import SideBySide, Sides, ingest_sides
from engine.data.source import flips_knob
from engine.options import BadInput, NotFound, knob
from engine.runs.cards import DatasetCard
from engine.runs.files import appearing, write_json
from engine.runs.reading import read_record

VARIABLE = "GANSCOPE_DATASETS"
PICTURES, SIDES, CARD = "images.safetensors", "sides.safetensors", "card.json"
UploadLayout = Literal["images", "pairs", "domains"]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class UploadOptions(options.Options):
    upload: str = knob("", "Uploaded pictures", "The id of the upload.", group="data", max_length=100)
    flips: bool = flips_knob()


class Upload(OwnImages):
    """One data set that ``ingest_upload`` has prepared."""

    name = "upload"
    title = "Your own pictures"
    subject = "your own pictures"
    Options = UploadOptions

    @classmethod
    def missing(cls, options: UploadOptions | None = None) -> BadInput | None:
        upload = options.upload if options else ""
        if problem := no_upload(upload):
            return problem
        layout = read_card(upload).get("layout", "images")
        if layout != "images":
            return BadInput(
                f"this was uploaded as {layout}, to translate.", "upload", f"Choose the data own_{layout}."
            )
        return None

    def __init__(self, options: UploadOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing(self.options):
            raise problem

    def _load(self) -> ingest.Pictures:
        return _load_once(datasets_folder() / self.options.upload / PICTURES)


def datasets_folder() -> Path:
    """Where uploads are kept, one folder an id: ``$GANSCOPE_DATASETS``, or ``datasets`` in the working
    folder.
    """
    return Path(os.environ.get(VARIABLE, "datasets"))


def no_upload(upload: str) -> BadInput | None:
    """That no data set of this id has been uploaded; ``None`` if there is one."""
    if not upload:
        return BadInput(
            "no pictures have been chosen.", "upload", "Upload a zip or at least 16 pictures first."
        )
    folder = datasets_folder() / upload
    if not _ID.fullmatch(upload) or not any((folder / file).is_file() for file in (PICTURES, SIDES)):
        return NotFound(
            "there are no such pictures.", "upload", "They may have been deleted; upload them again."
        )
    return None


def read_card(upload: str) -> DatasetCard:
    """What is known of an upload; see ``ingest_upload``. Raises ``Damaged``."""
    return read_record(datasets_folder() / upload / CARD, DatasetCard, layout="images")


def ingest_upload(
    files: Sequence[Path],
    size: int,
    colour: bool,
    out: Path,
    layout: UploadLayout = "images",
    value_range: str = "",
    side_by_side: SideBySide = "auto",
) -> DatasetCard:
    """Turn uploaded ``files`` (pictures and zips) into the data set folder ``out`` and return its card.

    The card, a ``DatasetCard``, is also kept as ``out/card.json``; "images" counts the pairs, or the pictures
    of both sets, of the other layouts. Nothing is left behind when the files are refused with ``BadInput``.
    """
    if out.exists():
        raise BadInput(f"{out.name} exists already.", "name", "Choose another name.")
    if layout == "images" and size not in ingest.SIZES:
        raise BadInput(f"{size} is not a picture size.", "size", "Choose one of: 28, 32, 64, 128, 256.")
    if layout == "images":
        made = ingest.ingest(files, size, colour, value_range=value_range)
    else:
        made = ingest_sides(files, layout, size, value_range=value_range, side_by_side=side_by_side)
    with appearing(out) as beside:
        made.save(beside / (PICTURES if layout == "images" else SIDES))
        card = _card(made, layout, size, colour)
        write_json(beside / CARD, card)
    return card


def _card(made: ingest.Pictures | Sides, layout: UploadLayout, size: int, colour: bool) -> DatasetCard:
    card = DatasetCard(
        layout=layout,
        images=0,
        classes=None,
        skipped=made.skipped,
        notes=list(made.notes),
        size=size,
        colour=colour,
    )
    if isinstance(made, ingest.Pictures):
        card["images"], card["classes"] = len(made.images), list(made.classes or ()) or None
    else:
        of_a, of_b = (made.a, made.val_a, made.test_a), (made.b, made.val_b, made.test_b)
        card["images"] = sum(map(len, of_a if layout == "pairs" else of_a + of_b))
        card["colour"] = True
    return card


@lru_cache(maxsize=2)
def _load_once(path: Path) -> ingest.Pictures:
    return ingest.Pictures.load(path)
