"""A model in a few lines: a strip of samples, title, facts. From a card to HTML, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from dashboard.pages.parts.runs import gone_html
from dashboard.root import address

TRANSLATORS = ("pairs", "domains")  # kinds of data whose models translate
SHOWN_FIGURES = 4
SHORT = ("fid", "kid", "psnr", "ssim", "l1")


def page_of(model: Mapping[str, Any]) -> str:
    """The page on which it is used."""
    return "translate" if model["kind"] in TRANSLATORS else "explore"


def words(model: Mapping[str, Any]) -> str:
    """What a search looks through."""
    named = ("title", "gan", "data", "id", "sentence")
    return " ".join(str(model[name]) for name in named).lower()


def facts(model: Mapping[str, Any]) -> str:
    """Size, licence and figures in a line."""
    parts = [f"{model['bytes'] / 1e6:.1f} MB"] if model["bytes"] else []
    numbers = [(name, value) for name, value in model["figures"].items() if isinstance(value, int | float)]
    parts += [f"{_spoken(name)} {value:.3g}" for name, value in numbers[:SHOWN_FIGURES]]
    parts += [f"licence: {model['licence']}"] if model["licence"] else []
    return f'<div class="gs-muted gs-number">{escape(" · ".join(parts))}</div>'


def _spoken(figure: str) -> str:
    return " ".join(word.upper() if word in SHORT else word for word in figure.split("_"))


def model_html(model: Mapping[str, Any], brief: bool = False) -> str:
    """The strip over the words; ``brief``: without the sentence."""
    now = "training now" if model["live"] else f"step {model['step']:,}"
    parts = [model["gan"], model["data"], now]
    about = " · ".join(parts if model["data"] != "imported" else parts[:2])
    sentence = "" if brief else model["sentence"]
    return (
        f'<div class="gs-model">{strip_html(model)}<div class="gs-title">{escape(model["title"])}</div>'
        + (f'<div class="gs-muted">{escape(sentence)}</div>' if sentence else "")
        + f'<div class="gs-muted gs-number">{escape(about)}</div>{gone_html(model)}</div>'
    )


def strip_html(model: Mapping[str, Any]) -> str:
    """Eight samples side by side; of points, where they fall."""
    picture = address(f"/api/models/{quote(model['id'])}/strip.png?step={model['step']}")
    points = " gs-strip-points" if model["kind"] == "points" else ""
    label = escape(f"samples of {model['title']}", quote=True)
    return (
        f'<span class="gs-strip{points}" role="img" aria-label="{label}" '
        f'style="background-image:url({picture})"></span>'
    )
