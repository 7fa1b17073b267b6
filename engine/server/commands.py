"""What may be asked of a run: the commands, checked by value before anything is written. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from engine.options import BadInput, NotFound
from engine.presets import PRESETS
from engine.runs.names import DEVICES, check_id, check_name

REQUEST_LENGTH = 1 << 16
REQUEST_FIELDS = ("gan", "data", "steps", "seed", "options", "name", "preset", "device", "start_from")
MAX_STEPS = 100_000_000
MAX_RATE = 1e6  # steps a second: beyond that, say null for "no limit"
MAX_COUNT = 1000  # phases in one click

Command = dict[str, Any]
Fields = Sequence[dict[str, Any]]


def check(command: object, live: Fields) -> Command:
    """``command`` with what it needs and no more, in bounds. ``live`` declares the options that may change
    now.

    Raises ``BadInput``, whatever it is given.
    """
    if not isinstance(command, dict):
        raise BadInput("a command is an object.", "command", 'For example {"command": "pause"}.')
    name = command.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise BadInput(
            f"there is no command called {_shown(name)}.", "command", f"Choose one of: {', '.join(COMMANDS)}."
        )
    given = {key: value for key, value in command.items() if key != "command"}
    parts = COMMANDS[name]
    for key in given:
        if key not in parts:
            remedy = f"It takes {', '.join(parts)}." if parts else "It takes nothing more."
            raise BadInput(f"{name} has no {_shown(key)}.", str(key)[:80], remedy)
    checked = {key: part(given.get(key), live) for key, part in parts.items()}
    return {"command": name, **checked}


def check_model(model: object) -> str:
    """The id of a model or run; a path is none. Raises ``BadInput``."""
    try:
        return check_id(model)  # type: ignore[arg-type]
    except NotFound:
        raise BadInput(
            "that is not a model's name.", "start_from", "Take an id from GET /api/models."
        ) from None


def check_request(request: object) -> dict[str, Any]:
    """A request to start a run, as plain JSON of reasonable size. Its knobs are checked where they are
    declared.

    Raises ``BadInput`` for what is no JSON, too much of it, or about neither the run nor its name.
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
        plain["start_from"] = check_model(plain["start_from"])
    for field in plain:
        if field not in REQUEST_FIELDS:
            raise BadInput(
                f"there is no field called {_shown(field)}.",
                field[:80],
                f"It takes {', '.join(REQUEST_FIELDS)}.",
            )
    if not isinstance(plain.get("options", {}), dict):
        raise BadInput(
            "options is an object of names and values.", "options", 'Send {"hidden": 64}, or leave it out.'
        )
    if plain.get("name") is not None:
        plain["name"] = check_name(plain["name"])
    if plain.get("preset") is not None and plain["preset"] not in list(PRESETS):
        raise BadInput("there is no such preset.", "preset", f"Choose one of: {', '.join(PRESETS)}.")
    if plain.get("device", "auto") not in list(DEVICES):
        raise BadInput("there is no such device.", "device", f"Choose one of: {', '.join(DEVICES)}.")
    return plain


def _odd_field(request: dict[Any, Any]) -> str | None:
    """The first field, or option, that is no finite number, text, list or object."""
    options = request.get("options")
    for name, value in [*(options.items() if isinstance(options, dict) else ()), *request.items()]:
        try:
            json.dumps({name: value}, allow_nan=False)
        except (ValueError, TypeError, RecursionError):
            return name[:80] if isinstance(name, str) else None
    return None


def check_live(options: object, live: Fields) -> dict[str, Any]:
    """New values of live options, checked against their declarations. Raises ``BadInput``."""
    fields = {field["name"]: field for field in live}
    if not isinstance(options, dict) or not options:
        raise BadInput(
            "options is an object of names and values.", "options", 'For example {"discriminator_lr": 1e-4}.'
        )
    for name in options:
        if name not in fields:
            remedy = f"These may: {', '.join(fields)}. For others, branch or duplicate the run."
            raise BadInput(f"{_shown(name)} cannot change while a run trains.", str(name)[:80], remedy)
    return {name: _fit(value, fields[name]) for name, value in options.items()}


