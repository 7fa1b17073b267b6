"""Checkpoints: a tree of tensors and plain data as one safetensors file and one JSON file, written whole or
not at all.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.options import NotFound, is_full
from engine.runs.files import replace, with_room
from engine.runs.folder import BEST, RunFolder

TENSOR = "$tensor"
KEEP_NEWEST = 3
KEEP_AT_MOST = 10


def save(folder: RunFolder, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` as the checkpoint of ``step`` and thin out the older ones."""
    final = _write(folder, f"{step:08d}", state)
    _thin(folder)
    return final


def save_best(folder: RunFolder, state: dict[str, Any]) -> Path:
    """Write ``state`` as the best checkpoint, which stays until there is a better one."""
    return _write(folder, BEST, state)


def save_beside(folder: RunFolder, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` beside the snapshot of ``step``. It is not resumed from, so it is not waited for until
    it is on the disk.
    """
    final = folder.snapshots / f"{step:08d}"
    unfinished = final.with_name(f".{final.name}")
    tensors: dict[str, Tensor] = {}
    tree = _take_tensors(state, "", tensors)
    with_room(lambda: _write_files(unfinished, tree, tensors, sync=False))
    shutil.rmtree(final, ignore_errors=True)  # of the same step, before a resume
    replace(unfinished, final)
    return final


def _write(folder: RunFolder, name: str, state: dict[str, Any]) -> Path:
    final, unfinished = folder.checkpoints / name, folder.checkpoints / f".{name}"
    tensors: dict[str, Tensor] = {}
    tree = _take_tensors(state, "", tensors)
    with_room(lambda: _write_files(unfinished, tree, tensors))
    if final.exists():  # the same step again, after single phases or a resume: the new one replaces the old
        old = folder.checkpoints / f".{name}.old"
        shutil.rmtree(old, ignore_errors=True)
        replace(final, old)
        replace(unfinished, final)
        shutil.rmtree(old, ignore_errors=True)
    else:
        replace(unfinished, final)
    _sync(folder.checkpoints)
    return final


def _write_files(unfinished: Path, tree: Any, tensors: dict[str, Tensor], sync: bool = True) -> None:
    """Write a checkpoint down to the disk, so that its name never stands for less. Nothing stays of half."""
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        save_file(tensors, unfinished / "tensors.safetensors")
        (unfinished / "state.json").write_text(json.dumps(tree), "utf-8")
        for path in (*unfinished.iterdir(), unfinished) if sync else ():
            _sync(path)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if is_full(error):
            raise OSError(errno.ENOSPC, "no room") from error
        raise


def _sync(path: Path) -> None:
    """Have ``path`` on the disk, whatever ends this machine next. Windows does that to files only."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path) -> dict[str, Any]:
    """The tree that ``save`` wrote. Raises ``NotFound`` for what is no checkpoint, or a damaged one."""
    try:
        tree = json.loads((path / "state.json").read_bytes())
        return _put_tensors(tree, load_file(path / "tensors.safetensors"))
    except FileNotFoundError:
        raise NotFound(f"{path} is not a checkpoint.", "checkpoint", "Choose another step.") from None
    except (ValueError, KeyError, RecursionError, SafetensorError, OSError):
        raise NotFound(f"the checkpoint {path} is damaged.", "checkpoint", "Choose another step.") from None


@dataclass(frozen=True)
class Whole:
    """The newest checkpoint that can be read: its step and tree, and the steps of newer ones, damaged."""

    step: int
    tree: dict[str, Any]
    damaged: list[int]


def newest_whole(folder: RunFolder, before: int | None = None) -> Whole | None:
    """The newest checkpoint (not after step ``before``) that is whole; ``None`` if there is none at all.
    Raises ``NotFound`` if all are damaged.
    """
    steps = [step for step in folder.checkpoint_steps() if before is None or step <= before]
    damaged: list[int] = []
    for step in reversed(steps):
        with contextlib.suppress(NotFound):
            tree = load(folder.checkpoints / f"{step:08d}")
            if isinstance(tree, dict) and isinstance(tree.get("trainer"), dict):
                return Whole(step, tree, damaged)
        damaged.append(step)
    if damaged and folder.checkpoint_steps():  # none was only thinned out meanwhile
        raise NotFound(
            "every checkpoint of the run is damaged.", "checkpoint", "Start it anew: duplicate it."
        )
    return None


def newest(folder: RunFolder, before: int | None = None) -> Path | None:
    """The newest checkpoint, or the newest one not after step ``before``."""
    steps = [step for step in folder.checkpoint_steps() if before is None or step <= before]
    return folder.checkpoints / f"{steps[-1]:08d}" if steps else None


def _thin(folder: RunFolder) -> None:
    """Keep the first, the newest few, and among the others drop the one that leaves the smallest relative
    gap.
    """
    steps = folder.checkpoint_steps()
    while len(steps) > KEEP_AT_MOST:
        middle = range(1, len(steps) - KEEP_NEWEST)
        drop = min(middle, key=lambda i: (steps[i + 1] - steps[i - 1]) / (steps[-1] - steps[i] + 1))
        name = f"{steps.pop(drop):08d}"
        gone = folder.checkpoints / f".{name}.old"
        shutil.rmtree(gone, ignore_errors=True)
        with contextlib.suppress(PermissionError):  # Windows keeps what somebody reads: next time, then
            replace(folder.checkpoints / name, gone)
            shutil.rmtree(gone, ignore_errors=True)


def _take_tensors(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {TENSOR: path}
    if isinstance(value, dict):
        keys = "int" if value and all(isinstance(key, int) for key in value) else "str"
        items = {
            str(key): _take_tensors(item, f"{path}.{key}".lstrip("."), tensors) for key, item in value.items()
        }
        return {"$int": items} if keys == "int" else items
    if isinstance(value, list | tuple):
        return [
            _take_tensors(item, f"{path}.{index}".lstrip("."), tensors) for index, item in enumerate(value)
        ]
    return value


def _put_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_put_tensors(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if TENSOR in value:
        return tensors[value[TENSOR]]
    if "$int" in value:
        return {int(key): _put_tensors(item, tensors) for key, item in value["$int"].items()}
    return {key: _put_tensors(item, tensors) for key, item in value.items()}
