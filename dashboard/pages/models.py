"""Models: all of them; explore or translate with them, add weights of others, rename, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import session
from dashboard.pages.parts.links import link
from dashboard.pages.parts.models import facts, model_html, page_of, words
from dashboard.pages.parts.problem import note, show_problem
from dashboard.sent import sent_folder, written
from engine.api import ModelCard
from engine.options import BadInput

PAGE = 24  # models shown at first, and more at each click
GROUPS = {"pretrained": "included", "added": "added here", "run": "from a run"}
AS = {"": "detect", "pix2pix": "pix2pix", "cyclegan": "CycleGAN"}
MODES = {"auto": "as it was trained", "train": "the picture's own statistics", "eval": "running averages"}
DROPS = {"auto": "as batch norm", "on": "on", "off": "off (--no_dropout)"}
FORMATS = {
    "onnx": "ONNX",
    "torchscript": "TorchScript",
    "safetensors": "safetensors",
    "html": "Page to take home",
}
WAYS = {"a_to_b": "first to second", "b_to_a": "second to first"}
TYPES = ("pth", "pt", "safetensors")

engine = session.engine()


def forget() -> None:
    """The question has been answered."""
    st.session_state.pop("model_asking", None)


def answer(do: Callable[[], Any]) -> None:
    """Do what was asked about, and close the dialog; a refusal is shown in it."""
    try:
        do()
    except BadInput as problem:
        show_problem(problem)
        return
    forget()
    st.rerun()


@st.dialog("Delete this model?", on_dismiss=forget)
def ask_delete(model: ModelCard) -> None:
    """Only added models can be deleted."""
    st.text(model["title"])
    st.caption("Its weights and its card are deleted. This cannot be undone.")
    with st.container(horizontal=True):
        delete, keep = st.button("Delete", type="primary"), st.button("Keep it")
    if delete:
        answer(lambda: engine.delete_model(session.role(), model["id"]))
    if keep:
        answer(lambda: None)


@st.dialog("Rename", on_dismiss=forget)
def ask_name(model: ModelCard) -> None:
    """A name is at most 80 characters."""
    new = st.text_input("Name", model["title"], max_chars=80)
    if st.button("Rename", type="primary", disabled=not new):
        answer(lambda: engine.rename_model(session.role(), model["id"], new))


@st.dialog("Card", width="large", on_dismiss=forget)
def show_card(model: ModelCard) -> None:
    """The card in words, and the figures. Others may have written an added model's: as plain text."""
    st.html(f'<div class="gs-title">{escape(model["title"])}</div>{facts(model)}')
    text = engine.model_text(model["id"])
    if text and model["source"] == "pretrained":
        st.markdown(text)
    elif text:
        st.code(text, language=None, wrap_lines=True)
    else:
        note("A run has no card; its page shows its options and figures.")


@st.dialog("Export", on_dismiss=forget)
def ask_export(model: ModelCard) -> None:
    """The generator as a file, made when asked for, and its card."""
    st.caption(
        "The generator for other programs, or as a page to take home that needs no server; "
        "compared with the model before you get it."
    )
    to = st.segmented_control(
        "Format", list(FORMATS), default="onnx", required=True, format_func=lambda name: FORMATS[name]
    )
    direction = None
    if model["gan"] == "cyclegan":
        direction = st.segmented_control(
            "Direction", list(WAYS), default="a_to_b", required=True, format_func=lambda name: WAYS[name]
        )
    made = st.session_state.get("exported")
    if st.button("Make the file", type="primary"):
        try:
            with st.spinner("Writing and comparing"):
                made = engine.export_model(model["id"], to, direction)
        except BadInput as problem:
            show_problem(problem)
            return
        st.session_state["exported"] = made
    if made and made.is_file() and made.name.startswith(model["id"]):
        about = made.with_name(f"{made.name}.md")
        with st.container(horizontal=True):
            st.download_button(f"Save {made.name}", made.read_bytes(), made.name, on_click="ignore")
            st.download_button("Save its card", about.read_bytes(), about.name, on_click="ignore")


DIALOGS = {"Card": show_card, "Rename": ask_name, "Export": ask_export, "Delete": ask_delete}


def ask() -> None:
    """Open the dialog that the list asked for; outside its fragment, so that a refresh does not close it."""
    if question := st.session_state.get("model_asking"):
        action, model = question
        DIALOGS[action](model)


