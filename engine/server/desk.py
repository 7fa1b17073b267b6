"""The one desk for work that takes a while: translations, projections, exports, uploads. No torch.

A job waits until its turn comes, is worked on a piece a turn (``engine.server.turns``), can be asked how far
it is, waited for and given up. Viewers take turns: the first job of each before the second of any. What is
told of a kind of job is that kind's own (``engine.server.translations``, ``engine.server.projections``).
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict, NotFound, TooMany
from engine.requests.viewer import HERE, Viewer, may_add, shares
from engine.server.turns import Newest, QueuedRequest, Turns, superseded

AT_ONCE = 3  # jobs of all kinds that are worked on in turns, and as many more of hosts that have none there
MIB_OF_A_PLACE = 16  # what was sent for a job counts as another place, each time that it is so large
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Kind:
    """The rules for one kind of job."""

    noun: str  # as in "too many translations wait"
    of_one: int  # unfinished jobs of one viewer
    of_all: int  # places for those of all hosts
    left_alone_s: float = 60.0  # a job that nobody has asked about for so long is given up
    kept_s: float = 600.0  # so long its result can be had
    kept: int = 200  # ended jobs
    answer: Callable[[Job], dict[str, Any]] = lambda job: job.result  # what ``awaited`` gets


@dataclass(eq=False)
class Job:
    """One piece of work. ``awaited`` is the answer for who waits for it instead of asking again and again;
    ``folder`` holds its files, which are removed as soon as nobody will fetch them.
    """

    kind: Kind
    model: str
    asked: QueuedRequest
    control: str = ""
    folder: Path | None = None
    awaited: Future[dict[str, Any]] | None = None
    about: dict[str, Any] = field(default_factory=dict)
    bytes: int = 0  # that were sent for it
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = "queued"
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    error: BadInput | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        return self.asked.viewer

    @property
    def weight(self) -> int:
        """The places that it takes while it is not done."""
        return 1 + (self.bytes >> 20) // MIB_OF_A_PLACE

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def eta_s(self, progress: float) -> float | None:
        """Seconds that are left of a running job, if so much of it took as long as it did."""
        if self.state != "running" or progress <= 0:
            return None
        return round((time.monotonic() - self.began) * (1 / progress - 1), 1)


class Desk:
    """Takes jobs in, has ``turns`` work on them, and hands over what came of them."""

    def __init__(self, turns: Turns, at_once: int = AT_ONCE) -> None:
        self._turns, self._at_once = turns, at_once
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._newest = Newest()
        self._changed = threading.Condition(threading.RLock())
        self._closed = False

    def take(self, job: Job, prepare: Callable[[], None] = lambda: None) -> Job:
        """Take ``job`` in and begin it, or let it wait. ``prepare`` is called once there is room for it; if
        it raises, the job has not been. Raises ``TooMany``, ``Conflict`` while the server closes.
        """
        job.state = "preparing"
        with self._changed:
            self._check_room(job)
            self._jobs[job.id] = job
        is_prepared = False
        try:
            prepare()
            is_prepared = True
        finally:
            if not is_prepared:
                self._end(job)
                with self._changed:
                    self._jobs.pop(job.id, None)
        with self._changed:
            if job.state == "preparing":
                job.state = "queued"
        self._fill()
        return job

    def carry_out(self, job: Job, timeout_s: float) -> dict[str, Any]:
        """Take ``job`` in, and wait for what comes of it. Raises what it is refused for, ``TooMany``, and
        ``Conflict`` when the time is over.
        """
        job.awaited = Future()
        self.take(job)
        try:
            return job.awaited.result(timeout_s)
        except TimeoutError:
            self.cancel(job)
            raise Conflict(f"this {job.kind.noun} took too long.", None, "Try again in a minute.") from None

    def supersede(self, viewer: Viewer, control: str, sequence: int | None) -> None:
        """Give up what waits of this control. Raises ``Conflict`` if a newer one was asked for already."""
        with self._changed:
            if not self._newest.is_newest(viewer, control, sequence):
                raise superseded()
            if control and sequence is not None:
                for job in list(self._jobs.values()):
                    if job.state == "queued" and (job.viewer, job.control) == (viewer, control):
                        self._end(job, superseded())

    def find(self, kind: Kind, id: str) -> Job:
        """The job of that id, somebody being interested in it. Raises ``NotFound``."""
        with self._changed:
            job = self._jobs.get(id)
            if job is None or job.kind is not kind:
                raise gone(kind)
            job.heard = time.monotonic()
            self._sweep()
            return job

    def ahead(self, job: Job) -> int:
        """How many come before a job that waits."""
        with self._changed:
            line = self._line()
            running = sum(other.state == "running" for other in self._jobs.values())
            return running + line.index(job) if job in line else 0

    def wait(self, until: Callable[[], bool], timeout_s: float) -> None:
        """Return once ``until()``, which is asked whenever any job has come further, or the time is over."""
        with self._changed:
            self._changed.wait_for(until, timeout_s)

    def cancel(self, job: Job) -> None:
        """Give a job up, if it has not ended, and forget it if it has."""
        self._end(job)
        with self._changed:
            if job.result:
                self._jobs.pop(job.id, None)
        self._fill()

    def close(self) -> None:
        """Begin no more, and give up what there is."""
        self._closed = True
        for job in list(self._jobs.values()):
            self._end(job)

    # --- whose turn it is

    def _check_room(self, job: Job) -> None:
        self._sweep()
        if self._closed:
            raise Conflict("the server is closing.", None, "Try again in a moment.")
        kind = job.kind
        unfinished = [one for one in self._jobs.values() if one.kind is kind and not one.has_ended]
        if sum(one.viewer == job.viewer for one in unfinished) >= kind.of_one:
            which = f"another {kind.noun}" if kind.of_one == 1 else f"too many {kind.noun}s"
            verb, it = ("is", "it") if kind.of_one == 1 else ("are", "one")
            raise TooMany(f"{which} of yours {verb} not done.", None, f"Wait for {it}, or cancel it.")
        taken = Counter[str]()
        for one in unfinished:
            taken[one.viewer.host] += one.weight
        if not may_add(taken, job.viewer.host, kind.of_all, job.weight):
            raise TooMany(f"too many {kind.noun}s wait.", None, "Try again in a minute.")

    def _line(self) -> list[Job]:
        """Those that wait, in the order in which they will begin: every host's first, then the second, as
        many at a time as it has shares; of a host every viewer's first, then the second.
        """
        running = [job for job in self._jobs.values() if job.state == "running"]
        turns, of_host = Counter(job.viewer for job in running), Counter(job.viewer.host for job in running)
        placed: list[tuple[int, int, Job]] = []
        for number, job in enumerate(self._jobs.values()):
            if job.state == "queued":
                placed.append((turns[job.viewer], number, job))
                turns[job.viewer] += 1
        viewers = Counter(viewer.host for viewer in turns)
        line: list[tuple[int, int, int, Job]] = []
        for turn, number, job in sorted(placed, key=lambda one: one[:2]):
            host = job.viewer.host
            line.append((of_host[host] // shares(host, viewers[host]), turn, number, job))
            of_host[host] += 1
        return [one[-1] for one in sorted(line, key=lambda one: one[:3])]

    def _fill(self) -> None:
        """Begin those whose turn it is: one of each viewer, and of each host one even if others take all
        places.
        """
        with self._changed:
            self._sweep()
            running = [job.viewer for job in self._jobs.values() if job.state == "running"]
            begun: list[Job] = []
            for job in self._line():
                host = job.viewer.host
                is_first = all(viewer.host != host for viewer in running)
                places = self._at_once * 2 if is_first else self._at_once
                has_place = len(running) < places or (is_first and host == HERE)
                if has_place and job.viewer not in running:
                    job.state, job.began = "running", time.monotonic()
                    running.append(job.viewer)
                    begun.append(job)
            self._changed.notify_all()
        for job in begun:
            job.asked.tell = self._tell
            job.asked.future.add_done_callback(lambda _, job=job: self._answered(job))
            try:
                self._turns.ask(job.asked)
            except BadInput as error:
                job.asked.refuse(error)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # --- how it ends

    def _answered(self, job: Job) -> None:
        """What the turns made of a job."""
        error = job.asked.future.exception()
        with self._changed:
            if job.state == "running":
                job.heard = time.monotonic()
                if error is None:
                    job.result, job.state = job.asked.future.result(), "done"
                else:
                    job.error, job.state = _as_refusal(error), "failed"
            job.asked.state = {} if job.state == "done" else job.asked.state
        self._hand_over(job)
        if job.state != "done" or job.awaited is not None:
            _remove_files(job)
        self._fill()

    def _end(self, job: Job, error: BadInput | None = None) -> None:
        """Give a job up, for ``error`` if somebody waits for it. Its files go at once: that is also how the
        batch process hears of it.
        """
        with self._changed:
            job.asked.wanted = False
            if not job.has_ended:
                job.state, job.error = "cancelled", error or job.error
        self._hand_over(job)
        _remove_files(job)

    def _hand_over(self, job: Job) -> None:
        """Tell who waits for a job that it has ended."""
        if job.awaited is not None and not job.awaited.done():
            if job.state == "done":
                job.awaited.set_result(job.kind.answer(job))
            else:
                job.awaited.set_exception(job.error or given_up(job.kind))
        self._tell()

    def _sweep(self) -> None:
        """Give up what nobody waits for, and forget results that nobody has fetched."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            alone = now - job.heard
            if job.has_ended and alone > job.kind.kept_s:
                self._end(job)
                del self._jobs[job.id]
            elif not job.has_ended and job.awaited is None and alone > job.kind.left_alone_s:
                self._end(job)
        for kind in {job.kind for job in self._jobs.values()}:
            ended = [job for job in self._jobs.values() if job.kind is kind and job.has_ended]
            for job in ended[: -kind.kept]:
                self._end(self._jobs.pop(job.id))


def gone(kind: Kind) -> NotFound:
    return NotFound(f"there is no such {kind.noun}.", "job", "It may be long past: start it again.")


def given_up(kind: Kind) -> Conflict:
    return Conflict(f"this {kind.noun} was given up.", "job", "Start it again.")


def _remove_files(job: Job) -> None:
    if job.folder is not None:
        shutil.rmtree(job.folder, ignore_errors=True)


def _as_refusal(error: BaseException) -> BadInput:
    if isinstance(error, BadInput):
        return error
    return Conflict("something broke in the server.", None, "Its log says what.")
