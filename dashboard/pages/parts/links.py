"""Going from page to page by the names of ``PAGES``, with the run in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from dashboard.pages import PAGES

Query = str | Sequence[str]


def go(name: str, **query: Query) -> NoReturn:
    """Leave for another page; ``query`` becomes the address's query, a list one parameter for each value."""
    st.switch_page(PAGES[name].script, query_params=query)


def link(name: str, label: str, *, help: str | None = None, **query: Query) -> None:
    """A link to another page; it opens without reloading, and in a new tab like any other link."""
    st.page_link(PAGES[name].script, label=label, help=help, query_params=query)