def actions(model: ModelCard) -> list[str]:
    """What can be done with a model besides opening it."""
    mine = ["Rename", "Delete"] if model["source"] == "added" and session.may_change() else []
    return ["Card", "Export", *mine]


def row(model: ModelCard) -> None:
    """One model: strip and words, what it is licensed as and how good it is, and its buttons."""
    with st.container(border=True, key=f"model_{model['id']}", gap="small"):
        st.html(model_html(model) + facts(model))
        with st.container(horizontal=True, vertical_alignment="center"):
            page = page_of(model)
            link(page, page.capitalize(), model=model["id"])
            action = st.menu_button("Actions", actions(model), key=f"act_{model['id']}")
            if action:
                st.session_state["model_asking"] = (action, model)
                st.session_state.pop("exported", None)
                st.rerun()


@st.fragment(run_every=5.0)
def listing() -> None:
    """The list; it refreshes itself."""
    if engine.health()["engine"] == "starting":
        note("The engine is starting: this takes some seconds.")
        return
    everything = sorted(engine.models(), key=lambda model: model["source"] != "added")  # own ones come first
    if not everything:
        note("There is no model yet. Start a run, or add weights above.")
        link("home", "Prepared experiments")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="models_find"):
        said = st.text_input(
            "Search", placeholder="name, GAN or data", key="find_models", live="300ms", width=260
        )
        kept = st.segmented_control(
            "From", list(GROUPS), key="source_of_models", format_func=lambda name: GROUPS[name]
        )
    models = [model for model in everything if kept in (None, model["source"])]
    models = [model for model in models if all(word in words(model) for word in said.lower().split())]
    if not models:
        note("No model matches. Clear the search or the choice above.")
    most = st.session_state.setdefault("models_shown", PAGE)
    with st.container(key="models_all"):
        for model in models[:most]:
            row(model)
    if len(models) > most and st.button(f"Show {min(PAGE, len(models) - most)} more"):
        st.session_state["models_shown"] = most + PAGE
        st.rerun(scope="fragment")


def adding() -> None:
    """Weight files of others, dropped here."""
    turn = st.session_state.get("weights_added", 0)  # after each model the uploader and the name are empty
    with st.expander("Add weights of pix2pix or CycleGAN", expanded=False):
        files = st.file_uploader(
            "One generator, or G_A and G_B; their discriminators if you have them",
            TYPES,
            accept_multiple_files=True,
            key=f"weights_{turn}",
            help="Files as the reference implementation saves them. The kind of network is read from the "
            "tensors; no code in a file is ever run.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name", max_chars=80, key=f"weights_name_{turn}", placeholder="e.g. horse to zebra"
            )
            gan = st.selectbox("Trained as", list(AS), format_func=AS.__getitem__, key="weights_as")
            mode = st.selectbox(
                "Batch norm at test time", list(MODES), format_func=MODES.__getitem__, key="weights_mode"
            )
            dropout = st.selectbox(
                "Dropout at test time", list(DROPS), format_func=DROPS.__getitem__, key="weights_dropout"
            )
            places = st.text_input(
                "What each network is",
                key=f"weights_places_{turn}",
                placeholder="if names do not say: G_A, G_B",
                help="G_A (first to second side), G_B, D_A, D_B, G or D for each network in turn, - to leave "
                "one out. Needed only where it is asked for.",
            )
            ready = st.button("Add", type="primary", disabled=not (files and name), key="weights_add")
        if not ready:
            return
        try:
            with st.spinner("Reading the weights"):
                added = _add(
                    name,
                    files,
                    {"as": gan or None, "test_mode": mode, "dropout": dropout, "places": places},
                )
        except BadInput as problem:
            show_problem(problem)
            return
    st.session_state["weights_added"] = turn + 1
    st.toast(f"Added: {len(files)} file{'s' if len(files) > 1 else ''} as {added['gan']}.")
    st.rerun()


def _add(name: str, files: Sequence[UploadedFile], chosen: dict[str, Any]) -> ModelCard:
    """Hand the files over as files."""
    with sent_folder(engine) as folder:
        paths = written(folder, files, "weights")
        return engine.add_model(session.role(), name, paths, chosen)


ask()
if session.may_change():
    adding()
listing()
