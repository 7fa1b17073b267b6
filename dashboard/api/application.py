"""The HTTP API under ``/api``: JSON, pictures and the live WebSocket. Every call goes through ``engine.api``.

Answers are written as the engine gives them; their models document them (``/api/docs``, without any CDN).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import RedirectResponse

from dashboard import errors
from dashboard.access import COOKIE_AGE_S, Access, require_presenter
from dashboard.api import schemas
from dashboard.api.bodies import documented, read_body
from dashboard.api.calling import PROBLEMS, Role, TheEngine, call, file_answer, wait_for
from dashboard.api.explore import router as explore_router
from dashboard.api.lessons import router as lessons_router
from dashboard.api.models import router as models_router
from dashboard.api.recorded import recorded
from dashboard.api.translate import router as translate_router
from dashboard.errors import Json, Refusal
from dashboard.hosts import host_of
from dashboard.live.drawing import DOCUMENTATION as DRAWING
from dashboard.live.drawing import Drawings
from dashboard.live.hub import DOCUMENTATION, Hub
from dashboard.root import address
from dashboard.strict import StrictRoute
from engine.api import Engine
from engine.options import BadInput
from engine.requests.base import Limit, Since, Step
from engine.requests.control import Command
from engine.requests.data import AddDataset
from engine.requests.runs import Rename, StartPreset, StartRun

FRAME_TYPE = "application/octet-stream"
_DESCRIPTION = """Everything that GANscope's pages can do. Whatever is refused is answered by
`{"error", "field", "remedy"}` and a 4xx status. On a server that is open to a network, whatever changes
something needs the presenter's cookie: `POST /api/login`.

"""
_DATASET = documented(AddDataset, as_json=False)
router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


def create_api(the_engine: Engine, hub: Hub, access: Access, drawing: Callable[[], None]) -> FastAPI:
    """The application to be mounted at ``/api``. ``drawing`` is told whenever somebody draws."""
    api = FastAPIOffline(
        title="GANscope",
        version=the_engine.health()["version"],
        description=_DESCRIPTION + DOCUMENTATION + DRAWING,
        docs_url="/docs",
        redoc_url=None,
        swagger_ui_parameters={"validatorUrl": None},  # or Swagger asks its makers whether we are valid
    )
    api.state.engine, api.state.hub, api.state.access = the_engine, hub, access
    api.state.drawings = Drawings(the_engine, drawing)
    api.include_router(router)
    api.include_router(explore_router)
    api.include_router(lessons_router)
    api.include_router(models_router)
    api.include_router(translate_router)
    uncompressed = (*DEFAULT_EXCLUDED_CONTENT_TYPES, FRAME_TYPE)
    api.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5, exclude_content_types=uncompressed)
    for kind in (BadInput, RequestValidationError, HTTPException, Exception):
        api.add_exception_handler(kind, _refuse)
    return api


def _refuse(request: Request, problem: Exception) -> Json:
    if isinstance(problem, BadInput):
        return errors.answer(problem)
    if isinstance(problem, RequestValidationError):
        return errors.from_validation(problem.errors())
    if isinstance(problem, HTTPException):
        return errors.from_http(problem, request.method, request.url.path)
    return errors.broken(problem)  # the guard writes the traceback to the log


# the server


@router.get("/", include_in_schema=False)
async def root(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get("/health", response_model=schemas.Health, tags=["server"])
async def health(request: Request, engine: TheEngine, role: Role) -> Response:
    """Whether the server works, and what it runs on."""
    state = request.app.state
    about = {"viewers": state.hub.viewers, "role": role, "lan": state.access.lan}
    return Json({**await call(engine.health), **about})


@router.post("/login", response_model=schemas.LoggedIn, tags=["server"])
async def login(request: Request, body: schemas.Login) -> Response:
    """Become the presenter: the answer sets a signed cookie. Ten wrong codes a minute are borne."""
    access: Access = request.app.state.access
    value = access.log_in(body.code, host_of(request))
    response = Json({"role": "presenter"})
    secure = request.url.scheme == "https"
    response.set_cookie(
        access.cookie,
        value,
        max_age=COOKIE_AGE_S,
        path=address("/"),
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return response


@router.post("/logout", response_model=schemas.LoggedIn, tags=["server"])
async def logout(request: Request) -> Response:
    """Forget the presenter's cookie."""
    access: Access = request.app.state.access
    access.log_out(request.headers.get("cookie", ""))
    response = Json({"role": access.role("")})
    response.delete_cookie(access.cookie, path=address("/"), httponly=True, samesite="strict")
    return response


