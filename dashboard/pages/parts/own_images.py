"""Own pictures as data: upload a zip or several files, or pick what was uploaded before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import session
from dashboard.pages.parts.problem import note, show_problem
from dashboard.sent import sent_folder, written
from engine.api import Dataset
from engine.options import BadInput

TYPES = ("zip", "png", "jpg", "jpeg", "webp", "avif", "bmp", "gif", "tif", "tiff", "heic", "heif")


@dataclass(frozen=True)
class Layout:
    """How uploaded pictures belong together: what is asked for, and at which sizes in px."""

    name: str
    asked: str
    help: str
    sizes: tuple[int, ...]
    usual: int


SINGLE = "Each picture is cropped to its centre and made square. Folders in a zip become classes."
LAYOUTS = {  # by the source that learns from them
    "upload": Layout("images", "A zip, or at least 16 pictures", SINGLE, (28, 32, 64), 32),
    "derived_pairs": Layout("images", "A zip, or at least 16 pictures", SINGLE, (64, 128, 256), 128),
    "own_pairs": Layout(
        "pairs",
        "A zip of pairs, or at least 16 pictures of A and B side by side",
        "A and B as the two halves of one picture, or in folders A and B of a zip under equal names.",
        (64, 128, 256),
        128,
    ),
    "own_domains": Layout(
        "domains",
        "A zip with the folders A and B",
        "Two domains of pictures, at least 16 of each; they need not be paired.",
        (64, 128, 256),
        128,
    ),
}


def choose_upload(chosen: str | None, source: str, newest: str | None = None) -> Dataset | None:
    """The uploaded data set that ``source`` is to learn from, or None while there is none: ``newest`` if it
    has just been uploaded, else what is picked, at first ``chosen``.
    """
    engine, layout = session.engine(), LAYOUTS[source]
    own = {item["id"]: item for item in engine.datasets() if item.get("layout", "images") == layout.name}
    picked = None
    if own:
        names = list(own)
        wanted = (newest, st.session_state.get("upload_choice"), chosen, names[0])
        # by its key: with an index alone, what was picked before stays picked
        st.session_state["upload_choice"] = next(item for item in wanted if item in own)
        picked = st.selectbox(
            "Uploaded before",
            names,
            key="upload_choice",
            format_func=lambda item: _said(own[item]),
        )
    if session.may_change():
        with st.expander("Upload pictures", expanded=not own):
            _upload_form(layout)
    elif not own:
        note("Nothing has been uploaded, and only the presenter can.")
    if picked and session.may_change():
        _offer_deletion(own[picked])
    _report(picked)
    if picked and (damage := own[picked].get("damaged")):
        note(damage)
        return None
    return own[picked] if picked else None


def _said(dataset: Dataset) -> str:
    about = "damaged" if dataset.get("damaged") else f"{dataset['images']:,} pictures"
    return f"{dataset['name']} · {about}"


def _upload_form(layout: Layout) -> None:
    turn = st.session_state.get("uploads", 0)  # after each upload the form is as new
    files = st.file_uploader(
        layout.asked, TYPES, accept_multiple_files=True, key=f"upload_files_{turn}", help=layout.help
    )
    name = st.text_input("Name", "My pictures", max_chars=80, key=f"upload_name_{turn}")
    reading = _how_to_read(layout)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.segmented_control(
            "Size",
            layout.sizes,
            default=layout.usual,
            required=True,
            format_func=lambda px: f"{px} px",
            key=f"upload_size_{layout.usual}",
        )
        colour = layout.name != "images" or st.toggle("Colour", value=True, key="upload_colour")
        ready = st.button("Add", type="primary", disabled=not files, key="upload_add")
    if not ready:
        return
    try:
        with st.spinner("Reading the pictures"):
            added = _add(name, files, size, colour, layout.name, *reading)
    except BadInput as problem:
        show_problem(problem)
        return
    st.session_state["upload_report"] = added
    st.session_state["upload_newest"] = added["id"]
    st.session_state["uploads"] = turn + 1
    st.rerun()


def _how_to_read(layout: Layout) -> tuple[str, str]:
    """The range of values, and whether files show A and B side by side: seldom needed, so folded away."""
    with st.expander("More about the pictures"):
        value_range = st.text_input(
            "Range of values",
            "",
            max_chars=100,
            key="upload_range",
            help="For pictures with more than 8 bits: the values shown as black and as white, such as "
            "-1024 3071. Empty: chosen from all pictures.",
        )
        always = layout.name == "pairs" and st.toggle(
            "Each file shows A and B side by side", key="upload_joined"
        )
    return value_range, "always" if always else "auto"


def _add(
    name: str,
    files: Sequence[UploadedFile],
    size: int,
    colour: bool,
    layout: str,
    value_range: str,
    side_by_side: str,
) -> Dataset:
    """Hand the files over as files."""
    with sent_folder(session.engine()) as folder:
        paths = written(folder, files, "picture")
        return session.engine().add_dataset(
            session.role(), name, paths, size, colour, layout, value_range, side_by_side
        )


def _offer_deletion(dataset: Dataset) -> None:
    """A second click is needed: they cannot be brought back."""
    with st.popover("Delete these pictures", type="tertiary", key=f"delete_{dataset['id']}"):
        st.text(f"{dataset['name']}: {dataset['images']:,} pictures. This cannot be undone.")
        if st.button("Delete", type="primary", key="upload_delete"):
            _delete(dataset["id"])


def _delete(dataset: str) -> None:
    try:
        session.engine().delete_dataset(session.role(), dataset)
    except BadInput as problem:
        show_problem(problem)
        return
    for key in ("upload_choice", "upload_report"):
        st.session_state.pop(key, None)
    st.rerun()


def _report(picked: str | None) -> None:
    """What became of the last upload, with the files that could not be read, while it is picked."""
    added = st.session_state.get("upload_report")
    if not added or added["id"] != picked:
        return
    classes = f" in {len(added['classes'])} classes" if added.get("classes") else ""
    lines = [f"{added['images']:,} pictures{classes} added.", *added.get("notes", ())]
    lines += [f"Left out {item['file']}: {item['why']}" for item in added["skipped"][:8]]
    if len(added["skipped"]) > 8:
        lines.append(f"and {len(added['skipped']) - 8} more")
    st.html(f'<div class="gs-note">{"<br>".join(escape(line) for line in lines)}</div>')
