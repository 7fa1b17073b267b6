"""Where plugins are: the Python files of one folder, and what installed packages announce. No torch.

A server only looks at these files; nothing here imports one.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from engine.options import BadInput

GROUP = "ganscope.plugins"  # the entry points of packages
VARIABLE = "GANSCOPE_PLUGINS"  # the folder, for child processes
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Plugins:
    """The plugins of one process: those in ``folder``, which need not exist, and those of packages."""

    folder: Path

    def files(self) -> list[Path]:
        """The plugin files of the folder, in order; a name that begins with ``_`` or ``.`` is none."""
        try:
            found = sorted(self.folder.glob("*.py"))
        except OSError:
            return []
        return [file for file in found if file.name[0] not in "_." and file.is_file()]

    def are_any(self) -> bool:
        """Whether there is anything to load."""
        return bool(self.files() or packaged())

    def stamp(self) -> Stamp:
        """Changes when a file of any plugin does; cheap enough for every request."""
        found = []
        for file in self._sources():
            try:
                seen = file.stat()
            except OSError:  # deleted this moment
                continue
            found.append((str(file), seen.st_mtime_ns, seen.st_size))
        return tuple(found)

    def hash(self) -> str:
        """Changes with the contents; the same in the next process."""
        digest = hashlib.sha256()
        for file in self._sources():
            digest.update(str(file).encode())
            digest.update(file.read_bytes() if file.is_file() else b"")
        return digest.hexdigest()[:16]

    def _sources(self) -> list[Path]:
        shared = sorted(self.folder.glob("_*.py"))  # what plugins may import
        return [*self.files(), *shared, *(file for entry in packaged() for file in _files_of(entry))]


def plugins_beside(runs: Path, given: Path | None = None) -> Plugins:
    """The plugins in ``given``, in the folder that ``$GANSCOPE_PLUGINS`` names, or in ``plugins`` beside
    ``runs``. Raises ``BadInput`` if a folder was named and is not there.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        return Plugins(Path(runs).resolve().parent / "plugins")
    if given and not named.is_dir():
        raise BadInput(f"there is no folder {named}.", "plugins", "Make it, or name another with --plugins.")
    return Plugins(named.resolve())


@functools.cache
def packaged() -> tuple[importlib.metadata.EntryPoint, ...]:
    """What installed packages announce; a server learns of another one when it is started again."""
    return tuple(sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name))


@functools.cache
def _files_of(entry: importlib.metadata.EntryPoint) -> tuple[Path, ...]:
    """The sources of the package that ``entry`` is in, found without importing it."""
    try:
        spec = importlib.util.find_spec(entry.module.partition(".")[0])
    except (ImportError, ValueError):
        return ()
    if spec is None or not spec.origin:
        return ()
    origin = Path(spec.origin)
    return tuple(sorted(origin.parent.rglob("*.py"))) if origin.name == "__init__.py" else (origin,)
