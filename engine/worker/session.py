"""A training process: the loop of one run, seen from its folder.

It obeys ``control.jsonl``, appends metrics and events, keeps checkpoints and snapshots, and draws the live
frame only while somebody watches. Nothing here changes the numbers: two runs with one seed are equal, watched
or not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.game.best import Best
from engine.live.drawing import shown_networks
from engine.live.gallery import Gallery
from engine.live.picture import picture_of
from engine.models import checkpoint
from engine.options import BadInput, Conflict
from engine.runs.files import Appender, Tail, read_json
from engine.runs.folder import RunFolder
from engine.runs.lock import Lock
from engine.training.diagnose import Diagnoser
from engine.training.trainer import Divergence, Trainer, use_threads
from engine.worker import memory

STATUS_EVERY_S = 0.5
CHECKPOINT_EVERY_S = {"points": 10.0, "images": 20.0, "pairs": 60.0, "domains": 60.0}  # of training
IDLE_S = 0.01  # between two looks at the commands while paused

Progress = Callable[[int, dict[str, Any]], None]


def train(folder: RunFolder, resume: bool = False, progress: Progress | None = None) -> str:
    """Train the run in ``folder`` to its end, in this process; returns the final state (done, stopped or
    failed).

    The outermost boundary of a worker: whatever happens inside is recorded in status, events and log. Raises
    ``Conflict`` if another process trains it.
    """
    lock = Lock(folder.lock)
    if not lock.acquire():
        raise Conflict(f"another process trains {folder.id}.", "run", "Stop it first, or wait until it ends.")
    try:
        return Session(folder, resume, progress).run()
    except BadInput as refusal:
        return _fail(folder, refusal.error, refusal.remedy)
    except Exception as error:
        with open(folder.log, "a") as log:
            traceback.print_exc(file=log)
        return _fail(
            folder,
            f"{type(error).__name__}: {error}"[:500],
            "See the log; resume it from its last checkpoint.",
        )
    finally:
        lock.release()


def _fail(folder: RunFolder, error: str, remedy: str) -> str:
    status = read_json(folder.path / "status.json", {})
    folder.write_status(**{**status, "state": "failed", "error": error, "remedy": remedy})
    return "failed"


class Session:
    """One attempt at a run, from its start or its newest checkpoint to its end or a stop."""

    def __init__(self, folder: RunFolder, resume: bool, progress: Progress | None) -> None:
        self.folder, self.progress = folder, progress
        self.config = folder.config()
        before = read_json(folder.path / "status.json", {})
        self.attempt = int(before.get("attempt", 0)) + 1
        self.obey_from = (
            before.get("since", 0.0) if before.get("state") in ("starting", "queued") else time.time()
        )
        use_threads(self.config["kind"])
        memory.keep_freed()
        begun = resume and checkpoint.newest(folder) is not None
        # the model it began with may be gone by now
        self.trainer = Trainer({**self.config, "start_from": None} if begun else self.config)
        self.picture = picture_of(self.trainer)
        self.diagnoser = Diagnoser(self.config)
        self.best = Best(self.config["options"].get("keep_best", "none"))
        self.steps = self.trainer.steps = int(before.get("steps") or self.config["steps"])
        self.state = "running"
        self.limit: float | None = before.get("limit")
        self.elapsed = 0.0  # training seconds, pauses left out
        self.commands_seen = 0
        self.pending: list[
            dict[str, Any]
        ] = []  # recorded commands to be replayed: {"number", "step", "command"}
        old_rows, old_events = Tail(folder.metrics).read(), Tail(folder.events).read()
        self.row = max((row.get("row", 0) for row in old_rows), default=-1) + 1
        self.event_row = max((event.get("row", 0) for event in old_events), default=-1) + 1
        self.metrics, self.events = Appender(folder.metrics), Appender(folder.events)
        self.control = Tail(folder.control, held=True)
        if resume:
            self._restore(old_rows, old_events)
        self.gallery = Gallery(folder, self.picture, self._header)
        self._measurements = self.trainer.step // self.trainer.measure_every
        self._evaluated_until = self.trainer.step  # evaluations due up to here are made
        self._evaluating = False
        now = time.perf_counter()
        self._last = {
            "status": 0.0,
            "checkpoint": self.elapsed,
            "diagnosis": 0.0,
        }
        self._rate_mark = (now, self.trainer.step)
        self._rate = 0.0
        self._active: list[dict[str, Any]] = []
        self._stop_signal = False

    # start and end
    def run(self) -> str:
        """Train until the last step, a stop, or a break."""
        with self._signals():
            if self.attempt > 1:
                self._event("resumed", attempt=self.attempt)
            self._begin()
            self._loop()
        return self._end()

    def _begin(self) -> None:
        folder = self.folder
        self._write_status()
        self.gallery.begin()
        if self.trainer.step == 0:
            checkpoint.save(folder, 0, self._state())
            self.gallery.snapshot()

    def _loop(self) -> None:
        while self.state in ("running", "paused") and self.trainer.step < self.steps:
            self._obey()
            if self.state == "paused":
                self._idle()
                continue
            if self.state != "running":
                break
            self._replay()
            started = time.perf_counter()
            self.advance()
            if self.limit and (spare := 1 / self.limit - (time.perf_counter() - started)) > 0:
                waiting = time.perf_counter()
                self._wait(spare)
                self.elapsed += time.perf_counter() - waiting

    def advance(self) -> None:
        """One step, with all that is recorded of it."""
        started = time.perf_counter()
        self.trainer.iterate()
        self._after_step()
        self.elapsed += time.perf_counter() - started

    def _end(self) -> str:
        if self.state == "running":
            self.state = "done"
        if self.state != "failed":
            checkpoint.save(self.folder, self.trainer.step, self._state())
            self._event("checkpoint")
            self.gallery.frame()
            self.gallery.snapshot(is_last=True)
        self._event("state", state=self.state)
        self._write_status()
        self.metrics.close()
        self.events.close()
        return self.state

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """SIGTERM and Ctrl+C ask for an orderly stop with a checkpoint."""

        def ask(number: int, frame: FrameType | None) -> None:
            self._stop_signal = True

        kept = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _wait(self, seconds: float) -> None:
        """Sleep for the speed limit, in slices, so that a command is obeyed at once."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and not self._stop_signal and self.state == "running":
            time.sleep(min(left, 0.02))
            self._refresh_status()
            self._obey()

    def _idle(self) -> None:
        time.sleep(IDLE_S)
        self._refresh_status()
        self.gallery.watch(paused=True)

    # after a step
    def _after_step(self) -> None:
        trainer = self.trainer
        step = trainer.step
        if step % trainer.report_every == 0 or step == 1:
            self._report()
            if self.state == "failed":
                return
        self.gallery.snapshot_if_due(step)
        self.gallery.watch()
        self._refresh_status()
        if self.elapsed - self._last["checkpoint"] > CHECKPOINT_EVERY_S[self.config["kind"]]:
            self._checkpoint()

    def _report(self, clear: bool = True) -> None:
        """One row of metrics, read back from the device at once."""
        trainer = self.trainer
        values, broken = trainer.read(clear)
        measurements = trainer.step // trainer.measure_every  # a report need not fall on a multiple
        figures = self._evaluate() if broken is None else {}
        # with an evaluation always: what both measure is in all rows measured alike
        due = measurements > self._measurements or trainer.step == 1 or bool(figures)
        self._measurements = measurements
        row = {
            "row": self.row,
            "attempt": self.attempt,
            "step": trainer.step,
            "time": round(self.elapsed, 4),
            **figures,  # what training itself says under the same name, as of L1, counts
            **values,
            "generator_lr": trainer.options.generator_lr * trainer.decay(),
            "discriminator_lr": trainer.options.discriminator_lr * trainer.decay(),
            **self._rates(),
            **(self.picture.measure() if due and broken is None else {}),
        }
        self.metrics.write(row)
        self.row += 1
        if self.best.improves(row, trainer.step):
            checkpoint.save_best(self.folder, self._state())
            self._event("best", measure=self.best.measure, value=self.best.value)
        if broken:
            self._break(broken)
        self._diagnose(row)
        if self.progress:
            self.progress(trainer.step, row)

    def _evaluate(self) -> dict[str, float]:
        """The figures of an evaluation, when one is due. Training waits; its random streams do not move."""
        due, self._evaluated_until = self._evaluation_due(), self.trainer.step
        if due is None or due > self.trainer.step:
            return {}
        self._evaluating = True
        self._write_status()
        from engine.metrics.evaluate import described, evaluate_networks  # torchmetrics takes its time

        trainer, networks = self.trainer, shown_networks(self.trainer)
        n = trainer.options.evaluate_samples
        found = evaluate_networks(trainer.recipe, networks, trainer.source, n=n)
        self._event("evaluation", **found, measures=described(found))
        self._evaluating = False
        self._write_status()
        return found["figures"]

    def _evaluation_due(self) -> int | None:
        """The step from which on the next report ends with an evaluation, at the interval that holds now."""
        every = self.trainer.options.evaluate_every
        return (self._evaluated_until // every + 1) * every if every else None

    def _next_evaluation(self) -> int | None:
        """The step of the next evaluation, if there will be one: evaluations come with reports."""
        due, report = self._evaluation_due(), self.trainer.report_every
        step = due if due is None or due == 1 else -(-due // report) * report  # step 1 is reported as well
        return step if step is not None and step <= self.steps else None

    def _rates(self) -> dict[str, float]:
        """Steps and real pictures or points a second, over the last half second at least."""
        now, (then, step) = time.perf_counter(), self._rate_mark
        if now - then > 0.5 or self._rate == 0.0:
            self._rate = (self.trainer.step - step) / max(now - then, 1e-9)
            self._rate_mark = (now, self.trainer.step)
        return {
            "rate": round(self._rate, 2),
            "images_rate": round(self._rate * self.trainer.options.batch_size, 1),
        }

    def _break(self, broken: Divergence) -> None:
        """NaN or infinity: stop, and keep the last good checkpoint."""
        kept = self.folder.checkpoint_steps()
        self.state = "failed"
        self.error = (
            f"Training diverged: {broken.statistic} became infinite or NaN at step {broken.step:,}, "
            f"after the {broken.network}'s weights had blown up."
        )
        rate = f"{broken.network}_lr" if broken.network in ("generator", "discriminator") else "generator_lr"
        tenth = getattr(self.trainer.options, rate) / 10
        self.remedy = (
            f"Branch from the checkpoint at step {kept[-1] if kept else 0:,} with {rate} = {tenth:g}."
        )
        self._event("error", error=self.error, remedy=self.remedy, network=broken.network, at=broken.step)
        self.diagnoser.diverged(broken.step, broken.network, broken.statistic, rate, tenth)

    def _diagnose(self, row: dict[str, Any]) -> None:
        active = self.diagnoser.update(row)
        names, now = [item["name"] for item in active], time.perf_counter()
        if names != [item["name"] for item in self._active] or (active and now - self._last["diagnosis"] > 2):
            self._last["diagnosis"] = now
            self._active = active
            self._event("diagnosis", active=active)

    def _event(self, kind: str, **content: Any) -> None:
        self.events.write(
            {
                "row": self.event_row,
                "type": kind,
                "step": self.trainer.step,
                "time": round(self.elapsed, 4),
                **content,
            }
        )
        self.event_row += 1

    def _header(self) -> dict[str, Any]:
        """What a frame shows."""
        return {
            "step": self.trainer.step,
            "time": round(self.elapsed, 3),
            "attempt": self.attempt,
            "row": self.row - 1,
        }

    # state
    def _state(self) -> dict[str, Any]:
        return {
            "trainer": self.trainer.state(),
            "elapsed": self.elapsed,
            "commands_seen": self.commands_seen,
            "pending": self.pending,
            "best": [self.best.value, self.best.step],
        }

    def _checkpoint(self) -> None:
        """Save, unless a weight is no finite number: the last good checkpoint stays the newest."""
        if self.trainer.is_finite():
            checkpoint.save(self.folder, self.trainer.step, self._state())
            self._event("checkpoint")
        self._last["checkpoint"] = self.elapsed

    def _restore(self, rows: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        """Go on from the newest checkpoint; commands recorded after it will be replayed at their steps."""
        newest = checkpoint.newest(self.folder)
        if newest is None:
            return
        state = checkpoint.load(newest)
        self.trainer.load_state(state["trainer"])
        self.elapsed = state["elapsed"]
        self.best.value, self.best.step = state["best"]
        self.commands_seen = state["commands_seen"]
        later = [
            event
            for event in events
            if event["type"] == "command" and event.get("number", -1) >= self.commands_seen
        ]
        self.pending = state["pending"] + [
            {key: event[key] for key in ("number", "step", "command")} for event in later
        ]
        self.commands_seen = max([self.commands_seen, *(event["number"] + 1 for event in later)])
        for row in newest_attempt(rows, self.trainer.step):
            self.diagnoser.update(row)

    def _write_status(self) -> None:
        live = {
            field["name"]: getattr(self.trainer.options, field["name"])
            for field in self.config["meta"]["live"]
        }
        self.folder.write_status(
            state=self.state,
            step=self.trainer.step,
            steps=self.steps,
            attempt=self.attempt,
            elapsed=round(self.elapsed, 3),
            rate=self._rate if self.state == "running" else 0.0,
            images_rate=self._rate * self.trainer.options.batch_size if self.state == "running" else 0.0,
            live=live,
            limit=self.limit,
            pid=os.getpid(),
            device=str(self.trainer.device),
            best=self.best.as_dict(),
            evaluating=self._evaluating,
            next_evaluation=self._next_evaluation(),
            error=getattr(self, "error", None),
            remedy=getattr(self, "remedy", None),
        )

    def _refresh_status(self) -> None:
        now = time.perf_counter()
        if now - self._last["status"] > STATUS_EVERY_S:
            self._last["status"] = now
            self._write_status()

    # commands
    def _obey(self) -> None:
        """Apply the commands that have come. Each takes effect before the next step."""
        if self._stop_signal:
            self.state = "stopped"
            return
        for command in self.control.read():
            if command.get("time", 0) < self.obey_from:
                continue  # meant for an earlier attempt
            try:
                self._apply(command)
            except BadInput as refusal:
                self._event("error", **refusal.as_dict(), command=command)
            if self.state in ("running", "paused"):  # an end is told when its checkpoint is kept
                self._write_status()

    def _apply(self, command: dict[str, Any]) -> None:
        kind = command.get("command")
        if kind == "pause" and self.state == "running":
            self.state = "paused"
            self._checkpoint()
            self.gallery.frame()
        elif kind == "resume" and self.state == "paused":
            self.state = "running"
            self._rate_mark = (time.perf_counter(), self.trainer.step)
        elif kind == "stop":
            self.state = "stopped"
        elif kind == "step":
            self._single_step(command)
        elif kind == "set":
            self.trainer.set_options(command.get("options", {}))
            self._record_command({"command": "set", "options": command.get("options", {})})
        elif kind == "limit":
            value = command.get("steps_per_s")
            self.limit = float(value) if value else None
            self._event("command", command={"command": "limit", "steps_per_s": self.limit})
        elif kind == "checkpoint":
            self._checkpoint()

    def _record_command(self, command: dict[str, Any]) -> None:
        """An event with a number, by which a resumed run knows what its checkpoint already holds."""
        self._event("command", command=command, number=self.commands_seen)
        self.commands_seen += 1

    def _single_step(self, command: dict[str, Any]) -> None:
        self.state = "paused"
        what = command.get("what", "both")
        for _ in range(max(1, min(int(command.get("count", 1)), 10_000))):
            if what == "both":
                if self.trainer.step >= self.steps:
                    break
                self._replay()
                self.trainer.iterate()
                if self.trainer.step % self.trainer.report_every == 0 or self.trainer.step == 1:
                    self._report()
                    if self.state == "failed":
                        return
                    continue
            else:
                self._record_command({"command": "step", "what": what})
                self.trainer.single(what)
            self._report(clear=False)
        self.gallery.frame()

    def _replay(self) -> None:
        """Apply the recorded commands whose step has come."""
        while self.pending and self.pending[0]["step"] <= self.trainer.step:
            command = self.pending.pop(0)["command"]
            if command["command"] == "set":
                self.trainer.set_options(command["options"])
            elif command["command"] == "step":
                self.trainer.single(command["what"])


def newest_attempt(rows: list[dict[str, Any]], until: int) -> list[dict[str, Any]]:
    """The rows up to step ``until``, each step by the newest attempt that reached it."""
    kept: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.get("step", 0) <= until:
            kept[row["step"]] = row
    return [kept[step] for step in sorted(kept)]
