"""Routes that add models, rename them and hand their generators to other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse

from dashboard.access import require_presenter
from dashboard.api import schemas
from dashboard.api.calling import PROBLEMS, Role, TheEngine, call
from dashboard.api.uploads import copied
from dashboard.errors import Json, Refusal, shorten
from dashboard.strict import StrictRoute
from engine.requests.runs import Rename

MOST_FILES = 4  # G and D of both sides
CHOICES = {"as": "gan", "test_mode": "test_mode", "dropout": "dropout", "places": "places"}
FIELDS = ("files", "name", *CHOICES)
_FORM: dict[str, Any] = {
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
                        "as": {"type": "string", "enum": ["pix2pix", "cyclegan"]},
                        "test_mode": {"type": "string", "enum": ["auto", "train", "eval"], "default": "auto"},
                        "dropout": {"type": "string", "enum": ["auto", "on", "off"], "default": "auto"},
                        "places": {
                            "type": "string",
                            "description": "What each network is, in turn, if names do not say: G_A,G_B",
                        },
                    },
                }
            }
        },
    }
}
router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


@router.post("/models", status_code=201, response_model=schemas.Model, openapi_extra=_FORM, tags=["models"])
async def add_model(request: Request, engine: TheEngine, role: Role) -> Response:
    """Make a model of weight files of pix2pix or CycleGAN: G, or G_A and G_B, and their D's if at hand."""
    require_presenter(role)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refusal(415, "the body is no form with files.", "content-type", "Send multipart/form-data.")
    async with request.form(max_files=MOST_FILES, max_fields=20, max_part_size=1 << 16) as form:
        if unknown := [name for name in form if name not in FIELDS]:
            known = ", ".join(FIELDS)
            raise Refusal(422, "there is no such field.", shorten(unknown[0]), f"Choose from: {known}.")
        sent = [item for item in form.getlist("files") if isinstance(item, UploadFile)]
        if not sent:
            raise Refusal(422, "there are no files.", "files", "Send the .pth file of a generator as files.")
        chosen = {meant: text for field, meant in CHOICES.items() if (text := _text(form, field))}
        with tempfile.TemporaryDirectory(prefix="ganscope-weights-") as folder:
            files = await to_thread.run_sync(copied, sent, Path(folder))
            return Json(await call(engine.add_model, role, _text(form, "name"), files, chosen), 201)


def _text(form: FormData, field: str) -> str:
    value = form.get(field, "")
    if not isinstance(value, str) or "\0" in value:
        raise Refusal(422, "that is no text.", field, "Give it as a plain field of the form.")
    return value


@router.patch("/models/{id}", response_model=schemas.Done, tags=["models"])
async def rename_model(engine: TheEngine, role: Role, id: str, body: Rename) -> Response:
    """Give an added model another name."""
    await call(engine.rename_model, role, id, body.name)
    return Json({"ok": True})


@router.get("/models/{id}/export", response_class=Response, tags=["models"])
async def export_model(
    engine: TheEngine,
    request: Request,
    id: str,
    to: Annotated[Literal["onnx", "safetensors", "torchscript"], Query(description="The format.")],
    direction: Annotated[
        Literal["a_to_b", "b_to_a"] | None, Query(description="Of a translator; its first by default.")
    ] = None,
    part: Annotated[
        Literal["file", "card"], Query(description="The file itself, or what it says of it.")
    ] = "file",
) -> Response:
    """The generator for other programs, compared with the model before it is handed over."""
    path = await call(engine.export_model, id, to, direction, request.client.host if request.client else "")
    if part == "card":
        path = path.with_name(f"{path.name}.md")
        return FileResponse(path, media_type="text/markdown; charset=utf-8", filename=path.name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
