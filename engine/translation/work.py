"""A translation job in the batch process, a piece a turn. What is begun stays here between its turns; the
server keeps only how far it is. If the process dies, the next one goes on behind the picture
that it died over.

A job's folder holds what was sent under ``in/``, and under ``out/`` what was made of it.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from engine.data.reading.archive import Limits, is_zip, names_in, read_zip
from engine.models.library import Loaded
from engine.options import BadInput, NotFound
from engine.requests.translation import PICTURES, Translate
from engine.translation.translating import translate_picture

TURN_S = 0.3  # after so long, others have their turn
ZIPS = Limits(files=5000, min_pictures=1)
State = dict[str, Any]
Turn = Generator[State, None, dict[str, Any]]

_begun: dict[str, Turn] = {}  # by the job's folder


def translate(loaded: Loaded, arguments: dict[str, Any], state: State) -> dict[str, Any]:
    """One turn of the job in ``arguments["folder"]``: ``{"result"}``, or ``{"state"}`` to be shown.
    Raises ``BadInput``, ``NotFound`` if it is given up.
    """
    key = arguments["folder"]
    for other in [folder for folder in _begun if not os.path.isdir(folder)]:
        _begun.pop(other).close()  # given up by the server
    if not os.path.isdir(key):
        raise NotFound("this translation was given up.", "job", "Start it again.")
    work = _many if arguments["many"] else _one
    turn = _begun.pop(key, None) or work(loaded, arguments, state)
    until = time.monotonic() + TURN_S
    try:
        shown = next(turn)
        while time.monotonic() < until:
            shown = next(turn)
    except StopIteration as end:
        return {"result": end.value}
    _begun[key] = turn  # not if it failed
    return {"state": shown}


def _one(loaded: Loaded, arguments: dict[str, Any], state: State) -> Turn:
    if state.get("attempt"):
        raise _died()
    folder = Path(arguments["folder"])
    raw = (folder / "in" / "0").read_bytes()
    work = translate_picture(loaded, raw, Translate.read(arguments["options"]), folder)
    del raw
    while True:
        try:
            share = next(work)
        except StopIteration as end:
            answer: dict[str, Any] = end.value
            break
        yield {"attempt": 1, "progress": round(share, 4), "done": 0, "total": 1}
    _keep(folder / "out", answer)
    return {name: value for name, value in answer.items() if name not in PICTURES}


def _keep(out: Path, answer: dict[str, Any]) -> None:
    for name in PICTURES:
        if answer[name] is not None:
            (out / f"{name}.png").write_bytes(answer[name])


def _many(loaded: Loaded, arguments: dict[str, Any], state: State) -> Turn:
    """All pictures of a job, one after the other; what cannot be read is listed, and the rest done."""
    folder = Path(arguments["folder"])
    failed: list[dict[str, Any]] = list(state.get("failed", []))
    total, names, done = _count(folder, arguments["names"]), _Names(), state.get("done", 0)
    options = Translate.read({**arguments["options"], "back": False, "patches": False, "given": False})
    position = state.get("position", 0)  # pictures that an earlier process has seen to
    lost = state.get("position") if "position" in state else None
    for number, (name, raw) in enumerate(_pictures(folder, arguments["names"])):
        target = folder / "out" / names.png(name)
        if number < position:
            continue
        shown = {"position": number, "done": done, "total": total, "current": name, "failed": failed}
        yield {**shown, "progress": number / total}
        try:
            if isinstance(raw, BadInput):
                raise raw
            if number == lost:
                raise _died()
            work = translate_picture(loaded, raw, options, folder)
            while True:
                try:
                    share = next(work)
                except StopIteration as end:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(end.value["png"])
                    done += 1
                    break
                yield {**shown, "progress": round((number + share) / total, 4)}
        except BadInput as error:
            failed.append({"name": name, "error": error.error, "remedy": error.remedy})
    _pack(folder, failed)
    return {"done": done, "total": total, "failed": failed, "step": loaded.model.step}


def _pictures(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes | BadInput]]:
    """Each picture's name and file, those in zips included, or why it cannot be had."""
    for number, name in enumerate(names):
        path = folder / "in" / str(number)
        if not is_zip(path):
            yield name, path.read_bytes()
            continue
        try:
            for inside, raw in read_zip(path, ZIPS):
                yield (
                    inside,
                    raw if isinstance(raw, bytes) else BadInput(f"{raw}.", "image", "Make it smaller."),
                )
        except BadInput as error:
            yield name, BadInput(error.error.replace(path.name, name, 1), error.field, error.remedy)


def _count(folder: Path, names: list[str]) -> int:
    """How many pictures there are, at least one."""
    total = 0
    for number in range(len(names)):
        path = folder / "in" / str(number)
        try:
            total += len(names_in(path, ZIPS)) if is_zip(path) else 1
        except BadInput:
            total += 1
    return max(1, total)


def _pack(folder: Path, failed: list[dict[str, Any]]) -> None:
    """One zip of all that was made, with a list of what failed."""
    out = folder / "out"
    made = sorted(path for path in out.rglob("*.png"))
    with zipfile.ZipFile(folder / "result.zip", "w", zipfile.ZIP_STORED) as archive:  # PNGs do not pack
        for path in made:
            archive.write(path, path.relative_to(out).as_posix())
            path.unlink()
        if failed:
            lines = [f"{one['name']}: {one['error']} {one['remedy']}".strip() for one in failed]
            archive.writestr("failed.txt", "\n".join(lines) + "\n")


class _Names:
    """Names of files that are made, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def png(self, name: str) -> str:
        """``name``, which comes from outside, as the relative path of a PNG."""
        parts = [_plain(part) for part in PurePosixPath(name).parts if part not in ("/", "..", ".")]
        stem = "/".join([*parts[:-1], _plain(PurePosixPath(parts[-1]).stem)] if parts else ["picture"])
        number, found = 2, stem
        while found.lower() in self._taken:
            found, number = f"{stem}-{number}", number + 1
        self._taken.add(found.lower())
        return f"{found}.png"


def _plain(part: str) -> str:
    kept = "".join(char if char.isprintable() and char not in '<>:"|?*\\/' else "_" for char in part[:100])
    return kept.encode("utf-8", "replace").decode().strip(". ") or "_"


def _died() -> BadInput:
    remedy = "It may need too much memory: give longest, so that it is made smaller first."
    return BadInput("the process that translated it ended unexpectedly.", "image", remedy)
