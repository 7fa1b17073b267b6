"""Files out of a zip from a stranger: judged by its table of contents first, read into memory, never unpacked
to disk.
"""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.data.reading.pictures import MAX_PIXELS, UnreadableError
from engine.options import BadInput

_MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one data set may hold, before it is refused."""

    files: int = 20_000
    bytes: int = 1024 * _MIB  # of all files, unpacked
    file_bytes: int = 128 * _MIB  # of one file, unpacked
    pixels: int = 4_000_000_000  # of all pictures before they are made small: about a minute of decoding
    ratio: float = 200.0  # unpacked to packed; pictures hardly pack, line art in BMP reaches 100
    spared: int = 4 * _MIB  # below this an archive is no bomb, whatever its ratio
    min_pictures: int = 16  # readable pictures
    image_pixels: int = MAX_PIXELS


LIMITS = Limits()
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".jar")
_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x28\xb5\x2f\xfd",
)
_END_OF_DIRECTORY = b"PK\x05\x06"
_ZIP64_LOCATOR, _ZIP64_END = b"PK\x06\x07", b"PK\x06\x06"
_UNKNOWN = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)  # in the end record: see the record of 64 bits
_TAIL = 65_557 + 76  # bytes: the end record may be followed by a comment of 64 KiB; before it stand two more
_EXTRA = 4096  # bytes of an entry's extra fields, which are read slowly; writers use a hundred
_ENTRIES = 3  # a file's entries in a table of contents: itself, what macOS keeps beside it, its folders
_UTF8 = 0x800  # flag of an entry whose name is UTF-8
_UNICODE_PATH = 0x7075  # extra field that holds the name as UTF-8
# What zipfile raises over damaged archives.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    OSError,
    struct.error,
    ValueError,
    OverflowError,
)


def is_archive(name: str, head: bytes) -> bool:
    """Whether a file is an archive, by its name or its first bytes."""
    return name.lower().endswith(_ARCHIVES) or head.startswith(_MAGIC)


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip does."""
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\x03\x04", _END_OF_DIRECTORY)


def read_zip(path: Path, limits: Limits = LIMITS) -> Iterator[tuple[str, bytes | UnreadableError]]:
    """Each file of the zip at ``path`` as (name with ``/``, contents), folders and hidden files left out; in
    place of what is larger than ``limits.file_bytes`` stands why it was not read.

    Everything that the table of contents gives away is refused before the first file is read. Raises
    ``BadInput``.
    """
    for name, entry, archive in _entries(path, limits):
        if entry.file_size > limits.file_bytes:
            yield name, too_large(entry.file_size, limits)
            continue
        with _undamaged(path):
            raw = archive.read(entry)  # at most file_size bytes, then its checksum
        yield name, raw


def names_in(path: Path, limits: Limits = LIMITS) -> list[str]:
    """The names that ``read_zip`` gives. Raises ``BadInput`` as it does."""
    return [name for name, _, _ in _entries(path, limits)]


def _entries(path: Path, limits: Limits) -> Iterator[tuple[str, zipfile.ZipInfo, zipfile.ZipFile]]:
    _check_directory(path, limits)
    with _undamaged(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with _undamaged(path):
            listed = archive.infolist()
            names = _names(listed)
            for name, entry in zip(names, listed, strict=True):
                _check_entry(name, entry)
            files = [
                (name, entry)
                for name, entry in zip(names, listed, strict=True)
                if not entry.is_dir() and not is_hidden(name)
            ]
            _check_bomb(path, files, limits)
        for name, entry in files:
            yield name, entry, archive


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """Raises ``BadInput`` for what ``zipfile`` raises over a damaged archive."""
    try:
        yield
    except BadInput:
        raise
    except _DAMAGED as problem:
        raise BadInput(f"{path.name} is damaged: {problem}.", "files", "Make the zip again.") from None


def too_large(size: int, limits: Limits) -> UnreadableError:
    """Why a file of ``size`` bytes is left out."""
    return UnreadableError(f"it has {size / _MIB:,.0f} MiB; a file may have {limits.file_bytes / _MIB:,.0f}")


def is_hidden(name: str) -> bool:
    """Whether a file is an operating system's own: ``.DS_Store``, ``__MACOSX/``, ``Thumbs.db``."""
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1] in (
        "Thumbs.db",
        "desktop.ini",
    )


def _check_directory(path: Path, limits: Limits) -> None:
    """Refuse a table of contents that is too long to be looked at (``zipfile`` reads it whole), or that
    contradicts itself.
    """
    length = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, length - _TAIL))
        tail = file.read()
        at = tail.rfind(_END_OF_DIRECTORY)
        if at < 0 or len(tail) < at + 22:
            raise BadInput(f"{path.name} is a zip that is cut short.", "files", "Upload it again.")
        entries, size, offset = struct.unpack_from("<HII", tail, at + 10)
        end = length - len(tail) + at  # of the table
        if tail[max(0, at - 20) : at].startswith(_ZIP64_LOCATOR):
            short, at = (entries, size, offset), at - 76
            if at < 0 or not tail.startswith(_ZIP64_END, at):
                raise _contradictory(path)
            entries, size, offset = struct.unpack_from("<QQQ", tail, at + 32)
            for of_32_bits, of_64, unknown in zip(short, (entries, size, offset), _UNKNOWN, strict=True):
                if of_32_bits not in (of_64, unknown):
                    raise _contradictory(path)
            end -= 76
        if entries > limits.files * _ENTRIES or size > limits.files * _ENTRIES * 1024:
            raise BadInput(f"{path.name} holds more than {limits.files:,} files.", "files", "Leave some out.")
        start = end - size
        if offset > start or start < 0:
            raise _contradictory(path)
        file.seek(start)
        _check_places(path, file.read(size), entries, offset)


