"""The live view: one run, or two side by side, as they train. It talks to ``/api`` itself; reruns leave it alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard.components.module import module

_view = st.components.v2.component("ganscope_live", js=module("live.js"), isolate_styles=False)


def live(run_ids: Sequence[str], role: Literal["presenter", "viewer"], key: str, height: int | None = None) -> None:
    """Shows the runs ``run_ids`` (one or two ids that exist).

    ``role`` decides whether there are controls; the server checks it again for each command. ``key`` keeps the
    view and its socket through reruns. ``height``: pixels that picture, diagnosis, timeline and knobs together may take;
    None takes what the window leaves below the view's upper edge.

    A view that opens other runs (a branch, a remedy that starts anew) puts them into the address as ``run=``.
    """

    def follow() -> None:
        asked = st.session_state[key].open
        if asked:
            st.query_params["run"] = [str(run) for run in asked["runs"]]

    data = {"runs": list(run_ids), "role": role, "height": height}
    _view(key=key, data=data, on_open_change=follow)
