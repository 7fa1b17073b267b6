"""The one intake for files from outside: read by a process that may not take too much. No torch."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from pathlib import Path
from typing import Any

from engine.options import Conflict
from engine.server.inference import Inference
from engine.server.processes import Spawn, Zygote

_LEFTOVER = re.compile(r"\.deleted-.*|\.[a-z0-9-]+-[0-9a-f]{6}\.[a-z0-9_]{8}")


class Intake:
    """Makes folders of what is sent: data sets of pictures, models of weights."""

    def __init__(self, processes: Zygote | Spawn, log_file: Path) -> None:
        self._processes, self._log = processes, log_file
        self._turn = threading.Lock()  # one at a time: each may take gigabytes

    def take(
        self,
        call: str,
        into: Path,
        title: str,
        files: list[Path],
        *,
        memory: int,
        cpu_s: int,
        wait_s: float,
        noun: str,
        **arguments: Any,
    ) -> dict[str, Any]:
        """The result of ``engine.worker.calls.CALLS[call]`` for ``files``, which makes a new folder under
        ``into``, its id made of ``title`` (or ``noun``).

        ``memory`` in bytes beyond what torch takes, ``wait_s`` for the turn and again for the answer.
        Raises ``BadInput``, whatever the files hold, ``Conflict`` while
        others are being read.
        """
        words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or noun
        out = into / f"{words}-{secrets.token_hex(3)}"
        if not self._turn.acquire(timeout=wait_s):
            raise Conflict("other files are still being read.", "files", "Try again in a minute.")
        reader = Inference(self._processes, self._log, memory=memory, cpu_s=cpu_s)
        try:
            sent = [str(file.resolve()) for file in files]
            return reader.call(
                call, files=sent, out=str(out), **arguments, title=title, timeout_s=wait_s, retry=False
            )
        finally:
            reader.close()
            self._turn.release()


def sweep(folder: Path) -> None:
    """Remove what an interrupted intake or deletion left behind."""
    for path in folder.glob(".*"):
        if _LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
