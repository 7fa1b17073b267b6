"""The one intake for files from outside: read by a process that may not take too much. No torch."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from engine.options import BadInput
from engine.requests.viewer import SERVER
from engine.server.desk import Desk, Job, Kind
from engine.server.inference import Inference
from engine.server.processes import Spawn, Zygote
from engine.server.turns import QueuedRequest, Turns

UPLOAD = Kind("upload", of_one=8, of_all=8)
_LEFTOVER = re.compile(r"\.deleted-.*|\.[a-z0-9-]+-[0-9a-f]{6}\.[a-z0-9_]{8}")


class Intake:
    """Makes folders of what is sent: data sets of pictures, models of weights."""

    def __init__(self, processes: Zygote | Spawn, log_file: Path) -> None:
        self._processes, self._log = processes, log_file
        self._turns = Turns(self._read, 1, "intake")  # one at a time: each may take gigabytes
        self._desk = Desk(self._turns)

    def close(self) -> None:
        """Read no more."""
        self._desk.close()
        self._turns.close()

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

        ``memory`` in bytes beyond what torch takes, ``wait_s`` for the answer, and as long for the turn.
        Raises ``BadInput``, whatever the files hold, ``TooMany`` while too many others wait.
        """
        words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or noun
        out = into / f"{words}-{secrets.token_hex(3)}"
        sent = [str(file.resolve()) for file in files]
        limits = {"memory": memory, "cpu_s": cpu_s}
        arguments = {**arguments, "files": sent, "out": str(out), "title": title}
        request = {"call": call, "wait_s": wait_s, "limits": limits, "arguments": arguments}
        return self._desk.carry_out(Job(UPLOAD, "", QueuedRequest("", request, SERVER)), 2 * wait_s)

    def _read(self, _: str, turn: list[QueuedRequest]) -> list[QueuedRequest]:
        """The only turn of an upload, in a process of its own."""
        for asked in turn:
            request = asked.request
            reader = Inference(self._processes, self._log, **request["limits"])
            try:
                made = reader.call(
                    request["call"], **request["arguments"], timeout_s=request["wait_s"], retry=False
                )
            except BadInput as error:
                asked.refuse(error)
            else:
                asked.answer(made)
            finally:
                reader.close()
        return []


def sweep(folder: Path) -> None:
    """Remove what an interrupted intake or deletion left behind."""
    for path in folder.glob(".*"):
        if _LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
