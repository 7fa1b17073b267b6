"""Translations as jobs of the desk: each has a folder of its own for what was sent and made. No torch."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from engine.options import BadInput, Conflict, NoRoom, is_full
from engine.requests.translation import PICTURES, Translate
from engine.requests.viewer import Viewer
from engine.runs.files import write_bytes
from engine.server.desk import Desk, Job, Kind, given_up, gone
from engine.server.turns import QueuedRequest

MANY_FILES = 5000
File = Path | tuple[str, bytes]  # a path, or a name with its contents


def _with_files(job: Job) -> dict[str, Any]:
    assert job.folder is not None
    files = {name: job.folder / "out" / f"{name}.png" for name in PICTURES}
    made = {name: path.read_bytes() if path.exists() else None for name, path in files.items()}
    return {**job.result, **made}


TRANSLATION = Kind("translation", of_one=32, of_all=64, answer=_with_files)


class Translated(Future[dict[str, Any]]):
    """The answer to a single translation; ``job`` is its id."""

    job: str


class Translations:
    """Starts, shows and cancels translations. Their files are under ``folder``."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk, self._folder = desk, folder
        shutil.rmtree(folder, ignore_errors=True)  # of a server that was killed

    def start(
        self,
        model: tuple[str, Path],
        files: list[File],
        options: object,
        viewer: Viewer,
        many: bool | None = None,
    ) -> str:
        """Begin, or queue, a job for the ``model`` (id, folder); returns its id. Files, paths or names with
        contents, are copied. Raises ``BadInput``, ``TooMany``.
        """
        return self._start(model, files, options, viewer, many).id

    def translate(
        self,
        model: tuple[str, Path],
        file: Path | bytes,
        options: object,
        viewer: Viewer,
        control: str = "",
        sequence: int | None = None,
    ) -> Translated:
        """One picture's translation, some day. Of one ``viewer`` and ``control`` only the newest waits: the
        future of an older one raises ``Conflict``. Raises ``BadInput``, ``TooMany``.
        """
        self._desk.supersede(viewer, control, sequence)
        answer = Translated()
        sent = file if isinstance(file, Path) else ("picture", file)
        answer.job = self._start(model, [sent], options, viewer, False, control, answer).id
        return answer

    def status(self, id: str) -> dict[str, Any]:
        """How far a job is. Raises ``NotFound``."""
        return self._told(self._desk.find(TRANSLATION, id))

    def changed(self, id: str, seen: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """``status``, once it says something else than ``seen``, or the time is over. Raises ``NotFound``."""
        job = self._desk.find(TRANSLATION, id)
        told = ("state", "progress", "current", "ahead")
        self._desk.wait(lambda: any(self._told(job).get(it) != seen.get(it) for it in told), timeout_s)
        return self.status(id)

    def result(self, id: str) -> dict[str, Any]:
        """What came of a job: a picture's answer, or ``{"zip": path, "done", "failed"}``. Raises
        ``NotFound``, ``Conflict`` while it is not done, and what it failed for.
        """
        job = self._desk.find(TRANSLATION, id)
        if job.error is not None:
            raise job.error
        if job.state == "cancelled":
            raise given_up(TRANSLATION)
        if job.state != "done":
            raise Conflict("this translation is not done.", "job", "Ask for it again in a moment.")
        if job.about["many"]:
            assert job.folder is not None
            return {"zip": job.folder / "result.zip", **{k: job.result[k] for k in ("done", "failed")}}
        try:
            return _with_files(job)
        except FileNotFoundError:
            raise gone(TRANSLATION) from None

    def cancel(self, id: str) -> None:
        """End a job, if it has not ended, and remove its files. Raises ``NotFound``."""
        self._desk.cancel(self._desk.find(TRANSLATION, id))

    def close(self) -> None:
        """Remove all files; the desk is closed already."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _told(self, job: Job) -> dict[str, Any]:
        many = job.about["many"]
        shown = {**job.asked.state, **job.result} if job.state not in ("preparing", "queued") else {}
        progress = 1.0 if job.state == "done" else float(shown.get("progress", 0.0))
        status = {
            "job": job.id,
            "model": job.model,
            "state": job.state,
            "many": many,
            "progress": progress,
            "done": shown.get("done", 0) if many else int(job.state == "done"),
            "total": shown.get("total", 0 if many else 1),
            "current": shown.get("current", ""),
            "failed": shown.get("failed", []),
            "eta_s": job.eta_s(progress),
        }
        if job.state == "queued":
            status["ahead"] = self._desk.ahead(job)
        if job.error is not None:
            status |= job.error.as_dict()
        return status

    def _start(
        self,
        model: tuple[str, Path],
        files: list[File],
        options: object,
        viewer: Viewer,
        many: bool | None,
        control: str = "",
        awaited: Translated | None = None,
    ) -> Job:
        chosen = Translate.read(options).options()
        if not files:
            raise BadInput("there is no picture.", "files", "Send at least one file.")
        if len(files) > MANY_FILES:
            raise BadInput(
                f"{len(files):,} files are too many.", "files", f"Send at most {MANY_FILES:,}, or a zip."
            )
        names = [file.name if isinstance(file, Path) else PurePath(file[0]).name for file in files]
        if many is None:
            many = len(files) > 1 or names[0].lower().endswith(".zip")
        arguments = {"names": names, "options": chosen, "many": many}
        asked = QueuedRequest(str(model[1]), {"kind": "translate", "arguments": arguments}, viewer)
        job = Job(TRANSLATION, model[0], asked, control, awaited=awaited, about={"many": many})
        job.folder = self._folder / job.id
        job.bytes = sum(map(_size, files))
        arguments["folder"] = str(job.folder)
        return self._desk.take(job, partial(_copy, files, job.folder))


def _size(file: File) -> int:
    try:
        return file.stat().st_size if isinstance(file, Path) else len(file[1])
    except OSError:  # which copying it will say
        return 0


def _copy(files: list[File], folder: Path) -> None:
    try:
        (folder / "in").mkdir(parents=True, mode=0o700)
        (folder / "out").mkdir()
        for number, file in enumerate(files):
            target = folder / "in" / str(number)
            if isinstance(file, Path):
                shutil.copyfile(file, target)
            else:
                write_bytes(target, file[1])
    except OSError as error:
        if is_full(error):
            raise NoRoom from error
        what = f"the file cannot be kept: {error.strerror}."
        raise BadInput(what, "files", "The server's user must be able to write to the runs folder.") from None
