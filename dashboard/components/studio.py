"""The studio inside a page: Gradio's application in a frame as high as what is in it."""

from __future__ import annotations

from streamlit.components.v2 import component

from dashboard.components.module import module

_frame = component("ganscope_studio", js=module("studio/frame.js"), isolate_styles=False)


def studio(model: str, key: str) -> None:
    """Shows the studio with ``model``, or with its own choice if that is empty. ``key`` keeps it through
    reruns; another model loads it anew.
    """
    _frame(key=key, data={"model": model})
