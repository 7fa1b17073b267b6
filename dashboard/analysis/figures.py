"""Plotly's figures of what runs have recorded: one row a quantity, all over the same axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.analysis.curves import smoothed, thinned
from dashboard.analysis.recorded import Recorded, is_of_seeds

Axis = Literal["step", "time", "samples"]
AXES: dict[Axis, str] = {
    "step": "step",
    "time": "seconds of training",
    "samples": "real samples seen",
}
# of runs; none of them means a player or a kind of data elsewhere (Okabe and Ito's, without D's and G's)
COLOURS = ("#4053d3", "#ddb310", "#b51d14", "#00a88f", "#fb49b0", "#808080")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ROW_PX, MARKS_PX, BETWEEN_PX, TOP_PX, BOTTOM_PX = 170, 70, 34, 62, 44
MARKED = {"diagnosis": "circle", "command": "triangle-up", "evaluation": "square", "resumed": "diamond"}


@dataclass(frozen=True)
class View:
    """How curves are drawn. ``width``: of the smoothing, in steps; ``at``: a step that is marked."""

    axis: Axis = "step"
    log_x: bool = False
    log_y: bool = False
    width: float = 0.0
    band: bool = False
    at: int | None = None


def curves(recorded: Sequence[Recorded], names: Mapping[str, str], view: View) -> go.Figure:
    """The quantities ``names`` ({name: title}) of all runs, a row each; marks of events below. Dotted: values
    at the equilibrium of the losses that ran.
    """
    drawing = _Drawing([*names.values(), "events"], view)
    as_band = view.band and is_of_seeds(recorded)
    for row, name in enumerate(names, 1):
        if as_band:
            drawing.traces += _band(recorded, name, view, row)
        else:
            for number, one in enumerate(recorded):
                drawing.traces += _lines(one, name, view, row, number)
        for value, runs in _at_rest(recorded, name).items():
            drawing.line(row, value, "" if len(runs) == len(recorded) else ", ".join(runs))
    for number, one in enumerate(recorded):
        drawing.traces += _marks(one, view, len(names) + 1, number)
    if view.at is not None and recorded:
        drawing.upright(_place(recorded[0], view, view.at))
    return drawing.figure([one.id for one in recorded])


class _Drawing:
    """A figure as plain data, rows with ``titles`` over one axis, the last for marks: Plotly's own way of
    adding one thing after the other takes a second where this takes a few milliseconds.
    """

    def __init__(self, titles: Sequence[str], view: View) -> None:
        self.view, self.traces = view, list[dict[str, Any]]()
        self._shapes, self._notes = list[dict[str, Any]](), list[dict[str, Any]]()
        sizes = [ROW_PX] * (len(titles) - 1) + [MARKS_PX]
        inside = sum(sizes) + BETWEEN_PX * (len(sizes) - 1)
        self.height = inside + TOP_PX + BOTTOM_PX
        self._axes: dict[str, Any] = {}
        top = float(inside)
        for row, (title, size) in enumerate(zip(titles, sizes, strict=True), 1):
            kind = "log" if view.log_y else "linear"
            scale = {"type": kind, "exponentformat": "power", "zeroline": False}
            if row == len(titles):
                scale = {"type": "category", "showgrid": False, "showticklabels": False}
            domain = [max(0.0, (top - size) / inside), top / inside]
            self._axes[f"yaxis{row}"] = {**scale, "domain": domain, "anchor": "x"}
            place = {"xref": "paper", "yref": "paper", "x": 0, "y": domain[1], "yanchor": "bottom"}
            self._notes.append({**place, "xanchor": "left", "text": title, "showarrow": False})
            top -= size + BETWEEN_PX
        self._axes["xaxis"] = {
            "type": "log" if view.log_x else "linear",
            "title": {"text": AXES[view.axis]},
            "anchor": f"y{len(titles)}",
        }

    def line(self, row: int, value: float, whose: str) -> None:
        """A dotted line at ``value``, which is written at its end."""
        self._shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": f"y{row}", "y0": value, "y1": value}
            | {"line": {"dash": "dot", "width": 1.5, "color": "gray"}}
        )
        place = {"xref": "paper", "x": 1, "xanchor": "left", "yref": f"y{row}", "showarrow": False}
        y = np.log10(value) if self.view.log_y and value > 0 else value
        self._notes.append({**place, "y": y, "text": f"{value:.4g} {whose}".strip(), "font": {"size": 12}})

    def upright(self, place: float) -> None:
        """A line through all rows."""
        self._shapes.append(
            {"type": "line", "xref": "x", "x0": place, "x1": place, "yref": "paper", "y0": 0, "y1": 1}
            | {"line": {"width": 2, "color": "gray"}}
        )

    def figure(self, runs: Sequence[str]) -> go.Figure:
        """All of it; a zoom stays as long as ``runs`` and the axes do."""
        view = self.view
        layout = {
            **self._axes,
            "height": self.height,
            "hovermode": "x unified",
            "hoversubplots": "axis",
            "margin": {"l": 60, "r": 70, "t": TOP_PX, "b": BOTTOM_PX},
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container"}
            | {"groupclick": "togglegroup"},
            "uirevision": f"{list(runs)} {view.axis} {view.log_x} {view.log_y}",
            "shapes": self._shapes,
            "annotations": self._notes,
        }
        return go.Figure({"data": self.traces, "layout": layout})


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number % len(DASHES)], "width": 2}


def _lines(one: Recorded, name: str, view: View, row: int, number: int) -> Iterator[dict[str, Any]]:
    """A run's curve and, if it is smoothed, its values behind it."""
    if name not in one.rows:
        return
    x, y = one.along(view.axis), one.values(name)
    soft = smoothed(one.values("step"), y, view.width)
    drawn = [(soft, 1.0, True)] if view.width <= 0 else [(y, 0.25, False), (soft, 1.0, True)]
    for values, opacity, is_main in drawn:
        kept = thinned(values)
        yield {
            "type": "scattergl",
            "x": x[kept],
            "y": values[kept],
            "xaxis": "x",
            "yaxis": f"y{row}",
            "name": one.name,
            "legendgroup": one.id,
            "showlegend": is_main and row == 1,
            "opacity": opacity,
            "line": _style(number) if is_main else {**_style(number), "width": 1},
            "mode": "lines" if len(kept) > 1 else "markers",
            **({"hovertemplate": "%{y:.4g}"} if is_main else {"hoverinfo": "skip"}),
        }


