"""Analyse: up to six runs, finished or live: every recorded quantity, what differs, and what was best."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, cast

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.analysis import figures, recorded
from dashboard.analysis.figures import AXES, Axis, View
from dashboard.analysis.recorded import Recorded, Recordings
from dashboard.pages.parts.links import link
from dashboard.pages.parts.problem import note, show_problem
from dashboard.pages.parts.runs import is_live
from engine.api import Engine
from engine.options import BadInput

MOST = 6  # runs
MOST_ROWS = 8  # quantities in one figure
FIRST = ("d_loss", "g_loss", "d_real", "d_fake")
WIDTHS = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000)  # steps
REFRESH_S = 5.0
PICTURE_PX = 220
PLOT = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": "svg", "filename": "ganscope"},
    "modeBarButtonsToAdd": ["v1hovermode"],
}
HELP_SMOOTH = "Weights halve every so many steps, to both sides. Raw values stay behind, faintly."
HELP_BAND = "The mean of all, between the smallest and the largest, where runs differ in the seed alone."

engine = session.engine()


@st.cache_resource(show_spinner=False)
def recordings(_engine: Engine, runs_folder: str) -> Recordings:
    """What was read of runs is shared by all who look."""
    return Recordings(_engine)


def choose() -> list[str]:
    """The runs to study: those of the address, and what is chosen here."""
    everything = {run["id"]: run for run in engine.runs() if not run.get("damaged")}
    asked = list(dict.fromkeys(st.query_params.get_all("run")))
    for run in asked:
        if run not in everything:
            name = run if len(run) <= 60 else run[:59] + "…"
            show_problem(BadInput(f"there is no run called {name}.", "run", "It may have been deleted."))
    if len(asked) > MOST:
        note(f"These are the first {MOST} runs: more lines cannot be told apart.")
    there = [run for run in asked if run in everything][:MOST]
    if not there:
        live = [run for run, about in everything.items() if is_live(about)]
        there = [*live, *everything][:1]

    def words(run: str) -> str:
        return f"{everything[run]['name']} · {run}"

    if not everything:
        return []
    chosen = st.multiselect(
        "Runs", list(everything), there, format_func=words, max_selections=MOST, key=f"runs {there}"
    )
    if chosen != asked:
        st.query_params["run"] = chosen
    return chosen


def read(runs: Sequence[str]) -> list[Recorded]:
    """What the runs have recorded; of those that cannot be read, why."""
    found, kept = [], recordings(engine, str(engine.runs_folder))
    for run in runs:
        try:
            found.append(kept.of(run))
        except BadInput as problem:
            show_problem(problem)
    names = [one.name for one in found]
    for one in found:  # lines are told apart by their names
        if names.count(one.name) > 1:
            one.name = f"{one.name} · {one.id}"
    return found


def knobs(found: Sequence[Recorded]) -> tuple[dict[str, str], View]:
    """What to draw, and how."""
    by_group = recorded.quantities(found, engine.catalogue()["metrics"])
    titles = {name: title for members in by_group.values() for name, title in members.items()}
    group_of = {name: group for group, members in by_group.items() for name in members}
    first = [name for name in FIRST if name in titles] or list(titles)[:2]
    names = st.multiselect(
        "Quantities",
        list(titles),
        first,
        format_func=lambda name: f"{group_of.get(name, '')}: {titles.get(name, name)}",
        max_selections=MOST_ROWS,
        key="analyse_names",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control(
            "Over", list(AXES), default="step", format_func=lambda one: AXES[one], key="analyse_axis"
        )
        log_x = st.toggle("log across", key="analyse_log_x")
        log_y = st.toggle("log up", key="analyse_log_y")
        width = st.select_slider(
            "Smoothing, steps", WIDTHS, 0, help=HELP_SMOOTH, key="analyse_width", width=240
        )
        of_seeds = recorded.is_of_seeds(found)
        band = st.toggle("seeds as a band", disabled=not of_seeds, help=HELP_BAND, key="analyse_band")
    steps = sorted({step for one in found for step in engine.run(one.id)["snapshots"]})
    at = None
    if len(steps) > 1:
        key = f"analyse_at {steps[0]}"
        at = cast(int, st.select_slider("Pictures of step", steps, steps[-1], key=key, width=520))
    view = View(cast(Axis, axis or "step"), log_x, log_y, float(width), band and of_seeds, at)
    return {name: titles[name] for name in names}, view


def hidden(found: Sequence[Recorded], names: dict[str, str], view: View) -> str:
    """What a logarithmic axis cannot show."""
    count = sum(int((one.values(name) <= 0).sum()) for one in found for name in names if view.log_y)
    return f"{count:,} values of 0 or less have no place on a logarithmic axis." if count else ""


def pictures(found: Sequence[Recorded], at: int) -> None:
    """The samples of each run that were kept nearest to a step."""
    with st.container(horizontal=True):
        for one in found:
            kept = engine.run(one.id)["snapshots"]
            if not kept:
                continue
            step = min(kept, key=lambda each: abs(each - at))
            with st.container(width=PICTURE_PX + 20):
                st.caption(f"step {step:,}")
                st.text(one.name)
                try:
                    _, arrays = engine.kept_frame(one.id, step)
                except BadInput as problem:
                    show_problem(problem)
                    continue
                if isinstance(samples := arrays.get("samples"), bytes):
                    st.image(io.BytesIO(samples), width=PICTURE_PX)
                elif "fake" in arrays:
                    st.plotly_chart(
                        points(arrays["fake"]), width=PICTURE_PX, key=f"points {one.id}", config=PLOT
                    )


def points(fake: Any) -> go.Figure:
    """Generated points (N, 2) of a kept step."""
    figure = go.Figure(
        go.Scattergl(x=fake[:, 0], y=fake[:, 1], mode="markers", marker={"size": 4, "color": "#762a83"})
    )
    figure.update_yaxes(scaleanchor="x")
    figure.update_layout(height=PICTURE_PX, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    return figure


def tables(found: Sequence[Recorded]) -> None:
    """In what the runs differ, and the best of each measure."""
    names = [one.name for one in found]
    if len(found) > 1:
        st.subheader("Where they differ", anchor=False)
        differ = recorded.differences(found)
        if differ:
            rows = {name: [str(value) for value in values] for name, values in differ.items()}
            st.dataframe(pd.DataFrame.from_dict(rows, orient="index", columns=names), width="stretch")
        else:
            note("They do not differ in anything that can be chosen.")
    best: list[dict[str, Any]] = []
    for metric in engine.catalogue()["metrics"].values():
        for name, words in metric["figures"].items():
            values = [recorded.best(one, name, words["better"]) for one in found]
            if any(values):
                cells = {
                    run: f"{value[0]:.4g} at step {value[1]:,}" if value else ""
                    for run, value in zip(names, values, strict=True)
                }
                best.append({"measure": words["title"], "better": words["better"], **cells})
    if best:
        st.subheader("Best of each measure", anchor=False)
        st.dataframe(pd.DataFrame(best), hide_index=True, width="stretch")


def data_of(found: Sequence[Recorded], names: dict[str, str]) -> str:
    """The numbers behind a figure as CSV: a line for each row of each run, nothing thinned or smoothed."""
    parts = [
        one.rows.reindex(columns=["step", "time", *names]).assign(run=one.name, seed=one.config["seed"])
        for one in found
    ]
    return pd.concat(parts).to_csv(index=False)


def code_of(figure: go.Figure) -> str:
    """A few lines of Python that draw the same figure."""
    return f"import plotly.io\n\nfigure = plotly.io.from_json(r'''{figure.to_json()}''')\nfigure.show()\n"


def hand_over(found: Sequence[Recorded], figure: go.Figure, names: dict[str, str]) -> None:
    """The figure and its numbers as files; its menu saves it as SVG."""
    with st.container(horizontal=True):
        st.download_button(
            "Numbers, CSV", lambda: data_of(found, names), "ganscope.csv", "text/csv", on_click="ignore"
        )
        st.download_button(
            "Figure, HTML",
            lambda: figure.to_html(include_plotlyjs=True),
            "ganscope.html",
            "text/html",
            help="With Plotly inside, 5 MB: it opens anywhere, also without a network.",
            on_click="ignore",
        )
        st.download_button(
            "Figure, Python", lambda: code_of(figure), "ganscope.py", "text/x-python", on_click="ignore"
        )
        st.download_button(
            "Figure, JSON",
            lambda: str(figure.to_json()),
            "ganscope.plotly.json",
            "application/json",
            on_click="ignore",
        )


def show(runs: Sequence[str]) -> None:
    """All that is said of the runs."""
    found = read(runs)
    if not any(len(one.rows) for one in found):
        note("Nothing has been recorded yet: the first row comes with the first report.")
        return
    names, view = knobs(found)
    if not names:
        note("Choose what to draw above.")
        return
    if words := hidden(found, names, view):
        note(words)
    figure = figures.curves(found, names, view)
    st.plotly_chart(figure, key="analyse_figure", config=PLOT)
    hand_over(found, figure, names)
    if view.at is not None:
        pictures(found, view.at)
    tables(found)


st.header("Analyse", anchor=False)
chosen = choose()
if not chosen:
    note("There is nothing to analyse yet. Start a run, or choose one above.")
    link("home", "Prepared experiments")
else:
    live = any(is_live({"status": engine.status(run)}) for run in chosen)
    st.fragment(show, run_every=REFRESH_S if live else None)(chosen)
