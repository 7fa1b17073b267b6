"""A run in one line: picture, name, figures, state, sparkline. From a summary to HTML, all text escaped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

STATES = {
    "queued": "queued",
    "starting": "starting",
    "running": "running",
    "paused": "paused",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}
LIVE = ("queued", "starting", "running", "paused")

DIAGNOSES = {
    "mode_collapse": "mode collapse",
    "vanishing_gradient": "vanishing gradient",
    "discriminator_overpowering": "D overpowering",
    "oscillation": "oscillation",
    "divergence": "divergence",
    "healthy": "healthy",
    "learning": "too early to say",
}


def is_live(summary: Mapping[str, Any]) -> bool:
    """Whether the run trains, waits or is paused."""
    return summary["status"]["state"] in LIVE


def state_html(status: Mapping[str, Any]) -> str:
    """The state as a shape and a word, with the place in the queue or the reason of a failure."""
    state = status["state"]
    words = str(STATES.get(state, state))
    if state == "queued" and status.get("queue"):
        words = f"queued, number {status['queue']}"
    reason = f' title="{escape(str(status["error"]), quote=True)}"' if status.get("error") else ""
    return f'<span class="gs-state gs-{escape(state)}"{reason}><i></i>{escape(words)}</span>'


def diagnosis_html(names: Sequence[str]) -> str:
    """What the run suffers from, in words."""
    return " · ".join(
        f'<span class="gs-diagnosis gs-{escape(name)}">{escape(DIAGNOSES.get(name, name))}</span>'
        for name in names
        if name != "learning"
    )


def sparkline_html(values: Sequence[float | None], width: int = 96, height: int = 30) -> str:
    """G's loss over the run as one thin line, its colour that of the theme (an SVG used as a mask)."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return '<span class="gs-spark" style="background:none"></span>'
    low, span = min(known), (max(known) - min(known)) or 1.0
    across = width / (len(known) - 1)
    points = " ".join(
        f"{n * across:.1f},{height - 3 - (value - low) / span * (height - 6):.1f}"
        for n, value in enumerate(known)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="black" stroke-width="1.6"/></svg>'
    )
    mask = f"url(&quot;data:image/svg+xml,{quote(svg)}&quot;)"
    label = f"G's loss, from {known[0]:.3g} to {known[-1]:.3g}"
    return (
        f'<span class="gs-spark" role="img" title="{label}" aria-label="{label}" '
        f'style="mask-image:{mask};-webkit-mask-image:{mask}"></span>'
    )


def figures(summary: Mapping[str, Any]) -> str:
    """Steps, rate and age in words."""
    status = summary["status"]
    step, steps = status.get("step", 0), status.get("steps")
    parts = [f"{step:,} of {steps:,} steps" if steps and step != steps else f"{step:,} steps"]
    if status["state"] == "running" and status.get("rate"):
        parts.append(rate(status["rate"]))
    return " · ".join(parts)


def rate(steps_per_s: float) -> str:
    """Steps a second with three figures."""
    return f"{steps_per_s:,.0f} steps/s" if steps_per_s >= 10 else f"{steps_per_s:.2g} steps/s"


def age(created: float) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0.0, time.time() - created)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"


def gone_html(item: Mapping[str, Any]) -> str:
    """What a run or model was made with and is no more, if there is such a thing."""
    return f'<div class="gs-muted">{escape(item["gone"])}</div>' if item.get("gone") else ""


def run_html(summary: Mapping[str, Any], picture: str, about: str, wide: bool = False) -> str:
    """The whole line. ``picture`` is HTML, ``about`` text below the name; ``wide``: the state in a column."""
    line = (
        f'<div class="gs-run">{picture}'
        f'<div class="gs-what"><div class="gs-title">{escape(summary["name"])}</div>'
        f'<div class="gs-muted gs-number">{escape(about)}</div>'
        f"{gone_html(summary)}</div>"
        f'<div class="gs-how">{state_html(summary["status"])}'
        f"<span>{diagnosis_html(summary['diagnosis'])}</span></div>"
        f"{sparkline_html(summary['sparkline'])}</div>"
    )
    return f'<div class="gs-wide">{line}</div>' if wide else line
