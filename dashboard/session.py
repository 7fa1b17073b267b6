"""What every page needs: the engine of this process, and what the visitor may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import streamlit as st

if TYPE_CHECKING:
    from engine.api import Engine, Role

ROLE_HEADER = "x-ganscope-role"

_engine: Engine | None = None


def set_engine(engine: Engine | None) -> None:
    """Called once by the server when its engine is open, before the first page is served."""
    global _engine
    _engine = engine


def engine() -> Engine:
    """The engine of this process; pages run in threads of the server, so there is exactly one."""
    assert _engine is not None, "the server calls set_engine() before it serves pages"
    return _engine


def catalogue() -> dict[str, Any]:
    """What there is to choose from; a fresh installation must wait for the engine to tell."""
    if engine().health()["engine"] != "starting":
        return engine().catalogue()
    with st.spinner("Starting the engine: this takes some seconds the first time"):
        return engine().catalogue()


def role() -> Role:
    """What the visitor may do. The guard sets the header, and strips a request's own; without it: watch."""
    return cast("Role", "presenter" if st.context.headers.get(ROLE_HEADER) == "presenter" else "viewer")


def may_change() -> bool:
    """Whether to show buttons that change something. The engine refuses viewers anyway."""
    return role() == "presenter"
