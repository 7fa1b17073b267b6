"""Translations that wait or are under way: viewers take turns, each has a folder of its own. No torch."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections import Counter, OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from engine.options import BadInput, Conflict, NotFound, TooMany
from engine.runs.files import write_bytes
from engine.server.turns import QueuedRequest, Turns
from engine.translation.options import PARTS, check_options

AT_ONCE = 3
MOST_OF_ONE = 32  # unfinished jobs of one viewer
MOST_OF_ALL = 64
LEFT_ALONE_S = 60.0  # a job that nobody has asked about for so long is given up
KEPT_S = 600.0  # so long its result can be had
KEPT = 200
ENDED = ("done", "failed", "cancelled")
MANY_FILES = 5000


class Translated(Future[dict[str, Any]]):
    """The answer to a single translation; ``job`` is its id."""

    job: str


@dataclass(eq=False)
class _Job:
    id: str
    model: str
    asked: QueuedRequest
    folder: Path
    many: bool
    awaited: Translated | None  # who waits for it, instead of asking again and again
    control: str = ""
    state: str = "queued"
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    error: BadInput | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def viewer(self) -> str:
        return self.asked.viewer


class Translations:
    """Starts, shows and cancels translations, which ``turns`` works on. Their files are under ``folder``."""

    def __init__(self, turns: Turns, folder: Path) -> None:
        self._turns, self._folder = turns, folder
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.RLock()
        self._closed = False
        shutil.rmtree(folder, ignore_errors=True)  # of a server that was killed

    def start(
        self,
        model: tuple[str, Path],
        files: list[Path | tuple[str, bytes]],
        options: object,
        viewer: str,
        many: bool | None = None,
    ) -> str:
        """Begin, or queue, a job for the ``model`` (id, folder); returns its id. Files, paths or names with
        contents, are copied. Raises ``BadInput``, ``TooMany``.
        """
        return self._start(model, files, options, viewer, many, None).id

    def translate(
        self,
        model: tuple[str, Path],
        file: Path | bytes,
        options: object,
        viewer: str,
        control: str = "",
        sequence: int | None = None,
    ) -> Translated:
        """One picture's translation, some day. Of one ``viewer`` and ``control`` only the newest waits: the
        future of an older one raises ``Conflict``. Raises ``BadInput``, ``TooMany``.
        """
        with self._lock:
            self._supersede(viewer, control, sequence)
        answer = Translated()
        sent = file if isinstance(file, Path) else ("picture", file)
        answer.job = self._start(model, [sent], options, viewer, False, answer, control).id
        return answer

    def status(self, id: str) -> dict[str, Any]:
        """How far a job is. Raises ``NotFound``."""
        job = self._job(id)
        with self._lock:
            job.heard = time.monotonic()
            self._sweep()
            shown = {**job.asked.state, **job.result} if job.state != "queued" else {}
            progress = 1.0 if job.state == "done" else float(shown.get("progress", 0.0))
            total = shown.get("total", 0 if job.many else 1)
            status = {
                "job": id,
                "model": job.model,
                "state": job.state,
                "many": job.many,
                "progress": progress,
                "done": shown.get("done", 0) if job.many else int(job.state == "done"),
                "total": total,
                "current": shown.get("current", ""),
                "failed": shown.get("failed", []),
                "eta_s": None,
            }
            if job.state == "running" and progress > 0:
                status["eta_s"] = round((time.monotonic() - job.began) * (1 / progress - 1), 1)
            if job.state == "queued":
                running = sum(other.state == "running" for other in self._jobs.values())
                status["ahead"] = running + self._line().index(job)
            if job.error is not None:
                status |= job.error.as_dict()
            return status

    def result(self, id: str) -> dict[str, Any]:
        """What came of a job: a picture's answer, or ``{"zip": path, "done", "failed"}``. Raises
        ``NotFound``, ``Conflict`` while it is not done, and what it failed for.
        """
        job = self._job(id)
        if job.error is not None:
            raise job.error
        if job.state == "cancelled":
            raise Conflict("this translation was given up.", "job", "Start it again.")
        if job.state != "done":
            raise Conflict("this translation is not done.", "job", "Ask for it again in a moment.")
        if job.many:
            return {
                "zip": job.folder / "result.zip",
                "done": job.result["done"],
                "failed": job.result["failed"],
            }
        try:
            return _with_files(job)
        except FileNotFoundError:
            raise _gone() from None

    def cancel(self, id: str) -> None:
        """End a job, if it has not ended, and remove its files. Raises ``NotFound``."""
        job = self._job(id)
        self._end(job)
        with self._lock:
            self._jobs.pop(id, None) if job.result else None
        self._fill()

    def close(self) -> None:
        """Begin no more, and remove all files."""
        self._closed = True
        for job in list(self._jobs.values()):
            self._end(job)
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- beginning

    def _start(
        self,
        model: tuple[str, Path],
        files: list[Path | tuple[str, bytes]],
        options: object,
        viewer: str,
        many: bool | None,
        awaited: Translated | None,
        control: str = "",
    ) -> _Job:
        chosen = check_options(options)
        if not files:
            raise BadInput("there is no picture.", "files", "Send at least one file.")
        if len(files) > MANY_FILES:
            raise BadInput(
                f"{len(files):,} files are too many.", "files", f"Send at most {MANY_FILES:,}, or a zip."
            )
        names = [file.name if isinstance(file, Path) else PurePath(file[0]).name for file in files]
        if many is None:
            many = len(files) > 1 or names[0].lower().endswith(".zip")
        id = secrets.token_hex(8)
        folder = self._folder / id
        arguments = {"folder": str(folder), "names": names, "options": chosen, "many": many}
        asked = QueuedRequest(str(model[1]), {"kind": "translate", "arguments": arguments}, viewer)
        job = _Job(id, model[0], asked, folder, many, awaited, control, state="copying")
        with self._lock:
            self._check_room(viewer)
            self._jobs[id] = job
        try:
            _copy(files, folder)
        except OSError as error:
            self._end(job)
            raise BadInput(
                f"the file cannot be kept: {error.strerror}.", "files", "Make room on the disk."
            ) from None
        with self._lock:
            if job.state == "copying":
                job.state = "queued"
        self._fill()
        return job

    def _check_room(self, viewer: str) -> None:
        self._sweep()
        if self._closed:
            raise Conflict("the server is closing.", None, "Try again in a moment.")
        unfinished = Counter(job.viewer for job in self._jobs.values() if job.state not in ENDED)
        if unfinished[viewer] >= MOST_OF_ONE:
            raise TooMany("too many translations of yours are not done.", None, "Wait for one, or cancel it.")
        if unfinished.total() >= MOST_OF_ALL:
            raise TooMany("too many translations wait.", None, "Try again in a minute.")

    def _supersede(self, viewer: str, control: str, sequence: int | None) -> None:
        """Give up what waits of this control. Raises ``Conflict`` if a newer one was asked for already."""
        if not control or sequence is None:
            return
        key = (viewer, control)
        if sequence < self._newest.get(key, -1):
            raise _superseded()
        self._newest[key] = sequence
        self._newest.move_to_end(key)
        while len(self._newest) > 4096:
            self._newest.popitem(last=False)
        for job in list(self._jobs.values()):
            if job.state == "queued" and job.control == control and job.viewer == viewer:
                self._end(job, _superseded())

    def _line(self) -> list[_Job]:
        """Those that wait, in the order in which they will begin: everybody's first, then the second."""
        turns = Counter(job.viewer for job in self._jobs.values() if job.state == "running")
        placed = []
        for number, job in enumerate(self._jobs.values()):
            if job.state == "queued":
                placed.append((turns[job.viewer], number, job))
                turns[job.viewer] += 1
        return [job for _, _, job in sorted(placed, key=lambda one: one[:2])]

    def _fill(self) -> None:
        """Begin those whose turn it is: one of each viewer."""
        with self._lock:
            self._sweep()
            running = {job.viewer for job in self._jobs.values() if job.state == "running"}
            room = AT_ONCE - sum(job.state == "running" for job in self._jobs.values())
            begun: list[_Job] = []
            for job in self._line():
                if len(begun) < room and job.viewer not in running:
                    job.state, job.began = "running", time.monotonic()
                    running.add(job.viewer)
                    begun.append(job)
        for job in begun:
            job.asked.future.add_done_callback(lambda _, job=job: self._ended(job))
            try:
                self._turns.ask(job.asked)
            except BadInput as error:
                job.asked.refuse(error)

    # --- ending

    def _ended(self, job: _Job) -> None:
        """What the turns made of a job."""
        error = job.asked.future.exception()
        with self._lock:
            if job.state == "running":
                job.heard = time.monotonic()
                if error is None:
                    job.result, job.state = job.asked.future.result(), "done"
                else:
                    job.error, job.state = _as_refusal(error), "failed"
        if job.awaited is not None and not job.awaited.done():
            _hand_over(job)
        if job.state != "done" or job.awaited is not None:
            shutil.rmtree(job.folder, ignore_errors=True)
        job.asked.state = {} if job.state == "done" else job.asked.state
        self._fill()

    def _end(self, job: _Job, error: BadInput | None = None) -> None:
        """Give a job up. Its files go at once: that is also how the batch process hears of it."""
        with self._lock:
            was, job.asked.wanted = job.state, False
            if was not in ENDED:
                job.state = "cancelled"
        if was not in ENDED and job.awaited is not None and not job.awaited.done():
            gone = Conflict("this translation was given up.", "job", "Start it again.")
            job.awaited.set_exception(error or gone)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Give up what nobody waits for, and forget results that nobody has fetched."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            alone = now - job.heard
            if job.state in ENDED:
                if alone > KEPT_S:
                    self._end(job)
                    del self._jobs[job.id]
            elif job.awaited is None and alone > LEFT_ALONE_S:
                self._end(job)
        for id in [id for id, job in self._jobs.items() if job.state in ENDED][:-KEPT]:
            self._end(self._jobs.pop(id))

    def _job(self, id: str) -> _Job:
        job = self._jobs.get(id)
        if job is None:
            raise _gone()
        return job


def _copy(files: list[Path | tuple[str, bytes]], folder: Path) -> None:
    (folder / "in").mkdir(parents=True, mode=0o700)
    (folder / "out").mkdir()
    for number, file in enumerate(files):
        target = folder / "in" / str(number)
        if isinstance(file, Path):
            shutil.copyfile(file, target)
        else:
            write_bytes(target, file[1])


def _hand_over(job: _Job) -> None:
    """The answer to who waits for it."""
    assert job.awaited is not None
    if job.error is not None:
        job.awaited.set_exception(job.error)
    elif job.state == "done":
        job.awaited.set_result(_with_files(job))


def _with_files(job: _Job) -> dict[str, Any]:
    files = {name: job.folder / "out" / f"{name}.png" for name in PARTS}
    return {
        **job.result,
        **{name: path.read_bytes() if path.exists() else None for name, path in files.items()},
    }


def _as_refusal(error: BaseException) -> BadInput:
    if isinstance(error, BadInput):
        return error
    return Conflict("something broke in the server.", None, "Its log says what.")


def _superseded() -> Conflict:
    return Conflict("superseded", "sequence", "A newer request of this control took its place.")


def _gone() -> NotFound:
    return NotFound("there is no such translation.", "job", "It may be long past: start it again.")
