"""The rows and events of runs as tables, read once and then only what is new."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from engine.api import Engine

PAGE = 10_000  # rows that are read at once
KEPT = 24  # runs whose rows stay in memory
TITLES = {
    "d_loss": "loss of D",
    "g_loss": "loss of G",
    "d_real": "D's answer to real data",
    "d_fake": "D's answer to generated data",
    "d_logit_gap": "gap of D's logits",
    "d_accuracy": "accuracy of D",
    "d_grad": "gradient norm of D",
    "g_grad": "gradient norm of G",
    "generator_lr": "learning rate of G",
    "discriminator_lr": "learning rate of D",
    "rate": "steps a second",
    "images_rate": "samples a second",
}
ABOUT = ("row", "attempt", "step", "time", "samples")  # of a row itself
GROUPS = ("Losses", "D's answers", "Gradient norms", "Measures", "Terms of the losses", "Training")


@dataclass
class Recorded:
    """What a run has recorded: ``rows`` with a column for each quantity, rising in step, and ``events``."""

    id: str
    name: str
    config: Mapping[str, Any]
    status: Mapping[str, Any]
    rows: pd.DataFrame
    events: Sequence[Mapping[str, Any]] = ()

    def values(self, name: str) -> np.ndarray:
        """A quantity in each row, float64; NaN where it was not recorded."""
        if name not in self.rows:
            return np.full(len(self.rows), np.nan)
        return np.asarray(self.rows[name], np.float64)

    def along(self, axis: str) -> np.ndarray:
        """Where each row lies on the ``axis``: "step", "time" (seconds trained) or "samples" (real ones)."""
        if axis == "samples":
            return self.values("step") * int(self.config["options"].get("batch_size", 1))
        return self.values(axis)


@dataclass
class _Kept:
    created: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=lambda: {"metrics": -1, "events": -1})
    table: pd.DataFrame = field(default_factory=pd.DataFrame)


class Recordings:
    """The recorded rows of the runs that are looked at. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, run: str) -> Recorded:
        """All that ``run`` has recorded by now. Raises ``NotFound`` and ``Damaged``."""
        found = self._engine.run(run)
        with self._lock:
            kept = self._kept.get(run)
            if kept is None or kept.created != found["config"]["created"]:
                kept = self._kept[run] = _Kept(found["config"]["created"])
            self._kept.move_to_end(run)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            if self._read(run, "metrics", kept.rows, kept.seen):
                kept.table = table_of(kept.rows)
            self._read(run, "events", kept.events, kept.seen)
            table, events = kept.table, list(kept.events)
        return Recorded(run, found["name"], found["config"], found["status"], table, events)

    def _read(self, run: str, what: Any, into: list[dict[str, Any]], seen: dict[str, int]) -> bool:
        before = seen[what]
        since: int | None = before
        while since is not None:
            raw, since = self._engine.recorded_page(run, what, seen[what], PAGE)
            new = json.loads(raw)
            into += new
            seen[what] = new[-1]["row"] if new else seen[what]
        return seen[what] != before


def table_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The numbers of ``rows`` as a table, rising in step: what was done again replaces what was there."""
    table = pd.DataFrame.from_records(list(rows))
    if table.empty:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in ABOUT})
    steps = np.asarray(table["step"], np.int64)
    coming = np.minimum.accumulate(steps[::-1])[::-1]  # the smallest step from each row on
    stays = np.append(coming[1:] > steps[:-1], True)
    return table.loc[stays].select_dtypes("number").reset_index(drop=True)


def quantities(
    recorded: Sequence[Recorded], metrics: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """What can be drawn, by group: {name: title}, of those quantities that one of the runs has recorded."""
    measured = {name: words["title"] for one in metrics.values() for name, words in one["figures"].items()}
    names = list(dict.fromkeys(str(name) for one in recorded for name in one.rows.columns))
    found: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for name in names:
        if name in ABOUT:
            continue
        title = TITLES.get(name) or measured.get(name) or name.replace("_", " ")
        found[_group(name, measured)][name] = title
    return {group: members for group, members in found.items() if members}


def _group(name: str, measured: Mapping[str, str]) -> str:
    if name in measured:
        return "Measures"
    if name in ("d_real", "d_fake", "d_logit_gap", "d_accuracy"):
        return "D's answers"
    if name in ("generator_lr", "discriminator_lr", "rate", "images_rate"):
        return "Training"
    if name.endswith("_grad"):
        return "Gradient norms"
    return "Losses" if name.endswith("_loss") else "Terms of the losses"


def differences(recorded: Sequence[Recorded]) -> dict[str, list[Any]]:
    """The choices in which runs differ, by name, one value a run: GAN, data, seed, steps and options."""
    given = [
        {"gan": one.config["gan"], "data": one.config["data"], "seed": one.config["seed"]}
        | {"steps": one.status.get("steps", one.config["steps"]), **one.config["options"]}
        for one in recorded
    ]
    names = list(dict.fromkeys(name for one in given for name in one))
    values = {name: [one.get(name) for one in given] for name in names}
    return {name: found for name, found in values.items() if any(one != found[0] for one in found)}


def is_of_seeds(recorded: Sequence[Recorded]) -> bool:
    """Whether several runs differ in nothing but their seeds."""
    return len(recorded) > 1 and set(differences(recorded)) == {"seed"}


def best(recorded: Recorded, name: str, better: str) -> tuple[float, int] | None:
    """The best value of a measure in a run and its step; ``better`` is "lower" or "higher"."""
    values = recorded.values(name)
    if not np.isfinite(values).any():
        return None
    at = int(np.nanargmin(values) if better == "lower" else np.nanargmax(values))
    return float(values[at]), int(recorded.values("step")[at])
