"""The drawing socket: the picture that follows the finger, without a request's weight around it.

``WS /api/models/{id}/draw``. A page sends places as they are reached; each is answered by a picture as the
engine packed it, or by an error. Turns are taken as over HTTP: of one socket the newest place waits.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.errors import Refusal, status_of
from dashboard.hosts import host_of
from dashboard.live.places import TOO_MANY, Places
from dashboard.strict import parse_json
from engine.options import BadInput
from engine.requests.live import NumberedDraw
from engine.requests.viewer import Viewer

if TYPE_CHECKING:
    from engine.api import Engine

CONTROL = "large"
MAX_MESSAGE = 1 << 16  # characters: a place may hold a latent
UNDER_WAY = 4  # places of one socket that are worked on; until one is answered no more are read
log = logging.getLogger("ganscope")
HEAD = struct.Struct("<II")  # the model's step, the number of the place

DOCUMENTATION = """
## The drawing socket

`WS /api/models/{id}/draw` draws places while a control is moved. **The client sends** JSON texts
`{"seq": n, "place": {...}}`: a place as in `POST /api/models/{id}/render`, and a number below 2^32 that
rises. **The server answers** each with a binary message - a little-endian `uint32` step of the model, a
`uint32` n, then a frame as the live socket's, whose header has `z` and, of a point, `point`, and whose array
`pixels` is (height, width) or (height, width, 3) - or with the text
`{"type": "error", "seq", "status", "error", "field", "remedy"}`: status 409 and error "superseded" if a newer
place took its turn.
"""


class Drawings:
    """All open drawing sockets. ``heard`` is called with each of their messages."""

    def __init__(self, engine: Engine, heard: Callable[[], None]) -> None:
        self._engine, self._heard = engine, heard
        self._places = Places()

    async def serve(self, socket: WebSocket, model: str) -> None:
        """Answer one socket from its opening to its end."""
        await socket.accept()
        try:
            with self._places.hold(socket):
                await _Drawing(socket, self._engine, model, self._heard).run()
        except Refusal:
            await socket.close(TOO_MANY)


class _Drawing:
    def __init__(self, socket: WebSocket, engine: Engine, model: str, heard: Callable[[], None]) -> None:
        self._socket, self._engine, self._model, self._heard = socket, engine, model, heard
        self._viewer = Viewer(secrets.token_hex(6), host_of(socket))
        self._room = asyncio.Semaphore(UNDER_WAY)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                await self._room.acquire()
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._heard()
                task = asyncio.create_task(self._answer(message.get("text")))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        problem = None if task.cancelled() else task.exception()
        if problem is not None and not isinstance(problem, WebSocketDisconnect):  # of that `run` hears itself
            log.error("a drawing broke", exc_info=problem)

    async def _answer(self, text: str | None) -> None:
        number = None
        try:
            asked = _read(text)
            number, arguments = asked.seq, {"place": asked.place.plain()}
            future = self._engine.explore(self._model, "draw", arguments, self._viewer, CONTROL, number)
            drawn = await asyncio.wrap_future(future)
        except BadInput as problem:
            said = {"type": "error", "seq": number, "status": status_of(problem), **problem.as_dict()}
            await self._socket.send_text(json.dumps(said))
            return
        head = HEAD.pack(drawn["step"], number)
        await self._socket.send_bytes(head + drawn["frame"])


def _read(text: str | None) -> NumberedDraw:
    """A message. Raises ``BadInput``."""
    if text is None or len(text) > MAX_MESSAGE:
        remedy = 'Send {"seq": 1, "place": {"seed": 7}}.'
        raise Refusal(400, "a message is a short JSON text.", "message", remedy)
    return NumberedDraw.read(parse_json(text.encode("utf-8", "replace")))
