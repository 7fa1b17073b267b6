"""Places for sockets: so many in all, and no host takes those of the others (``engine.requests.viewer``)."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from starlette.websockets import WebSocket

from dashboard.errors import Refusal
from dashboard.hosts import host_of
from engine.requests.viewer import HERE, may_add

IN_ALL = 500
OF_A_HOST = 100  # a room behind one address, each with a few pages; this machine has ``IN_ALL`` for itself
TOO_MANY = 1013  # the code of a socket's end


class Places:
    """The sockets that are open, by host."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextlib.contextmanager
    def hold(self, socket: WebSocket) -> Iterator[None]:
        """A place for the time of the block. Raises ``Refusal`` if there is none."""
        host = host_of(socket)
        is_full = self._open[host] >= OF_A_HOST and host != HERE
        if is_full or not may_add(self._open, host, IN_ALL):
            raise Refusal(TOO_MANY, "too many are watching.", None, "Close other pages, or try again later.")
        self._open[host] += 1
        try:
            yield
        finally:
            self._open[host] -= 1
            self._open += Counter()  # which forgets who has none
