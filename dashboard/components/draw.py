"""Draw your own: a canvas on which one paints where the data are dense."""

from __future__ import annotations

from streamlit.components.v2 import component

from dashboard.components.module import module

_canvas = component("ganscope_draw", js=module("draw.js"), isolate_styles=False)


def draw(key: str, value: str | None = None, size: int = 380) -> str | None:
    """The painted density: base64 of 48 x 48 uint8 weights, row 0 at the top; None while nothing is painted.

    ``value`` is what the canvas shows first, in the same form; while it is on the page, others are ignored.
    ``size``: side of the canvas in pixels at most.
    """
    painted = _canvas(
        key=key, data={"value": value, "size": size}, default={"drawing": value}, on_drawing_change=_nothing
    )
    return painted.drawing or None


def _nothing() -> None:
    """A state value needs a callback to exist before its first change; the page reads it instead."""
