"""The outermost layer of the server: pure ASGI, so that it sees pages, sockets, API and assets alike.

It refuses foreign Host headers (DNS rebinding) and foreign Origins, limits bodies while they stream in,
replaces the role header by its own, and gives every response the same security headers. It cannot see clicks
inside Streamlit's socket: every engine call that changes something takes the role.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections import Counter
from collections.abc import Iterable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access import PRESENTER, Access, same_origin
from dashboard.errors import Refusal, answer, broken
from dashboard.hosts import host_at
from dashboard.root import below, placed
from dashboard.session import ROLE_HEADER
from engine.requests.viewer import may_add

BODY_LIMIT = 1 << 20  # bytes
UPLOAD_LIMIT = 256 << 20  # bytes
PICTURE_LIMIT = 24 << 20  # bytes of a form with a picture to project or score, from whomever
_UPLOADS, _PAGES_UPLOADS = ("/api/datasets", "/api/models"), "/_stcore/upload_file/"
_PICTURES = re.compile(r"/api/models/[^/]+/(project|edit|score|features)")
_TRANSLATED = re.compile(r"/api/translate/[^/]+(/jobs)?")
TRANSLATED_LIMIT = 64 << 20  # bytes of a form with a picture to translate
_STUDIO = re.compile(r"/studio/gradio_api/(upload/?|mcp(/.*)?)")  # files as such, and as base64 from agents
ARRIVING = 2 << 30  # bytes of bodies that are not whole yet, shared out by host: they lie on the disk
_DRAINED = 8 << 20  # bytes of a body too large that are read on, so that its sender lives to hear the answer
_DRAINED_FOR_S = 3.0
_ROLE = ROLE_HEADER.encode()
_log = logging.getLogger("ganscope")


class Guard:
    """Wraps ``app``. Limits are in bytes; only the presenter may send more than ``body_limit`` to uploads;
    forms with a picture may be larger, too.
    """

    def __init__(
        self, app: ASGIApp, access: Access, *, body_limit: int = BODY_LIMIT, upload_limit: int = UPLOAD_LIMIT
    ) -> None:
        self.app, self.access = app, access
        self.body_limit, self.upload_limit = body_limit, upload_limit
        self._arriving: Counter[str] = Counter()  # bytes, by host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope, host = placed(scope), ""
        try:
            host = self._check(scope)
            role = self.access.role("; ".join(_all(scope, b"cookie")))
            scope = {**scope, "headers": _with_role(scope["headers"], role)}
            if scope["type"] == "http":
                await self._http(scope, receive, _Reply(send, host), role)
            else:
                await self.app(scope, receive, send)
        except Refusal as refusal:
            await _refuse(refusal, scope, receive, _Reply(send, host))

    def _check(self, scope: Scope) -> str:
        """The Host header. Raises ``Refusal`` if the request does not belong here."""
        hosts, origins = _all(scope, b"host"), _all(scope, b"origin")
        if len(hosts) != 1 or not self.access.knows_host(hosts[0]):
            remedy = "Use the address that the server printed, or start it with --allow-host NAME."
            raise Refusal(421, "this server does not answer to that name.", "host", remedy)
        if len(origins) > 1 or (origins and not same_origin(origins[0], hosts[0])):
            remedy = "Open the page under the same address as the server."
            raise Refusal(403, "a page of another site may not use this server.", "origin", remedy)
        return hosts[0]

    async def _http(self, scope: Scope, receive: Receive, reply: _Reply, role: str) -> None:
        path = below(scope)
        studio = _STUDIO.fullmatch(path) is not None
        upload = role == PRESENTER and (path in _UPLOADS or path.startswith(_PAGES_UPLOADS) or studio)
        limit = self.upload_limit if upload else PICTURE_LIMIT if studio else self.body_limit
        is_form = any(kind.lower().startswith("multipart/form-data") for kind in _all(scope, b"content-type"))
        if is_form and _PICTURES.fullmatch(path):  # JSON is checked letter by letter: not so much of it
            limit = max(limit, PICTURE_LIMIT)
        elif is_form and (translated := _TRANSLATED.fullmatch(path)):
            limit = max(limit, self.upload_limit if translated[1] else TRANSLATED_LIMIT)
        client = scope.get("client")
        body = _Body(receive, limit, self._arriving, host_at(client[0] if client else ""))
        length = _all(scope, b"content-length")
        if length and length[0].isdigit() and int(length[0]) > body.limit:
            body.exceed()
        else:
            try:
                await self.app(scope, body.receive, _muted_when(body, reply))
            except asyncio.CancelledError:  # the server ends, and has waited for a while
                if not reply.started:
                    await answer(Refusal(503, "the server is ending.", None, "Ask the next one."))(
                        scope, receive, reply
                    )
            except Exception as failure:
                if body.refused is None and not isinstance(failure, ClientDisconnect):
                    _log.exception("%s %.200r failed", scope["method"], scope["path"])
                    if not reply.started:
                        await broken(failure)(scope, receive, reply)
            finally:
                body.forget()
        if body.refused is not None and not reply.started:  # the app, cut short by us, ended as it liked
            if not _all(scope, b"expect"):  # its sender waits for our word before it sends
                await body.drain()
            await answer(body.refused)(scope, receive, reply)


class _Body:
    """Counts a request's body as it is read, also among all that ``arriving`` holds, and ends it when it
    exceeds a limit: then ``refused`` says why.
    """

    def __init__(self, receive: Receive, limit: int, arriving: Counter[str], host: str) -> None:
        self._receive, self.limit = receive, limit
        self._arriving, self._host, self._counted = arriving, host, 0
        self.read, self._ended = 0, False
        self.refused: Refusal | None = None

    def exceed(self) -> None:
        """It is, or is announced to be, larger than its limit."""
        self.refused = Refusal(413, "that is too much.", "body", f"Send at most {self.limit >> 10:,} KiB.")

    async def receive(self) -> Message:
        before, message = self.read, await self._next()
        came = self.read - before
        if self.read > self.limit:
            self.exceed()
        elif came and not may_add(self._arriving, self._host, ARRIVING, came):
            remedy = "Try again in a minute."
            self.refused = Refusal(503, "too much is being sent at once.", "body", remedy)
        else:
            self._counted += came
            self._arriving[self._host] += came
        return message if self.refused is None else {"type": "http.disconnect"}

    def forget(self) -> None:
        """It is answered: nothing of it arrives any more."""
        self._arriving[self._host] -= self._counted
        if not self._arriving[self._host]:
            del self._arriving[self._host]
        self._counted = 0

    async def drain(self) -> None:
        """Read on for a moment: closing on a sender in mid-body would lose the answer."""
        enough = self.read + _DRAINED
        try:
            async with asyncio.timeout(_DRAINED_FOR_S):
                while not self._ended and self.read < enough:
                    await self._next()
        except TimeoutError:
            return

    async def _next(self) -> Message:
        message = await self._receive()
        self.read += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class _Reply:
    """``send`` that adds the security headers, and knows whether a response has started."""

    def __init__(self, send: Send, host: str) -> None:
        self._send, self._host, self.started = send, host, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            present = {name.lower() for name, _ in message.get("headers", ())}
            added = [pair for pair in _security_headers(self._host) if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


def _muted_when(body: _Body, reply: _Reply) -> Send:
    async def send(message: Message) -> None:
        if body.refused is None or reply.started:
            await reply(message)

    return send


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, reply: _Reply) -> None:
    response: Response = answer(refusal)
    if scope["type"] == "http":
        await response(scope, receive, reply)
        return
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        start = {"status": response.status_code, "headers": response.raw_headers}
        await reply({"type": "websocket.http.response.start", **start})
        await reply({"type": "websocket.http.response.body", "body": bytes(response.body)})
    else:
        await reply({"type": "websocket.close", "code": 1008})


@functools.lru_cache(maxsize=64)
def _security_headers(host: str) -> list[tuple[bytes, bytes]]:
    """Streamlit needs inline styles, inline scripts and workers from blobs; nothing needs another machine."""
    sockets = f" ws://{host} wss://{host}" if host else ""  # 'self' covers sockets in new browsers only
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' data: blob:{sockets}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return [
        (b"content-security-policy", "; ".join(f"{name} {value}" for name, value in policy.items()).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _with_role(headers: Iterable[tuple[bytes, bytes]], role: str) -> list[tuple[bytes, bytes]]:
    """The headers with the role that was found out here instead of any that was sent."""
    kept = [(key, value) for key, value in headers if key.lower().replace(b"_", b"-") != _ROLE]
    return [*kept, (_ROLE, role.encode())]
