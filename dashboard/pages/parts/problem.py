"""Saying what went wrong: what, in which field, and what to do."""

from __future__ import annotations

from html import escape

import streamlit as st

from engine.options import BadInput


def problem_html(problem: BadInput) -> str:
    """The problem as HTML with everything escaped: messages quote what a user gave."""
    error = problem.error[:1].upper() + problem.error[1:]
    return (
        f'<div class="gs-problem" role="alert"><strong>{escape(error)}</strong> '
        f"<span>{escape(problem.remedy)}</span></div>"
    )


def show_problem(problem: BadInput) -> None:
    """Draw the problem here."""
    st.html(problem_html(problem))
