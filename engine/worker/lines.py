"""A plain line every half minute for whoever reads a log: training says where it is, without a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from engine.runs.records import Row
from engine.runs.telling import line
from engine.worker.status import Status

EVERY_S = 30.0

Say = Callable[[str], None]


class Lines:
    """Writes to the run's log and, if there is one, to ``say``. ``row`` is the newest report."""

    def __init__(self, log: Path, status: Status, say: Say | None = None) -> None:
        self._log, self._status, self._say = log, status, say
        self._told = time.monotonic()
        self.row: Row = {}  # type: ignore[typeddict-item]

    def tell_if_due(self) -> None:
        """One line, if the last is half a minute old. Nobody's full disk or closed terminal stops training
        for it.
        """
        if time.monotonic() - self._told < EVERY_S:
            return
        self._told = time.monotonic()
        status = self._status
        text = line({"step": status.trainer.step, "steps": status.steps, "rate": status.rate}, self.row)
        with contextlib.suppress(OSError), open(self._log, "a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        if self._say is not None:
            self._say(text)
