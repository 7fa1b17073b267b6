"""Records read back from folders, each checked by its type: a damaged file harms nothing but its own folder.
No torch.

What earlier or later versions have added to a record is no damage.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, Required

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic_core import from_json
from typing_extensions import TypedDict

from engine.options import NotFound
from engine.runs.files import patiently
from engine.runs.records import Count

MOST_BYTES = 1 << 24  # of a file that is replaced whole
DEEPEST = 32
LARGEST = 2**63  # whole numbers beyond are no number that anything here counts
REMEDY = "Delete its folder, or put the file back."


class Damaged(NotFound):
    """A file of a run, model or data set does not hold what it should."""


def read_record(path: Path, kind: Any, **lacking: Any) -> Any:
    """What the JSON file ``path`` holds, if it is a ``kind`` (a TypedDict of ``engine.runs.records``), with
    ``lacking`` for what it does not say.

    Raises ``FileNotFoundError`` and ``Damaged``, which says what is wrong.
    """
    try:
        text = patiently(lambda: _read(path)) if os.name == "nt" else _read(path)
        value = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except RecursionError:
        raise _damaged(path, "it is nested too deeply") from None
    except (ValueError, OSError) as error:  # no UTF-8, no JSON, numbers of thousands of digits
        raise _damaged(path, getattr(error, "strerror", None) or str(error)) from None
    if (wrong := _wrong(text, kind, *lacking) or _unsound(value)) is not None:
        raise _damaged(path, wrong)
    return {**lacking, **value} if lacking else value


@with_config(ConfigDict(extra="allow"))
class Line(TypedDict, total=False):
    """What readers of rows and events rely on; the rest is for those who know it by name."""

    row: Required[Count]
    step: Count
    attempt: Count
    type: str


def line_of(text: bytes) -> Any:
    """A line of ``metrics.jsonl`` or ``events.jsonl``; ``None`` if it is damaged. There are many of them, and
    this parser takes a sixth of the time of Python's own.
    """
    try:
        value = from_json(text, allow_inf_nan=False)
        _adapter(Line).validate_python(value, strict=True)
    except ValueError:
        return None
    return None if _unsound(value) else value


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "it is no file")
        if about.st_size > MOST_BYTES:
            raise OSError(0, f"it has {about.st_size:,} bytes")
        return file.read()


def _wrong(text: bytes, kind: Any, *lacking: str) -> str | None:
    """What about ``text`` is no ``kind``, in words; it may do without ``lacking``."""
    try:
        _adapter(kind).validate_json(text, strict=True)
    except ValidationError as problem:
        for one in problem.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join(map(str, one["loc"]))
            if one["type"] != "extra_forbidden" and not (one["type"] == "missing" and place in lacking):
                return f"{place}: {one['msg']}" if place else one["msg"]
    return None


@functools.lru_cache(maxsize=32)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _unsound(value: Any, depth: int = 1) -> str | None:
    """What JSON lets through and later code stumbles over, in the parts that a record leaves open."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "it holds a number that is not finite"
    if isinstance(value, int):
        return None if -LARGEST < value < LARGEST else "it holds a whole number that is too large"
    if isinstance(value, str) and not value.isascii():
        return "it holds half a character" if any("\ud800" <= char <= "\udfff" for char in value) else None
    if not isinstance(value, dict | list):
        return None
    if depth > DEEPEST:
        return "it is nested too deeply"
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    odd = itertools.filterfalse(_is_usual, parts)
    return next((wrong for part in odd if (wrong := _unsound(part, depth + 1))), None)


def _is_usual(value: Any) -> bool:
    """Whether it is a finite number or a plain text, as most are."""
    return value - value == 0.0 if type(value) is float else type(value) is str and value.isascii()


def _damaged(path: Path, why: str) -> Damaged:
    error = f"{path.parent.name} is damaged: {path.name} cannot be used ({' '.join(why.split())[:160]})."
    return Damaged(error, None, REMEDY)
