"""An exclusive lock on a file, and a look at whether another process holds it.

By PyPI ``portalocker``: ``lockf`` where there is POSIX, ``LockFileEx`` on Windows. Both end with their
process, however that ends, and no forked child keeps them. (PyPI ``filelock``, and portalocker's own default,
take ``flock``, which belongs to the open file and so to every child that inherits it: a loader forked by a
worker would keep a dead worker's run alive. filelock also has no shared lock, with which several can look at
once.)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

from portalocker import LockException, LockFlags
from portalocker import portalocker as systems

OURS = getattr(systems, "LockfLocker" if hasattr(systems, "LockfLocker") else "Win32Locker")()


class Lock:
    """An exclusive lock on a file, held until ``release`` or the process's end; children do not keep it."""

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
                OURS.lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
            except LockException:
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
            OURS.lock(file, LockFlags.SHARED | LockFlags.NON_BLOCKING)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
    except (OSError, LockException):
        return True
    return False
