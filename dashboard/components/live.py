"""The live view: one run, or two side by side, as they train.

It talks to ``/api`` itself and keeps its socket through Streamlit's reruns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st
from streamlit.components.v2 import component

from dashboard.components.module import module

_view = component("ganscope_live", js=module("live.js"), isolate_styles=False)


def live(
    run_ids: Sequence[str],
    role: Literal["presenter", "viewer"],
    charts: Mapping[str, Any],
    key: str,
    height: int | None = None,
    lesson: Mapping[str, Any] | None = None,
) -> None:
    """Shows the runs ``run_ids`` (one or two ids that exist).

    ``role`` decides whether there are controls; the server checks it again for each command. ``charts`` are
    those of the catalogue, so that the view need not ask for them. ``key`` keeps the view through reruns.
    ``lesson``: {"chart": the one that matters, "compare": predictions drawn into it, "guess": a curve or
    None}. ``height``: pixels that the whole view may take; None takes what the window leaves below the
    view's upper edge.

    A view that opens other runs (a branch, a remedy that starts anew) puts them into the address as ``run=``.
    """

    def follow() -> None:
        asked = st.session_state[key].open
        if asked:
            st.query_params["run"] = [str(run) for run in asked["runs"]]

    data = {"runs": list(run_ids), "role": role, "height": height, "charts": dict(charts)}
    data["lesson"] = dict(lesson) if lesson is not None else None
    place = f"{key}_place"
    with st.container(key=place):
        # room for the view before the browser has its code: what stands below must not jump
        room = "calc(100vh - 5.5rem)" if lesson is None else "32rem"
        st.html(f"<style>.st-key-{place} {{ min-height: {room}; }}</style>")
        _view(key=key, data=data, on_open_change=follow)
