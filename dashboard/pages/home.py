"""Home: what this is, experiments that start at one click, and what is running."""

from html import escape

import streamlit as st

from dashboard import session
from dashboard.components.ahead import load_ahead
from dashboard.pages.parts.links import go, link
from dashboard.pages.parts.models import model_html, page_of
from dashboard.pages.parts.problem import note, show_problem
from dashboard.pages.parts.runs import figures, is_live, run_html
from dashboard.pages.parts.thumbnails import thumbnail_html
from dashboard.root import address
from engine.options import BadInput

SHOWN = 6  # trained models
GAME = "What each network is given and gives, with the numbers of one sample, and a turn in slow motion."

engine = session.engine()


@st.fragment(run_every=3.0)
def head() -> None:
    """The title, with what this machine is and how busy it is."""
    health = engine.health()
    live = health["running"]
    cores = f"{health['cores']} core{'s' if health['cores'] != 1 else ''}"
    device = "" if health["device"] == "auto" else f"{health['device']}, "
    chips = [f"{live} live" if live else "nothing running", f"{device}{cores}"]
    if health["queued"]:
        chips.insert(1, f"{health['queued']} waiting")
    if health["engine"] != "ready":
        chips.append(f"engine {health['engine']}"[:120])
    invitation = "Start an experiment: it trains at once." if session.may_change() else ""
    st.html(
        '<div class="gs-head"><h1>Watch two networks learn by competing.</h1>'
        '<p>The <b class="gs-g">generator</b> G forges data, the <b class="gs-d">discriminator</b> D tells '
        f"them from real ones, and each learns from the other. {invitation}</p>"
        '<div class="gs-chips">'
        + "".join(f'<span class="gs-chip">{escape(chip)}</span>' for chip in chips)
        + "</div></div>"
    )


def presets(group: str) -> None:
    """One card for each prepared experiment of ``group``; Start trains at once."""
    with st.container(key=f"presets_{group}"):
        for name, preset in engine.presets().items():
            if preset["group"] != group:
                continue
            with st.container(border=True, horizontal=True, key=f"preset_{name}"):
                st.html(_picture(preset), width=120)
                with st.container(gap="small"):
                    st.html(
                        f'<div class="gs-title">{escape(preset["title"])}</div>'
                        f'<div class="gs-muted">{escape(preset["watch"])}</div>'
                    )
                    if session.may_change() and st.button("Start", key=f"start_{name}", type="primary"):
                        _start(name)
        if group == "first" and session.may_change():
            with st.container(border=True, key="preset_own"):
                st.html(
                    '<div class="gs-title">Your own</div><div class="gs-muted">Choose the data '
                    "(points, digits, your pictures, a drawing), the GAN and its objective.</div>"
                )
                link("new", "Compose a new run")


def _picture(preset: dict) -> str:
    return (
        f'<div class="gs-picture" role="img" aria-label="{escape(preset["title"], quote=True)}" '
        f'style="background-image:url({escape(address(preset["picture"]), quote=True)})"></div>'
    )


def _start(name: str) -> None:
    try:
        runs = engine.start_preset(session.role(), name)
    except BadInput as problem:
        show_problem(problem)
        return
    go("train", run=runs)


@st.fragment(run_every=3.0)
def running() -> None:
    """The runs that train, wait or are paused, for who watches also the last one; the whole card opens it."""
    everything = engine.runs()
    runs = [summary for summary in everything if is_live(summary)]
    if not runs and session.may_change():
        note("Nothing is training. Start one of the experiments above, or compose a new run.")
        return
    if not runs and not everything:
        note("Nothing is training yet. What the presenter starts appears here.")
        return
    if not runs:
        note("Nothing is training now. This is the run that was started last.")
        runs = everything[:1]
    with st.container(key="running"):
        for summary in runs:
            with st.container(border=True, key=f"open_{summary['id']}", gap="xxsmall"):
                st.html(run_html(summary, thumbnail_html(engine, summary["id"]), figures(summary)))
                link("train", "Open", run=summary["id"])
    link("train", "The game of this run, drawn", help=GAME, run=runs[0]["id"], game="open")


@st.fragment(run_every=5.0)
def to_play_with() -> None:
    """Models that are trained already, once the engine can tell; the whole card opens the model."""
    if engine.health()["engine"] != "ready":
        return
    models = [model for model in engine.models() if model["source"] != "run"]
    if not models:
        return
    st.header("Trained models to play with", anchor=False)
    with st.container(key="models_home"):
        for model in models[:SHOWN]:
            with st.container(border=True, key=f"open_{model['id']}", gap="xxsmall"):
                st.html(model_html(model, brief=True))
                link(page_of(model), "Open", model=model["id"])
    if len(models) > SHOWN:
        link("models", f"All {len(models)} models")


with st.container(key="home_head"):
    head()
if not session.may_change():  # a class comes to see its run
    st.header("Running now", anchor=False)
    running()
    st.header("Prepared experiments", anchor=False)
presets("first")
if session.may_change():
    st.header("Running now", anchor=False)
    running()
st.header("One trick, with and without", anchor=False)
presets("tricks")
to_play_with()
load_ahead(key="ahead")
