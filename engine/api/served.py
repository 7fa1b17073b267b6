"""The server's life over a runs folder, and the processes that every part of the door asks."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any, Literal, Self

import engine
from engine.options import BadInput, Conflict, Forbidden
from engine.plugins.finding import VARIABLE, plugins_beside
from engine.runs.lock import Lock
from engine.runs.names import DEVICES
from engine.runs.records import RunConfig
from engine.server import commands
from engine.server.added import AddedModels
from engine.server.catalogue import Catalogue
from engine.server.edited import RESTART, Sources
from engine.server.exploring import Exploring
from engine.server.inference import Inference
from engine.server.intake import Intake, sweep
from engine.server.launcher import Launcher, cores, gpus, memory
from engine.server.processes import Spawn, Zygote, forks
from engine.server.shelf import ADDED
from engine.server.steering import Steering
from engine.server.uploads import Uploads

Role = Literal["presenter", "viewer"]
BATCH_MEMORY = 4 << 30  # bytes beyond what torch takes: a picture of 64 megapixels, several times over
MOST_BATCHES = 4  # batch processes; they share the threads of one
VALIDATION_S = 60.0  # a folder of pictures that is read for the first time takes a while

log = logging.getLogger("ganscope")
_served: set[Path] = set()  # folders open in this process, which its own file locks cannot tell
_serving = threading.Lock()


class Served:
    """A runs folder, open in one server, and the processes behind it."""

    def __init__(
        self,
        runs: Path,
        device: str = "auto",
        limit: int | None = None,
        head_start_s: float = 0.0,
        plugins: Path | None = None,
        batches: int | None = None,
    ) -> None:
        """``limit``: runs that train at once, by default one per 2 cores or GPU. ``head_start_s``: how long
        whatever else is being loaded comes before torch, unless somebody asks for a run. ``plugins``: their
        folder, by default ``plugins`` beside ``runs``. ``batches``: processes for what viewers ask and takes
        long, by default one per 2 cores and 8 GiB, at most ``MOST_BATCHES``. Raises ``BadInput``.
        """
        if device not in DEVICES:
            raise BadInput(
                f"there is no device {device!r}.", "device", f"Choose one of: {', '.join(DEVICES)}."
            )
        if limit is not None and limit < 1:
            raise BadInput("at least one run must be able to train.", "limit", "Give 1 or more.")
        self.runs_folder = Path(runs).resolve()
        self._plugins = plugins_beside(self.runs_folder, plugins)
        self._cache = self.runs_folder / ".cache"
        self._batches = batches or max(1, min(MOST_BATCHES, cores() // 2, memory() // (2 * BATCH_MEMORY)))
        self._device, self._limit, self._head_start_s = device, limit, head_start_s
        self._lock = Lock(self.runs_folder / ".server.lock")
        self._summaries: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._trouble = ""
        self._is_open = False

    def open(self) -> None:
        """Take the runs folder, adopt what lives in it, and start the engine in the background.

        Raises ``Conflict`` if another server has the folder, ``BadInput`` if it cannot be written.
        """
        self._take_folder()
        self._is_open = True
        for leftover in self.runs_folder.glob(".deleted-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        datasets = Path(os.environ.get("GANSCOPE_DATASETS", self.runs_folder / ".datasets"))
        log_file = self._cache / "engine.log"
        shared = {"GANSCOPE_DATASETS": str(datasets), "GANSCOPE_RUNS": str(self.runs_folder)}
        shared[VARIABLE] = str(self._plugins.folder)
        version = self._plugins.stamp
        self._sources = Sources()
        self._processes = (Zygote if forks() else Spawn)(log_file, shared)
        device_gpus = 0 if self._device == "cpu" else gpus()
        self._launcher = Launcher(
            self.runs_folder,
            self._processes,
            self._limit or device_gpus or max(1, cores() // 2),
            shares=self._limit is None,
        )
        self._inference = Inference(self._processes, log_file, version, threads=max(1, cores() // 2))
        self._timing = Inference(self._processes, log_file, version, threads=max(1, cores() - 1))
        self._catalogue = Catalogue(self._cache, self._inference, self._plugins)
        share = max(1, cores() // 2)
        self._exploring = Exploring(
            self.runs_folder,
            Inference(self._processes, log_file, version, threads=1),
            [
                Inference(self._processes, log_file, version, threads=share, memory=BATCH_MEMORY)
                for _ in range(self._batches)
            ],
            threads=share,
        )
        self._intake = intake = Intake(self._processes, log_file)
        self._added = AddedModels(self.runs_folder / ADDED, intake)
        self._uploads = Uploads(datasets, intake, self._inference)
        self._steering = Steering(self.runs_folder, self._launcher, self._validate, self._gone)
        for folder in (self._added.folder, self._uploads.folder):
            sweep(folder)
        self._launcher.adopt()
        self._processes.start(self._on_ready, self._launcher.on_exit, self._head_start_s)

    def close(self) -> list[str]:
        """End the server's own processes. Returns the runs that go on by themselves."""
        if not self._is_open:
            return []
        self._is_open = False
        self._launcher.close()
        self._exploring.close()
        self._intake.close()
        self._inference.close()
        self._timing.close()
        self._processes.close()
        live = self._launcher.live()
        self._lock.release()
        with _serving:
            _served.discard(self.runs_folder)
        return live

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def health(self) -> dict[str, Any]:
        """What the server is and does: version, device, cores, runs, and whether the engine is ready."""
        state = self._processes.state
        return {
            "status": "ok",
            "version": engine.__version__,
            "device": self._device,
            "cores": cores(),
            "running": len(self._launcher.live()),
            "queued": self._launcher.queued(),
            "limit": self._launcher.limit,
            "engine": f"failed: {self._trouble}" if self._trouble else state,
            "trouble": self.trouble(),
        }

    def trouble(self) -> str:
        """What is to be said on every page: that files were changed under this server; mostly nothing."""
        return RESTART if self._sources.are_edited() else ""

    def _validate(self, request: object) -> RunConfig:
        plain = {"device": self._device, **commands.check_request(request)}
        return self._inference.call("validate", request=plain, timeout_s=VALIDATION_S)

    def _gone(self, config: RunConfig) -> str | None:
        """What a run was made with and is no more."""
        return self._catalogue.gone({**config, "objective": config.get("options", {}).get("objective")})

    def _take_folder(self) -> None:
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with _serving:
                if self.runs_folder in _served or not self._lock.acquire():
                    raise Conflict(
                        f"another server uses {self.runs_folder}.",
                        "runs",
                        "Stop it, or name another folder with --runs.",
                    )
                _served.add(self.runs_folder)
        except OSError as error:
            remedy = "Name a folder that you may write to with --runs."
            raise BadInput(f"{self.runs_folder} cannot be used: {error.strerror}.", "runs", remedy) from None

    def _on_ready(self) -> None:
        self._launcher.on_ready()
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        """Find out what torch sees, and whether the remembered catalogue still holds."""
        try:
            found = self._inference.call("device", wanted=self._device, timeout_s=VALIDATION_S)
            self._device = found["device"]
            if self._limit is None:
                self._launcher.limit = found["gpus"] if found["device"] == "cuda" else max(1, cores() // 2)
            self._launcher.gpus = found["gpus"] if found["device"] == "cuda" else 0
            self._catalogue.refresh()
            self._trouble = ""
        except BadInput as error:
            if self._is_open:
                log.error("the engine is not right: %s", error)
                self._trouble = str(error)


def permit(role: Role, what: str) -> None:
    """Raises ``Forbidden`` for anybody but a presenter."""
    if role != "presenter":
        raise Forbidden(f"viewers may not {what}.", None, "Enter the presenter code first.")
