"""An objective: its formula beside the lines that compute it."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import streamlit as st


def show_rules(objective: dict[str, Any]) -> None:
    """Formulas on the left, with what they come to at equilibrium; on the right the code, as it runs."""
    formulas, code = st.columns([2, 3], gap="medium")
    with formulas:
        show_formulas(objective)
    with code:
        show_code(objective)


def show_formulas(objective: dict[str, Any]) -> None:
    """What each player minimises, and what that comes to at equilibrium."""
    with st.container(gap="xsmall", key="formulas"):
        st.caption("D minimises", help="The discriminator's loss: real data are x, generated samples G(z).")
        st.latex(objective["latex_d"])
        st.caption("G minimises", help="The generator's loss.")
        st.latex(objective["latex_g"])
        st.html(f'<div class="gs-muted">{facts(objective)}</div>')


def show_code(objective: dict[str, Any]) -> None:
    """The lines that compute it, as they run."""
    with st.container(key="code"):
        st.code(re.sub(r"\n{3,}", "\n\n", objective["code"]).strip(), language="python", wrap_lines=True)


def facts(objective: dict[str, Any]) -> str:
    """HTML: what G minimises against an optimal D, and the values where neither can improve."""
    lines = (
        [f"Against an optimal D, G minimises: {escape(objective['divergence'])}."]
        if objective.get("divergence")
        else []
    )
    names = {"d_loss": "D's loss", "g_loss": "G's loss", "d_real": "D(x)", "d_fake": "D(G(z))"}
    values = [f"{names[name]} {value:.3g}" for name, value in (objective["equilibrium"] or {}).items()]
    lines.append(f"At equilibrium: {', '.join(values)}." if values else "No value marks the equilibrium.")
    return "<br>".join(lines)
