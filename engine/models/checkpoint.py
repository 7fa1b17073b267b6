"""Checkpoints: a tree of tensors and plain data as one safetensors file and one JSON file, written whole or
not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.options import NotFound
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


def _write(folder: RunFolder, name: str, state: dict[str, Any]) -> Path:
    final, unfinished = folder.checkpoints / name, folder.checkpoints / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    tensors: dict[str, Tensor] = {}
    tree = _take_tensors(state, "", tensors)
    save_file(tensors, unfinished / "tensors.safetensors")
    with open(unfinished / "state.json", "w") as file:
        json.dump(tree, file)
    if final.exists():  # the same step again, after single phases or a resume: the new one replaces the old
        old = folder.checkpoints / f".{name}.old"
        shutil.rmtree(old, ignore_errors=True)
        os.replace(final, old)
        os.replace(unfinished, final)
        shutil.rmtree(old)
    else:
        os.replace(unfinished, final)
    return final


def load(path: Path) -> dict[str, Any]:
    """The tree that ``save`` wrote. Raises ``NotFound`` for a folder that is no checkpoint."""
    try:
        tree = json.loads((path / "state.json").read_text())
        tensors = load_file(path / "tensors.safetensors")
    except FileNotFoundError:
        raise NotFound(f"{path} is no checkpoint.", "checkpoint", "Choose another step.") from None
    return _put_tensors(tree, tensors)


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
        shutil.rmtree(folder.checkpoints / f"{steps.pop(drop):08d}", ignore_errors=True)


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
