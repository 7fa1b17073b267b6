"""What needs torch and is not training, done in a child process and asked for with ``Inference.call``.

To add a call, write a function that takes and returns plain data (bytes may stand anywhere in it) and name it
in ``CALLS``. A request and its answer are one packet each: lengths, JSON, then the bytes that the JSON refers
to by number. What a user gave and cannot be used comes back as the ``BadInput`` that it was; anything else
that goes wrong stays in the child's log.

The child is restartable: it may hang, crash or run out of memory, and takes nothing with it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict, Forbidden, NotFound, TooMany
from engine.runs.files import write_json
from engine.server.processes import PATIENCE_S, Job, Spawn, Zygote

HEAD = struct.Struct("<II")  # bytes of JSON, number of blobs
BLOB = struct.Struct("<Q")
BLOB_KEY = "\0blob"
ERRORS = {kind.__name__: kind for kind in (BadInput, NotFound, Forbidden, Conflict, TooMany)}

log = logging.getLogger("ganscope")


# --- the calls: these run in the child, and import what they need there


def catalogue() -> dict[str, Any]:
    """Everything there is to choose from (``engine.training.catalogue.catalogue``)."""
    from engine.training import catalogue

    return catalogue.catalogue()


def validate(request: dict[str, Any]) -> dict[str, Any]:
    """A request as a complete configuration, without its id. Raises ``BadInput``."""
    from engine.training.request import validate

    return validate(request)


def device(wanted: str) -> dict[str, Any]:
    """What ``auto|cpu|cuda|mps`` comes to: ``{"device", "gpus"}``. Raises ``BadInput`` if it is not there."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = {"cpu": True, "cuda": gpus > 0, "mps": torch.backends.mps.is_available()}
    if wanted != "auto" and not there.get(wanted, False):
        names = ", ".join(name for name in there if there[name])
        raise BadInput(
            f"this machine, or its torch, has no {wanted}.", "device", f"Use auto, or one of: {names}."
        )
    found = next(name for name in ("cuda", "mps", "cpu") if there[name]) if wanted == "auto" else wanted
    return {"device": found, "gpus": gpus}


def dataset_thumbnail(name: str) -> bytes:
    """The 160x160 PNG of a data set by default. Raises ``NotFound``, ``BadInput`` if it is missing."""
    from engine.data import DATASETS

    if name not in DATASETS:
        raise NotFound(
            f"there is no data set called {name[:80]!r}.", "data", f"Choose one of: {', '.join(DATASETS)}."
        )
    source = DATASETS[name]
    if (missing := source.missing()) is not None:
        raise missing
    return source(source.Options()).thumbnail()


def upload_thumbnail(dataset: str) -> bytes:
    """The 160x160 PNG of an upload. Raises ``NotFound``."""
    from engine.data.pictures.upload import thumbnail

    return thumbnail(dataset)


def ingest(
    files: list[str], name: str, size: int, colour: bool, out: str, layout: Any = "images"
) -> dict[str, Any]:
    """Turn uploaded files into the data set folder ``out``; returns its card. Raises ``BadInput``."""
    from engine.data.pictures.upload import CARD, ingest_upload

    folder = Path(out)
    card = ingest_upload([Path(file) for file in files], size, colour, folder, layout)
    card |= {"name": name, "created": time.time()}
    write_json(folder / CARD, card)
    return {"id": folder.name, **card}


def add_model(files: list[str], out: str, title: str, gan: Any, test_mode: Any) -> dict[str, Any]:
    """Make a model's folder ``out`` of weight files (``engine.weights.adding``). Raises ``BadInput``."""
    from engine.weights.adding import add

    return add([Path(file) for file in files], Path(out), title, gan, test_mode)


def abilities() -> dict[str, dict[str, bool]]:
    """What models of each GAN can do (``engine.explore.calls``)."""
    from engine.explore import calls

    return calls.abilities()


