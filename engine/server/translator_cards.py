"""What a page has to know of a model that translates. No torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.runs.cards import ModelCard
from engine.runs.folder import config_at

TRANSLATED = ("pairs", "domains")  # kinds of data whose models translate
BOTH_WAYS = ("cyclegan",)
MOST_HEADER = 1 << 24  # bytes


def card_of(card: ModelCard, folder: Path) -> dict[str, Any]:
    """``card`` with ``directions``, ``names``, ``network``, ``norm``, ``size``, ``given``, ``has_back`` and
    ``has_dropout``. Raises ``NotFound`` and, of it, ``Damaged``.
    """
    config = config_at(folder)
    data, options = config["meta"]["data"], config["options"]
    shape, names = data["shape"], data.get("names", [])
    there = _networks(folder / "weights.safetensors")
    if there is None:
        directions = ["a_to_b", "b_to_a"] if card["gan"] in BOTH_WAYS else ["a_to_b"]
    else:
        sides = {"a_to_b": "generator", "b_to_a": "generator_back"}
        directions = [direction for direction, name in sides.items() if name in there]
    return {
        **card,
        "directions": directions,
        "names": names if len(names) == 2 else ["A", "B"],
        "network": options.get("network", ""),
        "norm": options.get("norm", ""),
        "size": max(shape[1:], default=0),
        "given": data.get("given", shape),
        "shape": shape,
        "has_back": len(directions) == 2,
        "has_dropout": bool(options.get("dropout")),
    }


def _networks(weights: Path) -> set[str] | None:
    """The networks in a safetensors file, by its header; ``None`` if there is no such file."""
    try:
        with open(weights, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            names = json.loads(file.read(min(length, MOST_HEADER)))
        return {name.split(".")[0] for name in names} if isinstance(names, dict) else set()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return set()
