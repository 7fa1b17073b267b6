"""A form out of declared options: each field's widget follows from its type, bounds, step and scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

Field = dict[str, Any]
Value = bool | int | float | str | None

MANTISSAS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # a logarithmic slider's stops in each decade
DECADES = 7  # below the upper bound, where there is no lower one


def ask(field: Field, value: Value, key: str, *, also: Iterable[Value] = ()) -> Value:
    """Draw the field's widget and return what it holds.

    ``value`` is shown at first; afterwards the widget keeps its own under ``key``. ``also`` are values that a
    logarithmic slider must be able to show besides its round ones.
    """
    if key not in st.session_state:
        st.session_state[key] = value
    label, note = field["label"], field["help"]
    if field["type"] == "bool":
        return st.toggle(label, key=key, help=note)
    if field["type"] == "choice":
        return _choice(field, key)
    if field["type"] == "text":
        return st.text_input(label, key=key, help=note)
    if field["scale"] == "log" and field["max"] is not None:
        stops = log_stops(field, [field["default"], value, *also])
        return st.select_slider(label, stops, key=key, help=note, format_func=short)
    return _number(field, key)


def _choice(field: Field, key: str) -> Value:
    labels = {choice["value"]: choice["label"] for choice in field["choices"]}
    return st.selectbox(
        field["label"], list(labels), key=key, help=field["help"], format_func=labels.__getitem__
    )


def _number(field: Field, key: str) -> Value:
    whole = field["type"] == "int"
    convert = int if whole else float
    step = convert(field["step"] or (1 if whole else 0.01))
    low, high = (None if bound is None else convert(bound) for bound in (field["min"], field["max"]))
    if low is not None and field["min_excluded"]:
        low += step
    if st.session_state[key] is not None:
        st.session_state[key] = convert(st.session_state[key])
    return st.number_input(
        field["label"],
        low,
        high,
        step=step,
        key=key,
        help=bounded_help(field),
        format="%d" if whole else "%g",
    )


def bounded_help(field: Field) -> str:
    """The field's sentence, with its bounds and default."""
    low, high = field["min"], field["max"]
    bounds = ""
    if low is not None and high is not None:
        bounds = f" {'Above' if field['min_excluded'] else 'From'} {short(low)} to {short(high)};"
    return f"{field['help']}{bounds} default {short(field['default'])}."


def log_stops(field: Field, also: Iterable[Value]) -> Sequence[Value]:
    """The stops of a logarithmic slider: round values in bounds, zero if it is allowed, and ``also``."""
    whole = field["type"] == "int"
    high = float(field["max"])
    low = float(field["min"] or 0) or high / 10**DECADES
    if whole:
        low = max(1.0, low)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stops = {
        round(mantissa * 10.0**decade, 12) for decade in range(first, last + 1) for mantissa in MANTISSAS
    }
    stops = {
        int(stop) if whole else stop
        for stop in stops
        if low <= stop <= high and (not whole or stop == int(stop))
    }
    if field["min"] == 0 and not field["min_excluded"]:
        stops.add(0 if whole else 0.0)
    return sorted(stops | {value for value in also if value is not None})


def short(value: Value) -> str:
    """A number as people write it: 2e-4, 0.05, 1,500; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0 or 0.001 < abs(value) < 1000:
        return f"{value:g}"
    if abs(value) >= 1000 and value == int(value):
        return f"{int(value):,}"
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
