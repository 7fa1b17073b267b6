"""What imported weights were trained on, which is not here: a name for it, and what would be needed."""

from __future__ import annotations

from typing import Any

from engine.data.translations.two_sides import TranslationSource
from engine.options import BadInput


class Imported(TranslationSource):
    """Data that are always missing."""

    name = "imported"
    title = "Imported weights"
    sentence = "What somebody else trained a translator on; only the weights are here."
    kind = "pairs"
    licence = "as its owners state"
    offered = False

    @classmethod
    def missing(cls, options: Any = None) -> BadInput | None:
        return BadInput(
            "the data that imported weights were trained on are not on this machine.",
            "data",
            "Translate with the model; to train, choose other data.",
        )

    def __init__(self, options: Any = None) -> None:
        problem = self.missing()
        assert problem is not None
        raise problem
