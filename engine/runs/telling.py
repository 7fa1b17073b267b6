"""How runs stand, in plain lines: for terminals, logs and schedulers. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.options import BadInput
from engine.runs.folder import RunFolder
from engine.runs.history import last_row

LOSSES = {"d_loss": "D", "g_loss": "G", "l1": "L1"}  # of a row, and how they are called in a line


def line(status: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Step, rate, time left and losses in one line of ASCII."""
    step, steps, rate = status.get("step", 0), status.get("steps") or 0, status.get("rate") or 0.0
    parts = [f"step {step:,} of {steps:,}" if steps else f"step {step:,}"]
    if rate:
        parts += [f"{rate:.3g} steps/s"]
        parts += [f"{duration((steps - step) / rate)} left"] if steps > step else []
    parts += [
        f"{word} {row[name]:.4g}" for name, word in LOSSES.items() if isinstance(row.get(name), int | float)
    ]
    if "modes_hit" in row:
        parts.append(f"modes {row['modes_hit']}/{row['modes_total']}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Of 3,725 seconds "1 h 2 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def brief(folder: RunFolder) -> dict[str, Any]:
    """A run in a few words: ``id``, ``state``, ``step`` ...; a damaged one with its ``error``."""
    try:
        config, status = folder.config(), folder.status()
    except BadInput as damage:
        return {"id": folder.id, "state": "damaged", "error": damage.error}
    steps = status.get("steps") or config["steps"]
    about = {"id": folder.id, "name": config["name"], "gan": config["gan"], "data": config["data"]}
    told = ("state", "step", "rate", "elapsed", "device", "error", "remedy")
    return {
        **about,
        "steps": steps,
        **{name: status.get(name) for name in told if status.get(name) is not None},
    }


def all_runs(runs: Path) -> list[dict[str, Any]]:
    """``brief`` of every run in a folder, the newest first."""
    if not runs.is_dir():
        return []
    found = [path for path in runs.iterdir() if not path.name.startswith(".") and path.is_dir()]
    found = [path for path in found if (path / "config.json").exists() or (path / "status.json").exists()]
    return [brief(RunFolder(path)) for path in sorted(found, key=lambda path: -path.stat().st_mtime)]


def as_table(runs: list[dict[str, Any]]) -> str:
    """One line a run."""
    rows = []
    for one in runs:
        what = f"{one['gan']} on {one['data']}" if "gan" in one else str(one.get("error", ""))
        of = f"{one['step']:,} of {one['steps']:,}" if "steps" in one else ""
        rate = f"{one['rate']:.3g}/s" if one.get("rate") else ""
        rows.append((str(one["id"]), str(one["state"]), of, rate, what))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def status_of(folder: RunFolder, as_json: bool) -> str:
    """How one run stands. Raises ``NotFound``."""
    folder.config()
    told, row = brief(folder), last_row(folder.metrics) or {}
    if as_json:
        return json.dumps({**told, "row": row}, indent=2)
    lines = [f"{told['id']}: {told['state']}", line(told, row)]
    lines += [f"{told['gan']} on {told['data']}, {duration(told.get('elapsed', 0))} of training"]
    lines += [f"{told['error']} {told.get('remedy', '')}".strip()] if told.get("error") else []
    return "\n".join(lines)
