"""Files out of a zip from a stranger: judged by its table of contents first, read into memory, never unpacked
to disk.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.data.reading.pictures import MAX_PIXELS
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


def read_zip(path: Path, limits: Limits = LIMITS) -> Iterator[tuple[str, bytes]]:
    """Each file of the zip at ``path`` as (name with ``/``, contents), folders and hidden files left out.

    Everything that the table of contents gives away is refused before the first file is read. Raises
    ``BadInput``.
    """
    _check_directory(path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            for entry in archive.infolist():
                _check_entry(entry, limits)
            _check_bomb(path, entries, limits)
            for entry in entries:
                if not is_hidden(entry.filename):
                    yield _name(entry), archive.read(entry)  # at most file_size bytes, then its checksum
    except BadInput:
        raise
    except _DAMAGED as problem:
        raise BadInput(f"{path.name} is damaged: {problem}.", "files", "Make the zip again.") from None


def is_hidden(name: str) -> bool:
    """Whether a file is an operating system's own: ``.DS_Store``, ``__MACOSX/``, ``Thumbs.db``."""
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1] in (
        "Thumbs.db",
        "desktop.ini",
    )


def _check_directory(path: Path, limits: Limits) -> None:
    """Refuse a table of contents that is too long to be looked at (``zipfile`` reads it whole)."""
    with open(path, "rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 65_557))  # the end record may be followed by a comment of 64 KiB
        tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + 22:
        raise BadInput(f"{path.name} is a zip that is cut short.", "files", "Upload it again.")
    entries, size = struct.unpack_from("<HI", tail, at + 10)
    if entries > limits.files or size > limits.files * 1024:
        raise BadInput(f"{path.name} holds more than {limits.files:,} files.", "files", "Leave some out.")


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    name = entry.orig_filename.replace("\\", "/")
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
    if entry.file_size > limits.file_bytes:
        raise BadInput(
            f"{shown} has {entry.file_size / _MIB:.0f} MiB.",
            "files",
            f"Keep each file under {limits.file_bytes // _MIB} MiB.",
        )


def _check_bomb(path: Path, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.files:
        raise BadInput(
            f"{path.name} holds {len(entries):,} files.", "files", f"Give at most {limits.files:,}."
        )
    unpacked = sum(entry.file_size for entry in entries)  # entries that share their bytes are each counted
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
    nested = next(
        (entry for entry in entries if is_archive(entry.filename, b"") and not is_hidden(entry.filename)),
        None,
    )
    if nested:
        raise nested_archive(_name(nested))


def nested_archive(name: str) -> BadInput:
    """The refusal of an archive inside an archive."""
    return BadInput(
        f"{name[:80]!r} is an archive inside the archive.",
        "files",
        "Unpack it and pack the pictures in one zip.",
    )


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/")
