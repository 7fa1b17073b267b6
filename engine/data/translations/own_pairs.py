"""The user's own pairs: files that show A and B side by side, or folders A and B with equal names."""

from __future__ import annotations

from typing import Any, Literal

import torch

from engine.data.reading.sides import SideBySide
from engine.data.translations.own_sides import OwnSides, OwnSidesOptions
from engine.options import knob


class OwnPairsOptions(OwnSidesOptions):
    direction: Literal["a_to_b", "b_to_a"] = knob(
        "a_to_b",
        "Direction",
        "Which side is the input, and which the target.",
        group="data",
        choices={"a_to_b": "A to B", "b_to_a": "B to A"},
    )
    side_by_side: SideBySide = knob(
        "auto",
        "A and B in one file",
        "Whether files outside the folders A and B show both side by side.",
        group="data",
        choices={"auto": "Where they look like it", "always": "Always"},
    )


class OwnPairs(OwnSides):
    """Pairs of pictures of one folder or upload; ``direction`` "b_to_a" swaps the sides."""

    name = "own_pairs"
    title = "Your own pairs"
    subject = "your own pairs"
    sentence = "Pairs of your own pictures: A|B side by side, or in folders A and B under equal names."
    kind = "pairs"
    layout = "pairs"
    Options = OwnPairsOptions

    def __init__(self, options: OwnPairsOptions | None = None) -> None:
        super().__init__(options)
        self._swapped = self.options.direction == "b_to_a"
        self.names = ("B", "A") if self._swapped else ("A", "B")

    @property
    def a(self) -> torch.Tensor:
        return self._sides.b if self._swapped else self._sides.a

    @property
    def b(self) -> torch.Tensor:
        return self._sides.a if self._swapped else self._sides.b

    def _reading(self) -> dict[str, Any]:
        return {**super()._reading(), "side_by_side": self.options.side_by_side}

    @property
    def val_a(self) -> torch.Tensor | None:
        return self._held(self._sides.val_b if self._swapped else self._sides.val_a)

    @property
    def val_b(self) -> torch.Tensor | None:
        return self._held(self._sides.val_a if self._swapped else self._sides.val_b)

    @property
    def test_a(self) -> torch.Tensor:
        return self._middle(self._sides.test_b if self._swapped else self._sides.test_a)

    @property
    def test_b(self) -> torch.Tensor:
        return self._middle(self._sides.test_a if self._swapped else self._sides.test_b)
