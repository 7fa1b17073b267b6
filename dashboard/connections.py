"""Connections: how many there may be, of a host and in all, and how long one may take to say what it wants.

A request that is never finished would be kept for ever, and a thousand of them exhaust the descriptors.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.errors import Refusal, answer
from dashboard.hosts import host_at
from engine.requests.viewer import HERE, may_add

DESCRIPTORS = 8192  # that the server asks the system for; many systems begin with 256 or 1,024
OUR_OWN = 256  # of these, for files, pipes and the engine
OF_A_HOST = 512  # connections; thirty phones behind one address have ten each
HEADERS_S = 30.0  # for a request's first lines, all together, on a new connection too
BODY_S = 30.0  # in which at least PROGRESS bytes of a body come: slow ones may take hours, idle ones may not
PROGRESS = 1024
COMPLAINTS, COMPLAINTS_S = 5, 60.0  # how often the same is logged in that time
_log = logging.getLogger("ganscope")


def raise_descriptors() -> int:
    """Have the system allow more open files to this process, if it does; how many these are now."""
    try:
        import resource
    except ImportError:  # Windows knows no such limit
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS has a further limit
        return soft
    return wanted


class Door(socket.socket):
    """The socket that listens, in the place of ``listener``: it closes at once what is too much, before any
    of it is read. This machine and ``proxies`` (addresses, networks) may have more than one host.
    """

    def __init__(self, listener: socket.socket, descriptors: int, proxies: Sequence[str] = ()) -> None:
        super().__init__(listener.family, listener.type, listener.proto, fileno=listener.detach())
        self.most = max(64, (descriptors - OUR_OWN) // 2)  # of others; this machine has as many for itself
        self._open: Counter[str] = Counter()
        self._proxies = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)

    def accept(self) -> tuple[socket.socket, Any]:
        """As a socket's. Raises ``ConnectionAbortedError`` in place of a connection that is too much: asyncio
        passes that over.
        """
        try:
            taken, address = super().accept()
        except OSError as problem:
            if problem.errno not in (errno.EMFILE, errno.ENFILE) or self._spare is None:
                raise
            self._turn_away()
            _log.warning("no descriptor is left for another connection")
            raise ConnectionAbortedError from None
        host = host_at(str(address[0]))
        if not self._has_room(host, str(address[0])):
            taken.close()
            _log.warning("closed connections that were too many: of %s, which has %d", host, self._open[host])
            raise ConnectionAbortedError
        self._open[host] += 1
        return _Guest(taken, self._open, host), address

    def close(self) -> None:
        super().close()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def _has_room(self, host: str, address: str) -> bool:
        if host == HERE or self._is_proxy(address):
            return self._open[host] < self.most
        return self._open[host] < OF_A_HOST and may_add(self._open, host, self.most)

    def _is_proxy(self, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._proxies)

    def _turn_away(self) -> None:
        """Take one that waits and close it, with the descriptor that was kept for this: it would wait, and
        wake us, for ever.
        """
        assert self._spare is not None
        os.close(self._spare)
        self._spare = None
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY)


class _Guest(socket.socket):
    """A connection that is counted in ``among`` until it is closed."""

    def __init__(self, taken: socket.socket, among: Counter[str], host: str) -> None:
        super().__init__(taken.family, taken.type, taken.proto, fileno=taken.detach())
        self._among, self._host = among, host

    def close(self) -> None:
        super().close()
        if self._host is not None:
            self._among[self._host] -= 1
            if self._among[self._host] <= 0:
                del self._among[self._host]
            self._host = None

    def __del__(self) -> None:
        self.close()


class Connection(H11Protocol):
    """One connection; ``is_overdue`` is to be asked about once a second."""

    _stage: tuple[object, object] = (None, None)
    _since = 0.0  # it waits for the client
    _heard = _marked = 0  # bytes, and how many when ``_since`` was

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        super().data_received(data)

    def is_overdue(self, now: float) -> bool:
        """Whether the client has kept us waiting too long for the rest of a request. Seconds of a clock."""
        stage, state = (self.conn.their_state, self.cycle), self.conn.their_state
        waits = state in (h11.IDLE, h11.SEND_BODY) and not self.flow.read_paused
        is_wanted = state is h11.SEND_BODY and not self.cycle.response_complete
        if stage != self._stage or not waits or (is_wanted and self._heard - self._marked >= PROGRESS):
            self._stage, self._since, self._marked = stage, now, self._heard
            return False
        return now - self._since > (HEADERS_S if state is h11.IDLE else BODY_S)


class Socket(WebSocketsSansIOProtocol):
    """One WebSocket. What its parser does not take for a handshake, uvicorn would leave unanswered."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.handshake_initiated or self.conn.handshake_exc is None or self.transport.is_closing():
            return
        why = str(self.conn.handshake_exc)[:100]
        refused = answer(Refusal(400, f"that is no WebSocket: {why}.", None, "Ask with a shorter address."))
        head = b"".join(b"%s: %s\r\n" % pair for pair in refused.raw_headers)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\n%sConnection: close\r\n\r\n%s" % (head, bytes(refused.body))
        )
        self.transport.close()


def close_overdue(connections: Iterable[object], now: float) -> None:
    """Hang up on those of uvicorn's ``connections`` that have kept us waiting too long."""
    for connection in list(connections):
        if isinstance(connection, Connection) and connection.is_overdue(now):
            connection.transport.abort()


class Bounded(logging.Filter):
    """Lets the same complaint through ``COMPLAINTS`` times in ``COMPLAINTS_S`` seconds; the next one that
    follows says how many were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        kind, now = str(record.msg).partition("\n")[0][:100], time.monotonic()
        began, count = self._seen.get(kind, (now, 0))
        if now - began >= COMPLAINTS_S:
            if count > COMPLAINTS:
                record.msg = f"{record.msg} (and {count - COMPLAINTS:,} more like it)"
            began, count = now, 0
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[kind] = (began, count + 1)
        return count < COMPLAINTS


def bound_complaints() -> None:
    """Whoever makes us complain ten thousand times fills no disk with it."""
    for name in ("uvicorn.error", "asyncio", "ganscope"):
        logging.getLogger(name).addFilter(Bounded())
