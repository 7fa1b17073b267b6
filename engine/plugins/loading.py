"""Importing plugins into the tables, in a worker or on the command line; never in the server.

A plugin is a Python file with one or more of ``GANS``, ``DATASETS``, ``OBJECTIVES``, ``STABILISERS`` and
``METRICS``: dictionaries of name to entry, as the engine's own. All its entries are checked, and it is taken
whole or left out whole. One that is left out breaks nothing else: it is listed with what is wrong, where, and
a remedy.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.data import DATASETS
from engine.gans import GANS
from engine.metrics import METRICS
from engine.models.assembly import options_model
from engine.objectives import OBJECTIVES
from engine.options import BadInput
from engine.plugins import checks
from engine.plugins.finding import Plugins, packaged
from engine.stabilisers import STABILISERS

# name in a plugin -> the table it adds to, and what its entries must be; lessons will be one more line
TABLES: dict[str, tuple[dict[str, Any], Callable[[str, Any], None]]] = {
    "OBJECTIVES": (OBJECTIVES, checks.objective),
    "STABILISERS": (STABILISERS, checks.stabiliser),
    "DATASETS": (DATASETS, checks.dataset),
    "GANS": (GANS, checks.gan),
    "METRICS": (METRICS, checks.metric),
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass
class Loaded:
    """A plugin that was found: what it has added, or why it was left out."""

    name: str
    file: str
    adds: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None
    line: int | None = None
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """What came of it, in one line."""
        if self.error:
            file = Path(self.file).name  # viewers read this too: no folder of this machine
            place = f"{file}, line {self.line}" if self.line else file
            return f"Left out: {self.error} {self.remedy} ({place})"
        return "; ".join(f"{table}: {', '.join(names)}" for table, names in self.adds.items())


LOADED: list[Loaded] = []  # of this process


def load(plugins: Plugins) -> list[Loaded]:
    """Add every plugin to the tables, once a process. Returns them all, those that were left out too."""
    assert not LOADED, "plugins are loaded once a process"
    sys.path.append(str(plugins.folder))  # a plugin may import a file beside it
    LOADED.extend(_load(file.name, str(file), _importer(file)) for file in plugins.files())
    LOADED.extend(_load(entry.name, entry.value, entry.load) for entry in packaged())
    options_model.cache_clear()
    return LOADED


def report() -> dict[str, dict[str, Any]]:
    """The plugins of this process by name, as plain data."""
    return {
        loaded.name: {"sentence": loaded.sentence, **asdict(loaded), "file": Path(loaded.file).name}
        for loaded in LOADED
    }


def _importer(file: Path) -> Callable[[], ModuleType]:
    def load_file() -> ModuleType:
        name = f"ganscope_plugins.{file.stem}"
        # no .pyc: it would hide an edit within a second of the one before
        loader = _FromSource(name, str(file))
        spec = importlib.util.spec_from_file_location(name, file, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and inspect look for it there
        loader.exec_module(module)
        return module

    return load_file


class _FromSource(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_data(self.path), self.path)


def _load(name: str, file: str, load_module: Callable[[], Any]) -> Loaded:
    found = Loaded(name, file)
    try:
        module = load_module()
    except (Exception, SystemExit) as error:  # the plugin's outermost boundary: whatever it does
        found.error = _said(error)
        found.line = _line_of_failure(error, file)
        found.remedy = "Correct the file; it is read again at once."
        return found
    found.file = getattr(module, "__file__", None) or file
    try:
        found.adds = _add(module, found)
    except BadInput as problem:
        found.error, found.remedy = problem.error, problem.remedy
    except Exception as error:  # what its entries do when they are looked at
        found.error = _said(error)
        found.line = _line_of_failure(error, found.file) or found.line
        found.remedy = "Correct the file; it is read again at once."
    return found


def _add(module: Any, found: Loaded) -> dict[str, list[str]]:
    """Put a module's entries into the tables, all or none. Raises what is wrong with one of them."""
    adds: dict[str, list[str]] = {}
    lines = _Lines(found.file)
    with _all_or_none(adds):
        for title, (table, check) in TABLES.items():
            entries = getattr(module, title, table)
            if entries is table:
                continue
            found.line = lines.of(title)
            if not isinstance(entries, dict):
                raise BadInput(f"{title} is not a dictionary.", None, f'Write {title} = {{"name": entry}}.')
            for name, entry in entries.items():
                found.line = lines.of(title, name, entry)
                _check_name(name, title, table)
                table[name] = entry
                adds.setdefault(title.lower(), []).append(name)
                check(name, entry)
        found.line = None
        if not adds:
            known = ", ".join(TABLES)
            raise BadInput("it adds nothing.", None, f"Give it a dictionary called one of: {known}.")
    return adds


@contextmanager
def _all_or_none(adds: dict[str, list[str]]) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            for title, names in adds.items():
                for name in names:
                    del TABLES[title.upper()][0][name]
            adds.clear()


def _check_name(name: object, title: str, table: dict[str, Any]) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be the name of an entry of {title}.",
            None,
            "Use small letters, digits and _, at most 40, a letter first.",
        )
    if name in table:
        raise BadInput(f"there is already a {name} in {title}.", None, "Choose another name.")


def _said(error: BaseException) -> str:
    words = re.sub(r" \(/[^)]*\)", "", str(error))  # viewers read this too: no folder of this machine
    return f"{type(error).__name__}: {words}"[:300].rstrip(".") + "."


def _line_of_failure(error: BaseException, file: str) -> int | None:
    """The last line of ``file`` that was being run, or that cannot be read as Python."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return frames[-1] if frames else None


class _Lines:
    """Where things stand in a plugin's file; ``None`` where that cannot be said."""

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self.tree = ast.parse(Path(file).read_text("utf-8"))
        except (OSError, ValueError, SyntaxError):
            self.tree = ast.Module([], [])

    def of(self, title: str, name: object = None, entry: Any = None) -> int | None:
        """The class of an entry that is one of the file's, or else its line in its table."""
        kind = entry if isinstance(entry, type) else type(entry)
        try:
            if inspect.getsourcefile(kind) == self.file:
                return inspect.findsource(kind)[1] + 1
        except (OSError, TypeError):
            pass  # not a class of a file
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == title for target in targets):
                value = getattr(node, "value", None)
                keys = value.keys if isinstance(value, ast.Dict) else []
                named = [key.lineno for key in keys if isinstance(key, ast.Constant) and key.value == name]
                return named[0] if named else node.lineno
        return None
