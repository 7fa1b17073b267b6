"""Files that are replaced whole or only grow: JSON, bytes, lines. No torch.

On a full disk writing raises ``NoRoom``, and leaves no half-written file behind; a process that would rather
wait than fail sets ``when_full``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from engine.options import BadInput, NoRoom, is_full

T = TypeVar("T")
PATIENCE_S = 1.0  # nobody holds a file of a run open for longer


def patiently(act: Callable[[], T]) -> T:
    """The result of ``act``, tried again for a moment where it may not: Windows lets nobody replace, move or
    delete what somebody else has open, nor open what is being replaced.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)


def replace(source: Path, target: Path) -> None:
    """``os.replace``, also where a reader has ``target`` open for a moment (``patiently``)."""
    patiently(lambda: os.replace(source, target))


when_full: Callable[[], None] | None = None


def with_room(act: Callable[[], T]) -> T:
    """The result of ``act``, which writes; where the disk is full, once ``when_full`` has returned, or
    ``NoRoom`` without it.
    """
    while True:
        try:
            return act()
        except OSError as error:
            if not is_full(error):
                raise
            if when_full is None:
                raise NoRoom from error
            when_full()


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` whole, so that a reader sees the old text or the new one. Raises ``NoRoom``."""
    write_bytes(path, json.dumps(value, allow_nan=False).encode())


def write_bytes(path: Path, value: bytes) -> None:
    """Replace ``path`` whole with ``value``. Raises ``NoRoom``."""
    with_room(lambda: _write_whole(path, value))


def keep_if_room(path: Path, value: bytes) -> None:
    """``write_bytes`` of what can be made again, and of its folder: on a full disk it is not kept."""
    with contextlib.suppress(NoRoom):
        with_room(lambda: path.parent.mkdir(parents=True, exist_ok=True))
        write_bytes(path, value)


def write_anyhow(path: Path, value: Any) -> None:
    """``write_json``, but on a full disk the file is written over where it lies: a reader may once see less
    than all of it. For what tells that the disk is full. Raises ``NoRoom`` if it is not there.
    """
    text = json.dumps(value, allow_nan=False).encode()
    try:
        _write_whole(path, text)
    except OSError as error:
        if not is_full(error):
            raise
        try:
            with open(path, "r+b", buffering=0) as file:
                file.write(text.ljust(os.fstat(file.fileno()).st_size))
        except OSError:
            raise NoRoom from error


def _write_whole(path: Path, value: bytes) -> None:
    with replacing(path) as beside:
        beside.write_bytes(value)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to: what lies there at the end takes its place, unless something was
    raised.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.ExitStack() as undo:
        undo.callback(beside.unlink, missing_ok=True)
        yield beside
        replace(beside, path)
        undo.pop_all()


@contextlib.contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder``, readable by all, that becomes it at the end: it is there whole or not
    at all. Nothing may be there yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        os.chmod(beside, 0o755)
        replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read_json(path: Path, default: Any = None) -> Any:
    """What ``path`` holds, or ``default`` if it is not there or not JSON."""
    try:
        return json.loads(patiently(path.read_bytes))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, RecursionError):
        return default


def refuse_overwriting(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Refuse to write a file that is read from, by whatever name. Raises ``BadInput``."""
    inputs = {_identity(path): path for path in read if path.is_file()}
    for path in written:
        if path.exists() and (given := inputs.get(_identity(path))) is not None:
            raise BadInput(f"{path} would overwrite {given}, which is read.", "out", "Give another --out.")


def _identity(path: Path) -> tuple[int, int]:
    """The same for two names of one file: links, another case, another way to the folder."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


class Appender:
    """Appends JSON lines, each in one ``write``; a line cut short by a crash is closed off first."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists() or path.stat().st_size == 0
        self._file: IO[bytes] = open(path, "ab", buffering=0)  # noqa: SIM115 - lives as long as its run
        if not fresh:
            with open(path, "rb") as reader:
                reader.seek(-1, os.SEEK_END)
                if reader.read(1) != b"\n":
                    self._file.write(b"\n")

    def write(self, *lines: Mapping[str, Any]) -> None:
        """Append ``lines``. NaN and infinities become null: JSON has none. Raises ``NoRoom``."""
        text = b"".join(_line(line) for line in lines)
        while text:  # a disk that becomes full takes a part, and the rest once there is room
            text = text[with_room(lambda rest=text: self._file.write(rest)) :]

    def close(self) -> None:
        self._file.close()


def _line(value: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except ValueError:
        return json.dumps(finite(value), separators=(",", ":")).encode() + b"\n"


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


class Tail:
    """Reads what has been appended to a JSON-lines file since the last call; a missing file is empty.

    At most ``most`` bytes are read at a time, or one line: ask again until there are none. ``held`` keeps the
    file open between the calls: asking an open file for its length takes a quarter of the time that asking
    for it by its name takes. It is for files that nobody replaces.
    """

    def __init__(self, path: Path, held: bool = False, most: int = -1) -> None:
        self.path, self.offset, self._held, self._most = path, 0, held, most
        self._file: IO[bytes] | None = None

    def read(self) -> list[dict[str, Any]]:
        """The complete new lines; a damaged one is passed over."""
        return list(_parse(self.lines()))

    def lines(self) -> list[bytes]:
        """The complete new lines as they were written."""
        try:
            if self._held and self._file is None:
                self._file = open(self.path, "rb")  # noqa: SIM115 - lives as long as its run
            place = self.path if self._file is None else self._file.fileno()
            if os.stat(place).st_size <= self.offset:
                return []
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read(self._most)
                while text and b"\n" not in text and (more := file.read(self._most)):
                    text += more
        except FileNotFoundError:
            return []
        end = text.rfind(b"\n") + 1
        self.offset += end
        return text[:end].splitlines()


def _parse(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
