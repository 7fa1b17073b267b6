"""A training process: the loop of one run, seen from its folder.

It obeys ``control.jsonl``, appends metrics and events, keeps checkpoints and snapshots, and draws the live
frame only while somebody watches. Nothing here changes the numbers: two runs with one seed are equal, watched
or not.
"""

from __future__ import annotations

import contextlib
import signal
import time
import traceback
from types import FrameType
from typing import Any

from engine.data.kinds import KINDS
from engine.live.gallery import Gallery
from engine.live.picture import picture_of
from engine.metrics.best import Best
from engine.models import checkpoint
from engine.options import BadInput, Conflict
from engine.runs import files
from engine.runs.folder import RunFolder
from engine.runs.lock import Lock
from engine.training.trainer import Trainer, use_threads
from engine.worker import memory
from engine.worker.commands import Commands
from engine.worker.drawn import DrawnGame
from engine.worker.journal import Journal
from engine.worker.keeping import Keeper
from engine.worker.lines import Lines, Say
from engine.worker.replay import Replay
from engine.worker.reporter import Progress, Reporter
from engine.worker.status import Status

STOPPING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # those that the system has
ROOM_EVERY_S = 0.5  # between two tries on a full disk
IDLE_S = 0.01  # between two looks at the commands while paused


def train(
    folder: RunFolder, resume: bool = False, progress: Progress | None = None, say: Say | None = None
) -> str:
    """Train the run in ``folder`` to its end, in this process; returns the final state (done, stopped or
    failed). ``say`` takes a line every half minute.

    The outermost boundary of a worker: whatever happens inside is recorded in status, events and log. Raises
    ``Conflict`` if another process trains it.
    """
    lock = Lock(folder.lock)
    if not lock.acquire():
        raise Conflict(f"another process trains {folder.id}.", "run", "Stop it first, or wait until it ends.")
    try:
        return Session(folder, resume, progress, say).run()
    except BadInput as refusal:
        return _fail(folder, refusal.error, refusal.remedy)
    except Exception as error:
        with contextlib.suppress(OSError), open(folder.log, "a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        return _fail(
            folder,
            f"{type(error).__name__}: {error}"[:500],
            "See the log; resume it from its last checkpoint.",
        )
    except (KeyboardInterrupt, SystemExit):  # before it listened, or in the middle of an end
        if folder.written()["state"] == "starting":
            _fail(folder, "It was ended before its first step.", "Start it again.")
        raise
    finally:
        lock.release()


def _fail(folder: RunFolder, error: str, remedy: str) -> str:
    status = folder.written()
    folder.write_status(**{**status, "state": "failed", "error": error, "remedy": remedy})
    return "failed"


def _lost(damaged: list[int], step: int) -> dict[str, str]:
    """The error of checkpoints that cannot be read, newest first; the newest whole one is of ``step``."""
    steps = ", ".join(f"{one:,}" for one in damaged)
    error = f"The checkpoint of step {steps} is damaged: {damaged[0] - step:,} steps are lost."
    return {"error": error, "remedy": f"It goes on from step {step:,}."}


