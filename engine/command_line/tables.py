"""``list``: what there is to choose from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

TABLES = ("gans", "objectives", "stabilisers", "datasets", "models", "plugins")


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command line's parser."""
    lister = command(
        "list", list_tables, "List the GANs, objectives, stabilisers, data sets, models and plugins."
    )
    lister.add_argument("table", nargs="?", choices=TABLES, help="one of them (default: all)")
    lister.add_argument("--json", action="store_true", help="everything, options included, as JSON")


def list_tables(given: argparse.Namespace) -> int:
    """Print what is in a table, or in all of them."""
    from engine.models import finding
    from engine.plugins.loading import report
    from engine.training.catalogue import catalogue

    cards = {folder.name: finding.describe(folder) for folder in finding.folders(finding.RUNS)}
    everything = {**catalogue(), "models": cards, "plugins": report()}
    if given.json:
        print(json.dumps(everything[given.table] if given.table else everything, indent=2))
        return 0
    for table in (given.table,) if given.table else TABLES:
        entries = everything[table]
        print(f"{table}:" if entries else f"{table}: none yet")
        width = max(map(len, entries), default=0)
        for name, entry in entries.items():
            missing = "" if entry.get("available", True) else "  (not on this machine)"
            print(f"  {name:<{width}}  {entry['sentence']}{missing}")
    return 0
