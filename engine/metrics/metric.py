"""What a measure is: its words, which way is better, where it applies, its charts, and its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

from engine.data.source import Source
from engine.game.recipe import Recipe
from engine.metrics.subject import Outcome, Subject

SHARE = (0.0, 1.0)
Colour = Literal["fake", "real", "g", "d", "muted"]


@dataclass(frozen=True)
class Figure:
    """One number. ``title`` as in the middle of a sentence; ``sentence`` says what it is; ``bounds`` are the
    least and the greatest value that it can take. ``live``: a row of metrics has it while a run trains, not
    only an evaluation. ``ranks``: checkpoints may be compared by it.
    """

    title: str
    sentence: str
    better: Literal["lower", "higher"]
    bounds: tuple[float | None, float | None] = (None, None)
    unit: str = ""
    live: bool = False
    ranks: bool = False

    @property
    def heading(self) -> str:
        """The title as it heads a table."""
        return self.title[0].upper() + self.title[1:]


class Line(NamedTuple):
    """A line of a chart: a number of a row of metrics, its name in the legend, its colour and its tag at the
    line's end. ``when`` the objective is a Wasserstein distance, or its critic's slope is held at 1 as well.
    """

    key: str
    label: str
    colour: Colour = "fake"
    tag: str = ""
    when: Literal["", "critic", "slope"] = ""


class Reference(NamedTuple):
    """A dotted line: at ``value``, or at what a row calls ``row`` or an evaluation a floor of ``floor``; with
    a band of what a row calls ``spread``, or the evaluation a spread of ``floor``, to either side.
    """

    who: str
    colour: Colour = "muted"
    value: float | None = None
    row: str = ""
    floor: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Chart:
    """How figures are drawn. Without words it takes those of its only line's figure; ``menu`` is its name
    where it is chosen. ``axis``: what the vertical one holds at least, or, with both ends, exactly.
    """

    lines: tuple[Line, ...]
    title: str = ""
    sentence: str = ""
    menu: str = ""
    axis: tuple[float | None, float | None] = (None, None)
    references: tuple[Reference, ...] = ()
    floor_colour: Colour = "real"  # of the evaluation's floor, where there is one line
    smooth: bool = False


class Need(NamedTuple):
    """What a measure needs of a GAN and its data, in words that follow "it needs", and whether it is met."""

    what: str
    met: Callable[[Recipe, Source], bool]


@dataclass(frozen=True)
class Metric:
    """A measure of what a GAN makes. ``evaluate`` takes it of a trained generator; without it, it is taken
    while a run trains alone. ``floor``: what stands beside its figures. ``looks``: they depend on the feature
    network. ``fields``: what else it writes into a row of metrics. ``live``: of how many samples ``evaluate``
    is taken whenever a run is measured as it trains, too; 0 is never.
    """

    title: str
    sentence: str
    kinds: tuple[str, ...]  # of samples, by their names in ``engine.data.kinds``
    needs: tuple[Need, ...]
    figures: dict[str, Figure]
    floor: str = ""
    evaluate: Callable[[Subject], Outcome] | None = None
    looks: bool = False
    charts: dict[str, Chart] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    live: int = 0

    def unmet(self, recipe: Recipe, source: Source) -> str | None:
        """Why it does not apply to a GAN and its data, or ``None`` if it does."""
        for need in self.needs:
            if not need.met(recipe, source):
                return f"it needs {need.what}"
        return (
            None if source.kind in self.kinds else f"it is for {' and '.join(self.kinds)}, not {source.kind}"
        )

    def describe(self) -> dict[str, Any]:
        """The words as plain data, for ``GET /api/catalogue``."""
        return {
            "title": self.title,
            "sentence": self.sentence,
            "kinds": list(self.kinds),
            "needs": [need.what for need in self.needs],
            "floor": self.floor,
            "evaluated": self.evaluate is not None,
            "figures": {key: asdict(figure) for key, figure in self.figures.items()},
            "fields": self.fields,
        }

    def describe_chart(self, chart: Chart) -> dict[str, Any]:
        """``chart`` of its figures as plain data, with all words in place."""
        drawn = [self.figures[line.key] for line in chart.lines if line.key in self.figures]
        title, sentence = chart.title or drawn[0].title, chart.sentence or drawn[0].sentence
        references = list(chart.references)
        if len({figure.better for figure in drawn}) == 1:
            sentence += f" {drawn[0].better.capitalize()} is better."
        if self.floor and not any(figure.live for figure in drawn):
            sentence += f" Dotted: the floor of the last evaluation, {self.floor}."
            several = len(chart.lines) > 1
            for line in chart.lines:
                colour = line.colour if several else chart.floor_colour
                references.append(Reference("floor", colour, floor=line.key))
        return {
            "title": title,
            "sentence": sentence,
            "menu": chart.menu or title,
            "lines": [_short(line) for line in chart.lines],
            "axis": list(chart.axis),
            "references": [_short(reference) for reference in references],
            "smooth": chart.smooth,
        }


def _short(one: Line | Reference) -> dict[str, Any]:
    return {name: value for name, value in one._asdict().items() if value not in ("", None)}


def charts(metrics: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    """All charts of ``metrics`` by name, as plain data. A figure that none of them draws gets its own."""
    declared = [chart for metric in metrics.values() for chart in metric.charts.values()]
    drawn = {line.key.removesuffix("_back") for chart in declared for line in chart.lines}
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics.values():
        alone = {
            key: Chart((Line(key, one.title),), axis=(one.bounds[0] if one.better == "lower" else None, None))
            for key, one in metric.figures.items()
            if key.removesuffix("_back") not in drawn
        }
        found |= {name: metric.describe_chart(chart) for name, chart in (metric.charts | alone).items()}
    return found


def each_way(figures: dict[str, Figure]) -> dict[str, Figure]:
    """The figures, and the same for the way from B to A."""
    back = {f"{key}_back": replace(one, title=f"{one.title}, B to A") for key, one in figures.items()}
    return figures | back


def both_ways(key: str, colour: Colour = "g") -> tuple[Line, Line]:
    """The lines of a figure for the way from A to B and back."""
    return Line(key, "A to B", colour, "A→B"), Line(f"{key}_back", "B to A", "fake", "B→A")
