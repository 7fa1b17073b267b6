"""The user's own pictures, uploaded in the browser: a zip or several files, kept under an id."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine import options
from engine.data import ingest
from engine.data.folder import OwnImages
from engine.options import BadInput, NotFound, knob
from engine.runs import write_json

VARIABLE = "GANSCOPE_DATASETS"
PICTURES, CARD = "images.safetensors", "card.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class UploadOptions(options.Options):
    upload: str = knob(
        "", "Uploaded pictures", "The id that the upload was given.", group="data", max_length=100
    )


class Upload(OwnImages):
    """One data set that ``ingest_upload`` has prepared."""

    name = "upload"
    title = "Your own pictures"
    Options = UploadOptions

    @classmethod
    def missing(cls, options: UploadOptions | None = None) -> BadInput | None:
        if options is None or not options.upload:
            return BadInput(
                "no pictures have been chosen.", "upload", "Upload a zip or at least 16 pictures first."
            )
        if not _ID.fullmatch(options.upload) or not (datasets_folder() / options.upload / PICTURES).is_file():
            return NotFound(
                "there are no such pictures.", "upload", "They may have been deleted; upload them again."
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


def ingest_upload(files: Sequence[Path], size: int, colour: bool, out: Path) -> dict[str, Any]:
    """Turn uploaded ``files`` (pictures and zips) into the data set folder ``out`` and return its card.

    The card is ``{"images": int, "classes": list of names or None, "skipped": [{"file", "why"}], "size",
    "colour"}`` and is also kept as ``out/card.json``. Nothing is left behind when the files are refused with
    ``BadInput``.
    """
    if out.exists():
        raise BadInput(f"{out.name} exists already.", "name", "Choose another name.")
    pictures = ingest.ingest(files, size, colour)
    card = {
        "images": len(pictures.images),
        "classes": list(pictures.classes) if pictures.classes else None,
        "skipped": pictures.skipped,
        "size": size,
        "colour": colour,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        pictures.save(beside / PICTURES)
        write_json(beside / CARD, card)
        os.replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return card


@lru_cache(maxsize=2)
def _load_once(path: Path) -> ingest.Pictures:
    return ingest.Pictures.load(path)
