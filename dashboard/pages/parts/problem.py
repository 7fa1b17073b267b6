"""Saying what went wrong and what to do, in boxes that do not shout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from engine.options import BadInput


def problem_html(problem: BadInput) -> str:
    """The problem as HTML with everything escaped: messages quote what a user gave."""
    error = problem.error[:1].upper() + problem.error[1:]
    return (
        f'<div class="gs-problem" role="alert"><strong>{escape(error)}</strong> '
        f"<span>{escape(problem.remedy)}</span></div>"
    )


def worded(problem: BadInput, fields: Mapping[str, Mapping[str, Any]]) -> BadInput:
    """The same problem with the labels that the form shows in place of the options' names."""

    def label(match: re.Match[str]) -> str:
        return fields[match[0]]["label"] if match[0] in fields else match[0]

    name = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b|\br1\b")  # names with an underscore are no English words
    return BadInput(name.sub(label, problem.error), problem.field, name.sub(label, problem.remedy))


def plain(text: str) -> str:
    """A sentence for where Streamlit expects Markdown: what a user gave is to be no formatting or link."""
    return verbatim(text[:1].upper() + text[1:])


def verbatim(text: str) -> str:
    """A name for where Streamlit expects Markdown, letter by letter."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~$:-])", r"\\\1", text)


def note(text: str) -> None:
    """Draw a box with plain text: why something is empty and what to do."""
    st.html(f'<div class="gs-note">{escape(text)}</div>')


def show_problem(problem: BadInput) -> None:
    """Draw the problem here."""
    st.html(problem_html(problem))
