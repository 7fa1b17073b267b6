"""What a run has recorded, however much it is: read, checked and sent a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from engine.api import Engine

AT_ONCE = 2  # pieces that are made at the same time, of all answers to everybody
_reading = anyio.CapacityLimiter(AT_ONCE)
_NO_STORE = {"Cache-Control": "no-store"}
_JSON = "application/json"


async def recorded(
    request: Request,
    engine: Engine,
    run: str,
    what: Literal["metrics", "events"],
    since: int,
    limit: int | None,
) -> Response:
    """All of ``what`` after ``since``, or the first ``limit`` and where to go on. Raises ``NotFound``."""
    if limit is None:
        parts = await anyio.to_thread.run_sync(engine.recorded, run, what, since, limiter=_reading)
        return StreamingResponse(_sent(parts), media_type=_JSON, headers=_NO_STORE)
    page = await anyio.to_thread.run_sync(engine.recorded_page, run, what, since, limit, limiter=_reading)
    headers = dict(_NO_STORE)
    if page[1] is not None:
        following = request.url.include_query_params(since=page[1])
        headers |= {"X-Next": str(page[1]), "Link": f'<{following}>; rel="next"'}
    return Response(page[0], media_type=_JSON, headers=headers)


async def _sent(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """One piece after the other, each once the client has taken the one before."""
    while (part := await anyio.to_thread.run_sync(next, parts, None, limiter=_reading)) is not None:
        yield part
