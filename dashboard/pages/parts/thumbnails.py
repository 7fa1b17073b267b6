"""When a run's picture last changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.options import NotFound

if TYPE_CHECKING:
    from engine.api import Engine


def version(engine: Engine, run: str) -> float | None:
    """The time of change of the run's thumbnail, in seconds; None while it has none."""
    try:
        return engine.folder(run).thumbnail.stat().st_mtime
    except (NotFound, FileNotFoundError):
        return None
