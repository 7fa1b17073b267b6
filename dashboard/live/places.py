"""Places for sockets: so many in all, and no host takes those of the others."""

from __future__ import annotations

import contextlib
import ipaddress
from collections import Counter
from collections.abc import Iterator

from starlette.websockets import WebSocket

from dashboard.errors import Refusal

IN_ALL = 500
OF_A_HOST = 100  # a room behind one address, each with a few pages; this machine, or its proxy, has no limit
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
        host = socket.client.host if socket.client else ""
        if self.taken >= IN_ALL or (self._open[host] >= OF_A_HOST and not _is_here(host)):
            raise Refusal(TOO_MANY, "too many are watching.", None, "Close other pages, or try again later.")
        self._open[host] += 1
        try:
            yield
        finally:
            self._open[host] -= 1
            self._open += Counter()  # which forgets who has none


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return not host  # a socket of this machine's files has no address
