"""Declared knobs: one declaration gives the form, the API's validation, the command line and the
documentation. No torch.

A knob is a pydantic field made by ``knob(...)``. A model of knobs derives from ``Options``; unknown names are
refused. Whatever a user gave and cannot be used raises ``BadInput``: what is wrong, in which field, and what
to do instead.
"""

from __future__ import annotations

import errno
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

Scale = Literal["linear", "log"]
NEAR = 0.7  # how alike two names are, of 1, before one is taken for a slip of the other
LONGEST_TEXT = 10_000  # characters
FULL = (errno.ENOSPC, errno.EDQUOT)  # of the system's errors: no room


class BadInput(ValueError):
    """Something a user gave cannot be used. ``str()`` says what and why, ``field`` names it, ``remedy`` says
    what to do. ``others`` are what else is wrong with the same request.
    """

    def __init__(self, error: str, field: str | None = None, remedy: str = "") -> None:
        super().__init__(error)
        self.error, self.field, self.remedy = error, field, remedy
        self.others: tuple[BadInput, ...] = ()

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.error}" + (f" {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str | None]:
        """The error shape of the HTTP contract: ``{"error", "field", "remedy"}``."""
        return {"error": self.error, "field": self.field, "remedy": self.remedy}


class Refusals:
    """What is wrong with a request, collected so that all of it can be said at once."""

    def __init__(self) -> None:
        self.found: list[BadInput] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep what is raised inside, and go on behind it."""
        try:
            yield
        except BadInput as problem:
            self.found += (problem, *problem.others)

    def raise_all(self) -> None:
        """Raise the first, with the ``others``, if there is any."""
        if self.found:
            first, *others = self.found
            first.others = tuple(others)
            raise first


class NotFound(BadInput):
    """A run, model, data set or file that does not exist (HTTP 404)."""


class Forbidden(BadInput):
    """The caller's role may not do this (HTTP 403)."""


class Conflict(BadInput):
    """Right in itself, but not in the present state: resuming a run that runs, a runs folder in use (HTTP
    409).
    """


class NoRoom(Conflict):
    """The disk is full, or what this user may have of it (HTTP 507)."""

    def __init__(
        self,
        error: str = "there is no room left on the disk.",
        field: str | None = None,
        remedy: str = "Make room, then try again.",
    ) -> None:
        super().__init__(error, field, remedy)


def is_full(error: BaseException) -> bool:
    """Whether ``error`` says that there is no room. Libraries written in Rust say it in words, and so do some
    of Python's own that collect errors.
    """
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    said = str(error)
    words = (*(f"[Errno {number}]" for number in FULL), *(f"(os error {number})" for number in (*FULL, 112)))
    return any(word in said for word in words)


class TooMany(BadInput):
    """Too much at once of one client, or of all of them (HTTP 429)."""


class Options(BaseModel):
    """Base of every model of knobs. Unknown names, strings for numbers, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)


class _Declared(Options, validate_default=False):
    """Base of ``model_of``'s: what is left out is not judged."""


def knob(
    default: Any,
    label: str,
    help: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    step: float | None = None,
    scale: Scale = "linear",
    live: bool = False,
    group: str = "training",
    choices: Mapping[str, str] | Mapping[int, str] | None = None,
    max_length: int | None = None,
    path: bool = False,
) -> Any:
    """Declare one option.

    ``label`` is what the form shows, ``help`` one sentence. ``ge``/``gt``/``le`` bound it, ``step`` and
    ``scale`` shape its slider. ``live`` options may change while a run trains. ``group`` is the form's
    section. ``choices`` maps each permitted value of a ``Literal`` to its label. A ``path`` names files of
    the server's machine.
    """
    extra: dict[str, Any] = {"step": step, "scale": scale, "live": live, "group": group, "choices": choices}
    extra |= {"path": True} if path else {}
    return Field(
        default,
        title=label,
        description=help,
        ge=ge,
        le=le,
        gt=gt,
        max_length=max_length,
        json_schema_extra=extra,
    )


def paths(model: type[BaseModel]) -> list[str]:
    """The knobs of ``model`` that name files of the server's machine."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return [name for name, extra in extras.items() if isinstance(extra, dict) and extra.get("path")]


def describe(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The knobs of ``model`` in order, as plain data for a form: name, label, help, type, default, bounds,
    step, scale, live.
    """
    return [_describe_field(name, field) for name, field in model.model_fields.items()]


