"""Routes for playing with models: ``/api/models`` and what is under it.

Pictures are drawn in turns: `X-Viewer` says whose turn it is, and of one `X-Control` only the request with
the highest `X-Sequence` waits.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from dashboard import schemas
from dashboard.calling import PROBLEMS, Role, TheEngine, call, file_answer
from dashboard.errors import Json
from dashboard.strict import StrictRoute

router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


class _Asker:
    """Who asks, by three headers that a page may send; without them every request stands alone."""

    def __init__(
        self,
        request: Request,
        x_viewer: Annotated[str, Header(max_length=100, description="A random name of the tab.")] = "",
        x_control: Annotated[str, Header(max_length=100, description="Which control is moved.")] = "",
        x_sequence: Annotated[
            int | None, Header(ge=0, lt=2**63, description="Rises with each request of the control.")
        ] = None,
    ) -> None:
        host = request.client.host if request.client else ""
        self.turn: tuple[str, str, int | None] = (f"{host} {x_viewer}", x_control, x_sequence)


Asker = Annotated[_Asker, Depends()]


async def _draw(
    engine: TheEngine, model: str, kind: str, arguments: dict[str, Any], asker: _Asker
) -> dict[str, Any]:
    future = await call(engine.explore, model, kind, arguments, *asker.turn)
    return await asyncio.wrap_future(future)


def plain(value: Any) -> Any:
    """``value`` as JSON takes it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@router.get("/models", response_model=list[schemas.Model], tags=["models"])
async def models(engine: TheEngine) -> Response:
    """What can be played with: models that ship, added ones, then runs with a checkpoint, newest first."""
    return Json(await call(engine.models))


@router.get("/models/{id}", response_model=schemas.ModelDetails, tags=["models"])
async def model_details(engine: TheEngine, id: str) -> Response:
    """One model in full: codes, directions, sizes, and its card in words."""
    return Json(await call(engine.model, id))


@router.delete("/models/{id}", response_model=schemas.Done, tags=["models"])
async def delete_model(engine: TheEngine, role: Role, id: str) -> Response:
    """Delete an added model."""
    await call(engine.delete_model, role, id)
    return Json({"ok": True})


@router.patch("/models/{id}/directions", response_model=dict[str, str], tags=["models"])
async def name_directions(engine: TheEngine, role: Role, id: str, body: dict[str, Any]) -> Response:
    """Names for directions: `{"d1": "slant"}`; an empty one takes a name away."""
    return Json(await call(engine.name_directions, role, id, body))


@router.get("/models/{id}/strip.png", response_class=Response, tags=["models"])
async def strip(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """Samples of the seeds 0 to 7 side by side."""
    answer = await _draw(engine, id, "strip", {}, asker)
    return file_answer(request, answer["png"], "image/png")


@router.post("/models/{id}/render", tags=["explore"])
async def render(engine: TheEngine, id: str, body: schemas.Render, asker: Asker) -> Response:
    """Samples at places: one PNG, or with `format` "json" each by itself."""
    answer = await _draw(engine, id, "render", body.arguments(), asker)
    step = {"X-Step": str(answer["step"])}
    if "png" in answer:
        return Response(answer["png"], media_type="image/png", headers={"Cache-Control": "no-store", **step})
    return Json(plain(answer), headers=step)


@router.post("/models/{id}/walk", tags=["explore"])
async def walk(engine: TheEngine, id: str, body: schemas.Walk, asker: Asker) -> Response:
    """From key to key, straight or on great circles."""
    return Json(plain(await _draw(engine, id, "walk", body.arguments(), asker)))


@router.post("/models/{id}/interpolate", tags=["explore"])
async def interpolate(engine: TheEngine, id: str, body: schemas.Interpolate, asker: Asker) -> Response:
    """A walk from one place to another."""
    return Json(plain(await _draw(engine, id, "interpolate", body.arguments(), asker)))


@router.post("/models/{id}/arithmetic", tags=["explore"])
async def arithmetic(engine: TheEngine, id: str, body: schemas.Arithmetic, asker: Asker) -> Response:
    """The mean of a, minus that of b, plus that of c, and neighbours of the result."""
    return Json(plain(await _draw(engine, id, "arithmetic", body.arguments(), asker)))


@router.post("/models/{id}/traverse", tags=["explore"])
async def traverse(engine: TheEngine, id: str, body: schemas.Traverse, asker: Asker) -> Response:
    """A row or grid of samples along one or two codes or directions."""
    return Json(plain(await _draw(engine, id, "traverse", body.arguments(), asker)))
