"""Draw the curve that you expect: a small chart to be drawn in, by pointer or by arrow keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.components.v2 import component

from dashboard.components.module import module

_chart = component("ganscope_guess", js=module("guess.js"), isolate_styles=False)


def guess(
    key: str, x: Mapping[str, Any], y: Mapping[str, Any], value: list[list[float]] | None, fixed: bool
) -> list[list[float]] | None:
    """The drawn curve's points, [[x, y], ...], or None while nothing has been drawn.

    ``x``, ``y``: axes, {"low", "high", "label", "log"}. ``value``: what it shows first; ``fixed``: it stays.
    """
    data = {"x": dict(x), "y": dict(y), "value": value, "fixed": fixed}
    drawn = _chart(key=key, data=data, default={"curve": value}, on_curve_change=_nothing)
    return drawn.curve or None


def _nothing() -> None:
    """A state value needs a callback to exist before its first change; the page reads it instead."""
