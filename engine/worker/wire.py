"""Plain data over a socket: a packet is lengths, JSON, then the bytes that the JSON refers to by number."""

from __future__ import annotations

import functools
import json
import socket
import struct
import time
from typing import Any

from engine.options import BadInput, Conflict, Forbidden, NoRoom, NotFound, TooMany

HEAD = struct.Struct("<II")  # bytes of JSON, number of blobs
BLOB = struct.Struct("<Q")
BLOB_KEY = "\0blob"
ERRORS = {kind.__name__: kind for kind in (BadInput, NotFound, Forbidden, Conflict, NoRoom, TooMany)}


def send(to: socket.socket, value: object) -> None:
    """Write plain data in which bytes may stand anywhere."""
    blobs: list[bytes] = []

    def refer(item: object) -> dict[str, int]:
        if not isinstance(item, bytes | bytearray | memoryview):
            raise TypeError(f"{type(item).__name__} is not plain data")
        blobs.append(bytes(item))
        return {BLOB_KEY: len(blobs) - 1}

    text = json.dumps(value, default=refer).encode()
    parts = [HEAD.pack(len(text), len(blobs)), text]
    for blob in blobs:
        parts += [BLOB.pack(len(blob)), blob]
    to.sendall(b"".join(parts))


def receive(source: socket.socket, deadline: float | None = None) -> Any:
    """What ``send`` wrote; ``None`` if the other end closed.

    Raises ``TimeoutError`` once ``time.monotonic()`` is past ``deadline``.
    """
    take = functools.partial(_take, source, deadline)
    try:
        length, count = HEAD.unpack(take(HEAD.size))
    except ConnectionError:
        return None
    text = take(length)
    blobs = [take(BLOB.unpack(take(BLOB.size))[0]) for _ in range(count)]

    def resolve(item: dict[str, Any]) -> Any:
        number = item.get(BLOB_KEY) if len(item) == 1 else None
        return blobs[number] if isinstance(number, int) and 0 <= number < count else item

    return json.loads(text, object_hook=resolve)


def _take(source: socket.socket, deadline: float | None, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        if deadline is not None:
            source.settimeout(max(1e-3, deadline - time.monotonic()))
        part = source.recv(min(count - len(parts), 1 << 20))
        if not part:
            raise ConnectionResetError("the other end closed")
        parts += part
    return bytes(parts)
