"""Reading back what a run has recorded, without reading all of it. No torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from engine.runs.folder import RunFolder
from engine.runs.reading import line_of
from engine.runs.records import DiagnosisRecord, Row

LINE_BYTES = 1 << 14  # no line of metrics is longer
SPARKLINE = 48  # points


def rows_since(path: Path, since: int = -1) -> list[Any]:
    """The complete lines of a JSON-lines file, rows or events, whose ``row`` is above ``since``.

    ``row`` only rises, so they are found by bisection.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            low, high = 0, size if since >= 0 else 0
            while high - low > LINE_BYTES:
                middle = (low + high) // 2
                row = _first_row(file, middle)
                low, high = (middle, high) if row is not None and row <= since else (low, middle)
            lines = _lines_from(file, low, size)
    except OSError:
        return []
    return [row for row in map(line_of, lines) if row is not None and row["row"] > since]


def last_row(path: Path) -> Row | None:
    """The newest complete line, or ``None``."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            lines = _lines_from(file, max(0, size - 2 * LINE_BYTES), size)
    except OSError:
        return None
    return next((row for row in map(line_of, reversed(lines)) if row is not None), None)


def sparkline(path: Path, key: str = "g_loss", points: int = SPARKLINE) -> list[float]:
    """About ``points`` values of ``key``, spread evenly over the file: a picture the size of a word."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= points * LINE_BYTES // 8:
                lines = _lines_from(file, 0, size)
                lines = lines[:: max(1, len(lines) // points)]
            else:
                lines = [_line_after(file, size * place // points) for place in range(points)]
    except OSError:
        return []
    values = [row.get(key) for row in map(line_of, lines) if row is not None]
    return [value for value in values if isinstance(value, int | float)]


def diagnoses(folder: RunFolder) -> list[DiagnosisRecord]:
    """What is diagnosed now, with evidence and remedy: the last ``diagnosis`` event's ``active``."""
    try:
        with open(folder.events, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            for start in {max(0, size - 4 * LINE_BYTES): None, 0: None}:  # the end first, then all of it
                for event in map(line_of, reversed(_lines_from(file, start, size))):
                    if event is not None and event.get("type") == "diagnosis":
                        return [one for one in event["active"] if isinstance(one["name"], str)]
    except (OSError, KeyError, TypeError):  # no file, or damaged
        pass
    return []


def _lines_from(file: IO[bytes], start: int, end: int) -> list[bytes]:
    """The complete lines that begin in ``[start, end)``."""
    file.seek(max(0, start - 1))
    text = file.read(end - max(0, start - 1))
    if start > 0:
        text = text[
            text.find(b"\n") + 1 :
        ]  # from the byte before, so that a line beginning at `start` is kept
    return text[: text.rfind(b"\n") + 1].splitlines()


def _line_after(file: IO[bytes], start: int) -> bytes:
    lines = _lines_from(file, start, start + LINE_BYTES)
    return lines[0] if lines else b""


def _first_row(file: IO[bytes], start: int) -> int | None:
    """The number of the first undamaged row that begins at or after ``start``."""
    for line in _lines_from(file, start, start + LINE_BYTES):
        if (row := line_of(line)) is not None:
            return row["row"]
    return None
