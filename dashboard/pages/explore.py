"""Explore: a model's latent space, played like an instrument; or, without a model, all there are."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.explore import explore
from dashboard.pages.parts.links import link
from dashboard.pages.parts.models import TRANSLATORS, model_html
from dashboard.pages.parts.problem import note

GROUPS = {
    "pretrained": "Ready to play with",
    "added": "Added here",
    "run": "Your runs",
}

LONGEST = 200  # characters of a model's id

engine = session.engine()


@st.fragment(run_every=5.0)
def gallery() -> None:
    """A card for each model; a click opens it. Runs appear with their first checkpoint."""
    models = [model for model in engine.models() if model["kind"] not in TRANSLATORS]
    if not models:
        note("There is no model yet. Start a run: with its first checkpoint it appears here.")
        link("home", "Prepared experiments")
        return
    for source, title in GROUPS.items():
        group = [model for model in models if model["source"] == source]
        if not group:
            continue
        st.header(title, anchor=False)
        with st.container(key=f"models_{source}"):
            for model in group:
                with st.container(border=True, key=f"open_{model['id']}", gap="xxsmall"):
                    st.html(model_html(model, brief=source == "run"))
                    link("explore", "Open", model=model["id"])


asked = st.query_params.get("model")
if asked:
    explore(asked[:LONGEST], session.role(), key="explore")  # says itself if there is no such model
else:
    gallery()
