"""Projections that are under way: a few at once, one a viewer, the others wait. No torch."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from engine.options import BadInput, NotFound, TooMany
from engine.server.turns import QueuedRequest, Turns

AT_ONCE = 3
MOST_WAITING = 40
LEFT_ALONE_S = 60.0  # a projection whose viewer has not asked for so long is given up
KEPT = 100  # results that can still be asked for
ENDED = ("done", "failed", "cancelled")


@dataclass(eq=False)
class _Job:
    id: str
    asked: QueuedRequest
    about: dict[str, Any]
    state: str = "queued"
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    error: BadInput | None = None
    result: dict[str, Any] = field(default_factory=dict)


class Projections:
    """Starts, shows and cancels projections, which ``turns`` works on."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, model: str, viewer: str, arguments: dict[str, Any], about: dict[str, Any]) -> str:
        """Begin, or queue, a projection; returns its id. ``about`` is repeated in its status.

        Raises ``TooMany`` while another one of this viewer's, or too many others, are not done.
        """
        request = {"kind": "project", "arguments": arguments}
        with self._lock:
            self._give_up()
            active = [job for job in self._jobs.values() if job.state not in ENDED]
            if any(job.asked.viewer == viewer for job in active):
                remedy = "Wait until it is done, or cancel it."
                raise TooMany("another projection of yours is not done.", None, remedy)
            if len(active) >= MOST_WAITING:
                raise TooMany("too many projections wait.", None, "Try again in a minute.")
            job = _Job(secrets.token_hex(8), QueuedRequest(model, request, viewer), about)
            self._jobs[job.id] = job
            self._forget()
        self._fill()
        return job.id

    def status(self, model: str, id: str) -> dict[str, Any]:
        """How far it is and what it has found. Raises ``NotFound``."""
        job = self._job(model, id)
        job.heard = time.monotonic()
        shown = job.result or job.asked.state.get("shown", {})
        status = {"state": job.state, "progress": 0.0, "best": None, "encoder": None, "rate": None}
        status |= {"eta_s": None, "nearest": [], **job.about, **shown}
        if job.state == "running" and shown.get("progress"):
            took = time.monotonic() - job.began
            status["eta_s"] = round(took * (1 / shown["progress"] - 1), 1)
        if job.state == "queued":
            with self._lock:
                waiting = [one.id for one in self._jobs.values() if one.state == "queued"]
            status["ahead"] = waiting.index(id) if id in waiting else 0
        if job.error is not None:
            status |= job.error.as_dict()
        return status

    def cancel(self, model: str, id: str) -> None:
        """End it, if it has not ended. Raises ``NotFound``."""
        job = self._job(model, id)
        with self._lock:
            self._end(job, "cancelled")
        self._fill()

    def close(self) -> None:
        """Begin no more."""
        with self._lock:
            for job in self._jobs.values():
                self._end(job, "cancelled")

    def _job(self, model: str, id: str) -> _Job:
        job = self._jobs.get(id)
        if job is None or job.about["model"] != model:
            raise NotFound("there is no such projection.", "job", "It may be long past: start it again.")
        return job

    def _fill(self) -> None:
        """Begin those whose turn it is."""
        with self._lock:
            running = sum(job.state == "running" for job in self._jobs.values())
            queued = [job for job in self._jobs.values() if job.state == "queued"]
            begun = queued[: max(0, AT_ONCE - running)]
            for job in begun:
                job.state, job.began = "running", time.monotonic()
        for job in begun:
            job.asked.future.add_done_callback(lambda _, job=job: self._ended(job))
            try:
                self._turns.ask(job.asked)
            except BadInput as error:
                job.asked.refuse(error)

    def _ended(self, job: _Job) -> None:
        with self._lock:
            if job.state == "running":
                error = job.asked.future.exception()
                job.state = "done" if error is None else "failed"
                if isinstance(error, BadInput):
                    job.error = error
                elif error is None:
                    job.result = job.asked.future.result()
                job.asked.state = {}
        self._fill()

    def _give_up(self) -> None:
        now = time.monotonic()
        for job in self._jobs.values():
            if now - job.heard > LEFT_ALONE_S:
                self._end(job, "cancelled")

    @staticmethod
    def _end(job: _Job, state: str) -> None:
        if job.state not in ENDED:
            job.state = state
            job.asked.wanted = False

    def _forget(self) -> None:
        for id in [id for id, job in self._jobs.items() if job.state in ENDED][:-KEPT]:
            del self._jobs[id]
