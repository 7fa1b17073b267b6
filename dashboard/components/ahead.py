"""Loads the live view's code before it is asked for; shows nothing."""

from __future__ import annotations

from streamlit.components.v2 import component

from dashboard.components.module import module

_ahead = component("ganscope_ahead", js=module("ahead.js"), isolate_styles=False)


def load_ahead(key: str) -> None:
    """Put it last on a page from which runs are started."""
    _ahead(key=key)
