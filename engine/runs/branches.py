"""Runs made from runs: a branch goes on from a checkpoint, a duplicate starts anew. No torch."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

from engine.options import Conflict, is_full
from engine.runs.files import read_json, replace, with_room, write_json
from engine.runs.folder import RunFolder
from engine.runs.records import Options, RunConfig

CHECKPOINT_PATIENCE_S = 3.0
STATE = "state.json"  # of a checkpoint: everything but the tensors


def request_of(config: RunConfig, **changes: Any) -> dict[str, Any]:
    """The request behind ``config``, with ``options`` added to its own and another ``seed`` or ``steps``."""
    request = {key: config[key] for key in ("gan", "data", "steps", "seed", "device")}
    request |= {key: changes[key] for key in ("seed", "steps") if changes.get(key) is not None}
    return {**request, "options": {**config["options"], **changes["options"]}}


def step_to_branch_from(folder: RunFolder, step: int | None, lives: bool) -> int:
    """``step``, if its weights were kept; without one, that of the newest checkpoint, which a living worker
    takes first.

    Raises ``Conflict`` if there is none.
    """
    if step is None and lives:
        _await_checkpoint(folder)
    if step is not None and _state(folder, step):
        return step
    if step is None:
        newest = [one for one in folder.checkpoint_steps() if _state(folder, one)][-1:]
        if not newest:
            raise Conflict("there is no checkpoint to branch from.", "step", "Wait until it has saved one.")
        return newest[0]
    kept = [one for one in folder.weight_steps() if _state(folder, one)]
    near = [*[one for one in kept if one < step][-1:], *[one for one in kept if one > step][:1]]
    remedy = f"Kept were {' and '.join(f'{one:,}' for one in near)}." if near else "Wait for a checkpoint."
    raise Conflict(f"the weights of step {step:,} were not kept.", "step", remedy)


def options_at(folder: RunFolder, step: int) -> Options:
    """The options in force at the checkpoint of ``step``: live ones may have changed since the run began."""
    return _state(folder, step).get("trainer", {}).get("options", {})


def copy_checkpoint(source: RunFolder, step: int, target: RunFolder, options: Options) -> None:
    """Copy the checkpoint of ``step`` whole, but with other ``options`` in force.

    Raises ``Conflict`` if its run thins it out meanwhile.
    """
    name = f"{step:08d}"
    beside, taken = target.checkpoints / f".{name}", source.weights(step)
    try:
        wanted = sorted(os.listdir(taken))
        with_room(lambda: _copy(taken, beside))
        if sorted(os.listdir(taken)) != wanted or sorted(os.listdir(beside)) != wanted or STATE not in wanted:
            raise FileNotFoundError(taken)
    except (FileNotFoundError, shutil.Error):
        shutil.rmtree(beside, ignore_errors=True)
        raise Conflict(
            f"the checkpoint of step {step:,} has just been thinned out.", "step", "Try again."
        ) from None
    state = read_json(beside / STATE, {})
    if not isinstance(state.get("trainer"), dict):
        raise Conflict(f"the checkpoint of step {step:,} is damaged.", "step", "Take an earlier one.")
    write_json(beside / STATE, {**state, "trainer": {**state["trainer"], "options": options}})
    replace(beside, target.checkpoints / name)


def _copy(source: Path, target: Path) -> None:
    """``shutil.copytree``, whose collected errors are told by their first."""
    try:
        shutil.copytree(source, target)
    except shutil.Error as error:
        shutil.rmtree(target, ignore_errors=True)
        if is_full(error):
            raise OSError(errno.ENOSPC, "no room") from error
        raise


def remove(folder: Path) -> None:
    """Delete a folder so that it is there whole or not at all for everyone who looks."""
    gone = folder.with_name(f".deleted-{folder.name}-{time.time_ns()}")
    replace(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def _await_checkpoint(folder: RunFolder) -> None:
    """Ask the worker for a checkpoint, and wait a moment for it."""
    before = _newest(folder)
    folder.command({"command": "checkpoint"})
    end = time.monotonic() + CHECKPOINT_PATIENCE_S
    while _newest(folder) == before and time.monotonic() < end:
        time.sleep(0.01)


def _state(folder: RunFolder, step: int) -> dict[str, Any]:
    """What the checkpoint says beside its tensors; nothing if it is damaged."""
    state = read_json(folder.weights(step) / STATE)
    return state if isinstance(state, dict) and isinstance(state.get("trainer"), dict) else {}


def _newest(folder: RunFolder) -> tuple[int, float] | None:
    steps = folder.checkpoint_steps()
    try:
        return (steps[-1], (folder.checkpoints / f"{steps[-1]:08d}").stat().st_mtime) if steps else None
    except FileNotFoundError:
        return (steps[-1], 0.0)
