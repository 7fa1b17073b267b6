"""Data files that ship beside the sources which read them."""

from __future__ import annotations

from pathlib import Path

from engine.options import BadInput


def not_shipped(file: Path, name: str) -> BadInput | None:
    """That ``file`` is not beside the program, and how to make it; ``None`` if it is there."""
    if file.exists():
        return None
    return BadInput(
        f"{file.name} is not where it ships.",
        "data",
        f"Rebuild it: python -m engine.data.building.build --only {name}",
    )