def _band(recorded: Sequence[Recorded], name: str, view: View, row: int) -> Iterator[dict[str, Any]]:
    """The mean of runs that differ in their seeds, between the smallest and the largest of them."""
    together = spread(recorded, name, view)
    if together.empty:
        return
    shared = {"type": "scatter", "x": together.index.to_numpy(), "xaxis": "x", "yaxis": f"y{row}"}
    shared |= {"legendgroup": "seeds", "mode": "lines", "hovertemplate": "%{y:.4g}"}
    edge = {"line": {"width": 0, "color": COLOURS[0]}, "showlegend": False}
    fill = {"fill": "tonexty", "fillcolor": "rgba(64, 83, 211, 0.2)"}
    yield {**shared, **edge, "y": together["least"].to_numpy(), "name": "smallest"}
    yield {**shared, **edge, **fill, "y": together["most"].to_numpy(), "name": "largest"}
    words = f"mean of {len(recorded)} seeds"
    mean = {"line": _style(0), "showlegend": row == 1, "name": words}
    yield {**shared, **mean, "y": together["mean"].to_numpy()}


def spread(recorded: Sequence[Recorded], name: str, view: View) -> pd.DataFrame:
    """The ``least``, ``mean`` and ``most`` of a quantity over runs, as far along the axis as all go."""
    parts = []
    for one in recorded:
        y = smoothed(one.values("step"), one.values(name), view.width)
        known = np.isfinite(y)
        if known.any():
            parts.append((one.along(view.axis)[known], y[known]))
    if not parts:
        return pd.DataFrame()
    end, begin = min(x[-1] for x, _ in parts), max(x[0] for x, _ in parts)
    places = np.unique(np.concatenate([x for x, _ in parts]))
    places = places[(places >= begin) & (places <= end)]
    values = np.stack([np.interp(places, x, y) for x, y in parts])
    found = {"least": values.min(0), "mean": values.mean(0), "most": values.max(0)}
    return pd.DataFrame(found, index=places)


def _at_rest(recorded: Sequence[Recorded], name: str) -> dict[float, list[str]]:
    """Values at the equilibrium of the losses that ran, and the names of their runs."""
    found: dict[float, list[str]] = {}
    for one in recorded:
        known = one.status.get("equilibrium") or one.config["meta"]["objective"].get("equilibrium") or {}
        value = known.get(name)
        if isinstance(value, int | float):
            found.setdefault(round(float(value), 9), []).append(one.name)
    return found


def _marks(one: Recorded, view: View, row: int, number: int) -> Iterator[dict[str, Any]]:
    marks: list[tuple[Mapping[str, Any], str]] = []
    diagnosed = ""
    for event in one.events:
        words = said(event)
        if not words or (event["type"] == "diagnosis" and words == diagnosed):
            continue  # of diagnoses, when they change
        diagnosed = words if event["type"] == "diagnosis" else diagnosed
        marks.append((event, words))
    if marks:
        symbols = [MARKED[event["type"]] for event, _ in marks]
        yield {
            "type": "scatter",
            "x": [_place(one, view, event["step"]) for event, _ in marks],
            "y": [one.name] * len(marks),
            "xaxis": "x",
            "yaxis": f"y{row}",
            "mode": "markers",
            "marker": {"symbol": symbols, "size": 9, "color": COLOURS[number % len(COLOURS)]},
            "text": [words for _, words in marks],
            "name": one.name,
            "legendgroup": one.id,
            "showlegend": False,
            "hovertemplate": "%{text}",
        }


def said(event: Mapping[str, Any]) -> str:
    """An event in a few words; empty for one that is not marked."""
    kind = event["type"]
    if kind == "diagnosis":
        return ", ".join(one["title"] for one in event.get("active") or []) or "nothing to report"
    if kind == "command":
        command = event["command"]
        options = command.get("options") or {}
        changes = [f"{name} = {value}" for name, value in options.items()]
        return ", ".join(changes) or str(command.get("command", ""))
    if kind == "evaluation":
        figures = event.get("figures") or {}
        return "evaluation: " + ", ".join(f"{name} {value:.3g}" for name, value in list(figures.items())[:4])
    return "resumed" if kind == "resumed" else ""


def _place(one: Recorded, view: View, step: int) -> float:
    """Where ``step`` of a run lies on the axis."""
    if view.axis == "step" or one.rows.empty:
        return step
    return float(np.interp(step, one.values("step"), one.along(view.axis)))
