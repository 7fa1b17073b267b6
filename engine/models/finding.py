"""Where models lie: those that ship, those added, and runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import PRETRAINED
from engine.options import NotFound
from engine.runs.files import read_json
from engine.runs.folder import best_of, config_at, run_at

RUNS = Path(os.environ.get("GANSCOPE_RUNS", "runs"))


def find(name: str | Path, runs: Path = RUNS) -> Path:
    """The folder of a model or run: a path, a pretrained or added model's id, or a run's id; for RUN.best
    that of the run's best checkpoint.

    Raises ``NotFound``.
    """
    given = Path(name)
    if run_at(given)[1] and given.is_dir():
        return given
    if (best := best_of(given if given.name != str(name) else runs / name)) is not None:
        return best
    places = [given, PRETRAINED / given.name, runs / ".models" / given.name, runs / given.name]
    for place in places if given.name == str(name) else [given]:
        if is_of_gan(place):
            return place
    raise NotFound(
        f"there is no model or run called {str(name)[:100]!r}.",
        "model",
        "See `python -m engine list models`, or name a run's folder.",
    )


def folders(runs: Path | None = None) -> Iterator[Path]:
    """The folders of all models that ship and of those added to ``runs``."""
    for parent in (PRETRAINED, *([runs / ".models"] if runs else [])):
        for folder in sorted(parent.glob("*/weights.safetensors")):
            if is_of_gan(folder.parent):
                yield folder.parent


def is_of_gan(folder: Path) -> bool:
    """Whether ``folder`` is that of a model or run, damaged or not; classifiers lie beside them."""
    config = read_json(folder / "config.json", {"gan": "damaged"})
    return (folder / "config.json").is_file() and (not isinstance(config, dict) or "gan" in config)


def describe(folder: Path) -> dict[str, Any]:
    """A model's card for a list: id, title, gan, data, shape, licence, figures, size in bytes, codes. Raises
    ``Damaged``.
    """
    config: Any = config_at(folder)
    return {
        "id": folder.name,
        "title": config["title"],
        "sentence": config.get("sentence", ""),
        "gan": config["gan"],
        "data": config["data"],
        "shape": config["meta"]["data"]["shape"],
        "kind": config["kind"],
        "step": config["step"],
        "licence": config.get("licence", ""),
        "figures": config.get("figures", {}),
        "bytes": (folder / "weights.safetensors").stat().st_size,
    }
