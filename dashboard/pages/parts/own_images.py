"""Own pictures as data: upload a zip or several files, or pick what was uploaded before."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import session
from dashboard.pages.parts.problem import note, show_problem
from engine.options import BadInput

TYPES = ("zip", "png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff")
SIZES = (28, 32, 64)


def choose_upload(chosen: str | None) -> str | None:
    """The id of the uploaded data set to learn from, or None while there is none."""
    engine = session.engine()
    own = {item["id"]: item for item in engine.datasets()}
    picked = None
    if own:
        names = list(own)
        picked = st.selectbox(
            "Uploaded before",
            names,
            index=names.index(chosen) if chosen in own else 0,
            key="upload_choice",
            format_func=lambda item: f"{own[item]['name']} · {own[item]['images']:,} pictures",
        )
    if session.may_change():
        with st.expander("Upload pictures", expanded=not own):
            add = _upload_form()
            if add:
                picked = add
    elif not own:
        note("Nothing has been uploaded, and only the presenter can.")
    if picked and session.may_change() and st.button("Delete these pictures", type="tertiary"):
        _delete(picked)
    _report()
    return picked


def _upload_form() -> str | None:
    files = st.file_uploader(
        "A zip, or at least 16 pictures",
        TYPES,
        accept_multiple_files=True,
        key=f"upload_files_{st.session_state.get('uploads', 0)}",
        help="Each picture is cropped to its centre and made square. Folders in a zip become classes.",
    )
    name = st.text_input("Name", "My pictures", max_chars=80, key="upload_name")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.segmented_control(
            "Size", SIZES, default=32, required=True, format_func=lambda px: f"{px} px", key="upload_size"
        )
        colour = st.toggle("Colour", value=True, key="upload_colour")
        ready = st.button("Add", type="primary", disabled=not files, key="upload_add")
    if not ready:
        return None
    try:
        with st.spinner("Reading the pictures"):
            added = _add(name, files, size, colour)
    except BadInput as problem:
        show_problem(problem)
        return None
    st.session_state["upload_report"] = added
    st.session_state.pop("upload_choice", None)
    st.session_state["upload_newest"] = added["id"]
    st.session_state["uploads"] = (
        st.session_state.get("uploads", 0) + 1
    )  # an empty uploader for the next ones
    st.rerun()


def _add(name: str, files: Sequence[UploadedFile], size: int, colour: bool) -> dict[str, Any]:
    """Hand the files over as files. Two may have one name, so each gets a folder of its own, numbered."""
    with tempfile.TemporaryDirectory(prefix="ganscope-upload-") as folder:
        paths = []
        for number, file in enumerate(files):
            path = Path(folder, str(number), PurePosixPath(file.name.replace("\\", "/")).name or "picture")
            path.parent.mkdir()
            path.write_bytes(file.getbuffer())
            paths.append(path)
        return session.engine().add_dataset(session.role(), name, paths, size, colour)


def _delete(dataset: str) -> None:
    try:
        session.engine().delete_dataset(session.role(), dataset)
    except BadInput as problem:
        show_problem(problem)
        return
    for key in ("upload_choice", "upload_report"):
        st.session_state.pop(key, None)
    st.rerun()


def _report() -> None:
    """What became of the last upload, with the files that could not be read."""
    added = st.session_state.get("upload_report")
    if not added:
        return
    classes = f" in {len(added['classes'])} classes" if added.get("classes") else ""
    lines = [f"{added['images']:,} pictures{classes} added."]
    lines += [f"Left out {item['file']}: {item['why']}" for item in added["skipped"][:8]]
    if len(added["skipped"]) > 8:
        lines.append(f"and {len(added['skipped']) - 8} more")
    st.html(f'<div class="gs-note">{"<br>".join(escape(line) for line in lines)}</div>')
