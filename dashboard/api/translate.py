"""Routes that translate pictures: ``/api/translate`` and what is under it. Nothing is decoded here."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse

from dashboard.api import schemas
from dashboard.api.calling import PROBLEMS, TheEngine, call
from dashboard.api.explore import Asker, plain
from dashboard.api.sent_pictures import from_base64, parsed
from dashboard.api.uploads import copied
from dashboard.errors import Json, Refusal, shorten
from dashboard.strict import StrictRoute, parse_json
from engine.api import Translated
from engine.options import BadInput

MAX_FILES = 5000
LOOKED_EVERY_S = 0.5  # whether the client still waits
_TEXTS = {"direction": ["a_to_b", "b_to_a"], "scale": ["auto", "model", "full", "whole"]}
_TEXTS |= {"test_mode": ["auto", "eval", "train"], "dropout": ["auto", "on", "off"]}
_TEXTS |= {"preprocess": ["off", "resize_and_crop", "scale_width", "none"]}
_TEXTS |= {"alpha": ["keep", "white"], "format": ["png", "json"]}
_OPTIONS: dict[str, Any] = {
    **{name: {"type": "string", "enum": choices, "default": choices[0]} for name, choices in _TEXTS.items()},
    "longest": {
        "type": "integer",
        "default": 0,
        "description": "Larger pictures are reduced to it; 0: none.",
    },
    "seed": {"type": "integer", "default": 0, "description": "Of dropout."},
    "back": {"type": "boolean", "default": False, "description": "Also the way back, of a CycleGAN."},
    "patches": {"type": "boolean", "default": False, "description": "Also what D says of each patch."},
    "given": {"type": "boolean", "default": False, "description": "Also the picture as it was read."},
}
_BINARY = {"type": "string", "format": "binary"}

router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


def _documented(files: dict[str, Any], as_json: bool) -> dict[str, Any]:
    """What ``/api/docs`` says of a body with ``files`` and options."""
    form = {"type": "object", "required": list(files), "properties": {**files, **_OPTIONS}}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if as_json:
        image = {"image": {"type": "string", "format": "byte"}}
        body = {"type": "object", "required": ["image"], "properties": {**image, **_OPTIONS}}
        content["application/json"] = {"schema": body}
    return {"requestBody": {"required": True, "content": content}}


@router.get("/translate", response_model=list[schemas.Translator], tags=["translate"])
async def translators(engine: TheEngine) -> Response:
    """The models that translate pictures."""
    return Json(await call(engine.translators))


@router.post(
    "/translate/{id}", openapi_extra=_documented({"file": _BINARY}, as_json=True), tags=["translate"]
)
async def translate(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """A picture of any size, translated: a PNG of the same size, or with `format` "json" all there is to say
    of it. It waits for its turn; who does not want to, and for many pictures, there are jobs.
    """
    async with _sent(request) as (files, options):
        kind = options.pop("format", "png")
        if kind not in ("png", "json"):
            raise BadInput("there is no such format.", "format", "Choose one of: png, json.")
        if len(files) != 1:
            raise BadInput(
                "there is not one picture.", "file", "Send one picture as file, or several to jobs."
            )
        future = await call(engine.translate, id, files[0], options, *asker.turn)
    answer = await _awaited(request, engine, future)
    if kind == "json":
        return Json(plain(answer))
    headers = {
        f"X-{name.title()}": str(answer[name]) for name in ("width", "height", "seconds", "scale", "step")
    }
    notes = " | ".join(answer["notes"]).encode("ascii", "replace").decode()
    headers |= {"X-Notes": notes, "Cache-Control": "no-store"}
    return Response(answer["png"], media_type="image/png", headers=headers)


@router.post(
    "/translate/{id}/jobs",
    status_code=202,
    response_model=schemas.Translation,
    openapi_extra=_documented({"files": {"type": "array", "items": _BINARY}}, as_json=False),
    tags=["translate"],
)
async def start(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """Translate one picture or many, or zips of them, without waiting; answers with the `job` to ask for."""
    async with _sent(request) as (files, options):
        options.pop("format", None)
        if not files:
            raise BadInput("there is no picture.", "files", "Send pictures, or a zip, as files.")
        job = await call(engine.start_translation, id, files, options, asker.turn[0])
    return Json(await call(engine.translation, job), 202)


@router.get("/translate/jobs/{job}", response_model=schemas.Translation, tags=["translate"])
async def status(engine: TheEngine, job: str) -> Response:
    """How far a job is, or its place in the queue. To be asked at least once a minute, or it is given up."""
    return Json(await call(engine.translation, job))


@router.get("/translate/jobs/{job}/result", response_class=Response, tags=["translate"])
async def result(engine: TheEngine, job: str) -> Response:
    """What was made: a PNG, or a zip of PNGs and a list of what failed."""
    answer = await call(engine.translation_result, job)
    if "zip" in answer:
        return FileResponse(answer["zip"], media_type="application/zip", filename="translated.zip")
    return Response(answer["png"], media_type="image/png", headers={"Cache-Control": "no-store"})


@router.delete("/translate/jobs/{job}", response_model=schemas.Done, tags=["translate"])
async def cancel(engine: TheEngine, job: str) -> Response:
    """End a job, and remove its files."""
    await call(engine.cancel_translation, job)
    return Json({"ok": True})


async def _awaited(request: Request, engine: TheEngine, future: Translated) -> dict[str, Any]:
    """The answer, unless the client leaves before: then its place is free."""
    waiting = asyncio.wrap_future(future)
    try:
        while not (await asyncio.wait({waiting}, timeout=LOOKED_EVERY_S))[0]:
            if await request.is_disconnected():
                break
        else:
            return waiting.result()
    finally:
        with suppress(BadInput):  # it is gone already
            await call(engine.cancel_translation, future.job)
    with suppress(BadInput, asyncio.CancelledError):
        await waiting
    raise Refusal(499, "the client has left.", None, "Ask again.")


@asynccontextmanager
async def _sent(request: Request) -> AsyncIterator[tuple[list[Path], dict[str, Any]]]:
    """The files that were sent, on the disk while this lasts, and the options. Raises ``Refusal``."""
    kind = request.headers.get("content-type", "").lower()
    with tempfile.TemporaryDirectory(prefix="ganscope-translate-") as folder:
        if kind.startswith("multipart/form-data"):
            async with request.form(max_files=MAX_FILES, max_fields=20, max_part_size=1 << 25) as form:
                options = _options_of(form)
                files = [
                    item
                    for item in form.getlist("files") + form.getlist("file")
                    if isinstance(item, UploadFile)
                ]
                paths = await to_thread.run_sync(copied, files, Path(folder))
        elif kind.partition(";")[0].strip() == "application/json":
            options = parse_json(await request.body())
            if not isinstance(options, dict):
                raise Refusal(400, "the body is no JSON object.", "body", "Send one JSON object.")
            paths = []
            if options.get("image") is not None:
                paths = [Path(folder) / "picture"]
                paths[0].write_bytes(from_base64(options["image"], "image"))
            options = {name: value for name, value in options.items() if name != "image"}
        else:
            remedy = "Send multipart/form-data, or one JSON object as application/json."
            raise Refusal(415, "the body is neither a form nor JSON.", "content-type", remedy)
        yield paths, options


def _options_of(form: FormData) -> dict[str, Any]:
    """The plain fields of a form. Raises ``Refusal``."""
    options: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in ("file", "files"):
            if not isinstance(value, UploadFile):
                raise Refusal(422, "that is no file.", name, "Send the picture as a file.")
            continue
        if isinstance(value, UploadFile):
            raise Refusal(422, "that field is no file.", shorten(name), "Send the picture as file.")
        if name in options:
            raise Refusal(422, "that field is there twice.", shorten(name), "Send it once.")
        options[name] = value if name in _TEXTS else parsed(value, name)
    return options