def _describe_field(name: str, field: FieldInfo) -> dict[str, Any]:
    extra: dict[str, Any] = dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}
    bounds = {
        key: getattr(item, key) for item in field.metadata for key in ("ge", "gt", "le") if hasattr(item, key)
    }
    kind, values = _kind(field.annotation)
    labels = extra.get("choices") or {}
    return {
        "name": name,
        "label": field.title or name,
        "help": field.description or "",
        "type": kind,
        "default": field.default,
        "min": bounds.get("ge", bounds.get("gt")),
        "min_excluded": "gt" in bounds,
        "max": bounds.get("le"),
        "step": extra.get("step"),
        "scale": extra.get("scale", "linear"),
        "live": extra.get("live", False),
        "group": extra.get("group", "training"),
        "optional": _is_optional(field.annotation),
        "choices": [{"value": value, "label": labels.get(value, str(value))} for value in values],
    }


def _is_optional(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType) and type(None) in typing.get_args(
        annotation
    )


def _kind(annotation: Any) -> tuple[str, tuple[Any, ...]]:
    if _is_optional(annotation):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation)
    return {bool: "bool", int: "int", float: "float", str: "text"}.get(annotation, "text"), ()


def validate(model: type[Options], values: dict[str, Any]) -> Options:
    """``model(**values)``. Raises ``BadInput`` for the first value that cannot be used, with the others."""
    refusals = Refusals()
    for name, value in values.items():
        if name in model.model_fields and value is not None:
            with refusals.collect():
                _refuse_other_types(name, value, model)
    said = {problem.field for problem in refusals.found}
    checked = None
    try:
        checked = model(**values)
    except ValidationError as report:
        refusals.found += [problem for problem in bad_inputs(report, model) if problem.field not in said]
    refusals.raise_all()
    assert checked is not None
    return checked


def model_of(fields: Iterable[Mapping[str, Any]]) -> type[Options]:
    """A model of knobs out of what ``describe`` made of some; none of them has to be given."""
    made: dict[str, Any] = {}
    for field in fields:
        name, kind = field["name"], field["type"]
        bounds: dict[str, Any] = {"max_length": LONGEST_TEXT} if kind == "text" else {}
        if kind in ("int", "float"):
            bounds = {"gt" if field["min_excluded"] else "ge": field["min"], "le": field["max"]}
        values = tuple(choice["value"] for choice in field["choices"])
        known: Any = {"bool": bool, "int": int, "float": float, "text": str}.get(kind) or Literal[values]
        made[name] = (
            known | None if field["optional"] else known,
            knob(field.get("default"), name, "", **bounds),
        )
    return create_model("Declared", __base__=_Declared, **made)


def _refuse_other_types(name: str, value: Any, model: type[BaseModel]) -> None:
    """Raise ``BadInput`` for what pydantic would read as another type: "64" for 64, 1 for true."""
    kind, values = _kind(model.model_fields[name].annotation)
    is_other = {
        "bool": not isinstance(value, bool),
        "int": isinstance(value, bool | str),
        "float": isinstance(value, bool | str),
        "choice": isinstance(value, bool) and not any(value is one for one in values),
    }
    if is_other.get(kind):
        problem = {"type": f"{kind}_type", "loc": (name,), "input": value, "msg": "it is none of the choices"}
        raise bad_input(problem, model)


def refuse(report: ValidationError, model: type[BaseModel] | None = None, field: str = "") -> NoReturn:
    """Raise the first complaint of a pydantic report, with the others. ``field`` is theirs, if given."""
    refusals = Refusals()
    refusals.found += bad_inputs(report, model, field)
    refusals.raise_all()
    raise report


def bad_inputs(
    report: ValidationError, model: type[BaseModel] | None = None, field: str = ""
) -> list[BadInput]:
    """The complaints of a pydantic report about ``model``, one for each field."""
    found: dict[str | None, BadInput] = {}
    problems = report.errors(include_url=False)
    for problem in sorted(
        problems, key=lambda one: one["type"] != "extra_forbidden"
    ):  # a misspelt name first
        refusal = bad_input({**problem, "loc": (field, *problem["loc"])} if field else problem, model)
        found.setdefault(refusal.field, refusal)
    return list(found.values())


