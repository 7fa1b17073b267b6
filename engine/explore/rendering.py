"""A picture of a model at given places, from Python or the command line: the bytes that the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.explore.plans import render
from engine.models import finding
from engine.models.library import Loaded, load_safely


def picture(
    name: str | Path,
    places: list[dict[str, Any]],
    columns: int | None = None,
    scale: int = 1,
    runs: Path = finding.RUNS,
) -> bytes:
    """A PNG of a model, or a run's newest checkpoint, at ``places`` (``engine.explore.places``).

    Raises ``BadInput``, ``NotFound``.
    """
    folder = finding.find(name, runs)
    loaded = Loaded(load_safely(folder), folder, (), 0.0)
    request: dict[str, Any] = {"places": places, "scale": scale}
    plan = render(loaded, request if columns is None else {**request, "columns": columns})
    return plan.finish(loaded.model.generate(plan.latents))["png"]
