"""Routes for playing with models: ``/api/models`` and what is under it.

Pictures are drawn in turns: hosts take turns, and of a host those whom `X-Viewer` names. Of one `X-Control`
only the request with the highest `X-Sequence` waits.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import FileResponse

from dashboard.api import schemas
from dashboard.api.bodies import documented, read_body
from dashboard.api.calling import PROBLEMS, Role, TheEngine, call, file_answer, wait_for
from dashboard.api.snippets import Kind, snippet
from dashboard.errors import Json
from dashboard.hosts import host_of
from dashboard.strict import StrictRoute, parse_json
from engine.options import TooMany
from engine.requests.base import MAX_ROW, value_of
from engine.requests.explore import Arithmetic, Interpolate, Latents, Place, Render, Traverse, Walk
from engine.requests.models import NameDirections
from engine.requests.pictures import Features, Project, Score, Seen
from engine.requests.viewer import Viewer

AT_ONCE = 2  # pictures of one viewer that are read at the same time
_FILE_TYPES = {"gif": "image/gif", "mp4": "video/mp4", "png": "image/png"}
_reading: Counter[Viewer] = Counter()

router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


class _Asker:
    """Who asks, by three headers that a page may send; without them every request stands alone."""

    def __init__(
        self,
        request: Request,
        x_viewer: Annotated[str, Header(max_length=100, description="A random name of the tab.")] = "",
        x_control: Annotated[str, Header(max_length=100, description="Which control is moved.")] = "",
        x_sequence: Annotated[
            int | None, Header(ge=0, le=MAX_ROW, description="Rises with each request of the control.")
        ] = None,
    ) -> None:
        self.turn: tuple[Viewer, str, int | None] = (
            Viewer(x_viewer, host_of(request)),
            x_control,
            x_sequence,
        )


Asker = Annotated[_Asker, Depends()]


async def _draw(
    engine: TheEngine, model: str, kind: str, arguments: dict[str, Any], asker: _Asker
) -> dict[str, Any]:
    return await asyncio.wrap_future(engine.explore(model, kind, arguments, *asker.turn))


def _answer(drawn: dict[str, Any]) -> Json:
    return Json(plain(drawn), headers={"X-Step": str(drawn["step"])})


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
    return Json(await wait_for(engine.model, id))


@router.delete("/models/{id}", response_model=schemas.Done, tags=["models"])
async def delete_model(engine: TheEngine, role: Role, id: str) -> Response:
    """Delete an added model."""
    await call(engine.delete_model, role, id)
    return Json({"ok": True})


@router.patch("/models/{id}/directions", response_model=dict[str, str], tags=["models"])
async def name_directions(engine: TheEngine, role: Role, id: str, body: NameDirections) -> Response:
    """Names for directions; an empty one takes a name away."""
    return Json(await call(engine.name_directions, role, id, body.root))


@router.get("/models/{id}/strip.png", response_class=Response, tags=["models"])
async def strip(request: Request, engine: TheEngine, id: str) -> Response:
    """Samples of the seeds 0 to 7 side by side."""
    return file_answer(request, await wait_for(engine.model_strip, id), "image/png")


@router.post("/models/{id}/render", tags=["explore"])
async def render(engine: TheEngine, id: str, body: Render, asker: Asker) -> Response:
    """Samples at places: one PNG, or with `format` "json" each by itself."""
    answer = await _draw(engine, id, "render", body.plain(), asker)
    if "png" not in answer:
        return _answer(answer)
    headers = {"Cache-Control": "no-store", "X-Step": str(answer["step"])}
    return Response(answer["png"], media_type="image/png", headers=headers)


@router.post("/models/{id}/latents", response_class=Response, tags=["explore"])
async def latents(engine: TheEngine, id: str, body: Latents, asker: Asker) -> Response:
    """Latents at places, undrawn: a frame, as the live socket's, with the array `latents` (n, latent_dim)."""
    answer = await _draw(engine, id, "latents", body.plain(), asker)
    headers = {"Cache-Control": "no-store", "X-Step": str(answer["step"])}
    return Response(answer["frame"], media_type="application/octet-stream", headers=headers)


@router.get("/models/{id}/browser", response_class=Response, tags=["explore"])
async def browser_model(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """The generator for a browser that draws itself: a frame with the arrays `onnx` (a file: float32 `z` to
    `sample`, weights in half precision) and `directions`, and in its header the latent's layout. Refused
    for what only the server should draw.
    """
    path = await call(engine.browser_model, id, asker.turn[0])
    body = await anyio.to_thread.run_sync(path.read_bytes)
    return file_answer(request, body, "application/octet-stream")


@router.post("/models/{id}/walk", tags=["explore"])
async def walk(engine: TheEngine, id: str, body: Walk, asker: Asker) -> Response:
    """From key to key, straight or on great circles; as pictures, or as a GIF, MP4 or PNG strip."""
    answer = await _draw(engine, id, "walk", body.plain(), asker)
    if "file" not in answer:
        return _answer(answer)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="walk.{body.format}"',
    }
    return Response(answer["file"], media_type=_FILE_TYPES[body.format], headers=headers)


