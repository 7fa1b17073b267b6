"""The lessons that there are: those that ship, beside this file, and a teacher's own, in the runs folder."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.access import require_presenter
from dashboard.lessons.format import Lesson, parse
from engine.options import BadInput, Conflict, NoRoom, NotFound
from engine.requests.lessons import LARGEST_LESSON

SHIPPED = Path(__file__).parent
OWN = ".lessons"  # in the runs folder
MOST_OWN = 200
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NO_LESSONS = ("GLOSSARY", "README")


@dataclass(frozen=True)
class Entry:
    """A lesson on the list: whole, or ``damaged`` with what is wrong by line."""

    id: str
    title: str
    order: int
    minutes: int
    own: bool
    damaged: tuple[BadInput, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The entry as plain data."""
        said = [problem.as_dict() for problem in self.damaged]
        return {
            "id": self.id,
            "title": self.title,
            "order": self.order,
            "minutes": self.minutes,
            "own": self.own,
            "damaged": said,
        }


class Shelf:
    """The lessons of one server. An own one hides a shipped one of the same id."""

    def __init__(self, runs_folder: Path, shipped: Path = SHIPPED) -> None:
        self.own, self.shipped = Path(runs_folder) / OWN, shipped
        self._parsed: dict[tuple[str, int, int], Lesson | BadInput] = {}

    def list(self) -> list[Entry]:
        """All lessons in their order. A damaged one hides no other."""
        return sorted(map(self._entry, self._paths().items()), key=lambda one: (one.own, one.order, one.id))

    def get(self, id: str) -> Lesson:
        """A lesson. Raises ``NotFound``, or ``BadInput`` if it is damaged."""
        found = self._read(id, self._path(id))
        if isinstance(found, BadInput):
            raise found
        return found

    def text(self, id: str) -> str:
        """A lesson's file, damaged or not. Raises ``NotFound``."""
        return _text(self._path(id))

    def exported(self, role: str, id: str) -> str:
        """``text``, for the presenter: it holds the notes. Raises ``Forbidden``, ``NotFound``."""
        require_presenter(role)
        return self.text(id)

    def is_own(self, id: str) -> bool:
        """Whether a lesson may be changed."""
        return self._path(id).parent == self.own

    def put(self, role: str, id: str, text: str) -> Lesson:
        """Keep a lesson under ``id``. Raises ``Forbidden``, ``Conflict``, ``NoRoom``, or what is wrong with
        it.
        """
        require_presenter(role)
        if not _ID.fullmatch(id):
            raise BadInput("that is no name for a lesson.", "id", "Use small letters, digits and hyphens.")
        if (self.shipped / f"{id}.md").is_file():
            raise Conflict("a lesson that ships has this name.", "id", "Take another name for your own.")
        lesson = parse(id, text)
        try:
            self.own.mkdir(exist_ok=True)
            path = self.own / f"{id}.md"
            if not path.exists() and len(list(self.own.glob("*.md"))) >= MOST_OWN:
                raise Conflict(f"there are {MOST_OWN} lessons already.", "id", "Delete one first.")
            beside = path.with_name(f".{id}.{os.getpid()}")
            beside.write_text(text, encoding="utf-8", newline="\n")
            os.replace(beside, path)
        except OSError:
            raise NoRoom(error="the lesson could not be written.", field="id") from None
        return lesson

    def delete(self, role: str, id: str) -> None:
        """Remove an own lesson. Raises ``Forbidden``, ``NotFound``, ``Conflict``."""
        require_presenter(role)
        path = self._path(id)
        if path.parent != self.own:
            raise Conflict("lessons that ship stay.", "id", "Delete one of your own.")
        path.unlink(missing_ok=True)

    def free_id(self, id: str) -> str:
        """An id like ``id`` that no lesson has."""
        stem = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-")[:50] or "lesson"
        taken = self._paths()
        return next(
            name for n in range(1, MOST_OWN + 20) if (name := f"{stem}-{n}" if n > 1 else stem) not in taken
        )

    def _paths(self) -> dict[str, Path]:
        found = {path.stem: path for path in self.shipped.glob("*.md") if path.stem not in _NO_LESSONS}
        return found | {path.stem: path for path in self.own.glob("*.md") if _ID.fullmatch(path.stem)}

    def _path(self, id: str) -> Path:
        path = self._paths().get(id) if _ID.fullmatch(id) else None
        if path is None:
            raise NotFound("there is no such lesson.", "id", "GET /api/lessons lists them.")
        return path

    def _read(self, id: str, path: Path) -> Lesson | BadInput:
        try:
            about = path.stat()
            key = (str(path), about.st_mtime_ns, about.st_size)
            if key not in self._parsed:
                if len(self._parsed) > 4 * MOST_OWN:
                    self._parsed.clear()
                self._parsed[key] = _parsed(id, path)
            return self._parsed[key]
        except OSError:
            return NotFound("the file cannot be read.", "line 1", "Look at its permissions.")

    def _entry(self, item: tuple[str, Path]) -> Entry:
        id, path = item
        found, own = self._read(id, path), path.parent == self.own
        if isinstance(found, BadInput):
            return Entry(id, id, 1000, 0, own, (found, *found.others))
        return Entry(id, found.about.title, found.about.order, found.about.minutes, own)


@functools.cache
def shelf_of(runs_folder: Path) -> Shelf:
    """The one shelf of a runs folder."""
    return Shelf(runs_folder)


def _parsed(id: str, path: Path) -> Lesson | BadInput:
    try:
        return parse(id, _text(path))
    except BadInput as problem:
        return problem


def _text(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace", newline=None) as file:
        return file.read(LARGEST_LESSON + 1)
