"""``runs`` and ``status``: how runs stand."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from engine.runs.folder import RunFolder


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verbs to the command line's parser."""
    lister = command("runs", _runs, "List the runs: state, step, rate.")
    lister.add_argument("--runs", type=Path, default=Path("runs"), help="the folder with runs")
    lister.add_argument("--json", action="store_true", help="as JSON")

    teller = command("status", _status, "Show the state of a run: step, rate, time left, losses.")
    teller.add_argument("which", metavar="RUN", help="its name in runs/, or its folder")
    teller.add_argument("--runs", type=Path, default=Path("runs"), help="the folder with runs")
    teller.add_argument("--json", action="store_true", help="as JSON, with its newest row of metrics")


def _runs(given: argparse.Namespace) -> int:
    from engine.runs.telling import all_runs, as_table

    found = all_runs(given.runs)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        print(as_table(found) if found else f"There are no runs in {given.runs}.")
    return 0


def _status(given: argparse.Namespace) -> int:
    from engine.runs.telling import status_of

    named = given.runs / given.which
    folder = named if (named / "status.json").exists() else Path(given.which)
    print(status_of(RunFolder(folder.resolve()), given.json))
    return 0
