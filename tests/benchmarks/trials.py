"""Trials that take minutes: each is a line of a file, written when it ends, and never run twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.worker.session import train

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


def trained(path: Path, request: dict[str, Any]) -> RunFolder:
    """The run at ``path``, trained on the CPU as ``request`` says, or gone on with, to its end."""
    folder = RunFolder(path)
    if not (folder.path / "config.json").exists():
        config = validate({**request, "name": folder.id, "device": "cpu"})
        folder.create({"id": folder.id, **config}, "starting")
    if folder.status()["state"] != "done":
        assert train(folder, resume=folder.status()["step"] > 0) == "done", folder.status()
    return folder
