"""The newest samples of a run as a small picture that does not blink when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from dashboard.root import address
from engine.options import NotFound

if TYPE_CHECKING:
    from engine.api import Engine


def thumbnail_html(engine: Engine, run: str) -> str:
    """The picture, over the one that was shown before it: a new one appears only when it has arrived."""
    shown = st.session_state.setdefault("thumbnails", {})
    newest = _version(engine, run)
    versions: list[int] = shown.get(run, [])
    if newest is None:
        return '<span class="gs-thumb gs-none" role="img" aria-label="no samples yet"></span>'
    if versions[:1] != [newest]:
        shown[run] = versions = [newest, *versions[:1]]
    picture = address(f"/api/runs/{quote(run)}/thumbnail.png")
    layers = ",".join(f"url({picture}?v={version})" for version in versions)
    return f'<span class="gs-thumb" role="img" aria-label="samples" style="background-image:{layers}"></span>'


def _version(engine: Engine, run: str) -> int | None:
    """When the run's picture was made, in milliseconds; None while there is none."""
    try:
        return engine.folder(run).thumbnail.stat().st_mtime_ns // 1_000_000
    except (NotFound, FileNotFoundError):
        return None
