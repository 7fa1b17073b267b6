"""The calls of an inference process: these run in the child, and import what they need there.

To add a call, write a function that takes and returns plain data (bytes may stand anywhere in it) and name it
in ``CALLS``.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.options import BadInput, NoRoom, is_full
from engine.runs.files import write_json
from engine.runs.records import RunConfig
from engine.worker.limits import blame
from engine.worker.wire import ERRORS, receive, send


def catalogue() -> dict[str, Any]:
    """Everything there is to choose from (``engine.training.catalogue.catalogue``), and the plugins."""
    from engine.plugins import loading
    from engine.training import catalogue

    return {**catalogue.catalogue(), "plugins": loading.report()}


def validate(request: dict[str, Any]) -> RunConfig:
    """A request as a complete configuration, without its id. Raises ``BadInput``."""
    from engine.training import request as requests

    return requests.validate(request)


def assess(request: dict[str, Any], reads_files: bool = True) -> dict[str, Any]:
    """All that is wrong with a request, or its configuration (``engine.training.request.assess``)."""
    from engine.training import request as requests

    return requests.assess(request, reads_files)


def device(wanted: str) -> dict[str, Any]:
    """What ``auto|cpu|cuda|mps`` comes to: ``{"device", "gpus"}``. Raises ``BadInput`` if it is not there."""
    import torch

    from engine.training.device import pick_device

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {"device": pick_device(wanted).type, "gpus": gpus}


def dataset_thumbnail(name: str) -> bytes:
    """The 160x160 PNG of a data set by default. Raises ``NotFound``, ``BadInput`` if it is missing."""
    from engine.data import thumbnails

    return thumbnails.of_dataset(name)


def upload_thumbnail(dataset: str) -> bytes:
    """The 160x160 PNG of an upload. Raises ``NotFound``."""
    from engine.data import thumbnails

    return thumbnails.of_upload(dataset)


def ingest(
    files: list[str],
    title: str,
    size: int,
    colour: bool,
    out: str,
    layout: Any = "images",
    **reading: Any,
) -> dict[str, Any]:
    """Turn uploaded files into the data set folder ``out``; returns its card. Raises ``BadInput``."""
    from engine.data.pictures.upload import CARD, ingest_upload

    folder = Path(out)
    card = ingest_upload([Path(file) for file in files], size, colour, folder, layout, **reading)
    card |= {"name": title, "created": time.time()}
    write_json(folder / CARD, card)
    return {"id": folder.name, **card}


def add_model(files: list[str], out: str, title: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Make a model's folder ``out`` of weight files (``engine.weights.adding``). Raises ``BadInput``."""
    from engine.weights.adding import add

    return add([Path(file) for file in files], Path(out), title, chosen)


def abilities() -> dict[str, dict[str, bool]]:
    """What models of each GAN can do (``engine.explore.calls``)."""
    from engine.explore import calls

    return calls.abilities()


def explore(model: str, requests: list[dict[str, Any]], threads: int = 1) -> list[dict[str, Any]]:
    """One turn of many requests to one model, on so many ``threads``. Raises ``BadInput``, ``NotFound``."""
    from engine.explore import calls

    use_threads(threads)
    return calls.explore(model, requests)


def time_step(request: dict[str, Any]) -> dict[str, float]:
    """Seconds that a step of ``request`` takes here (``engine.training.timing``). Raises ``BadInput``."""
    from engine.training import timing

    return timing.time_step(request)


def use_threads(count: int) -> None:
    """Have torch use so many, unless this process's environment says how many."""
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(count)


CALLS: dict[str, Callable[..., Any]] = {
    "time_step": time_step,
    "catalogue": catalogue,
    "validate": validate,
    "assess": assess,
    "device": device,
    "dataset_thumbnail": dataset_thumbnail,
    "upload_thumbnail": upload_thumbnail,
    "ingest": ingest,
    "add_model": add_model,
    "abilities": abilities,
    "explore": explore,
}


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
        others = [other.as_dict() for other in error.others]
        return {"refused": error.as_dict(), "kind": kind.__name__, "others": others}
    except MemoryError:
        remedy = f"Give it less at once, or smaller pictures.{blame()}"
        return {
            "refused": BadInput("that needs more memory than it may have.", None, remedy).as_dict(),
            "kind": "BadInput",
        }
    except Exception as error:  # the outermost boundary of a call: the child goes on
        if is_full(error):
            return {"refused": NoRoom().as_dict(), "kind": "NoRoom"}
        traceback.print_exc()
        return {"broke": traceback.format_exc(limit=-1).strip().splitlines()[-1][:200]}