def _fit(value: object, field: dict[str, Any]) -> Any:
    """``value`` as the declared type of ``field``, within its bounds."""
    name, kind = field["name"], field["type"]
    if value is None and field["optional"]:
        return None
    if kind == "choice":
        permitted = [choice["value"] for choice in field["choices"]]
        if value not in permitted or isinstance(value, bool) != any(
            value is one for one in permitted if isinstance(one, bool)
        ):
            names = ", ".join(map(str, permitted))
            raise BadInput(f"there is no choice {_shown(value)}.", name, f"Choose one of: {names}.")
        return value
    if kind == "bool":
        if not isinstance(value, bool):
            raise BadInput(f"it is on or off, not {_shown(value)}.", name, "Give true or false.")
        return value
    if kind == "text":
        if not isinstance(value, str) or len(value) > 10_000:
            raise BadInput("it is a text of at most 10,000 characters.", name, "Shorten it.")
        return value
    low, high = field["min"], field["max"]
    number = _number(value, name, whole=kind == "int")
    if low is not None and (number < low or (field["min_excluded"] and number == low)):
        raise BadInput(f"{_shown(value)} is too small.", name, f"Give a value {_between(field)}.")
    if high is not None and number > high:
        raise BadInput(f"{_shown(value)} is too large.", name, f"Give a value {_between(field)}.")
    return number


def _between(field: dict[str, Any]) -> str:
    low, high = field["min"], field["max"]
    parts = [] if low is None else [f"{'above' if field['min_excluded'] else 'from'} {low}"]
    return " ".join(parts if high is None else [*parts, f"up to {high}"])


def _number(value: object, field: str, whole: bool = False) -> Any:
    """``value`` as a finite number; a whole one where asked, for which 5.0 will do."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadInput(f"a number is needed, not {_shown(value)}.", field, "Give a finite number.")
        if whole and value != int(value):
            raise BadInput(
                f"a whole number is needed, not {_shown(value)}.", field, "Leave out the fraction."
            )
        return int(value) if whole else float(value)
    except OverflowError:
        raise BadInput("that number is too large.", field, "Give a smaller one.") from None


def _whole(field: str, low: int, high: int, default: int | None) -> Callable[[object, Fields], int | None]:
    """A check for an optional whole number from ``low`` to ``high``."""

    def checked(value: object, live: Fields) -> int | None:
        if value is None:
            return default
        number = _number(value, field, whole=True)
        if not low <= number <= high:
            raise BadInput(
                f"{field} is from {low} to {high:,}, not {_shown(value)}.", field, "Correct it and try again."
            )
        return number

    return checked


def _what(value: object, live: Fields) -> str:
    players = ("discriminator", "generator", "both")
    if value not in players:
        raise BadInput(
            f"there is nobody called {_shown(value)} to step.",
            "what",
            f"Choose one of: {', '.join(players)}.",
        )
    return value


def _rate(value: object, live: Fields) -> float | None:
    if value is None:
        return None
    rate = _number(value, "steps_per_s")
    if not 0 < rate <= MAX_RATE:
        raise BadInput(
            f"a limit is above 0 and at most {MAX_RATE:,.0f}.",
            "steps_per_s",
            "Give null for no limit; pause stops it.",
        )
    return rate


def _changes(value: object, live: Fields) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise BadInput(
            "options is an object of names and values.", "options", 'For example {"discriminator_lr": 1e-4}.'
        )
    return value  # validated as a whole with the rest of the run's configuration


def _shown(value: object) -> str:
    """What a user gave, short enough to be quoted back at them."""
    try:
        return repr(value)[:80]
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list within a list within ...
        return "that"


_SEED = _whole("seed", 0, 2**31 - 1, None)
_TOTAL = _whole("steps", 1, MAX_STEPS, None)
_STEP = _whole("step", 0, MAX_STEPS, None)
_SINCE = _whole("since", -1, 2**53, None)

# each command with its parts, each part with the function that checks it
COMMANDS: dict[str, dict[str, Callable[[object, Fields], Any]]] = {
    "pause": {},
    "resume": {"steps": _TOTAL},
    "stop": {},
    "step": {"what": _what, "count": _whole("count", 1, MAX_COUNT, 1)},
    "set": {"options": check_live},
    "limit": {"steps_per_s": _rate},
    "checkpoint": {},
    "branch": {"step": _STEP, "options": _changes, "steps": _TOTAL},
    "duplicate": {"options": _changes, "seed": _SEED, "steps": _TOTAL},
}


def check_seed(seed: object) -> int | None:
    """A seed, or ``None`` for the preset's own. Raises ``BadInput``."""
    return _SEED(seed, ())


def check_step(step: object) -> int:
    """The number of a step. Raises ``BadInput``."""
    return _STEP(step, ()) or 0


def check_since(since: object) -> int:
    """The last row that the caller has; -1 for none. Raises ``BadInput``."""
    checked = _SINCE(since, ())
    return -1 if checked is None else checked
