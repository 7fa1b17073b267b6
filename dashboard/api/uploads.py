"""Files that are sent as a form: copied under names of ours, and gone when they have been used."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from dashboard.errors import Refusal

SIZES, LAYOUTS = (28, 32, 64, 128, 256), ("images", "pairs", "domains")
MAX_FILES = 5000  # in one form; a zip may hold more
MAX_NAME = 100  # characters kept of a file's name
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "name": {"type": "string"},
                        "size": {"type": "integer", "enum": [*SIZES], "default": 32},
                        "layout": {
                            "type": "string",
                            "enum": ["images", "pairs", "domains"],
                            "default": "images",
                        },
                        "colour": {"type": "boolean", "default": True},
                        "value_range": {"type": "string", "default": "", "example": "-1024 3071"},
                        "side_by_side": {"type": "string", "enum": ["auto", "always"], "default": "auto"},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True)
class Upload:
    """What was sent: ``files`` lie on the disk, ``size`` is in pixels."""

    name: str
    files: list[Path]
    size: int
    colour: bool
    layout: str
    value_range: str  # of deep pictures
    side_by_side: str


@asynccontextmanager
async def read_upload(request: Request) -> AsyncIterator[Upload]:
    """The form of ``request``. Raises ``Refusal`` for what is none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refusal(415, "the body is no form with files.", "content-type", "Send multipart/form-data.")
    async with request.form(max_files=MAX_FILES, max_fields=20, max_part_size=1 << 16) as form:
        name, size, colour = _text(form, "name", ""), _text(form, "size", "32"), _text(form, "colour", "true")
        layout = _text(form, "layout", "images")
        value_range, side_by_side = _text(form, "value_range", ""), _text(form, "side_by_side", "auto")
        if size not in map(str, SIZES):
            sizes = ", ".join(map(str, SIZES))
            raise Refusal(422, f"pictures are made {sizes} pixels wide.", "size", "Choose one of these.")
        if layout not in LAYOUTS:
            raise Refusal(422, f"layout is {', '.join(LAYOUTS)}.", "layout", "Choose one of these.")
        if colour not in ("true", "false"):
            raise Refusal(422, "colour is true or false.", "colour", "Choose one of true, false.")
        sent = [item for item in form.getlist("files") if isinstance(item, UploadFile)]
        if not sent:
            raise Refusal(422, "there are no files.", "files", "Send pictures, or a zip, as files.")
        with tempfile.TemporaryDirectory(prefix="ganscope-upload-") as folder:
            files = await to_thread.run_sync(copied, sent, Path(folder))
            yield Upload(name, files, int(size), colour == "true", layout, value_range, side_by_side)


def _text(form: FormData, field: str, default: str) -> str:
    value = form.get(field, default)
    if not isinstance(value, str) or "\0" in value:
        raise Refusal(422, "that is no text.", field, "Give it as a plain field of the form.")
    return value


def copied(sent: Sequence[UploadFile], folder: Path) -> list[Path]:
    """Each in a numbered folder of its own, since two may have one name."""
    paths = []
    for number, file in enumerate(sent):
        path = folder / str(number) / _safe(file.filename or "")
        path.parent.mkdir()
        with open(path, "wb") as copy:
            while chunk := file.file.read(1 << 20):
                copy.write(chunk)
        paths.append(path)
    return paths


def _safe(name: str) -> str:
    """The last part of a name from outside, without what a file system might take for something else."""
    last = PurePosixPath(name.replace("\\", "/")).name[-MAX_NAME // 2 :]
    kept = "".join(char if char.isprintable() and char not in '<>:"|?*' else "_" for char in last)
    return kept.encode("utf-8", "replace").decode().rstrip(". ").lstrip() or "file"
