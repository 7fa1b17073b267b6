"""Commands that change the numbers of a run: recorded with their step, and applied there again by an attempt
that begins at an earlier checkpoint.
"""

from __future__ import annotations

from typing import Any

from engine.training.trainer import Trainer
from engine.worker.journal import Journal


class Replay:
    """The recorded commands of a run: how many there are, and which still wait for their step.

    ``pending`` holds ``{"number", "step", "command"}``. ``kept`` is the checkpoint that is gone on from, if
    there is one; commands recorded after it will be applied at their steps.
    """

    def __init__(self, trainer: Trainer, journal: Journal, kept: dict[str, Any] | None) -> None:
        self.trainer, self.journal = trainer, journal
        self.seen = kept["commands_seen"] if kept else 0
        later = [
            {key: event[key] for key in ("number", "step", "command")}
            for event in (journal.old_events if kept else [])
            if event["type"] == "command"
            and isinstance(event.get("command"), dict)
            and isinstance(event.get("number"), int)  # others changed no number
            and event["number"] >= self.seen
        ]
        self.pending: list[dict[str, Any]] = (kept["pending"] if kept else []) + later
        self.seen = max([self.seen, *(command["number"] + 1 for command in later)])

    def record(self, command: dict[str, Any]) -> None:
        """An event with a number, by which a resumed run knows what its checkpoint already holds."""
        self.journal.event("command", command=command, number=self.seen)
        self.seen += 1

    def apply_due(self) -> None:
        """Apply the recorded commands whose step has come."""
        while self.pending and self.pending[0]["step"] <= self.trainer.step:
            command = self.pending.pop(0)["command"]
            if command["command"] == "set":
                self.trainer.set_options(command["options"])
            elif command["command"] == "step":
                self.trainer.single(command["what"])

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"commands_seen": self.seen, "pending": self.pending}