# what there is to choose from


@router.get("/catalogue", response_model=schemas.Catalogue, tags=["catalogue"])
async def catalogue(engine: TheEngine) -> Response:
    """GANs, objectives, stabilisers and data sets with all their options, and the presets."""
    return Json(await call(engine.catalogue))


@router.get("/presets", response_model=dict[str, Any], tags=["catalogue"])
async def presets(engine: TheEngine) -> Response:
    """Ready experiments: what to watch, what to expect, and the runs that each starts."""
    return Json(await call(engine.presets))


@router.post("/presets/{name}", response_model=schemas.StartedPreset, tags=["catalogue"])
async def start_preset(engine: TheEngine, role: Role, name: str, body: StartPreset | None = None) -> Response:
    """Start all runs of a preset."""
    return Json({"ids": await call(engine.start_preset, role, name, body.seed if body else None)})


@router.get("/presets/{name}.png", response_class=Response, tags=["catalogue"])
async def preset_picture(request: Request, engine: TheEngine, name: str) -> Response:
    """The picture on a preset's card."""
    return file_answer(request, await call(engine.preset_picture, name), "image/png")


# data sets


@router.get("/datasets", response_model=list[schemas.Dataset], tags=["data"])
async def datasets(engine: TheEngine) -> Response:
    """The uploaded ones; the others are in the catalogue."""
    return Json(await call(engine.datasets))


@router.post("/datasets", response_model=schemas.Dataset, openapi_extra=_DATASET, tags=["data"])
async def add_dataset(request: Request, engine: TheEngine, role: Role) -> Response:
    """Pictures, or a zip of them, as a data set: centre-cropped to `size`; subfolders of a zip become
    classes. With `layout` pairs or domains they are to be translated: A and B side by side, or in
    folders A and B.
    """
    require_presenter(role)  # before its files are read
    async with read_body(request, AddDataset, as_json=False) as sent:
        about = (sent.name, sent.files, sent.size, sent.colour, sent.layout)
        added = await wait_for(engine.add_dataset, role, *about, sent.value_range, sent.side_by_side)
        return Json(added)


@router.get("/datasets/{name}/thumbnail.png", response_class=Response, tags=["data"])
async def dataset_thumbnail(request: Request, engine: TheEngine, name: str) -> Response:
    """A few of its pictures, or its points, on 160 by 160 pixels."""
    return file_answer(request, await call(engine.dataset_thumbnail, name), "image/png")


@router.delete("/datasets/{name}", response_model=schemas.Done, tags=["data"])
async def delete_dataset(engine: TheEngine, role: Role, name: str) -> Response:
    """Delete uploaded pictures."""
    await call(engine.delete_dataset, role, name)
    return Json({"ok": True})


# runs


@router.get("/runs", response_model=list[schemas.RunSummary], tags=["runs"])
async def runs(engine: TheEngine) -> Response:
    """All runs, newest first."""
    return Json(await call(engine.runs))


@router.post("/runs", response_model=schemas.Started, tags=["runs"])
async def start(engine: TheEngine, role: Role, body: StartRun) -> Response:
    """Start a run, or queue it if as many train as may."""
    return Json({"id": await call(engine.start, role, body.plain())})


@router.post("/validate", response_model=schemas.Valid, tags=["runs"])
async def validate(engine: TheEngine, role: Role, body: StartRun) -> Response:
    """Whether a request could be started, and what would happen. Nothing is started."""
    config = await call(engine.validate, role, body.plain())
    return Json({"ok": True, "config": config, "sentence": config["meta"]["sentence"]})


@router.get("/runs/{run}", response_model=schemas.Run, tags=["runs"])
async def run_details(engine: TheEngine, run: str) -> Response:
    """Configuration, status, newest row, diagnosis, snapshots and checkpoints of a run."""
    return Json(await call(engine.run, run))


