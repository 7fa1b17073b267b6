"""Pickles of protocol 4 and 5 said in protocol 2, the only one that torch's careful loader obeys.

Operations are translated one by one, and none is carried out: what a pickle would call stands in the result
as it stood before, for the checks and for that loader to refuse.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Iterator
from typing import BinaryIO

NEWER = ("FRAME", "MEMOIZE", "STACK_GLOBAL", "SHORT_BINUNICODE", "BINUNICODE8")
STRINGS = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
PUTS, GETS = ("BINPUT", "LONG_BINPUT", "MEMOIZE"), ("BINGET", "LONG_BINGET")
PROTO_2, GLOBAL, BINUNICODE, LONG_BINGET, LONG_BINPUT = b"\x80\x02", b"c", b"X", b"j", b"r"


def operations(file: BinaryIO) -> Iterator[tuple[str, object, bytes]]:
    """Each operation of one pickle by name, its argument, and its bytes. Raises ``ValueError`` if the file
    ends within.
    """
    waiting: tuple[str, object, int] | None = None
    for operation, argument, place in pickletools.genops(file):
        assert place is not None, "a file tells where it is"
        if waiting is not None:
            yield (*waiting[:2], _between(file, waiting[2], place))
        waiting = operation.name, argument, place
    if waiting is not None:
        yield (*waiting[:2], _between(file, waiting[2], file.tell()))


def _between(file: BinaryIO, first: int, end: int) -> bytes:
    after = file.tell()
    file.seek(first)
    read = file.read(end - first)
    file.seek(after)
    return read


def in_protocol_2(file: BinaryIO, most: int) -> bytes:
    """One pickle, read from ``file``, in protocol 2. A text that is remembered is said again wherever it is
    asked for. Raises ``ValueError`` for one that ends within, asks for what it has not kept, or would be
    longer than ``most`` bytes.
    """
    out: list[bytes | str] = []  # bytes, or texts that are still to be said
    kept: list[str | None] = []  # by number: texts, and None for everything else
    length = 0
    for name, argument, raw in operations(file):
        said: bytes | str = raw
        if name == "PROTO":
            said = PROTO_2
        elif name == "FRAME":
            continue
        elif name in STRINGS:
            said = str(argument)
        elif name in PUTS:
            number = len(kept) if name == "MEMOIZE" else int(str(argument))
            if number != len(kept):
                raise ValueError("it keeps things out of order")
            text = out[-1] if out and isinstance(out[-1], str) else None
            kept.append(text)
            if text is not None:
                continue
            said = LONG_BINPUT + struct.pack("<I", number)
        elif name in GETS:
            text = kept[int(str(argument))]
            said = text if text is not None else LONG_BINGET + struct.pack("<I", int(str(argument)))
        elif name == "STACK_GLOBAL":
            attribute, module = out.pop(), out.pop()
            if not isinstance(attribute, str) or not isinstance(module, str) or "\n" in module + attribute:
                raise ValueError("it names code by more than a name")
            said = GLOBAL + f"{module}\n{attribute}\n".encode()
        out.append(said)
        length += len(said) + 8
        if length > most:
            raise ValueError("it is longer than any that holds names and shapes")
    return b"".join(_text(one) if isinstance(one, str) else one for one in out)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return BINUNICODE + struct.pack("<I", len(encoded)) + encoded
