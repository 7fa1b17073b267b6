"""Request bodies, read strictly: what a parser lets through and later code stumbles over is refused first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from dashboard.errors import Refusal

MAX_DEPTH = 32
_NO_CHARACTERS = re.compile("[\0\ud800-\udfff]")
_SEND_JSON = "Send one JSON object as application/json."


def parse_json(body: bytes, finite: bool = False) -> object:
    """``body`` as JSON without deep nesting, half characters or null characters; numbers are judged by the
    models, or must be ``finite`` and no larger than what 64 bits hold. Raises ``Refusal``.
    """
    try:
        value = json.loads(body)
    except RecursionError:
        raise Refusal(400, "the body is nested too deeply.", "body", _SEND_JSON) from None
    except ValueError as problem:  # JSONDecodeError and UnicodeDecodeError are ones
        raise Refusal(400, f"the body is not JSON: {str(problem)[:80]}.", "body", _SEND_JSON) from None
    _check(value, finite)
    return value


def _check(value: object, finite: bool) -> None:
    pending = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Refusal(400, "the body is nested too deeply.", "body", _SEND_JSON)
        if isinstance(item, dict):
            pending += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            pending += [(part, depth + 1) for part in item]
        elif finite and isinstance(item, int | float) and not -(2**63) <= item < 2**63:
            raise Refusal(400, "the body holds numbers that are none.", "body", "Send finite numbers.")
        elif isinstance(item, str) and _NO_CHARACTERS.search(item):
            raise Refusal(
                400,
                "the body holds characters that are none.",
                "body",
                "Leave out \\u0000 and half surrogates.",
            )


class _StrictRequest(Request):
    async def json(self) -> object:
        return parse_json(await self.body())


class StrictRoute(APIRoute):
    """A route whose JSON body is read by ``parse_json``; a body of another type is refused with 415."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            request = _StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and await request.body():
                    raise Refusal(415, "the body is not JSON.", "content-type", _SEND_JSON)
            return await handle(request)

        return strictly
