"""One shape for all that was refused: ``{"error", "field", "remedy"}``, a 4xx status, never a traceback."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.options import BadInput, Conflict, Forbidden, NoRoom, NotFound, TooMany, bad_input, is_full

_STATUS = {NotFound: 404, Forbidden: 403, NoRoom: 507, Conflict: 409, TooMany: 429}
_SAID_LENGTH = 200  # of a user's own words in our answer


class Json(Response):
    """A JSON response in pure ASCII: no string that a user sent can break its encoding. Nobody keeps it."""

    media_type = "application/json"

    def __init__(
        self, content: object, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store", **(headers or {})})

    def render(self, content: object) -> bytes:
        try:
            return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
        except ValueError:  # a run's damaged file may hold what JSON has no words for
            return json.dumps(_finite(content), separators=(",", ":")).encode("ascii")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


class Refusal(BadInput):
    """``BadInput`` with a status of its own, for what is wrong with a request before any value in it."""

    def __init__(self, status: int, error: str, field: str | None = None, remedy: str = "") -> None:
        super().__init__(error, field, remedy)
        self.status = status


def status_of(problem: BadInput) -> int:
    """The HTTP status of a refusal: 404, 403, 507, 409, 429, its own, or 400."""
    if isinstance(problem, Refusal):
        return problem.status
    return next((status for kind, status in _STATUS.items() if isinstance(problem, kind)), 400)


def answer(problem: BadInput, headers: Mapping[str, str] | None = None) -> Json:
    """The response that says ``problem``."""
    return Json(problem.as_dict(), status_of(problem), headers)


def broken(fault: Exception) -> Json:
    """The response to a fault of ours, whose traceback is in the server's log, or to a disk that is full."""
    if is_full(fault):
        return answer(NoRoom())
    problem = BadInput(
        "something broke in the server.", None, "Try again; the server's terminal says what happened."
    )
    return Json(problem.as_dict(), 500)


def from_http(problem: HTTPException, method: str, path: str) -> Json:
    """The frameworks' own refusals (no such address, wrong method, unreadable body) in our shape."""
    if isinstance(problem.__cause__, BadInput):  # FastAPI wraps what a body's parser raises
        return answer(problem.__cause__)
    headers, status, where = problem.headers or {}, problem.status_code, shorten(path)
    if status == 404:
        refusal = Refusal(
            404, f"there is nothing at {where}.", None, "See /api/docs for the addresses there are."
        )
    elif status == 405:
        allowed = headers.get("Allow") or headers.get("allow") or ""
        refusal = Refusal(
            405, f"{where} does not take {shorten(method)}.", None, f"It takes {allowed}." if allowed else ""
        )
    else:
        refusal = Refusal(
            status, f"{problem.detail}.".replace("..", "."), None, "See /api/docs for what is expected."
        )
    return answer(refusal, headers)


def from_validation(errors: Sequence[Mapping[str, Any]]) -> Json:
    """The first complaint of FastAPI's validation as status 422."""
    first = errors[0]
    place, *names = first["loc"]
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", "")
        return answer(Refusal(400, f"the body is not JSON: {why}.", None, "Send one JSON object."))
    problem = bad_input({**first, "loc": names})
    if first["type"] == "missing":
        problem.remedy = f"Give it in the {place}."
    elif first["type"] == "extra_forbidden":
        problem.remedy = "See /api/docs for the fields there are."
    return answer(Refusal(422, problem.error, problem.field, problem.remedy))


def shorten(text: str) -> str:
    """A user's own words, cut so that an answer cannot be made long by its question."""
    return text if len(text) <= _SAID_LENGTH else text[:_SAID_LENGTH] + "..."
