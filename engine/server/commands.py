"""What may be asked of a run: checked by value before anything is written. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.options import BadInput, NotFound, model_of, validate
from engine.requests.control import SetOptions, read_command
from engine.requests.runs import StartRun
from engine.runs.names import check_id

REQUEST_LENGTH = 1 << 16

Command = dict[str, Any]
Fields = Sequence[Mapping[str, Any]]


def check(given: object, live: Fields) -> Command:
    """A command with what it needs and no more, in bounds. ``live`` declares the options that may change now.

    Raises ``BadInput``, whatever it is given.
    """
    command = read_command(given)
    if isinstance(command, SetOptions):
        command.options = check_live(command.options, live)
    return command.model_dump()


def check_model(model: Any) -> str:
    """The id of a model or run; a path is none. Raises ``BadInput``."""
    try:
        return check_id(model)
    except NotFound:
        raise BadInput(
            "that is not a model's name.", "start_from", "Take an id from GET /api/models."
        ) from None


def check_request(request: object) -> dict[str, Any]:
    """A request to start a run, as plain data. Its knobs are checked where they are declared.

    Raises ``BadInput`` for what is no ``StartRun``.
    """
    return StartRun.read(as_json(request)).plain()


def as_json(request: object) -> dict[str, Any]:
    """A request to start a run, not judged yet, as plain JSON of reasonable size that names no model by its
    path. Raises ``BadInput``.
    """
    if not isinstance(request, dict):
        raise BadInput(
            "a run is described by an object.", None, 'Send {"gan", "data", "steps", "seed", "options"}.'
        )
    try:
        text = json.dumps(request, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        remedy = "Send finite numbers, texts, and lists and objects of them."
        raise BadInput("that cannot be sent as JSON.", _odd_field(request), remedy) from None
    if len(text) > REQUEST_LENGTH:
        raise BadInput(
            f"the request has {len(text):,} characters.", None, f"Send at most {REQUEST_LENGTH:,}."
        )
    plain = json.loads(text)
    if plain.get("start_from"):
        check_model(plain["start_from"])
    return plain


def _odd_field(request: dict[Any, Any]) -> str | None:
    """The first field, or option, that is not a finite number, text, list or object."""
    options = request.get("options")
    for name, value in [*(options.items() if isinstance(options, dict) else ()), *request.items()]:
        try:
            json.dumps({name: value}, allow_nan=False)
        except (ValueError, TypeError, RecursionError):
            return name[:80] if isinstance(name, str) else None
    return None


def check_live(options: dict[str, Any], live: Fields) -> dict[str, Any]:
    """New values of live options, checked against their declarations. Raises ``BadInput``."""
    names = [field["name"] for field in live]
    for name in options:
        if name not in names:
            remedy = f"These may: {', '.join(names)}. For others, branch or duplicate the run."
            raise BadInput(f"{name[:80]!r} cannot change while a run trains.", name[:80], remedy)
    return validate(model_of(live), options).model_dump(exclude_unset=True)
