"""Models that are added as files of weights, made by the intake. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.requests.models import AddModel
from engine.server.intake import Intake

MEMORY = 4 << 30  # bytes beyond what torch takes: four large files, and the networks that they fill
CPU_S = 120
WAIT_S = 180.0


class AddedModels:
    """The models under ``folder`` that were added."""

    def __init__(self, folder: Path, intake: Intake) -> None:
        self.folder, self._intake = folder, intake

    def add(self, name: object, files: object, chosen: dict[str, Any] | None = None) -> str:
        """Make a model of weight ``files``, of which ``chosen`` says what they do not; returns its id. Raises
        ``BadInput``, whatever they hold.
        """
        asked = AddModel.read({"name": name, "files": files, **(chosen or {})})
        card = self._intake.take(
            "add_model",
            self.folder,
            asked.name,
            asked.files,
            memory=MEMORY,
            cpu_s=CPU_S,
            wait_s=WAIT_S,
            noun="model",
            chosen=asked.weights(),
        )
        return card["id"]
