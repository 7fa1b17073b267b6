"""Models that are added as files, each read by a process that may not take too much. No torch."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from pathlib import Path

from engine.options import BadInput, Conflict
from engine.runs.names import check_name
from engine.server.inference import Inference
from engine.server.processes import Spawn, Zygote
from engine.server.shelf import ADDED

MEMORY = 4 << 30  # bytes beyond what torch takes: four large files, and the networks that they fill
CPU_S = 120
WAIT_S = 180.0
AS = ("pix2pix", "cyclegan")
MODES = ("auto", "train", "eval")
_LEFTOVER = re.compile(r"\.[a-z0-9-]+-[0-9a-f]{6}\.[a-z0-9_]{8}")


class AddedModels:
    """The models under ``runs`` that were added."""

    def __init__(self, runs: Path, processes: Zygote | Spawn, log_file: Path) -> None:
        self._folder = runs / ADDED
        self._processes, self._log = processes, log_file
        self._turn = threading.Lock()  # one at a time: each may take gigabytes

    def sweep(self) -> None:
        """Remove what an interrupted addition or deletion left behind."""
        for path in self._folder.glob(".*"):
            if _LEFTOVER.fullmatch(path.name) or path.name.startswith(".deleted-"):
                shutil.rmtree(path, ignore_errors=True)

    def add(self, name: object, files: object, gan: object = None, test_mode: object = "auto") -> str:
        """Make a model of weight ``files``; returns its id. Raises ``BadInput``, whatever they hold."""
        title = check_name(name)
        if not isinstance(files, list) or not files:
            raise BadInput("there are no files.", "files", "Choose the .pth file of a generator.")
        if gan not in (None, *AS):
            raise BadInput("there is no such GAN among them.", "as", f"Choose one of: {', '.join(AS)}.")
        if test_mode not in MODES:
            raise BadInput("there is no such mode.", "test_mode", f"Choose one of: {', '.join(MODES)}.")
        words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model"
        model = f"{words}-{secrets.token_hex(3)}"
        if not self._turn.acquire(timeout=WAIT_S):
            raise Conflict("other weights are still being read.", "files", "Try again in a minute.")
        reader = Inference(self._processes, self._log, memory=MEMORY, cpu_s=CPU_S)
        try:
            card = reader.call(
                "add_model",
                files=[str(Path(file).resolve()) for file in files],
                out=str(self._folder / model),
                title=title,
                gan=gan,
                test_mode=test_mode,
                timeout_s=WAIT_S,
                retry=False,
            )
            return card["id"]
        finally:
            reader.close()
            self._turn.release()