@router.post("/models/{id}/interpolate", tags=["explore"])
async def interpolate(engine: TheEngine, id: str, body: Interpolate, asker: Asker) -> Response:
    """A walk from one place to another."""
    return _answer(await _draw(engine, id, "interpolate", body.plain(), asker))


@router.post("/models/{id}/arithmetic", tags=["explore"])
async def arithmetic(engine: TheEngine, id: str, body: Arithmetic, asker: Asker) -> Response:
    """The mean of a, minus that of b, plus that of c, and neighbours of the result."""
    return _answer(await _draw(engine, id, "arithmetic", body.plain(), asker))


@router.post("/models/{id}/traverse", tags=["explore"])
async def traverse(engine: TheEngine, id: str, body: Traverse, asker: Asker) -> Response:
    """A row or grid of samples along one or two codes or directions."""
    return _answer(await _draw(engine, id, "traverse", body.plain(), asker))


# pictures that are sent


@contextmanager
def _one_of_few(viewer: Viewer) -> Iterator[None]:
    """A viewer's turn to have a picture read. Raises ``TooMany``."""
    if _reading[viewer] >= AT_ONCE:
        raise TooMany("other pictures of yours are being read.", "image", "Wait for their answers.")
    _reading[viewer] += 1
    try:
        yield
    finally:
        _reading[viewer] -= 1
        if not _reading[viewer]:
            del _reading[viewer]


async def _read(engine: TheEngine, model: str, sent: Seen, asker: _Asker) -> dict[str, Any]:
    """What the model would see of the picture in ``sent``."""
    viewer = asker.turn[0]
    with _one_of_few(viewer):
        return await asyncio.wrap_future(engine.explore(model, "read", sent.look(), viewer))


@router.post("/models/{id}/score", openapi_extra=documented(Score), tags=["explore"])
async def score(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """What D says of samples at places, or of a picture, among its scores of real and generated data."""
    async with read_body(request, Score) as sent:
        asked, note = sent.plain(), ""
        if sent.image is not None:
            picture = await _read(engine, id, sent, asker)
            asked["image"], note = picture["pixels"], picture["note"]
    answer = await _draw(engine, id, "score", asked, asker)
    others = await wait_for(engine.score_histograms, id)
    note = f"{note} {others['note']}".strip()
    return _answer({**answer, "real": others["real"], "fake": others["fake"], "note": note})


@router.post("/models/{id}/features", openapi_extra=documented(Features), tags=["explore"])
async def features(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """The feature maps of a sample or a picture, and filters, each beside those before training."""
    async with read_body(request, Features) as sent:
        asked = sent.plain()
        if sent.image is not None:
            asked["image"] = (await _read(engine, id, sent, asker))["pixels"]
    return _answer(await _draw(engine, id, "features", asked, asker))


@router.post("/models/{id}/project", status_code=202, openapi_extra=documented(Project), tags=["explore"])
@router.post("/models/{id}/edit", status_code=202, openapi_extra=documented(Project), tags=["explore"])
async def project(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """Look for a picture in the latent space; with a mask, for the nearest sample that agrees with it where
    the mask is white. Answers at once with the `job` to ask for.
    """
    async with read_body(request, Project) as sent:
        picture = await _read(engine, id, sent, asker)
    about = {"original": picture["original"], "note": picture["note"]}
    arguments = {**sent.plain(), "image": picture["pixels"]}
    await _draw(engine, id, "check", arguments, asker)
    job = await call(engine.project, id, asker.turn[0], arguments, about)
    return Json({"job": job}, 202)


@router.get("/models/{id}/project/{job}", response_model=schemas.Projection, tags=["explore"])
async def projection(engine: TheEngine, id: str, job: str) -> Response:
    """How far a projection is, and the best that it has found."""
    return Json(plain(await call(engine.projection, id, job)))


@router.delete("/models/{id}/project/{job}", response_model=schemas.Done, tags=["explore"])
async def cancel_projection(engine: TheEngine, id: str, job: str) -> Response:
    """End a projection."""
    await call(engine.cancel_projection, id, job)
    return Json({"ok": True})


# to take away


@router.get("/models/{id}/snippet", response_class=Response, tags=["explore"])
async def code(
    request: Request,
    engine: TheEngine,
    id: str,
    place: Annotated[str, Query(max_length=100_000, description="A place as JSON.")] = '{"seed": 0}',
    kind: Annotated[Kind, Query(alias="as")] = "python",
) -> Response:
    """Text that makes the same picture elsewhere."""
    at = value_of(Place, parse_json(place.encode("utf-8", "replace")), "place")
    await call(engine.model, id)
    address = str(request.base_url).rstrip("/")
    text = snippet(kind, id, at.plain(), address)
    return Response(text, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@router.get("/models/{id}/weights", response_class=Response, tags=["models"])
async def weights(request: Request, engine: TheEngine, id: str) -> Response:
    """The networks' weights, averages in place, as safetensors."""
    path = await wait_for(engine.model_weights, id, Viewer("", host_of(request)))
    return FileResponse(path, media_type="application/octet-stream", filename=f"{id}.safetensors")