@router.patch("/runs/{run}", response_model=schemas.Done, tags=["runs"])
async def rename(engine: TheEngine, role: Role, run: str, body: Rename) -> Response:
    """Give a run another name."""
    await call(engine.rename, role, run, body.name)
    return Json({"ok": True})


@router.delete("/runs/{run}", response_model=schemas.Done, tags=["runs"])
async def delete(engine: TheEngine, role: Role, run: str) -> Response:
    """Stop a run and delete all its files."""
    await call(engine.delete, role, run)
    return Json({"ok": True})


@router.post("/runs/{run}/control", response_model=dict[str, Any], tags=["runs"])
async def control(engine: TheEngine, role: Role, run: str, body: Command) -> Response:
    """Steer a run. `branch` and `duplicate` answer with the `id` of the new run."""
    return Json(await call(engine.control, role, run, body.plain()))


@router.get("/runs/{run}/metrics", response_model=list[schemas.MetricsRow], tags=["what a run recorded"])
async def metrics(
    request: Request, engine: TheEngine, run: str, since: Since = -1, limit: Limit | None = None
) -> Response:
    """All rows after `since`, not thinned. With `limit` a page of them; `X-Next` then names the `since` of
    the next page, and so does a `Link`, if there is one.
    """
    return await recorded(request, engine, run, "metrics", since, limit)


@router.get("/runs/{run}/events", response_model=list[schemas.Event], tags=["what a run recorded"])
async def events(
    request: Request, engine: TheEngine, run: str, since: Since = -1, limit: Limit | None = None
) -> Response:
    """All events after `since`, or with `limit` a page of them, as of rows."""
    return await recorded(request, engine, run, "events", since, limit)


@router.get("/runs/{run}/frame", response_class=Response, tags=["what a run recorded"])
async def frame(request: Request, engine: TheEngine, run: str) -> Response:
    """The newest picture. Its layout is described with the live socket."""
    return file_answer(request, await call(engine.frame, run), FRAME_TYPE)


@router.get("/runs/{run}/real", response_class=Response, tags=["what a run recorded"])
async def real(request: Request, engine: TheEngine, run: str) -> Response:
    """Real data to be seen beside the samples, in the same layout."""
    return file_answer(request, await call(engine.real, run), FRAME_TYPE)


@router.get("/runs/{run}/snapshots", response_model=list[int], tags=["what a run recorded"])
async def snapshots(engine: TheEngine, run: str) -> Response:
    """The steps whose pictures were kept."""
    return Json((await call(engine.run, run))["snapshots"])


@router.get("/runs/{run}/snapshots/{step}", response_class=Response, tags=["what a run recorded"])
async def snapshot(request: Request, engine: TheEngine, run: str, step: Step) -> Response:
    """The picture that was kept at `step`."""
    return file_answer(request, await call(engine.snapshot, run, step), FRAME_TYPE)


@router.get("/runs/{run}/thumbnail.png", response_class=Response, tags=["what a run recorded"])
async def thumbnail(request: Request, engine: TheEngine, run: str) -> Response:
    """The newest samples on about 160 by 160 pixels."""
    return file_answer(request, await call(engine.thumbnail, run), "image/png")


@router.get("/runs/{run}/log", response_class=Response, tags=["what a run recorded"])
async def log(engine: TheEngine, role: Role, run: str) -> Response:
    """The end of what its process wrote, for the presenter."""
    return Response(
        await call(engine.log, role, run),
        media_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


# the sockets


@router.get("/live", status_code=426, response_model=schemas.Problem, tags=["the live socket"])
async def live_without_socket() -> Response:
    """`WS /api/live` is a WebSocket; its messages are described at the top of this page."""
    raise Refusal(426, "this address is a WebSocket.", None, "Open it with ws:// and see /api/docs.")


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    hub: Hub = socket.app.state.hub
    await hub.serve(socket)


@router.websocket("/models/{id}/draw")
async def draw(socket: WebSocket, id: str) -> None:
    drawings: Drawings = socket.app.state.drawings
    await drawings.serve(socket, id)
