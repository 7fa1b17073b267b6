"""The files that the studio keeps, uploads and results: so much of a host and in all, and the oldest go."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from engine.requests.viewer import HERE

IN_ALL = 4 << 30  # bytes
OF_A_HOST = 1 << 30  # bytes of its uploads; this machine has all
UNFINISHED_S = 300.0  # an upload that has not grown for so long never will


class _File(NamedTuple):
    changed: float
    size: int
    path: str


class Kept:
    """The files under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts: dict[str, str] = {}  # of uploads, by path
        self._trimming = threading.Lock()

    def add(self, paths: Iterable[str], host: str) -> None:
        """These were sent by ``host``."""
        self._hosts |= dict.fromkeys(paths, host)

    def trim(self) -> None:
        """Remove what is too much, the oldest first, and uploads that ended in the middle."""
        if not self._trimming.acquire(blocking=False):
            return  # another thread does
        try:
            self._trim()
        finally:
            self._trimming.release()

    def _trim(self) -> None:
        of_host, in_all, now = Counter[str](), 0, time.time()
        files = sorted(self._files(), reverse=True)
        self._hosts = {one.path: self._hosts[one.path] for one in files if one.path in self._hosts}
        for file in files:
            host = self._hosts.get(file.path, HERE)
            of_host[host] += file.size
            in_all += file.size
            is_unfinished = Path(file.path).parent == self._folder and now - file.changed > UNFINISHED_S
            if is_unfinished or in_all > IN_ALL or (host != HERE and of_host[host] > OF_A_HOST):
                of_host[host] -= file.size
                in_all -= file.size
                Path(file.path).unlink(missing_ok=True)

    def _files(self) -> Iterable[_File]:
        for place, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(place, name)
                try:
                    about = os.stat(path)
                except FileNotFoundError:
                    continue  # gone this moment
                yield _File(about.st_mtime, about.st_size, path)
