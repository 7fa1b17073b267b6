"""Runs: all of them; open, compare, resume, stop, duplicate, rename, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.pages.parts.links import go, link
from dashboard.pages.parts.problem import note, plain, show_problem
from dashboard.pages.parts.runs import LIVE, age, figures, run_html
from dashboard.pages.parts.thumbnails import thumbnail_html
from engine.options import BadInput

MOST_ANALYSED = 6
PAGE = 20  # runs shown at first, and more at each click
Summary = dict[str, Any]

ORDERS: dict[str, Callable[[Summary], Any]] = {
    "newest": lambda run: -run["created"],
    "name": lambda run: run["name"].lower(),
    "most steps": lambda run: -run["status"].get("step", 0),
    "fastest": lambda run: -(run["status"].get("rate") or 0.0),
    "state": lambda run: (*LIVE, "failed", "stopped", "done").index(run["status"]["state"]),
}
STATES: dict[str, tuple[str, ...]] = {
    "live": LIVE,
    "ended": ("done", "stopped"),
    "failed": ("failed",),
}

engine = session.engine()


def actions(run: Summary) -> list[str]:
    """What can be done with a run in its present state."""
    if run.get("damaged"):
        return ["Delete"]
    state = run["status"]["state"]
    first = {
        "running": ["Pause", "Stop"],
        "starting": ["Stop"],
        "paused": ["Resume", "Stop"],
        "queued": ["Start now", "Stop"],
    }
    return [*first.get(state, ["Resume"]), "Duplicate", "Duplicate with changes", "Rename", "Delete"]


def act(run: Summary, action: str) -> None:
    """Do it, or open the page or dialog that asks for more."""
    if action == "Duplicate with changes":
        go("new", **{"from": run["id"]})
    if action in ("Rename", "Delete"):
        st.session_state["asking"] = (action, run["id"], run["name"])
        st.rerun()
    try:
        engine.control(session.role(), run["id"], {"command": action.lower().replace(" ", "_")})
    except BadInput as problem:
        st.toast(f"**{plain(problem.error)}** {plain(problem.remedy)}", duration="long")
    else:
        st.rerun()


def forget() -> None:
    """The question has been answered."""
    st.session_state.pop("asking", None)


@st.dialog("Delete this run?", on_dismiss=forget)
def ask_delete(run: str, name: str) -> None:
    """Its figures, pictures and checkpoints go with it."""
    st.text(name)
    st.caption("Its metrics, snapshots and checkpoints are deleted too. This cannot be undone.")
    with st.container(horizontal=True):
        delete, keep = st.button("Delete", type="primary"), st.button("Keep it")
    if delete:
        answer(lambda: engine.delete(session.role(), run))
    if keep:
        answer(lambda: None)


@st.dialog("Rename", on_dismiss=forget)
def ask_name(run: str, name: str) -> None:
    """A name is at most 80 characters."""
    new = st.text_input("Name", name, max_chars=80)
    if st.button("Rename", type="primary", disabled=not new):
        answer(lambda: engine.rename(session.role(), run, new))


def ask() -> None:
    """Open the dialog that the list asked for; outside its fragment, so that a refresh does not close it."""
    if question := st.session_state.get("asking"):
        action, run, name = question
        {"Rename": ask_name, "Delete": ask_delete}[action](run, name)


def answer(do: Callable[[], None]) -> None:
    """Do what was asked about, and close the dialog; a refusal is shown in it."""
    try:
        do()
    except BadInput as problem:
        show_problem(problem)
        return
    forget()
    st.rerun()


def chosen(runs: list[Summary]) -> list[Summary]:
    """The runs that search, filter and order leave, in order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", placeholder="name, GAN or data", key="runs_search", live="300ms", width=260
        )
        kept = st.segmented_control("State", list(STATES), key="runs_state")
        order = st.selectbox("Order", list(ORDERS), key="runs_order", width=150)
    if words:
        runs = [run for run in runs if all(word in searched(run) for word in words.lower().split())]
    if kept:
        runs = [run for run in runs if run["status"]["state"] in STATES[kept]]
    return sorted(runs, key=ORDERS[order])


def searched(run: Summary) -> str:
    return f"{run['name']} {run['gan']} {run['data']} {run['id']}".lower()


def row(run: Summary) -> bool:
    """One run with its buttons. Returns whether it is ticked."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"run_{run['id']}"):
        ticked = st.checkbox("Compare", key=f"tick_{run['id']}", label_visibility="collapsed")
        about = age(run["created"])
        about = about if run.get("damaged") else f"{run['gan']} · {run['data']} · {figures(run)} · {about}"
        st.html(run_html(run, thumbnail_html(engine, run["id"]), about, wide=True), width="stretch")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            link("train", "Open", run=run["id"])
            if session.may_change():
                action = st.menu_button("Actions", actions(run), key=f"act_{run['id']}")
                if action:
                    act(run, action)
    return ticked


@st.fragment(run_every=2.0)
def listing() -> None:
    """The list; it refreshes itself."""
    everything = engine.runs()
    if not everything:
        note("No runs yet. Start a prepared experiment, and it will be kept here.")
        link("home", "Prepared experiments")
        return
    runs = chosen(everything)
    if not runs:
        note("No run matches. Clear the search or the state above.")
    compare = st.container(horizontal=True, vertical_alignment="center", key="compare")
    most = st.session_state.setdefault("runs_shown", PAGE)
    ticked = [run for run in runs[:most] if row(run)]
    with compare:
        show_compare(ticked)
    if len(runs) > most and st.button(f"Show {min(PAGE, len(runs) - most)} more"):
        st.session_state["runs_shown"] = most + PAGE
        st.rerun(scope="fragment")


def show_compare(ticked: list[Summary]) -> None:
    """The button that opens two runs side by side."""
    if st.button("Compare side by side", disabled=len(ticked) != 2, key="compare_two"):
        go("train", run=[run["id"] for run in ticked])
    if st.button("Analyse", disabled=not 0 < len(ticked) <= MOST_ANALYSED, key="analyse_ticked"):
        go("analyse", run=[run["id"] for run in ticked])
    words = {0: f"Tick two runs to compare them, up to {MOST_ANALYSED} to analyse them.", 1: "", 2: ""}
    st.caption(
        words.get(len(ticked), "Side by side: two." if len(ticked) <= MOST_ANALYSED else "Tick fewer.")
    )


ask()
listing()
