"""Routes that translate pictures: ``/api/translate`` and what is under it. Nothing is decoded here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from dashboard.api import schemas
from dashboard.api.bodies import documented, read_body
from dashboard.api.calling import PROBLEMS, TheEngine, call
from dashboard.api.explore import Asker, plain
from dashboard.errors import Json, Refusal
from dashboard.strict import StrictRoute
from engine.api import Translated
from engine.options import BadInput
from engine.requests.translation import TranslateMany, TranslatePicture

LOOKED_EVERY_S = 0.5  # whether the client still waits
router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


@router.get("/translate", response_model=list[schemas.Translator], tags=["translate"])
async def translators(engine: TheEngine) -> Response:
    """The models that translate pictures."""
    return Json(await call(engine.translators))


@router.post("/translate/{id}", openapi_extra=documented(TranslatePicture), tags=["translate"])
async def translate(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """A picture of any size, translated: a PNG of the same size, or with `format` "json" all there is to say
    of it. It waits for its turn; who does not want to, and for many pictures, there are jobs.
    """
    async with read_body(request, TranslatePicture) as sent:
        future = await call(engine.translate, id, sent.image, sent.options(), *asker.turn)
    answer = await _awaited(request, engine, future)
    if sent.format == "json":
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
    openapi_extra=documented(TranslateMany, as_json=False),
    tags=["translate"],
)
async def start(request: Request, engine: TheEngine, id: str, asker: Asker) -> Response:
    """Translate one picture or many, or zips of them, without waiting; answers with the `job` to ask for."""
    async with read_body(request, TranslateMany, as_json=False) as sent:
        job = await call(engine.start_translation, id, sent.files, sent.options(), asker.turn[0])
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
