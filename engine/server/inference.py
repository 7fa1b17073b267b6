"""What needs torch and is not training, done in a child process and asked for with ``Inference.call``.

To add a call, write a function that takes and returns plain data (bytes may stand anywhere in it) and name it
in ``CALLS``. A request and its answer are one packet each: lengths, JSON, then the bytes that the JSON refers
to by number. What a user gave and cannot be used comes back as the ``BadInput`` that it was; anything else
that goes wrong stays in the child's log.

The child is restartable: it may hang, crash or run out of memory, and takes nothing with it.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict
from engine.server.processes import Job, Spawn, Zygote
from engine.worker.calls import CALLS
from engine.worker.limits import blame
from engine.worker.wire import ERRORS, receive, send

log = logging.getLogger("ganscope")


# --- the calls: these run in the child, and import what they need there


# --- the child's side


# --- the wire


# --- the server's side


class Inference:
    """A child that answers calls, started when first needed and again after it died. Calls take turns.

    ``limits`` go into its job: ``threads``, ``memory`` (bytes beyond what torch takes), ``cpu_s``. A child
    that was started under another ``version()`` is replaced before the next call.
    """

    def __init__(
        self,
        processes: Zygote | Spawn,
        log_file: Path,
        version: Callable[[], object] = lambda: None,
        **limits: int,
    ) -> None:
        self._processes, self.version = processes, version
        self._started: object = None
        self._job: Job = {"kind": "infer", "log": str(log_file.resolve()), **limits}
        self._turn = threading.Lock()
        self._channel: socket.socket | None = None
        self.pid = 0

    def call(self, name: str, /, *, timeout_s: float = 30.0, retry: bool = True, **arguments: Any) -> Any:
        """The result of ``CALLS[name](**arguments)``. The time is for the answer; starting a child has its
        own.

        Raises what the call raises for a user's input; ``Conflict`` if the child broke, died (with ``retry``:
        twice in a row) or did not answer in time. After that it is started anew.
        """
        assert name in CALLS, name
        if not self._turn.acquire(timeout=timeout_s):
            raise Conflict("The engine is busy with an earlier request.", None, "Try again in a moment.")
        try:
            for _ in range(2 if retry else 1):
                try:
                    return _result(self._ask(name, arguments, timeout_s))
                except ConnectionError:
                    log.warning("the inference process died during %s", name)
                    self._drop()
            raise Conflict(
                "The engine's inference process ended unexpectedly.",
                None,
                f"It may have run out of memory: give it less at once.{blame()} "
                f"Its log is {self._job['log']}.",
            )
        except TimeoutError:
            self._drop()
            remedy = "The machine may be overloaded: stop other runs, then try again."
            raise Conflict(f"The engine took longer than {timeout_s:.0f} seconds.", None, remedy) from None
        except OSError as error:
            raise Conflict(str(error), None, "Stop other runs or programs, then try again.") from None
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the child."""
        self._drop()

    def _ask(self, name: str, arguments: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if (now := self.version()) != self._started:
            self._drop()
        if self._channel is None:
            self.pid, self._channel = self._processes.connect(self._job)
            self._started = now
        self._channel.settimeout(timeout_s)
        send(self._channel, {"call": name, "arguments": arguments})
        answer = receive(self._channel, time.monotonic() + timeout_s)
        if answer is None:
            raise ConnectionResetError("the inference process ended")
        return answer

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
            self._processes.kill(self.pid)


def _result(answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    if "refused" in answer:
        refused = answer["refused"]
        problem = ERRORS[answer["kind"]](**refused)
        problem.others = tuple(BadInput(**other) for other in answer.get("others", ()))
        raise problem
    raise Conflict(
        f"The engine could not do this ({answer['broke']}).",
        None,
        "That is a fault of ours: its log has the details.",
    )
