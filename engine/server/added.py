"""Models that are added as files of weights, made by the intake. No torch."""

from __future__ import annotations

from pathlib import Path

from engine.requests.models import AddModel
from engine.server.intake import Intake

MEMORY = 4 << 30  # bytes beyond what torch takes: four large files, and the networks that they fill
CPU_S = 120
WAIT_S = 180.0


class AddedModels:
    """The models under ``folder`` that were added."""

    def __init__(self, folder: Path, intake: Intake) -> None:
        self.folder, self._intake = folder, intake

    def add(self, name: object, files: object, gan: object = None, test_mode: object = "auto") -> str:
        """Make a model of weight ``files``; returns its id. Raises ``BadInput``, whatever they hold."""
        asked = AddModel.read({"name": name, "files": files, "as": gan, "test_mode": test_mode})
        card = self._intake.take(
            "add_model",
            self.folder,
            asked.name,
            asked.files,
            memory=MEMORY,
            cpu_s=CPU_S,
            wait_s=WAIT_S,
            noun="model",
            gan=asked.as_,
            test_mode=asked.test_mode,
        )
        return card["id"]
