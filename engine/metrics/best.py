"""The checkpoint that was best by a chosen measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.data.source import Source
from engine.game.recipe import Recipe
from engine.metrics import METRICS
from engine.metrics.metric import Figure
from engine.runs.records import BestRecord, Row

RANKING: dict[str, Figure] = {
    key: figure for metric in METRICS.values() for key, figure in metric.figures.items() if figure.ranks
}
CHOICES = {"none": "none: keep the last"} | {key: figure.title for key, figure in RANKING.items()}


def best_by(recipe: Recipe, source: Source) -> list[str]:
    """The measures that a run has, and by which its best checkpoint may be kept."""
    return [
        key
        for metric in METRICS.values()
        if metric.unmet(recipe, source) is None
        for key, figure in metric.figures.items()
        if figure.ranks
    ]


@dataclass
class Best:
    """The best value of a measure so far, and at which step it was."""

    measure: str
    value: float | None = None
    step: int | None = None

    def as_dict(self) -> BestRecord | None:
        """What it is of, its title, value and step; ``None`` if there is none yet."""
        if self.step is None:
            return None
        return {
            "measure": self.measure,
            "title": RANKING[self.measure].title,
            "value": self.value,
            "step": self.step,
        }

    def improves(self, row: Row, step: int) -> bool:
        """Whether a row of metrics holds a better value, which is then remembered."""
        value = row.get(self.measure)
        if self.measure not in RANKING or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if self.value is not None and (value >= self.value) == (RANKING[self.measure].better == "lower"):
            return False
        self.value, self.step = float(value), step
        return True
