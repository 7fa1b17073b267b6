"""Bodies that carry files: a form, or a JSON object with base64, read as one of the engine's requests.

Nothing is decoded here: the engine's batch process does that.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import UploadFile

from dashboard.errors import Refusal, shorten
from dashboard.sent import sent_folder
from dashboard.strict import parse_json
from engine.requests.base import Request as Asked

T = TypeVar("T", bound=Asked)

MAX_NAME = 100  # characters kept of a file's name
_MOST_FIELDS = 20
_MOST_TEXT = 1 << 18  # bytes of one text field: a place with a latent of 512 numbers, many times over
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def documented(model: type[Asked], as_json: bool = True) -> dict[str, Any]:
    """What ``/api/docs`` says of a body that is a form of ``model``, and ``as_json`` a JSON object, too."""
    form = _inlined(model.model_json_schema())
    content = {"multipart/form-data": {"schema": form}}
    if as_json:
        text = json.loads(json.dumps(form).replace('"binary"', '"byte"'))
        dots = {name: _DOT for name in text.get("required", []) if "byte" in str(text["properties"][name])}
        text["examples"] = [{**one, **dots} for one in form["examples"]]
        content["application/json"] = {"schema": text}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` with what it refers to in its place."""
    parts = schema.pop("$defs", {})

    def whole(item: Any) -> Any:
        if isinstance(item, list):
            return [whole(one) for one in item]
        if not isinstance(item, dict):
            return item
        rest = {key: whole(one) for key, one in item.items() if key != "$ref"}
        return {**whole(parts[item["$ref"].rpartition("/")[2]]), **rest} if "$ref" in item else rest

    return whole(schema)


class _Fields:
    """The fields of ``model``, as a body names them: ``file`` and ``files`` are its picture or files."""

    def __init__(self, model: type[Asked]) -> None:
        self.of = model.model_json_schema()["properties"]
        self.files = [name for name, about in self.of.items() if '"binary"' in json.dumps(about)]
        self.lists = [name for name in self.files if self.of[name].get("type") == "array"]
        self.texts = [name for name, about in self.of.items() if '"string"' in json.dumps(about)]
        self.most = 1 + sum(self.of[name].get("maxItems", 1) for name in self.files)  # one more to refuse it

    def named(self, name: str) -> str:
        """The field that is called ``name``. Raises ``Refusal``."""
        name = self.files[0] if name in ("file", "files") else name
        if name not in self.of:
            raise Refusal(
                422, "there is no such field.", shorten(name), f"Choose from: {', '.join(self.of)}."
            )
        return name


@asynccontextmanager
async def read_body(request: Request, model: type[T], as_json: bool = True) -> AsyncIterator[T]:
    """The body of ``request``, its files on the disk while this lasts. Raises ``Refusal``, ``BadInput``."""
    fields, kind = _Fields(model), request.headers.get("content-type", "").lower()
    with sent_folder(request.app.state.engine) as folder:
        if kind.startswith("multipart/form-data"):
            sent = await _read_form(request, fields, _numbered(folder))
        elif as_json and kind.partition(";")[0].strip() == "application/json":
            sent = _read_json(await request.body(), fields, folder)
        else:
            wanted = "multipart/form-data" + (", or one JSON object as application/json" if as_json else "")
            raise Refusal(415, "the body cannot be read.", "content-type", f"Send {wanted}.")
        yield model.read({name: value for name, value in sent.items() if value is not None})


def _read_json(body: bytes, fields: _Fields, folder: Path) -> dict[str, Any]:
    sent = parse_json(body)
    if not isinstance(sent, dict):
        raise Refusal(400, "the body is not a JSON object.", "body", "Send one JSON object.")
    sent = {fields.named(name): value for name, value in sent.items()}
    for name in fields.files:
        if sent.get(name) is not None:
            sent[name] = _written(sent[name], name, folder / name)
    return sent


async def _read_form(request: Request, fields: _Fields, folders: Iterator[Path]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    most = {"max_files": fields.most, "max_fields": _MOST_FIELDS, "max_part_size": _MOST_TEXT}
    async with request.form(**most) as form:
        for given, value in form.multi_items():
            name = fields.named(given)
            if name in sent and name not in fields.lists:
                raise Refusal(422, "that field is there twice.", name, "Send it once.")
            if name not in fields.files:
                sent[name] = _value(value, name, fields)
            elif isinstance(value, UploadFile):
                one = await to_thread.run_sync(_copied, value, next(folders))
                sent[name] = [*sent.get(name, []), one] if name in fields.lists else one
            elif name in fields.lists:
                raise Refusal(422, "that is not a file.", given, "Send it as a file.")
            else:
                sent[name] = _written(value, name, next(folders))
    return sent


def _value(value: UploadFile | str, name: str, fields: _Fields) -> object:
    """A plain field: text, or JSON."""
    if isinstance(value, UploadFile):
        raise Refusal(422, "that field is not a file.", name, "Give it as a plain field of the form.")
    try:
        if name not in fields.texts:
            return parse_json(value.encode("utf-8", "replace"))
        parse_json(json.dumps(value).encode())  # refuses what is no text
        return value
    except Refusal as problem:
        raise Refusal(422, problem.error, name, problem.remedy) from None


def _written(value: object, name: str, path: Path) -> Path:
    """A file of base64, with or without ``data:image/png;base64,`` before it."""
    remedy = "Send the file as base64, or a form with the file."
    if not isinstance(value, str):
        raise Refusal(422, "that is not a picture.", name, remedy)
    if value.startswith("data:"):
        value = value.partition(",")[2]
    try:
        path.write_bytes(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(422, "that is not base64.", name, remedy) from None
    return path


def _numbered(folder: Path) -> Iterator[Path]:
    """A folder for each file, since two may have one name."""
    number = 0
    while True:
        yield folder / str(number)
        number += 1


def _copied(file: UploadFile, folder: Path) -> Path:
    path = folder / _safe(file.filename or "")
    folder.mkdir()
    with open(path, "wb") as copy:
        while chunk := file.file.read(1 << 20):
            copy.write(chunk)
    return path


def _safe(name: str) -> str:
    """The last part of a name from outside, without what a file system might take for something else."""
    last = PurePosixPath(name.replace("\\", "/")).name[-MAX_NAME // 2 :]
    kept = "".join(char if char.isprintable() and char not in '<>:"|?*' else "_" for char in last)
    return kept.encode("utf-8", "replace").decode().rstrip(". ").lstrip() or "file"