def explore(model: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One turn of many requests to one model. Raises ``BadInput``, ``NotFound``."""
    from engine.explore import calls

    return calls.explore(model, requests)


def time_step(request: dict[str, Any]) -> dict[str, float]:
    """How long a step of ``request`` takes here, in seconds (``engine.training.timing``). Raises ``BadInput``."""
    from engine.training import timing

    return timing.time_step(request)


CALLS: dict[str, Callable[..., Any]] = {
    "time_step": time_step,
    "catalogue": catalogue,
    "validate": validate,
    "device": device,
    "dataset_thumbnail": dataset_thumbnail,
    "upload_thumbnail": upload_thumbnail,
    "ingest": ingest,
    "add_model": add_model,
    "abilities": abilities,
    "explore": explore,
}


# --- the child's side


def serve(caller: socket.socket) -> None:
    """Answer ``{"call", "arguments"}`` over ``caller``, one at a time, until the other end closes it."""
    with contextlib.suppress(ConnectionError):  # it may leave before it has heard the answer
        while (request := receive(caller)) is not None:
            send(caller, _answer(request))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": CALLS[request["call"]](**request["arguments"])}
    except BadInput as error:
        kind = next(kind for kind in type(error).__mro__ if kind.__name__ in ERRORS)
        return {"refused": error.as_dict(), "kind": kind.__name__}
    except MemoryError:
        remedy = "Give it less at once, or smaller pictures."
        return {
            "refused": BadInput("that needs more memory than it may have.", None, remedy).as_dict(),
            "kind": "BadInput",
        }
    except Exception:  # the outermost boundary of a call: the child goes on
        traceback.print_exc()
        return {"broke": traceback.format_exc(limit=-1).strip().splitlines()[-1][:200]}


# --- the wire


def send(to: socket.socket, value: object) -> None:
    """Write plain data in which bytes may stand anywhere."""
    blobs: list[bytes] = []

    def refer(item: object) -> dict[str, int]:
        if not isinstance(item, bytes | bytearray | memoryview):
            raise TypeError(f"{type(item).__name__} is not plain data")
        blobs.append(bytes(item))
        return {BLOB_KEY: len(blobs) - 1}

    text = json.dumps(value, default=refer).encode()
    parts = [HEAD.pack(len(text), len(blobs)), text]
    for blob in blobs:
        parts += [BLOB.pack(len(blob)), blob]
    to.sendall(b"".join(parts))


def receive(source: socket.socket, deadline: float | None = None) -> Any:
    """What ``send`` wrote; ``None`` if the other end closed.

    Raises ``TimeoutError`` once ``time.monotonic()`` is past ``deadline``.
    """
    take = functools.partial(_take, source, deadline)
    try:
        length, count = HEAD.unpack(take(HEAD.size))
    except ConnectionError:
        return None
    text = take(length)
    blobs = [take(BLOB.unpack(take(BLOB.size))[0]) for _ in range(count)]

    def resolve(item: dict[str, Any]) -> Any:
        number = item.get(BLOB_KEY) if len(item) == 1 else None
        return blobs[number] if isinstance(number, int) and 0 <= number < count else item

    return json.loads(text, object_hook=resolve)


def _take(source: socket.socket, deadline: float | None, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        if deadline is not None:
            source.settimeout(max(1e-3, deadline - time.monotonic()))
        part = source.recv(min(count - len(parts), 1 << 20))
        if not part:
            raise ConnectionResetError("the other end closed")
        parts += part
    return bytes(parts)


# --- the server's side


class Inference:
    """A child that answers calls, started when first needed and again after it died. Calls take turns.

    ``limits`` go into its job: ``threads``, ``memory`` (bytes beyond what torch takes), ``cpu_s``.
    """

    def __init__(self, processes: Zygote | Spawn, log_file: Path, **limits: int) -> None:
        self._processes = processes
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
                f"It may have run out of memory: give it less at once. Its log is {self._job['log']}.",
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
        if self._channel is None:
            self._channel = self._start()
        self._channel.settimeout(timeout_s)
        send(self._channel, {"call": name, "arguments": arguments})
        answer = receive(self._channel, time.monotonic() + timeout_s)
        if answer is None:
            raise ConnectionResetError("the inference process ended")
        return answer

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self.pid = self._processes.launch(self._job, theirs.fileno()).result(PATIENCE_S)
        return ours

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
        raise ERRORS[answer["kind"]](refused["error"], refused["field"], refused["remedy"])
    raise Conflict(
        f"The engine could not do this ({answer['broke']}).",
        None,
        "That is a fault of ours: its log has the details.",
    )
