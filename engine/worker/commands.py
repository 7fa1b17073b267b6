"""What a training process does when it is told to: ``control.jsonl``, read between two steps."""

from __future__ import annotations

from typing import Any

from engine.live.gallery import Gallery
from engine.options import BadInput
from engine.runs import records
from engine.runs.files import Tail
from engine.runs.folder import RunFolder
from engine.training.trainer import Trainer
from engine.worker.drawn import DrawnGame
from engine.worker.journal import Journal
from engine.worker.keeping import Keeper
from engine.worker.replay import Replay
from engine.worker.reporter import Reporter
from engine.worker.status import Status


class Commands:
    """Obeys the commands that come for this attempt. ``before`` is the status that was there when it began:
    commands that stood there before the start was asked for were meant for an earlier attempt. (Their place
    says so, not their time: clocks are put back.)
    """

    def __init__(
        self,
        folder: RunFolder,
        trainer: Trainer,
        status: Status,
        journal: Journal,
        replay: Replay,
        keeper: Keeper,
        reporter: Reporter,
        gallery: Gallery,
        drawn: DrawnGame,
        before: records.Status,
    ) -> None:
        self.trainer, self.status, self.journal, self.replay = trainer, status, journal, replay
        self.keeper, self.reporter, self.gallery, self.drawn = keeper, reporter, gallery, drawn
        self._control = Tail(folder.control, held=True)
        asked = before.get("state") in ("starting", "queued")
        self._control.offset = before.get("obey_from", 0) if asked else folder.control_size()
        self.stop_asked = False  # by a signal

    def is_stop_asked(self) -> bool:
        """Whether a stop has come that was not obeyed yet."""
        ahead = Tail(self._control.path)
        ahead.offset = self._control.offset
        return self.stop_asked or any(command.get("command") == "stop" for command in ahead.read())

    def obey(self) -> None:
        """Apply the commands that have come. Each takes effect before the next step."""
        if self.stop_asked:
            self.status.state = "stopped"
            return
        for command in self._control.read():
            try:
                self._apply(command)
            except BadInput as refusal:
                self.journal.event("error", **refusal.as_dict(), command=command)
            if self.status.state in ("running", "paused"):  # an end is told when its checkpoint is kept
                self.status.write()

    def _apply(self, command: dict[str, Any]) -> None:
        status, kind = self.status, command.get("command")
        if kind == "pause" and status.state == "running":
            status.state = "paused"
            self.keeper.keep()
            self.gallery.frame()
        elif kind == "resume" and status.state == "paused":
            status.state = "running"
            status.begin_rate()
        elif kind == "stop":
            status.state = "stopped"
        elif kind == "step":
            self._single_step(command)
        elif kind == "set":
            self.trainer.set_options(command.get("options", {}))
            self.replay.record({"command": "set", "options": command.get("options", {})})
        elif kind == "limit":
            value = command.get("steps_per_s")
            status.limit = float(value) if value else None
            self.journal.event("command", command={"command": "limit", "steps_per_s": status.limit})
        elif kind == "checkpoint":
            self.keeper.keep()

    def _single_step(self, command: dict[str, Any]) -> None:
        status, trainer = self.status, self.trainer
        status.state = "paused"
        what = command.get("what", "both")
        for _ in range(max(1, min(int(command.get("count", 1)), 10_000))):
            if what == "both":
                if trainer.step >= status.steps:
                    break
                self.replay.apply_due()
                self.drawn.hurry()
                self.drawn.iterate()
                if self.reporter.is_due():
                    self.reporter.report()
                    if status.state == "failed":
                        return
                    continue
            else:
                self.replay.record({"command": "step", "what": what})
                self.drawn.single(what)
            self.reporter.report(clear=False)
        self.gallery.frame()
