"""The Explore view: one model, played with like an instrument.

It talks to ``/api`` itself. The address keeps where one is in the latent space; of that, Streamlit knows
only ``model``.
"""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.components.v2 import component

from dashboard.components.module import module

_view = component("ganscope_explore", js=module("explore.js"), isolate_styles=False)


def explore(model: str, role: Literal["presenter", "viewer"], key: str) -> None:
    """Shows the model or run with the id ``model``, which exists.

    ``role`` decides whether directions can be named; the server checks it again. ``key`` keeps the view
    through reruns. Choosing another model puts it into the address as ``model=``.
    """

    def follow() -> None:
        asked = st.session_state[key].open
        if asked and asked["model"]:
            st.query_params.from_dict({"model": asked["model"]})
        elif asked:
            st.query_params.clear()

    place = f"{key}_place"
    with st.container(key=place):
        # room for the view before the browser has its code: what stands below must not jump
        st.html(f"<style>.st-key-{place} {{ min-height: calc(100vh - 7.5rem); }}</style>")
        _view(key=key, data={"model": model, "role": role}, on_open_change=follow)
