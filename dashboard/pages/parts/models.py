"""A model in a few lines: a strip of samples, title, facts. From a card to HTML, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote


def model_html(model: Mapping[str, Any], brief: bool = False) -> str:
    """The strip over the words; ``brief``: without the sentence."""
    now = "training now" if model["live"] else f"step {model['step']:,}"
    facts = f"{model['gan']} · {model['data']} · {now}"
    sentence = "" if brief else model["sentence"]
    return (
        f'<div class="gs-model">{strip_html(model)}<div class="gs-title">{escape(model["title"])}</div>'
        + (f'<div class="gs-muted">{escape(sentence)}</div>' if sentence else "")
        + f'<div class="gs-muted gs-number">{escape(facts)}</div></div>'
    )


def strip_html(model: Mapping[str, Any]) -> str:
    """Eight samples side by side; of points, where they fall."""
    address = f"/api/models/{quote(model['id'])}/strip.png?step={model['step']}"
    points = " gs-strip-points" if model["kind"] == "points" else ""
    label = escape(f"samples of {model['title']}", quote=True)
    return (
        f'<span class="gs-strip{points}" role="img" aria-label="{label}" '
        f'style="background-image:url({address})"></span>'
    )
