"""Where files that can be made or fetched again are kept for this user."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEPT = 8  # prepared data sets in each of the cache's folders


def cache_folder() -> Path:
    """``$GANSCOPE_CACHE``, or ``ganscope`` in the user's cache folder. It need not exist yet."""
    if chosen := os.environ.get("GANSCOPE_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "ganscope"


def prepared(folder: str, key: Any, write: Callable[[Path], None]) -> Path:
    """The safetensors file in the cache's ``folder`` that ``write`` makes for ``key`` (plain data), made if
    it is not there yet. The newest ``KEPT`` are kept.
    """
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    kept = cache_folder() / folder / f"{digest}.safetensors"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write(kept)
        others = sorted(kept.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
    return kept
