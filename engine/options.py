"""Declared knobs: one declaration gives the form, the API's validation, the command line and the
documentation. No torch.

A knob is a pydantic field made by ``knob(...)``. A model of knobs derives from ``Options``; unknown names are
refused. Whatever a user gave and cannot be used raises ``BadInput``: what is wrong, in which field, and what
to do instead.
"""

from __future__ import annotations

import types
import typing
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

Scale = Literal["linear", "log"]


class BadInput(ValueError):
    """Something a user gave cannot be used. ``str()`` says what and why, ``field`` names it, ``remedy`` says
    what to do.
    """

    def __init__(self, error: str, field: str | None = None, remedy: str = "") -> None:
        super().__init__(error)
        self.error, self.field, self.remedy = error, field, remedy

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.error}" + (f" {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str | None]:
        """The error shape of the HTTP contract: ``{"error", "field", "remedy"}``."""
        return {"error": self.error, "field": self.field, "remedy": self.remedy}


class NotFound(BadInput):
    """A run, model, data set or file that does not exist (HTTP 404)."""


class Forbidden(BadInput):
    """The caller's role may not do this (HTTP 403)."""


class Conflict(BadInput):
    """Right in itself, but not in the present state: resuming a run that runs, a runs folder in use (HTTP
    409).
    """


class TooMany(BadInput):
    """Too much at once of one client, or of all of them (HTTP 429)."""


class Options(BaseModel):
    """Base of every model of knobs. Unknown names, strings for numbers, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)


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
    choices: dict[str, str] | None = None,
    max_length: int | None = None,
) -> Any:
    """Declare one option.

    ``label`` is what the form shows, ``help`` one sentence. ``ge``/``gt``/``le`` bound it, ``step`` and
    ``scale`` shape its slider. ``live`` options may change while a run trains. ``group`` is the form's
    section. ``choices`` maps each permitted value of a ``Literal`` to its label.
    """
    extra = {"step": step, "scale": scale, "live": live, "group": group, "choices": choices}
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
    """``model(**values)``, with pydantic's report turned into one ``BadInput`` that names the first field at
    fault.
    """
    for name, value in values.items():
        if name in model.model_fields and value is not None:
            _refuse_other_types(name, value, _kind(model.model_fields[name].annotation)[0])
    try:
        return model(**values)
    except ValidationError as report:
        raise bad_input(report, model) from None


def _refuse_other_types(name: str, value: Any, kind: str) -> None:
    """Raise ``BadInput`` for what pydantic would read as another type: "64" for 64, 1 for true."""
    shown = repr(value)[:80]
    if kind in ("int", "float") and isinstance(value, bool | str):
        raise BadInput(f"a number is needed, not {shown}.", name, "Give a number, without quotes.")
    if kind == "bool" and not isinstance(value, bool):
        raise BadInput(f"it is on or off, not {shown}.", name, "Give true or false.")


def bad_input(report: ValidationError, model: type[BaseModel]) -> BadInput:
    """The first complaint of a pydantic report as ``BadInput``."""
    problem = report.errors(include_url=False)[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, BadInput):
        return cause
    field = ".".join(str(part) for part in problem["loc"]) or None
    if problem["type"] == "extra_forbidden":
        return BadInput(
            f"there is no option called {str(field)[:80]!r} here.",
            str(field)[:80],
            _nearest(str(field), model),
        )
    given = repr(problem.get("input"))[:80]
    return BadInput(f"{problem['msg']}, but {given} was given.", field, _permitted(str(field), model))


def _nearest(name: str, model: type[BaseModel]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(model.model_fields), n=3, cutoff=0.5)
    return (
        f"Did you mean {' or '.join(close)}?"
        if close
        else "See `python -m engine list` for the options there are."
    )


def _permitted(name: str, model: type[BaseModel]) -> str:
    if name not in model.model_fields:
        return "Correct it and try again."
    field = _describe_field(name, model.model_fields[name])
    if field["choices"]:
        return "Choose one of: " + ", ".join(str(choice["value"]) for choice in field["choices"]) + "."
    low, high, default = field["min"], field["max"], f"; the default is {field['default']}."
    if low is not None:
        if high is None:
            return f"Give a value {'above' if field['min_excluded'] else 'of at least'} {low}{default}"
        bounds = f"above {low}, at most {high}" if field["min_excluded"] else f"from {low} to {high}"
        return f"Give a value {bounds}{default}"
    return f"Give a {field['type']}; the default is {field['default']}."
