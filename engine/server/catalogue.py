"""What there is to choose from, kept on disk so that a fresh server need not wait for torch. No torch."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import platform
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import ENGINE
from engine.options import BadInput, NotFound
from engine.plugins.finding import Plugins, Stamp
from engine.presets import PRESETS, describe
from engine.runs.files import keep_if_room, read_json
from engine.server.inference import Inference

LOADING_S = 90.0  # the first answer of a fresh installation waits for torch

log = logging.getLogger("ganscope")


def sources_hash() -> str:
    """Changes with the engine's sources, torch and Python: what was kept under another one is not used."""
    digest = hashlib.sha256(platform.python_version().encode())
    for package in ("torch", "pydantic"):
        try:
            digest.update(importlib.metadata.version(package).encode())
        except importlib.metadata.PackageNotFoundError:
            digest.update(b"none")
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(str(path.relative_to(ENGINE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def presets() -> dict[str, Any]:
    """The cards of the home page, known without torch."""
    return {name: describe(name) for name in PRESETS}


class Catalogue:
    """Answers from ``folder``, and asks ``inference`` for what is not there, anew when ``plugins`` change.
    Thread-safe.
    """

    def __init__(self, folder: Path, inference: Inference, plugins: Plugins) -> None:
        self._inference, self._plugins = inference, plugins
        self._parent, self._sources = folder, sources_hash()
        self._stamp: Stamp | None = None
        self._lock = threading.Lock()
        self._known: dict[str, Any] | None = None

    def get(self) -> dict[str, Any]:
        """The catalogue of ``GET /api/catalogue``. Not to be changed by the caller."""
        with self._lock:
            self._look()
            if self._known is None:
                self._known = read_json(self._folder / "catalogue.json")
            if self._known is None:
                self._ask()
            assert self._known is not None
            return {**self._known, "presets": presets()}

    def refresh(self) -> None:
        """Ask again, once the engine is ready: data sets may have come or gone since it was written down."""
        with self._lock:
            self._look()
            self._ask()

    def gone(self, config: Mapping[str, Any]) -> str | None:
        """What the run or model of ``config`` (gan, data, objective) was made with and is no more, in a
        sentence; ``None`` also while nobody knows.
        """
        if self._stamp is not None and self._plugins.stamp() != self._stamp:
            with contextlib.suppress(BadInput):
                self.get()
        if (known := self._known) is None:
            return None
        tables = {
            "gan": ("GAN", known["gans"]),
            "data": ("data set", [*known["datasets"], *known["unoffered"]]),
            "objective": ("objective", known["objectives"]),
        }
        for key, (what, names) in tables.items():
            if config.get(key) and config[key] not in list(names):
                return f"There is no {what} {config[key]} any more: put the plugin that added it back."
        return None

    def thumbnail(self, name: str) -> bytes:
        """The 160x160 PNG of a data set. Raises ``NotFound``, or ``BadInput`` if its data are missing."""
        if not isinstance(name, str) or name not in self.get()["datasets"]:
            raise NotFound(
                "there is no such data set.", "data", f"Choose one of: {', '.join(self.get()['datasets'])}."
            )
        shipped, path = ENGINE / "pictures" / "data" / f"{name}.png", self._folder / f"{name}.png"
        if shipped.exists() and self.get()["datasets"][name]["available"]:
            return shipped.read_bytes()
        if not path.exists():
            picture = self._inference.call("dataset_thumbnail", name=name, timeout_s=LOADING_S)
            keep_if_room(path, picture)
            return picture
        return path.read_bytes()

    def preset_picture(self, name: str) -> bytes:
        """The PNG on a preset's card: the one that ships, or else its data. Raises ``NotFound``."""
        if not isinstance(name, str) or name not in PRESETS:
            raise NotFound("there is no such preset.", "preset", f"Choose one of: {', '.join(PRESETS)}.")
        shipped = ENGINE / "pictures" / f"{name}.png"
        return shipped.read_bytes() if shipped.exists() else self.thumbnail(PRESETS[name].runs[0]["data"])

    def _look(self) -> None:
        """Forget what is known if plugins have changed."""
        if (stamp := self._plugins.stamp()) != self._stamp:
            plugins = f"-{self._plugins.hash()}" if stamp else ""
            self._stamp, self._known, self._folder = stamp, None, self._parent / f"{self._sources}{plugins}"

    def _ask(self) -> None:
        self._known = self._inference.call("catalogue", timeout_s=LOADING_S)
        try:
            keep_if_room(self._folder / "catalogue.json", json.dumps(self._known, allow_nan=False).encode())
        except OSError as error:
            log.warning("the catalogue could not be kept in %s: %s", self._folder, error)
