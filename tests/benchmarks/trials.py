"""Trials that take minutes: each is a line of a file, written when it ends, and never run twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Trials:
    """The trials in the file ``out``, told apart by their members ``names``."""

    def __init__(self, out: Path, *names: str) -> None:
        self.out, self.names = out, names
        self.lines: list[Line] = [json.loads(line) for line in out.open()] if out.exists() else []

    def add(self, key: tuple[Any, ...], make: Callable[[], Line]) -> None:
        """Make the trial ``key``, values of ``names``, unless it is there, and keep it."""
        if any(tuple(line[name] for name in self.names) == key for line in self.lines):
            return
        self.lines.append(make())
        with self.out.open("a") as out:
            out.write(json.dumps(self.lines[-1]) + "\n")
        print(self.lines[-1], flush=True)