_BOUNDS = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
_NEEDED = {  # by pydantic's word for what is wrong: what is needed instead, and a remedy
    "int_type": ("a whole number is needed", "Give a whole number, without quotes."),
    "int_from_float": ("a whole number is needed", "Leave out the fraction."),
    "int_parsing": ("a whole number is needed", "Give a whole number, without quotes."),
    "float_type": ("a number is needed", "Give a number, without quotes."),
    "float_parsing": ("a number is needed", "Give a number, without quotes."),
    "finite_number": ("a finite number is needed", "Give a finite number."),
    "bool_type": ("it is on or off", "Give true or false."),
    "bool_parsing": ("it is on or off", "Give true or false."),
    "string_type": ("text is needed", "Give text, in quotes."),
    "string_unicode": ("text is needed", "Leave out half surrogates."),
    "list_type": ("a list is needed", "Give a list."),
    "dict_type": ("an object of names and values is needed", "Give an object."),
    "model_type": ("an object is needed", "Give an object."),
    "model_attributes_type": ("an object is needed", "Give an object."),
    "invalid_key": ("names are text", "Give names as text."),
}


def bad_input(problem: Mapping[str, Any], model: type[BaseModel] | None = None) -> BadInput:
    """One of pydantic's complaints in our words. Its field is the innermost that has a name."""
    names = [part[:80] for part in problem["loc"] if isinstance(part, str)]
    field, kind, context = (names[-1] if names else None), problem["type"], problem.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, BadInput):
        cause.field = cause.field or field
        return cause
    shown = _shown(problem.get("input"))
    if kind == "extra_forbidden":
        return BadInput(f"there is no {field!r} here.", field, _nearest(str(field), model))
    if kind == "missing":
        return BadInput("this is needed, and it is not there.", field, "Give it.")
    if kind.startswith("union_tag"):
        expected = context.get("expected_tags", "").replace("'", "")
        field = context["discriminator"].strip("'")
        return BadInput(f"there is no such {field}.", field, f"Choose one of: {expected}.")
    if kind in _NEEDED:
        needed, remedy = _NEEDED[kind]
        bounds = _permitted(names, model) if kind.startswith(("int", "float", "finite")) else ""
        return BadInput(f"{needed}, not {shown}.", field, f"{remedy} {bounds}".strip())
    bounds = [f"Give a value {words} {context[name]}." for name, words in _BOUNDS.items() if name in context]
    remedy = _permitted(names, model) or " ".join(bounds) or "Correct it and try again."
    return BadInput(f"{problem['msg']}, but {shown} was given.", field, remedy)


def _shown(value: object) -> str:
    """What a user gave, short enough to be quoted back at them."""
    try:
        return repr(value)[:80]
    except (ValueError, RecursionError):  # a whole number of thousands of digits, a list within a list ...
        return "that"


def _nearest(name: str, model: type[BaseModel] | None) -> str:
    import difflib

    known = list(model.model_fields) if model else []
    close = difflib.get_close_matches(name, known, n=3, cutoff=NEAR)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if model and issubclass(model, Options):
        return "See `python -m engine list` for the options there are."
    return f"It takes {', '.join(known)}." if known else "It takes nothing more."


def _permitted(names: Sequence[str], model: type[BaseModel] | None) -> str:
    """What ``model`` permits for the field at ``names``; empty if that is not one of its own."""
    if model is None or len(names) != 1 or names[0] not in model.model_fields:
        return ""
    field = _describe_field(names[0], model.model_fields[names[0]])
    default = "" if field["default"] is PydanticUndefined else f"; the default is {field['default']}"
    if field["choices"]:
        return "Choose one of: " + ", ".join(str(choice["value"]) for choice in field["choices"]) + "."
    low, high = field["min"], field["max"]
    if low is not None:
        if high is None:
            return f"Give a value {'above' if field['min_excluded'] else 'of at least'} {low}{default}."
        bounds = f"above {low}, at most {high}" if field["min_excluded"] else f"from {low} to {high}"
        return f"Give a value {bounds}{default}."
    return f"Give a {field['type']}{default}." if issubclass(model, Options) else ""
