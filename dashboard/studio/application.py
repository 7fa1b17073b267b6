"""The studio under ``/studio``: Gradio's application for translating pictures, imported when it is needed.

Gradio takes seconds to import, so this stands in for it: until it is there, a browser is shown that it is
loading, and a program's request is held. Only the addresses that the studio needs are let through to it: none
that fetches something from another machine, none of its own extras. What it keeps, uploads and results, lies
in a folder of its own that is wiped at each start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from dashboard.errors import Json, Refusal, answer, shorten
from dashboard.hosts import host_of
from dashboard.root import below
from dashboard.strict import parse_json
from dashboard.studio.kept import Kept
from dashboard.studio.settings import DRIP_EVERY_S, HELD_EVERY_S, HELD_FOR_S, MOST_HELD, PREFIX, START_AFTER_S

if TYPE_CHECKING:
    from fastapi import FastAPI

    from engine.api import Engine


_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
_API = (
    r"info/?|upload|upload_progress|queue/join/?|queue/data|call/[^/]+(/[^/]+)?/?|heartbeat/[^/]+|cancel|reset/?"
    r"|startup-events|app_id/?|theme\.css|login_check/?|user/?|file=.+|mcp|mcp/.*"
)
_SERVED = re.compile(
    rf"/(|config/?|theme\.css|robots\.txt|favicon\.ico|assets/.+|static/.+|svelte/.+|gradio_api/({_API}))",
    re.DOTALL,
)
_UPLOAD = "/gradio_api/upload"
_ELSEWHERE = re.compile(r"/gradio_api/file=\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.DOTALL)
_LOADING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Studio</title>
<meta http-equiv="refresh" content="1"><meta name="color-scheme" content="light dark">
<body style="font:15px system-ui,sans-serif;margin:3rem;color:GrayText">
<p role="status">The studio is loading ...</p>
"""
_log = logging.getLogger("ganscope")