class Session:
    """One attempt at a run, from its start or its newest checkpoint to its end or a stop.

    The loop, and the parts that it is made of: the trainer, how it stands (``status``), what is written down
    (``journal``, ``reporter``), kept (``keeper``), drawn (``gallery``, ``drawn``), asked for
    (``commands``) and repeated (``replay``).
    """

    def __init__(
        self, folder: RunFolder, resume: bool, progress: Progress | None, say: Say | None = None
    ) -> None:
        config = folder.config()
        before = folder.written()
        use_threads(config["kind"])
        memory.keep_freed()
        newest = checkpoint.newest_whole(folder) if resume else None
        kept, self._damaged = (newest.tree, newest.damaged) if newest else (None, [])
        # the model it began with may be gone by now
        self.trainer = Trainer({**config, "start_from": None} if kept else config)
        self.trainer.steps = int(before.get("steps") or config["steps"])
        if kept:
            self.trainer.load_state(kept["trainer"])
        best = Best(config["options"].get("keep_best", "none"), *(kept["best"] if kept else ()))
        self.status = Status(folder, self.trainer, best, before, kept["elapsed"] if kept else 0.0)
        self.journal = Journal(folder, self.trainer, self.status)
        self.replay = Replay(self.trainer, self.journal, kept)
        self.keeper = Keeper(folder, self.trainer, self.status, self.journal, self.replay)
        picture = picture_of(self.trainer.shown())
        self.reporter = Reporter(self.trainer, picture, self.status, self.journal, self.keeper, progress)
        self.lines = Lines(folder.log, self.status, say)
        if kept:
            self.reporter.remember()
        keep = self.keeper.save_beside if KINDS[config["kind"]].keeps_weights else None
        self.gallery = Gallery(folder, picture, self.journal.header, keep)
        self.drawn = DrawnGame(folder, self.trainer)
        self.commands = Commands(
            folder, self.trainer, self.status, self.journal, self.replay, self.keeper, self.reporter,
            self.gallery, self.drawn, before,
        )  # fmt: skip

    def run(self) -> str:
        """Train until the last step, a stop, or a break."""
        with self._signals():
            files.when_full = self._await_room
            try:
                if self.status.attempt > 1:
                    self.journal.event("resumed", attempt=self.status.attempt)
                if self._damaged:
                    self.journal.event("error", **_lost(self._damaged, self.trainer.step))
                self.begin()
                self._loop()
                return self._end()
            finally:
                files.when_full = None

    def begin(self) -> None:
        """What there is to see before the first step, and a checkpoint of it."""
        self.status.write()
        self.gallery.begin()
        if self.trainer.step == 0:
            self.keeper.save()
            self.gallery.snapshot()

    def _loop(self) -> None:
        status = self.status
        while status.state in ("running", "paused") and self.trainer.step < status.steps:
            self.commands.obey()
            if status.state == "paused":
                self._idle()
                continue
            if status.state != "running":
                break
            self.replay.apply_due()
            started = time.perf_counter()
            self.advance()
            if status.limit and (spare := 1 / status.limit - (time.perf_counter() - started)) > 0:
                waiting = time.perf_counter()
                self._wait(spare)
                status.elapsed += time.perf_counter() - waiting

    def advance(self) -> None:
        """One step, with all that is recorded of it."""
        started = time.perf_counter()
        self.drawn.iterate(is_last=self.trainer.step + 1 == self.status.steps)
        self._after_step()
        self.status.elapsed += time.perf_counter() - started

    def _after_step(self) -> None:
        if self.reporter.is_due():
            self.lines.row = self.reporter.report()
            if self.status.state == "failed":
                return
        self.gallery.snapshot_if_due(self.trainer.step)
        self.gallery.watch()
        self.status.refresh()
        self.lines.tell_if_due()
        self.keeper.keep_if_due()

    def _end(self) -> str:
        status = self.status
        if status.state == "running":
            status.state = "done"
        if status.state != "failed":
            self.keeper.save()
            self.journal.event("checkpoint")
            self.gallery.frame()
            self.gallery.snapshot(is_last=True)
        self.journal.event("state", state=status.state)
        status.write()
        self.journal.close()
        return status.state

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """SIGTERM, Ctrl+C and the terminal's end ask for an orderly stop with a checkpoint."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.commands.stop_asked = True

        there = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
        heard = [
            number for number in there if signal.getsignal(number) is not signal.SIG_IGN
        ]  # as nohup has it
        kept = {number: signal.signal(number, ask) for number in heard}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _wait(self, seconds: float) -> None:
        """Sleep for the speed limit, in slices, so that a command is obeyed at once."""
        end = time.perf_counter() + seconds
        while (
            (left := end - time.perf_counter()) > 0
            and not self.commands.stop_asked
            and self.status.state == "running"
        ):
            time.sleep(min(left, 0.02))
            self.status.refresh()
            self.commands.obey()

    def _await_room(self) -> None:
        """The disk is full: pause in the middle of the writing, say why, and go on once there is room.

        Raises ``NoRoom`` if a stop is asked for meanwhile: what could not be written is lost then.
        """
        status, full = self.status, files.NoRoom()
        before = status.state, status.error, status.remedy
        status.state, status.error = "paused", full.error
        status.remedy = "Make room: it goes on by itself."
        status.write()
        end = time.monotonic() + ROOM_EVERY_S
        while time.monotonic() < end:
            time.sleep(IDLE_S)
            if self.commands.is_stop_asked():
                raise full
        status.state, status.error, status.remedy = before

    def _idle(self) -> None:
        time.sleep(IDLE_S)
        self.status.refresh()
        self.gallery.watch(paused=True)
