"""Requests that carry a picture: a form with a file, or JSON with base64. Nothing is decoded here: the
engine's batch process does that.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from dashboard.errors import Refusal, shorten
from dashboard.strict import parse_json

PICTURES = ("image", "mask")  # fields that are files, or base64
TEXTS = ("method", "network")  # fields of a form that are plain text; all others are JSON
_MOST_FIELDS = 20
_MOST_TEXT = 1 << 18  # bytes of one text field: a place with a latent of 512 numbers, many times over


def documented(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """What ``/api/docs`` says of such a body."""
    as_file = {name: {"type": "string", "format": "binary"} for name in PICTURES if name in fields}
    as_text = {name: {"type": "string", "format": "byte"} for name in PICTURES if name in fields}
    form = {"type": "object", "required": required, "properties": {**fields, **as_file}}
    plain = {"type": "object", "required": required, "properties": {**fields, **as_text}}
    kinds = {"multipart/form-data": {"schema": form}, "application/json": {"schema": plain}}
    return {"requestBody": {"required": True, "content": kinds}}


async def read_sent(request: Request, fields: dict[str, Any]) -> dict[str, Any]:
    """The ``fields`` of a form or a JSON object, pictures as bytes; a form's ``file`` is its ``image``.

    Raises ``Refusal``.
    """
    sent = await _read(request)
    for name in sent:
        if name not in fields:
            raise Refusal(422, "there is no such field.", shorten(name), f"Choose from: {', '.join(fields)}.")
    return {name: value for name, value in sent.items() if value is not None}


async def _read(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("multipart/form-data"):
        return await _read_form(request)
    if kind.partition(";")[0].strip() != "application/json":
        remedy = "Send multipart/form-data, or one JSON object as application/json."
        raise Refusal(415, "the body is neither a form nor JSON.", "content-type", remedy)
    sent = parse_json(await request.body())
    if not isinstance(sent, dict):
        raise Refusal(400, "the body is no JSON object.", "body", "Send one JSON object.")
    for name in PICTURES:
        if sent.get(name) is not None:
            sent[name] = from_base64(sent[name], name)
    return sent


async def _read_form(request: Request) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    async with request.form(max_files=2, max_fields=_MOST_FIELDS, max_part_size=_MOST_TEXT) as form:
        for name, value in form.multi_items():
            name = "image" if name == "file" else name
            if name in sent:
                raise Refusal(422, "that field is there twice.", name[:80], "Send it once.")
            if isinstance(value, UploadFile):
                if name not in PICTURES:
                    raise Refusal(422, "that field is no file.", name[:80], "Send the picture as file.")
                sent[name] = await value.read()
            elif name in PICTURES:
                sent[name] = from_base64(value, name)
            else:
                sent[name] = value if name in TEXTS else parsed(value, name)
    return sent


def parsed(text: str, name: str) -> object:
    """A form's field as JSON. Raises ``Refusal``."""
    try:
        return parse_json(text.encode("utf-8", "replace"))
    except Refusal as problem:
        raise Refusal(422, problem.error, name[:80], problem.remedy) from None


def from_base64(value: object, name: str) -> bytes:
    """Bytes of base64, with or without ``data:image/png;base64,`` before it."""
    remedy = "Send the file as base64, or a form with the file."
    if not isinstance(value, str):
        raise Refusal(422, "that is no picture.", name, remedy)
    if value.startswith("data:"):
        value = value.partition(",")[2]
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "that is no base64.", name, remedy) from None
