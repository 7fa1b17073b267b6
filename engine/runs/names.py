"""Ids and names of runs, and the names of devices."""

from __future__ import annotations

import re
import secrets
import time
import unicodedata

from engine.options import BadInput, NotFound

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def new_id(gan: str, data: str) -> str:
    """A fresh run id that sorts by time: ``20260131-142501-gan-ring-3fa2``."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{gan}-{data}-{secrets.token_hex(2)}"


def check_id(run: str) -> str:
    """``run`` if it can be a run's name; a name cannot leave the runs folder. Raises ``NotFound``."""
    if not isinstance(run, str) or not _ID.fullmatch(run):
        raise NotFound("that is not a run's name.", "run", "Take the id from GET /api/runs.")
    return run


NAME_LENGTH = 80
DEVICES = ("auto", "cpu", "cuda", "mps")
DIRECTION_MARKS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def check_name(name: object) -> str:
    """A run's or data set's name as one line of plain text of 1 to 80 characters. Raises ``BadInput``."""
    if not isinstance(name, str):
        raise BadInput("a name is text.", "name", "Send a string.")
    if len(name) > NAME_LENGTH:
        raise BadInput(
            f"a name has at most {NAME_LENGTH} characters, not {len(name):,}.", "name", "Shorten it."
        )
    if "<" in name or ">" in name:
        raise BadInput("a name is plain text without markup.", "name", "Leave out < and >.")
    kept = "".join(" " if char.isspace() else char for char in name if _is_printable(char))
    if not (kept := " ".join(kept.split())):
        raise BadInput("a name cannot be empty.", "name", "Write at least one letter.")
    return kept


def _is_printable(char: str) -> bool:
    if char.isspace():
        return True
    return unicodedata.category(char) not in ("Cc", "Cs") and char not in DIRECTION_MARKS
