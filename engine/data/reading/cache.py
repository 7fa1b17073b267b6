"""Where files that can be made or fetched again are kept for this user."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from engine.options import BadInput, is_full

KEPT = 8  # prepared data sets in each of the cache's folders


def cache_folder() -> Path:
    """``$GANSCOPE_CACHE``, or ``ganscope`` in the user's cache folder. It need not exist yet."""
    if chosen := os.environ.get("GANSCOPE_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path(os.path.expanduser("~"), ".cache")) / "ganscope"


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Raises ``BadInput`` with a way out where this user may not write into ``folder``, of the cache."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if is_full(error):
            raise
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadInput(
            f"nothing can be kept in {folder}: {why}.",
            "GANSCOPE_CACHE",
            "Set this variable to a folder that can be written, e.g. GANSCOPE_CACHE=/var/tmp/ganscope.",
        ) from None


def prepared(folder: str, key: Any, write: Callable[[Path], None]) -> Path:
    """The safetensors file in the cache's ``folder`` that ``write`` makes for ``key`` (plain data), made if
    it is not there yet. The newest ``KEPT`` are kept.
    """
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    kept = cache_folder() / folder / f"{digest}.safetensors"
    if not kept.exists():
        with writing_to(kept.parent):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write(kept)
        others = sorted(kept.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
    return kept
