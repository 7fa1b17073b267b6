"""What all routes share: how they reach the engine, who asks, and how files are answered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request, Response

from dashboard.api import schemas
from dashboard.session import ROLE_HEADER
from engine import api as engine_api
from engine.api import Engine

P = ParamSpec("P")
T = TypeVar("T")

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": schemas.Problem,
        "description": "Refused: what is wrong, in which field, and what to do instead.",
    }
}
_threads = anyio.CapacityLimiter(16)  # apart from the pages' own threads, so that neither waits for the other
_waiting = anyio.CapacityLimiter(64)  # for what waits for its turn in a process; the desk bounds it by host


async def _engine(request: Request) -> Engine:
    return request.app.state.engine


async def _role(request: Request) -> engine_api.Role:
    return "presenter" if request.headers.get(ROLE_HEADER) == "presenter" else "viewer"


TheEngine = Annotated[Engine, Depends(_engine)]
Role = Annotated[engine_api.Role, Depends(_role)]


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """An engine call in a thread of its own: they may block."""
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs), limiter=_threads)


async def wait_for(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``call``, where it may take minutes: it must not keep a thread from those that are quick."""
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs), limiter=_waiting)


def file_answer(request: Request, body: bytes, kind: str) -> Response:
    """Bytes that browsers keep, and ask each time whether they are still the same."""
    tag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)