def _check_places(path: Path, table: bytes, entries: int, end: int) -> None:
    """Refuse a ``table`` that does not hold so many ``entries``, or whose files lie in each other or behind
    ``end``.
    """
    at, places = 0, []
    while at < len(table) and len(places) <= entries:
        if len(table) < at + 46 or not table.startswith(b"PK\x01\x02", at):
            raise _contradictory(path)
        packed, _, name, extra, comment = struct.unpack_from("<IIHHH", table, at + 20)
        if extra > _EXTRA:
            raise _contradictory(path)
        (place,) = struct.unpack_from("<I", table, at + 42)
        places.append((place, place + 30 + name + packed))
        at += 46 + name + extra + comment
    if at != len(table) or len(places) != entries:
        raise _contradictory(path)
    # what says 4 GiB has its figures elsewhere in the table; it is counted once it is read
    known = sorted((place, stop) for place, stop in places if stop < 0xFFFFFFFF)
    nexts = [place for place, _ in known[1:]] + [end]
    if any(stop > following for (_, stop), following in zip(known, nexts, strict=False)):
        raise _contradictory(path)


def _contradictory(path: Path) -> BadInput:
    what = f"{path.name} is damaged: its table of contents contradicts itself."
    return BadInput(what, "files", "Make the zip again.")


def _check_entry(name: str, entry: zipfile.ZipInfo) -> None:
    shown = repr(name[:80])
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
        raise BadInput(
            f"the path {shown} in the zip leads out of it.",
            "files",
            "Pack the folder itself, with plain relative paths.",
        )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadInput(
            f"{shown} in the zip is a link or no plain file.", "files", "Pack the pictures themselves."
        )
    if entry.flag_bits & 0x1:
        raise BadInput(f"{shown} in the zip is encrypted.", "files", "Pack it without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(
            f"{shown} is packed in a way that is not read here.",
            "files",
            "Use the ordinary zip method, deflate.",
        )


def _check_bomb(path: Path, files: list[tuple[str, zipfile.ZipInfo]], limits: Limits) -> None:
    if len(files) > limits.files:
        raise BadInput(f"{path.name} holds more than {limits.files:,} files.", "files", "Leave some out.")
    sizes = [entry.file_size for _, entry in files]  # entries that share their bytes are each counted
    unpacked = sum(size for size in sizes if size <= limits.file_bytes)
    if unpacked > limits.bytes:
        raise BadInput(
            f"{path.name} unpacks to {unpacked / _MIB:,.0f} MiB.",
            "files",
            f"Give at most {limits.bytes // _MIB:,} MiB.",
        )
    if unpacked > max(limits.spared, limits.ratio * path.stat().st_size):
        times = unpacked / path.stat().st_size
        raise BadInput(
            f"{path.name} unpacks to {times:,.0f} times its size: an archive bomb.",
            "files",
            "Pack pictures, and nothing else.",
        )
    if nested := next((name for name, _ in files if is_archive(name, b"")), None):
        raise nested_archive(nested)


def nested_archive(name: str) -> BadInput:
    """The refusal of an archive inside an archive."""
    return BadInput(
        f"{name[:80]!r} is an archive inside the archive.",
        "files",
        "Unpack it and pack the pictures in one zip.",
    )


def _names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The entries' paths with ``/``, accents composed, whatever program wrote them.

    A name without the UTF-8 flag should be code page 437, but is what its writer used: all of them are read
    alike, as UTF-8 if that is possible, else as Shift JIS or GBK if that gives words.
    """
    raw = {entry.orig_filename.encode("cp437") for entry in entries if not entry.flag_bits & _UTF8}
    coding = next((coding for coding in ("utf-8", "cp932", "gbk") if _reads(raw, coding)), "cp437")
    return [_name(entry, coding) for entry in entries]


def _name(entry: zipfile.ZipInfo, coding: str) -> str:
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437")
        name = _unicode_path(entry.extra, raw) or raw.decode(coding)
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _reads(names: set[bytes], coding: str) -> bool:
    """Whether all ``names`` are in ``coding``. An accent of Western Europe before a letter can be one
    ideograph of East Asia, but no two in a row.
    """
    try:
        text = "/".join(name.decode(coding) for name in names)
    except UnicodeDecodeError:
        return False
    if coding == "utf-8" or text.isascii():
        return True
    return not re.search("[\uff61-\uff9f]", text) and bool(
        re.search("[\u3041-\u30ff]|[\u4e00-\u9fff]{2}", text)
    )


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in an entry's extra fields, if it is that of ``raw``."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        held, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and held[:1] == b"\1" and held[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return held[5:].decode("utf-8", "replace")
    return None
