"""Reading back what a run has recorded, without reading all of it. No torch."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.runs.files import Tail
from engine.runs.folder import RunFolder
from engine.runs.reading import line_of
from engine.runs.records import DiagnosisRecord, Row

LINE_BYTES = 1 << 14  # no line of metrics is longer
CHUNK_BYTES = 1 << 18  # that are read at a time
SPARKLINE = 48  # points
Numbered = tuple[Any, bytes]  # a row or an event, and its line as it was written


def rows_since(path: Path, since: int = -1) -> list[Any]:
    """The complete lines of a JSON-lines file, rows or events, whose ``row`` is above ``since``."""
    return [row for chunk in chunks_since(path, since) for row, _ in chunk]


def chunks_since(path: Path, since: int = -1) -> Iterator[list[Numbered]]:
    """``rows_since`` a few hundred kilobytes at a time, each row with its line."""
    try:
        tail = Tail(path, most=CHUNK_BYTES)
        tail.offset = _place_after(path, since)
        while lines := tail.lines():
            read = ((line_of(line), line) for line in lines)
            yield [(row, line) for row, line in read if row is not None and row["row"] > since]
    except OSError:
        return


def text_since(path: Path, since: int = -1) -> Iterator[bytes]:
    """``rows_since`` as a JSON array, in pieces: lines go as they were written."""
    before = b"["
    for chunk in chunks_since(path, since):
        if chunk:
            yield before + b",".join(line for _, line in chunk)
            before = b","
    yield b"]" if before == b"," else b"[]"


def page_since(path: Path, since: int, limit: int) -> tuple[bytes, int | None]:
    """The first ``limit`` of ``rows_since`` as a JSON array, and the last of their rows if there are more."""
    found: list[Numbered] = []
    for chunk in chunks_since(path, since):
        found += chunk
        if len(found) > limit:
            break
    page = found[:limit]
    return b"[" + b",".join(line for _, line in page) + b"]", page[-1][0]["row"] if found[limit:] else None


def _place_after(path: Path, since: int) -> int:
    """Where a line begins before which all rows are ``since`` or less: ``row`` only rises, so it is found by
    bisection.
    """
    if since < 0:
        return 0
    with open(path, "rb") as file:
        low, high = 0, os.fstat(file.fileno()).st_size
        while high - low > LINE_BYTES:
            middle = (low + high) // 2
            row = _first_row(file, middle)
            low, high = (middle, high) if row is not None and row <= since else (low, middle)
        file.seek(max(0, low - 1))
        return low + len(file.readline()) - 1 if low > 0 else 0


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
        about = folder.events.stat()
    except OSError:
        return []
    return _diagnoses(folder.events, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=512)  # lists of runs are asked for often, and all of a file may have to be read
def _diagnoses(events: Path, _modified: int, _size: int) -> list[DiagnosisRecord]:
    try:
        with open(events, "rb") as file:
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