class Studio:
    """The ASGI application. ``make`` imports and builds Gradio's, by default ``dashboard.studio.page``'s."""

    def __init__(self, engine: Engine, make: Callable[[Engine, Path], FastAPI] | None = None) -> None:
        self._engine, self._make = engine, make or _import
        self._files = engine.runs_folder / ".cache" / "studio"
        self._kept = Kept(self._files)
        self._app: FastAPI | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._end, self._leaving = asyncio.Event(), asyncio.Event()
        self._held = 0

    # --- its life, all in the server's event loop

    def start_soon(self) -> None:
        """A page has been asked for: start in a while, once."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(START_AFTER_S, self.start)

    def put_off(self) -> None:
        """Somebody is drawing: wait until nobody has for a while."""
        if self._timer is not None and self._task is None:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(START_AFTER_S, self.start)

    def start(self) -> None:
        """Begin the import, once."""
        if self._task is None:
            self._task = asyncio.create_task(self._live())
            self._task.add_done_callback(_report)

    def leave(self) -> None:
        """The server is about to end: hang up on all streams, which would hold it up."""
        self._leaving.set()

    async def close(self) -> None:
        """End it, and remove its files."""
        if self._timer is not None:
            self._timer.cancel()
        self._end.set()
        if self._task is not None:
            await asyncio.wait((self._task,))
        shutil.rmtree(self._files, ignore_errors=True)

    async def _live(self) -> None:
        """Its lifespan, entered and left in one task as its task groups demand."""
        importing = asyncio.create_task(asyncio.to_thread(self._prepare))
        ended = asyncio.create_task(self._end.wait())
        await asyncio.wait((importing, ended), return_when=asyncio.FIRST_COMPLETED)
        if self._end.is_set():
            return
        ended.cancel()
        app = importing.result()
        async with app.router.lifespan_context(app):
            self._app = app
            await self._end.wait()
            self._app = None

    def _prepare(self) -> FastAPI:
        shutil.rmtree(self._files, ignore_errors=True)
        self._files.mkdir(parents=True, mode=0o700)
        folders = {
            "GRADIO_TEMP_DIR": str(self._files),
            "GRADIO_EXAMPLES_CACHE": str(self._files / "examples"),
        }
        os.environ.update({**_SETTINGS, **folders})  # Gradio reads them when it is imported
        return self._make(self._engine, self._files)

    @property
    def state(self) -> Literal["idle", "loading", "ready", "failed"]:
        """How far it is; asked for at ``/studio/state``, which also starts it."""
        if self._app is not None:
            return "ready"
        if self._task is None:
            return "idle"
        return "failed" if self._task.done() else "loading"

    # --- requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # Gradio has no sockets any more
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        path = below(scope)
        if path == "/state":
            self.start()
            await Json({"state": self.state})(scope, receive, send)
        elif not _SERVED.fullmatch(path) or _ELSEWHERE.match(path):
            refusal = Refusal(
                404, f"there is nothing at {shorten(path)}.", None, f"The studio is at {PREFIX}/."
            )
            await answer(refusal)(scope, receive, send)
        elif self._app is None and path.rstrip("/") == "/config":
            self.start()
            await self._drip(scope, receive, send)
        else:
            app = await self._awaited(request := Request(scope, self._while_it_lasts(receive)))
            if app is None:
                await self._excuse(request)(scope, receive, send)
            elif path.rstrip("/") == _UPLOAD:
                await self._take(app, request, send)
            else:
                await self._pass_on(app, request, send)

    async def _pass_on(self, app: FastAPI, request: Request, send: Send) -> None:
        """To Gradio, except for what it would stumble over: numbers and characters that are none."""
        receive = request.receive
        if request.method == "POST":
            body = await request.body()
            try:
                if body:
                    await asyncio.to_thread(parse_json, body, True)
            except Refusal as refusal:
                await answer(refusal)(request.scope, receive, send)
                return
            receive = _after(body, receive)
        await app(request.scope, receive, send)

    async def _take(self, app: FastAPI, request: Request, send: Send) -> None:
        """An upload: Gradio answers with the paths of its files, which are kept as long as there is room."""
        said = bytearray()

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.body":
                said.extend(message.get("body", b""))
            await send(message)

        plain = [(name, value) for name, value in request.scope["headers"] if name != b"accept-encoding"]
        try:
            await app({**request.scope, "headers": plain}, request.receive, heard)
        finally:
            with suppress(ValueError):
                paths = json.loads(said)
                if isinstance(paths, list):
                    self._kept.add(map(str, paths), host_of(request))
            await asyncio.to_thread(self._kept.trim)

    async def _awaited(self, request: Request) -> FastAPI | None:
        """Gradio's application, for a program once it is there; ``None`` where one is to be told to wait."""
        if self._app is None:
            self.start()
            if "text/html" not in request.headers.get("accept", ""):
                await self._hold()
        return self._app

    async def _drip(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The configuration, which programs ask for first, and whose client waits for five seconds only: the
        answer begins at once, and blanks, which JSON may begin with, say that there is more to come.
        """
        if self._held >= MOST_HELD:
            await self._excuse(Request(scope))(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        holding = asyncio.create_task(self._hold())
        while not holding.done():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.wait((holding,), timeout=DRIP_EVERY_S)

        async def without_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send(message)

        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        answer: FastAPI | Response = self._app or self._excuse(Request(scope))
        await answer({**scope, "headers": plain}, receive, without_head)

    async def _hold(self) -> None:
        """Wait until it is there, or will not be; no more than ``MOST_HELD`` requests at once."""
        if self._held >= MOST_HELD:
            return
        self._held += 1
        end = asyncio.get_running_loop().time() + HELD_FOR_S
        try:
            while self.state == "loading" and not self._leaving.is_set():
                if asyncio.get_running_loop().time() > end:
                    return
                await asyncio.sleep(HELD_EVERY_S)
        finally:
            self._held -= 1

    def _while_it_lasts(self, receive: Receive) -> Receive:
        """``receive`` that hears a client leave once the server is about to end."""

        async def heard() -> Message:
            said, leaves = asyncio.ensure_future(receive()), asyncio.ensure_future(self._leaving.wait())
            try:
                await asyncio.wait((said, leaves), return_when=asyncio.FIRST_COMPLETED)
                return said.result() if said.done() else {"type": "http.disconnect"}
            finally:
                for one in (said, leaves):
                    one.cancel()

        return heard

    def _excuse(self, request: Request) -> Response:
        later = {"Retry-After": "1", "Cache-Control": "no-store"}
        if self.state == "failed":
            remedy = "The server's terminal says why."
            return answer(Refusal(503, "the studio did not start.", None, remedy), later)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_LOADING, 503, later)
        return answer(Refusal(503, "loading", None, "Try again in a few seconds."), later)


def _after(body: bytes, receive: Receive) -> Receive:
    """``receive`` that gives ``body`` first, which was read already."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def heard() -> Message:
        return pending.pop() if pending else await receive()

    return heard


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.error("the studio did not start", exc_info=failure)


def _import(engine: Engine, files: Path) -> FastAPI:
    from dashboard.studio.page import mount

    return mount(engine, files)
