"""Plotly's figures of what runs have recorded: one row a quantity, all over the same axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

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
ROW_PX, MARKS_PX, AROUND_PX = 190, 90, 90
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
    rows = len(names)
    height = ROW_PX * rows + MARKS_PX + AROUND_PX
    figure = make_subplots(
        rows=rows + 1,
        shared_xaxes=True,
        vertical_spacing=min(0.2, 30 / height),
        row_heights=[ROW_PX] * rows + [MARKS_PX],
        subplot_titles=[*names.values(), "events"],
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 15})
    as_band = view.band and is_of_seeds(recorded)
    for row, name in enumerate(names, 1):
        if as_band:
            _add_band(figure, recorded, name, view, row)
        else:
            for number, one in enumerate(recorded):
                _add_run(figure, one, name, view, row, number)
        for value, runs in _at_rest(recorded, name).items():
            words = "" if len(runs) == len(recorded) else f" {', '.join(runs)}"
            place: dict[str, Any] = {"row": row, "col": 1}
            figure.add_hline(
                value,
                line={"dash": "dot", "width": 1.5, "color": "gray"},
                annotation={"text": f"{value:.4g}{words}", "font": {"size": 12}},
                **place,
            )
    for number, one in enumerate(recorded):
        _add_marks(figure, one, view, rows + 1, number)
    if view.at is not None and recorded:
        figure.add_vline(_place(recorded[0], view, view.at), line={"width": 2, "color": "gray"})
    kind = "log" if view.log_x else "linear"
    figure.update_xaxes(type=kind, matches="x")
    figure.update_xaxes(title=AXES[view.axis], row=rows + 1)
    figure.update_yaxes(type="log" if view.log_y else "linear", exponentformat="power")
    figure.update_yaxes(type="category", showgrid=False, showticklabels=False, row=rows + 1)
    figure.update_layout(
        height=height,
        hovermode="x unified",
        hoversubplots="axis",
        margin={"l": 60, "r": 60, "t": 40, "b": 40},
        legend={"orientation": "h", "y": 1 + 46 / height, "x": 0, "groupclick": "togglegroup"},
        uirevision=f"{[one.id for one in recorded]} {view.axis} {view.log_x} {view.log_y}",  # zoom stays
    )
    return figure


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number % len(DASHES)], "width": 2}


def _add_run(figure: go.Figure, one: Recorded, name: str, view: View, row: int, number: int) -> None:
    if name not in one.rows:
        return
    x, y = one.along(view.axis), one.values(name)
    soft = smoothed(one.values("step"), y, view.width)
    drawn = [(soft, 1.0, True)] if view.width <= 0 else [(y, 0.25, False), (soft, 1.0, True)]
    for values, opacity, is_main in drawn:
        kept = thinned(values)
        figure.add_trace(
            go.Scattergl(
                x=x[kept],
                y=values[kept],
                name=one.name,
                legendgroup=one.id,
                showlegend=is_main and row == 1,
                opacity=opacity,
                line=_style(number) if is_main else {**_style(number), "width": 1},
                mode="lines" if len(kept) > 1 else "markers",
                hoverinfo="all" if is_main else "skip",
                hovertemplate="%{y:.4g}" if is_main else None,
            ),
            row=row,
            col=1,
        )


def _add_band(figure: go.Figure, recorded: Sequence[Recorded], name: str, view: View, row: int) -> None:
    """The mean of runs that differ in their seeds, between the smallest and the largest of them."""
    together = spread(recorded, name, view)
    if together.empty:
        return
    x, colour = together.index.to_numpy(), COLOURS[0]
    shared = {"x": x, "legendgroup": "seeds", "mode": "lines", "hovertemplate": "%{y:.4g}"}
    edge = {"width": 0, "color": colour}
    figure.add_trace(
        go.Scatter(y=together["least"], name="smallest", line=edge, showlegend=False, **shared), row, 1
    )
    figure.add_trace(
        go.Scatter(
            y=together["most"], name="largest", line=edge, showlegend=False, fill="tonexty",
            fillcolor="rgba(64, 83, 211, 0.2)", **shared,
        ),
        row, 1,
    )  # fmt: skip
    words = f"mean of {len(recorded)} seeds"
    figure.add_trace(
        go.Scatter(y=together["mean"], name=words, line=_style(0), showlegend=row == 1, **shared), row, 1
    )


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


def _add_marks(figure: go.Figure, one: Recorded, view: View, row: int, number: int) -> None:
    marks: list[tuple[Mapping[str, Any], str]] = []
    diagnosed = ""
    for event in one.events:
        words = said(event)
        if not words or (event["type"] == "diagnosis" and words == diagnosed):
            continue  # of diagnoses, when they change
        diagnosed = words if event["type"] == "diagnosis" else diagnosed
        marks.append((event, words))
    if not marks:
        return
    figure.add_trace(
        go.Scatter(
            x=[_place(one, view, event["step"]) for event, _ in marks],
            y=[one.name] * len(marks),
            mode="markers",
            marker={
                "symbol": [MARKED[event["type"]] for event, _ in marks],
                "size": 9,
                "color": COLOURS[number % len(COLOURS)],
            },
            text=[words for _, words in marks],
            name=one.name,
            legendgroup=one.id,
            showlegend=False,
            hovertemplate="%{text}",
        ),
        row,
        1,
    )


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
