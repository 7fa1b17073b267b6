"""The live picture as bytes: one packed message that the worker writes, the server passes on unopened and the
browser reads.

Layout, little-endian: a 4-byte length ``n``, ``n`` bytes of UTF-8 JSON, then the arrays. The header's
``arrays`` lists ``{"name", "dtype", "shape", "offset", "bytes"}`` with offsets from the end of the header,
each a multiple of 8. ``dtype`` is numpy's name (``float32``, ``uint8`` ...) or ``png`` for a finished
picture.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, cast, get_args

import numpy as np

from engine.runs.headers import ArrayEntry, Dtype, FrameHeader

VERSION = 1
DTYPES = get_args(Dtype)


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray | bytes]) -> bytes:
    """One frame. ``header`` is plain data (``v``, ``arrays`` are added); bytes in ``arrays`` are PNGs."""
    table: list[ArrayEntry] = []
    chunks: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        raw = array if isinstance(array, bytes) else np.ascontiguousarray(array).tobytes()
        dtype, shape = ("png", []) if isinstance(array, bytes) else (array.dtype.name, list(array.shape))
        assert dtype in DTYPES, dtype
        table.append(
            {"name": name, "dtype": cast(Dtype, dtype), "shape": shape, "offset": offset, "bytes": len(raw)}
        )
        padding = -len(raw) % 8
        chunks += [raw, b"\0" * padding]
        offset += len(raw) + padding
    head = json.dumps({"v": VERSION, **header, "arrays": table}, separators=(",", ":")).encode()
    head += b" " * (-(len(head) + 4) % 8)
    return b"".join([struct.pack("<I", len(head)), head, *chunks])


def unpack(frame: bytes) -> tuple[FrameHeader, dict[str, np.ndarray | bytes]]:
    """The header and the arrays of a packed frame. Raises ``ValueError`` if it is cut short."""
    if len(frame) < 4 or len(frame) < 4 + (length := struct.unpack_from("<I", frame)[0]):
        raise ValueError("the frame is cut short")
    header = json.loads(frame[4 : 4 + length])
    arrays: dict[str, np.ndarray | bytes] = {}
    for entry in header.pop("arrays"):
        start = 4 + length + entry["offset"]
        raw = frame[start : start + entry["bytes"]]
        if len(raw) < entry["bytes"]:
            raise ValueError("the frame is cut short")
        is_file = entry["dtype"] == "png"
        arrays[entry["name"]] = raw if is_file else np.frombuffer(raw, entry["dtype"]).reshape(entry["shape"])
    return header, arrays
