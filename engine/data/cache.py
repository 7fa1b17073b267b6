"""Where files that can be made or fetched again are kept for this user."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$GANSCOPE_CACHE``, or ``ganscope`` in the user's cache folder. It need not exist yet."""
    if chosen := os.environ.get("GANSCOPE_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "ganscope"
