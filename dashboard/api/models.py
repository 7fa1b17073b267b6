"""Routes that add models, rename them and hand their generators to other programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse

from dashboard.access import require_presenter
from dashboard.api import schemas
from dashboard.api.bodies import documented, read_body
from dashboard.api.calling import PROBLEMS, Role, TheEngine, call, wait_for
from dashboard.errors import Json
from dashboard.hosts import host_of
from dashboard.strict import StrictRoute
from engine.requests.models import AddModel, From, To
from engine.requests.runs import Rename
from engine.requests.viewer import Viewer

router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


@router.post(
    "/models",
    status_code=201,
    response_model=schemas.Model,
    openapi_extra=documented(AddModel, as_json=False),
    tags=["models"],
)
async def add_model(request: Request, engine: TheEngine, role: Role) -> Response:
    """Make a model of weight files of pix2pix or CycleGAN: G, or G_A and G_B, and their D's if at hand."""
    require_presenter(role)
    async with read_body(request, AddModel, as_json=False) as sent:
        added = await wait_for(engine.add_model, role, sent.name, sent.files, sent.weights())
        return Json(added, 201)


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
    to: To,
    direction: From = None,
    part: Annotated[
        Literal["file", "card"], Query(description="The file itself, or what it says of it.")
    ] = "file",
) -> Response:
    """The generator for other programs, compared with the model before it is handed over."""
    path = await wait_for(engine.export_model, id, to, direction, Viewer("", host_of(request)))
    if part == "card":
        path = path.with_name(f"{path.name}.md")
        return FileResponse(path, media_type="text/markdown; charset=utf-8", filename=path.name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
