"""What it would take to decode a picture, told by the markers in its file, before anything is decoded.

Decoders go over the whole picture once a scan, and over a file's parts in slow loops: a small file can hold
them up for minutes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

SCANS = 64  # of a progressive JPEG; encoders write about ten
PARTS = 4_096  # segments of a JPEG, a GIF's comments; few pictures have a hundred
CHUNKS = 100_000  # of a PNG; one of 128 MiB by libpng has 16,000
OTHER_CHUNKS = 256  # of these, that are no pixels
BLOCKS = 2_000_000  # of a GIF's first picture, of at most 255 bytes each
PADDING = 1 << 16  # bytes between a JPEG's segments
SLOW_BYTES = 32 << 20  # of formats that are decoded number by number
STRIPS = 500_000  # of a TIFF; 64 million pixels in tiles of 16 x 16 are half as many
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # of a JPEG; what is left out belongs to a scan
_NO_LENGTH = (0x01, 0xD8)
_PROGRESSIVE, _NO_FRAME = (0xC2, 0xC6, 0xCA, 0xCE), (0xC4, 0xC8, 0xCC)
_UNITS = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_STRIPS = (273, 279, 324, 325)  # tags that list where pixels are
_MORE_TAGS = (34665, 34853)  # tags that lead to further ones: Exif, GPS


class CostlyError(Exception):
    """A file that would take far longer to read than its picture needs. ``str()`` says why."""


def check(raw: bytes) -> None:
    """Raises ``CostlyError`` for a picture that nobody should begin to decode; says nothing of damage."""
    if raw.startswith(b"\xff\xd8"):
        _check_jpeg(raw)
    elif raw.startswith(b"\x89PNG"):
        _check_png(raw)
    elif raw.startswith(b"GIF8"):
        _check_gif(raw)
    elif raw.startswith((b"II", b"MM")):
        check_tags(raw)
    elif raw.startswith((b"P1", b"P2", b"P3")) or (raw.startswith(b"BM") and raw[30:31] in (b"\1", b"\2")):
        _refuse_above(SLOW_BYTES >> 20, len(raw) >> 20, "MiB of a format that is slow to read")


def check_tags(raw: bytes) -> None:
    """The same for the tags of a TIFF, or of Exif data: they may all name the same large part of a file."""
    if raw.startswith(b"Exif\0\0"):
        raw = raw[6:]
    try:
        starts, held = [_first(raw)], 0
        for start in starts:
            for tag, size, value in _tags(raw, start):
                held += size
                if tag in _MORE_TAGS and start == starts[0]:
                    starts.append(value)
                if held > 2 * len(raw) or (tag in _STRIPS and size > 8 * STRIPS):
                    raise CostlyError("its tags list more than the file holds")
    except struct.error:
        return  # cut short


def _check_jpeg(raw: bytes) -> None:
    at, segments, scans, padding, exif = 2, 0, 0, 0, b""
    components, is_progressive = 0, False
    while found := _MARKER.search(raw, at):
        kind, begun, at = found[1][0], at, found.end()
        padding += 0 if scans else at - begun - 2
        if kind == 0xD9:
            break
        if kind in _NO_LENGTH:
            continue
        segments += 1
        scans += kind == 0xDA
        _refuse_above(SCANS, scans, "scans")
        _refuse_above(PARTS, segments, "segments")
        _refuse_above(PADDING, padding, "bytes of padding")
        if 0xC0 <= kind <= 0xCF and kind not in _NO_FRAME:
            components, is_progressive = raw[at + 7 : at + 8], kind in _PROGRESSIVE
        elif kind == 0xDA and not is_progressive and raw[at + 2 : at + 3] == components:
            break  # all there is in one scan
        end = at + int.from_bytes(raw[at : at + 2])
        if kind == 0xE1 and raw.startswith(b"Exif\0\0", at + 2):
            exif += raw[at + 8 : end]
        at = end
    check_tags(exif)


def _check_png(raw: bytes) -> None:
    at, chunks, others = 8, 0, 0
    while at + 8 <= len(raw):
        kind = raw[at + 4 : at + 8]
        at += 12 + int.from_bytes(raw[at : at + 4])
        chunks += 1
        others += kind not in (b"IDAT", b"fdAT", b"fcTL")
        _refuse_above(CHUNKS, chunks, "chunks")
        _refuse_above(OTHER_CHUNKS, others, "chunks that are no pixels")
        if kind == b"IEND":
            break


def _check_gif(raw: bytes) -> None:
    """Up to the second picture: only the first one is decoded."""
    at, blocks, comments, pictures = 13 + _palette(raw, 10), 0, 0, 0
    while at < len(raw) and raw[at] != 0x3B:
        kind, at = raw[at], at + 1
        blocks += 1
        is_comment = kind == 0x21 and raw[at : at + 1] == b"\xfe"
        comments += is_comment
        if kind == 0x2C:
            pictures += 1
            if pictures == 2:
                break
            at += 10 + _palette(raw, at + 8)
        elif kind == 0x21:
            at += 1
        if kind in (0x2C, 0x21):
            while at < len(raw) and (size := raw[at]):
                at += size + 1
                blocks += 1
                comments += is_comment
            at += 1
        _refuse_above(BLOCKS, blocks, "blocks")
        _refuse_above(PARTS, comments, "comments")


def _palette(raw: bytes, at: int) -> int:
    """Bytes of the palette that the flags at ``at`` announce."""
    flags = raw[at] if at < len(raw) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _first(raw: bytes) -> int:
    """Where a TIFF's first tags are."""
    order = _order(raw)
    is_big = struct.unpack_from(f"{order}H", raw, 2)[0] == 43
    return (
        struct.unpack_from(f"{order}Q", raw, 8)[0] if is_big else struct.unpack_from(f"{order}I", raw, 4)[0]
    )


def _tags(raw: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Each tag of the table at ``at``: its number, its bytes, its first value or where it is."""
    order = _order(raw)
    is_big = struct.unpack_from(f"{order}H", raw, 2)[0] == 43
    head, entry = (f"{order}Q", f"{order}HHQQ") if is_big else (f"{order}H", f"{order}HHII")
    (count,) = struct.unpack_from(head, raw, at)
    at += struct.calcsize(head)
    for number in range(count):
        tag, kind, values, value = struct.unpack_from(entry, raw, at + number * struct.calcsize(entry))
        yield tag, values * _UNITS.get(kind, 0), value


def _order(raw: bytes) -> str:
    return "<" if raw.startswith(b"II") else ">"


def _refuse_above(most: int, count: int, noun: str) -> None:
    if count > most:
        raise CostlyError(f"it has more than {most:,} {noun}")
