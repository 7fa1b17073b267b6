"""What a run writes down as it goes: ``metrics.jsonl`` and ``events.jsonl``, whose rows only rise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from engine.runs.files import Appender, Tail
from engine.runs.folder import RunFolder
from engine.runs.headers import Moment
from engine.runs.records import Row, Values
from engine.training.trainer import Trainer
from engine.worker.status import Status


class Journal:
    """Appends rows and events, each with its number, step and time of training.

    ``old_rows`` and ``old_events`` are what earlier attempts have written.
    """

    def __init__(self, folder: RunFolder, trainer: Trainer, status: Status) -> None:
        self.trainer, self.status = trainer, status
        self.old_rows = [cast(Row, row) for row in Tail(folder.metrics).read() if _is_whole(row)]
        self.old_events = [event for event in Tail(folder.events).read() if _is_whole(event, "type")]
        self._row, self._event = _after(self.old_rows), _after(self.old_events)
        self._metrics, self._events = Appender(folder.metrics), Appender(folder.events)

    def row(self, values: Values) -> Row:
        """Append a row of metrics; returns it as it is written."""
        row = cast(Row, {"row": self._row, "attempt": self.status.attempt, **self._now(), **values})
        self._metrics.write(row)
        self._row += 1
        return row

    def event(self, kind: str, **content: Any) -> None:
        """Append an event."""
        self._events.write({"row": self._event, "type": kind, **self._now(), **content})
        self._event += 1

    def header(self) -> Moment:
        """What a frame shows: of which step it is, and up to which row."""
        return {
            "step": self.trainer.step,
            "time": round(self.status.elapsed, 3),
            "attempt": self.status.attempt,
            "row": self._row - 1,
        }

    def close(self) -> None:
        self._metrics.close()
        self._events.close()

    def _now(self) -> dict[str, float]:
        return {"step": self.trainer.step, "time": round(self.status.elapsed, 4)}


def _is_whole(line: dict[str, Any], *texts: str) -> bool:
    """Whether a line has what each has; one that was damaged does not count."""
    return all(type(line.get(name)) is int for name in ("row", "step")) and all(
        isinstance(line.get(name), str) for name in texts
    )


def _after(lines: Sequence[Mapping[str, Any]]) -> int:
    return max((line["row"] for line in lines), default=-1) + 1


def newest_attempt(rows: list[Row], until: int) -> list[Row]:
    """The rows up to step ``until``, each step by the newest attempt that reached it."""
    kept: dict[int, Row] = {}
    for row in rows:
        if row.get("step", 0) <= until:
            kept[row["step"]] = row
    return [kept[step] for step in sorted(kept)]
