"""When a run keeps a checkpoint, and what is in it beside the trainer's state."""

from __future__ import annotations

from typing import Any

from engine.data.kinds import KINDS
from engine.metrics.best import Best
from engine.models import checkpoint
from engine.runs.folder import RunFolder
from engine.training.trainer import Trainer
from engine.worker.journal import Journal
from engine.worker.replay import Replay
from engine.worker.status import Status


class Keeper:
    """Keeps checkpoints of a run in its folder."""

    def __init__(
        self, folder: RunFolder, trainer: Trainer, status: Status, journal: Journal, replay: Replay
    ) -> None:
        self.folder, self.trainer, self.status = folder, trainer, status
        self.journal, self.replay = journal, replay
        self._every = KINDS[trainer.config["kind"]].checkpoint_every_s
        self._kept = status.elapsed

    def keep(self) -> None:
        """Save, unless a weight is no finite number: the last good checkpoint stays the newest."""
        if self.trainer.is_finite():
            self.save()
            self.journal.event("checkpoint")
        self._kept = self.status.elapsed

    def keep_if_due(self) -> None:
        """Save if the last time is a while of training ago."""
        if self.status.elapsed - self._kept > self._every:
            self.keep()

    def save(self) -> None:
        """Save the present step's checkpoint, whatever is in it."""
        checkpoint.save(self.folder, self.trainer.step, self._state())

    def save_beside(self, step: int) -> None:
        """Save the present ``step`` beside its snapshot, to branch from, unless a weight is no number."""
        if self.trainer.is_finite():
            checkpoint.save_beside(self.folder, step, self._state())

    def save_best(self, best: Best) -> None:
        """Save the checkpoint that is the best by the run's measure, apart from the others."""
        checkpoint.save_best(self.folder, self._state())
        self.journal.event("best", measure=best.measure, value=best.value)

    def _state(self) -> dict[str, Any]:
        """All that an attempt which goes on from here must know."""
        best = self.status.best
        return {
            "trainer": self.trainer.state(),
            "elapsed": self.status.elapsed,
            **self.replay.state(),
            "best": [best.value, best.step],
        }
