"""Live: one run, or two side by side, as they train; below, what lies behind the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.components.live import live
from dashboard.pages.parts.links import link
from dashboard.pages.parts.problem import note, show_problem, verbatim
from dashboard.pages.parts.rules import show_rules
from dashboard.pages.parts.runs import is_live
from engine.options import BadInput, NotFound

MOST = 2  # runs side by side
LOG_TAIL = 20_000  # characters

engine = session.engine()


def asked_for() -> tuple[list[str], list[NotFound]]:
    """The runs that the address names, without repeats, and a complaint for each that there is not."""
    found, missing = [], []
    for run in dict.fromkeys(st.query_params.get_all("run")):
        try:
            engine.folder(run)
        except NotFound:
            name = run if len(run) <= 60 else run[:59] + "…"
            missing.append(NotFound(f"there is no run called {name}.", "run", "It may have been deleted."))
        else:
            found.append(run)
    return found[:MOST], missing


def newest() -> list[str]:
    """The newest run that trains or is paused; if there is none, the one that was started last."""
    runs = engine.runs()
    return [summary["id"] for summary in [*filter(is_live, runs), *runs]][:1]


@st.fragment(run_every=3.0)
def follow(shown: list[str]) -> None:
    """Go along to the next run of the class; draws nothing."""
    if newest() != shown:
        st.rerun()


def nothing_to_show(missing: Sequence[BadInput]) -> None:
    """Says what is missing, or what to do first."""
    for problem in missing:
        show_problem(problem)
    if not missing and not session.may_change():
        note("Nothing is training yet. What the presenter starts appears here.")
    elif not missing:
        note("There is no run yet. Start a prepared experiment, or compose a run.")
    with st.container(horizontal=True):
        link("home", "Prepared experiments")
        link("new", "Compose a new run")
        link("runs", "All runs")


def behind(run: str) -> None:
    """What lies behind the picture: rules, options, log, and the way to a variation."""
    found = engine.run(run)
    config = found["config"]
    objective = config["meta"]["objective"]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(f'<div class="gs-muted">{escape(config["meta"]["sentence"])}</div>', width="stretch")
        if session.may_change():
            link(
                "new",
                "New run from this one",
                help="Opens the form filled in with these choices.",
                **{"from": run},
            )
    for line in config["meta"]["data"].get("notes", ()):
        note(line)
    rules = f"Rules: formula and code of the {objective['title'].lower()} objective"
    folded(rules, f"rules_{run}", partial(show_rules, objective))
    folded("All options", f"options_{run}", partial(options, config, found["status"].get("live") or {}))
    if session.may_change():
        folded("Log", f"log_{run}", partial(log, run))


def folded(label: str, key: str, draw: Callable[[], None]) -> None:
    """A part that is drawn when it is opened: tables and code bring much of Streamlit's own code along, which
    is not to compete with the live picture.
    """
    place = st.expander(label, key=key, on_change="rerun")
    if place.open:
        with place:
            draw()


def options(config: dict[str, Any], live: dict[str, Any]) -> None:
    """Every option with its value at the start and, where it was changed since, now; and versions."""
    labels = field_labels(config)
    rows = [
        (labels.get(name, name), name, value, live.get(name, value))
        for name, value in config["options"].items()
    ]
    rows += [(name.capitalize(), name, config[name], config[name]) for name in ("steps", "seed", "device")]
    rows += [(f"Version of {name}", "", value, value) for name, value in config["versions"].items()]
    table = [
        {"Option": label, "Name": name, "Value": shown(value), "Now": shown(now) if now != value else ""}
        for label, name, value, now in rows
    ]
    st.dataframe(table, hide_index=True, key="options_table", height=min(38 + 35 * len(rows), 420))


def charts() -> dict[str, Any]:
    """How measures are drawn; without an engine that runs, a run is still watched, without them."""
    try:
        return engine.catalogue()["charts"]
    except BadInput:
        return {}


def field_labels(config: dict[str, Any]) -> dict[str, str]:
    """The label of every option that may occur in this run."""
    catalogue = engine.catalogue()
    fields = [*catalogue["training"]]
    fields += catalogue["gans"].get(config["gan"], {}).get("options", [])
    fields += catalogue["datasets"].get(config["data"], {}).get("options", [])
    for piece in (*catalogue["objectives"].values(), *catalogue["stabilisers"].values()):
        fields += piece["options"]
    return {field["name"]: field["label"] for field in fields}


def shown(value: object) -> str:
    """A value as text; long ones, such as a drawing, are cut."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


@st.fragment(run_every=3.0)
def log(run: str) -> None:
    """The end of what the worker wrote."""
    try:
        text = engine.log(session.role(), run)
    except NotFound:
        text = ""
    if text:
        st.code(text[-LOG_TAIL:], language=None, height=320)
    else:
        note("The log is empty: no warnings, no errors.")


runs, missing = asked_for()
if not runs and not missing:
    runs = newest()
    if not session.may_change():
        follow(runs)
if runs:
    live(runs, session.role(), charts(), key="live")
    for problem in missing:
        show_problem(problem)
    chosen = runs[0]
    if len(runs) > 1:
        names = {run: verbatim(engine.run(run)["config"]["name"]) for run in runs}
        chosen = st.segmented_control(
            "Details of", runs, default=runs[0], required=True, format_func=names.__getitem__
        )
    behind(chosen)
else:
    nothing_to_show(missing)
