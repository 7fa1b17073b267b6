"""How an attempt at a run stands, and ``status.json``, which says so to whoever looks."""

from __future__ import annotations

import os
import time

from engine.metrics.best import Best
from engine.runs import records
from engine.runs.folder import RunFolder
from engine.training.equilibrium import equilibrium
from engine.training.trainer import Trainer

STATUS_EVERY_S = 0.5


class Status:
    """``state`` (running, paused, done, stopped or failed), the steps to go, the speed limit, the clock and
    the rate of one attempt. ``before`` is the status that the launcher or an earlier attempt has left.
    """

    def __init__(
        self, folder: RunFolder, trainer: Trainer, best: Best, before: records.Status, elapsed: float
    ) -> None:
        self.folder, self.trainer, self.best = folder, trainer, best
        self.attempt = int(before.get("attempt", 0)) + 1
        self.steps = trainer.steps
        self.state: records.State = "running"
        self.limit: float | None = before.get("limit")  # steps a second, if they are limited
        self.elapsed = elapsed  # training seconds, pauses left out
        self.error: str | None = None
        self.remedy: str | None = None
        self.rate = 0.0  # steps a second
        self.evaluated_until = trainer.step  # evaluations due up to here are made
        self.evaluating = False
        known = type(trainer.options).model_fields  # a plugin that had one may be gone
        self._live = [f["name"] for f in folder.config()["meta"]["live"] if f["name"] in known]
        self._written = 0.0
        self._rate_mark = (time.perf_counter(), trainer.step)

    def write(self) -> None:
        """Replace ``status.json``."""
        options = self.trainer.options
        rate = self.rate if self.state == "running" else 0.0
        self.folder.write_status(
            state=self.state,
            step=self.trainer.step,
            steps=self.steps,
            attempt=self.attempt,
            elapsed=round(self.elapsed, 3),
            rate=rate,
            images_rate=rate * options.batch_size,
            equilibrium=equilibrium(self.trainer.recipe),  # live options move it
            live={name: getattr(options, name) for name in self._live},
            limit=self.limit,
            pid=os.getpid(),
            device=str(self.trainer.device),
            best=self.best.as_dict(),
            evaluating=self.evaluating,
            next_evaluation=self.next_evaluation(),
            error=self.error,
            remedy=self.remedy,
        )

    def refresh(self) -> None:
        """Write it if the last time is a while ago."""
        now = time.perf_counter()
        if now - self._written > STATUS_EVERY_S:
            self._written = now
            self.write()

    def rates(self) -> dict[str, float]:
        """Steps and real pictures or points a second, over the last half second at least."""
        now, (then, step) = time.perf_counter(), self._rate_mark
        if now - then > 0.5 or self.rate == 0.0:
            self.rate = (self.trainer.step - step) / max(now - then, 1e-9)
            self._rate_mark = (now, self.trainer.step)
        return {
            "rate": round(self.rate, 2),
            "images_rate": round(self.rate * self.trainer.options.batch_size, 1),
        }

    def begin_rate(self) -> None:
        """Count the rate from now on: a pause is none of training's time."""
        self._rate_mark = (time.perf_counter(), self.trainer.step)

    # evaluations
    def is_evaluation_due(self) -> bool:
        """Whether the present report ends with an evaluation. It counts as made."""
        due, self.evaluated_until = self._evaluation_due(), self.trainer.step
        return due is not None and due <= self.trainer.step

    def next_evaluation(self) -> int | None:
        """The step of the next evaluation, if there will be one: evaluations come with reports, of which the
        last step has one.
        """
        due, report = self._evaluation_due(), self.trainer.report_every
        if due is None or due > self.steps:
            return None
        return due if due == 1 else min(-(-due // report) * report, self.steps)  # step 1 is reported as well

    def _evaluation_due(self) -> int | None:
        """The step from which on the next report ends with an evaluation, at the interval that holds now."""
        every = self.trainer.options.evaluate_every
        return (self.evaluated_until // every + 1) * every if every else None
