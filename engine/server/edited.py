"""Whether the program's files have changed since this server started: its processes then are of two makes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(ROOT / name for name in ("engine", "dashboard"))
LOOKED_EVERY_S = 5.0
RESTART = "The program's files were changed after this server started: restart it."


class Sources:
    """The Python files of ``folders`` as they were when this was made. Thread-safe."""

    def __init__(self, folders: Sequence[Path] = FOLDERS) -> None:
        self._folders, self._lock = folders, threading.Lock()
        self._first, self._looked, self._edited = self._stamps(), time.monotonic(), False

    def are_edited(self) -> bool:
        """Whether one was changed, added or removed since; once so, always so. Looks now and then."""
        with self._lock:
            if not self._edited and time.monotonic() - self._looked >= LOOKED_EVERY_S:
                self._looked, self._edited = time.monotonic(), self._stamps() != self._first
            return self._edited

    def _stamps(self) -> dict[str, tuple[int, int]]:
        return {path: stamp for folder in self._folders for path, stamp in _files(str(folder))}


def _files(folder: str) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path)
                elif entry.name.endswith(".py"):
                    about = entry.stat()
                    yield entry.path, (about.st_mtime_ns, about.st_size)
    except FileNotFoundError:  # removed while it was looked at
        return
