"""Which data are held out: a rule that looks at names alone, the same everywhere and for good.

What is learned from is "train", what is chosen by while a run trains "val", and what figures are reported on
"test".
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from typing import Literal

from engine.runs.records import Split

Part = Literal["train", "val", "test"]
# The rule of a run, in its config.json. "families": with a validation part, emoji by the families of their
# outlines. "names", of runs from before there were others: no validation part of data that are not the user's
# own pairs, emoji by their names. "unseen": the same, without the test emoji that look like a training one.
SPLIT: Split = "families"  # of runs that start now
FIRST: Split = "names"  # of those whose config.json says nothing
WORDS: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}


def lot(name: str) -> float:
    """A number in [0, 1) that ``name`` always draws: the split follows from it, and the order."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4], "big") / 2**32


def hold_out(names: Sequence[str], share: float, fewest: int, kinds: Sequence[Hashable]) -> list[int]:
    """The numbers of those ``names`` whose lots are lowest: ``share`` of them, at least ``fewest``, but never
    more than a quarter of a kind.
    """
    wanted = max(fewest, round(share * len(names)))
    left = {kind: list(kinds).count(kind) // 4 for kind in set(kinds)}
    chosen: list[int] = []
    for number in sorted(range(len(names)), key=lambda number: lot(f"own {names[number]}")):
        if len(chosen) < wanted and left[kinds[number]]:
            left[kinds[number]] -= 1
            chosen.append(number)
    return sorted(chosen)
