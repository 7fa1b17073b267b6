"""Translate: one's own pictures, made into others by pix2pix or CycleGAN, in the studio."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboard import session
from dashboard.components.studio import studio
from dashboard.pages.parts.links import link
from dashboard.pages.parts.problem import note
from dashboard.root import address

LONGEST = 200  # characters of a model's id

engine = session.engine()


def choice(translators: list[dict[str, Any]], chosen: str) -> None:
    """A small card for each translator; the whole card opens it."""
    with st.container(key="translators"):
        for card in translators:
            name = "chosen_" if card["id"] == chosen else ""
            with st.container(border=True, key=f"open_{name}translator_{card['id']}", gap="xxsmall"):
                st.html(_card_html(card, card["id"] == chosen))
                link("translate", "Open", model=card["id"])


def _card_html(card: Mapping[str, Any], is_chosen: bool) -> str:
    arrow = "↔" if len(card["directions"]) > 1 else "→"
    facts = f"{card['names'][0]} {arrow} {card['names'][1]} · {card['size']} px"
    strip = address(f"/api/models/{quote(card['id'])}/strip.png?step={card['step']}")
    said = ' <span class="gs-muted">(open)</span>' if is_chosen else ""
    return (
        f'<div class="gs-translator"><span style="background-image:url({strip})"></span>'
        f'<div class="gs-title">{escape(card["title"])}{said}</div>'
        f'<div class="gs-muted">{escape(facts)}</div></div>'
    )


def translators() -> list[dict[str, Any]]:
    """What translates; a fresh installation must wait for the engine to tell."""
    if engine.health()["engine"] != "starting":
        return engine.translators()
    with st.spinner("Starting the engine: this takes some seconds the first time"):
        return engine.translators()


models = translators()
if not models:
    note(
        "There is no model that translates yet. Train pix2pix or CycleGAN: "
        "with its first checkpoint it appears here."
    )
    link("new", "Compose a new run")
else:
    asked = str(st.query_params.get("model", ""))[:LONGEST]
    ids = [card["id"] for card in models]
    if asked and asked not in ids:
        note("That model is not here, or it does not translate. Choose one of these.")
    chosen = asked if asked in ids else ids[0]
    choice(models, chosen)
    studio(chosen, key="studio")
