"""Models that are added as files of weights, made by the intake. No torch."""

from __future__ import annotations

from pathlib import Path

from engine.options import BadInput
from engine.server.intake import Intake

MEMORY = 4 << 30  # bytes beyond what torch takes: four large files, and the networks that they fill
CPU_S = 120
WAIT_S = 180.0
AS = ("pix2pix", "cyclegan")
MODES = ("auto", "train", "eval")


class AddedModels:
    """The models under ``folder`` that were added."""

    def __init__(self, folder: Path, intake: Intake) -> None:
        self.folder, self._intake = folder, intake

    def add(self, name: object, files: object, gan: object = None, test_mode: object = "auto") -> str:
        """Make a model of weight ``files``; returns its id. Raises ``BadInput``, whatever they hold."""
        if gan not in (None, *AS):
            raise BadInput("there is no such GAN among them.", "as", f"Choose one of: {', '.join(AS)}.")
        if test_mode not in MODES:
            raise BadInput("there is no such mode.", "test_mode", f"Choose one of: {', '.join(MODES)}.")
        card = self._intake.take(
            "add_model",
            self.folder,
            name,
            files,
            memory=MEMORY,
            cpu_s=CPU_S,
            wait_s=WAIT_S,
            noun="model",
            remedy="Choose the .pth file of a generator.",
            gan=gan,
            test_mode=test_mode,
        )
        return card["id"]
