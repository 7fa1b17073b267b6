"""An exclusive lock on a file, and a look at whether another process holds it."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO


class Lock:
    """An exclusive lock on a file, held until ``release`` or the process's end (``fcntl.lockf``: children do
    not keep it).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def acquire(self, patience_s: float = 1.0) -> bool:
        """Whether the lock could be had. Waits a moment, since ``is_locked`` of another process holds it
        briefly.
        """
        file = open(self.path, "ab")  # noqa: SIM115 - open while the lock is held
        end = time.monotonic() + patience_s
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > end:
                    file.close()
                    return False
                time.sleep(0.01)
            else:
                self._file = file
                return True

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock. Never ask for a lock that this process holds: closing would
    drop it.
    """
    try:
        with open(path, "rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
