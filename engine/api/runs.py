"""Starting runs, following them and steering them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine import presets as experiments
from engine.api.served import VALIDATION_S, Role, Served, permit
from engine.live import frames
from engine.options import BadInput, NotFound
from engine.requests.base import Limit, Seed, Since, Step, value_of
from engine.runs import history
from engine.runs.folder import RunFolder
from engine.runs.headers import FrameHeader
from engine.runs.names import check_id
from engine.runs.reading import Damaged
from engine.runs.records import Row, RunConfig, RunEvent, Status
from engine.server import commands

LOG_BYTES = 1 << 16


class Runs(Served):
    """Runs: asked for, watched, steered, deleted."""

    def assess(self, role: Role, request: object) -> dict[str, Any]:
        """All that can be said of a ``StartRun`` at once: ``config``, the configuration that it would start,
        without an id, or None; ``refusals``: all that is wrong with it; ``ruled_out``: by switch, stabilisers
        that would make no sense with it. Viewers may not name files of this machine.
        """
        try:
            plain = {"device": self._device, **commands.as_json(request)}
        except BadInput as problem:
            return {"config": None, "refusals": [problem.as_dict()], "ruled_out": {}}
        return self._inference.call(
            "assess", request=plain, reads_files=role == "presenter", timeout_s=VALIDATION_S
        )

    def validate(self, role: Role, request: object) -> RunConfig:
        """The configuration that ``request`` would start, without an id. Raises ``BadInput`` for the first
        thing that is wrong with it, with the ``others``.
        """
        permit(role, "check runs")
        return self._validate(request)

    def time_step(self, role: Role, request: object) -> dict[str, float]:
        """How long a step of ``request`` takes here and now, in seconds: ``{"step_s"}``. Takes a few seconds
        itself. Raises ``BadInput``.
        """
        permit(role, "time runs")
        plain = {"device": self._device, **commands.check_request(request)}
        return self._timing.call("time_step", request=plain, timeout_s=VALIDATION_S)

    def start(self, role: Role, request: object) -> str:
        """Start a run, or queue it if all places are taken. Returns its id."""
        permit(role, "start runs")
        return self._steering.start(self._validate(request))[0]

    def start_preset(self, role: Role, name: str, seed: object = None) -> list[str]:
        """Start a preset's one or two runs, which then go side by side. Returns their ids."""
        permit(role, "start runs")
        if not isinstance(name, str) or name not in experiments.PRESETS:
            raise NotFound(
                "there is no such preset.", "preset", f"Choose one of: {', '.join(experiments.PRESETS)}."
            )
        requests = experiments.requests(name, value_of(Seed | None, seed, "seed"))
        return self._steering.start(*map(self._validate, requests))

    def control(self, role: Role, run: str, command: object) -> dict[str, Any]:
        """Carry out one of ``engine.requests.control.COMMANDS``. Returns ``{"id"}``: of the new run, if it
        makes one; of a branch also the ``step`` that it goes on from.

        A living worker obeys within a step. Raises ``BadInput`` for what is wrong with the command,
        ``Conflict`` if the run's state forbids it.
        """
        permit(role, "steer runs")
        answer: dict[str, Any] = {"id": self._steering.control(self.folder(run), command)}
        if isinstance(command, dict) and command.get("command") == "branch":
            parent = self.folder(answer["id"]).config()["parent"]
            answer["step"] = parent["step"] if parent else 0
        return answer

    def rename(self, role: Role, run: str, name: object) -> None:
        """Give a run another name: plain text of 1 to 80 characters."""
        permit(role, "rename runs")
        self._steering.rename(self.folder(run), name)

    def delete(self, role: Role, run: str) -> None:
        """Stop a run if it lives, by force after 5 s, and remove its folder."""
        permit(role, "delete runs")
        self._steering.delete(self.folder(run))
        self._summaries.pop(run, None)

    def runs(self) -> list[dict[str, Any]]:
        """A summary of every run, newest first; of a damaged one, with the reason as ``damaged``."""
        found = []
        for entry in os.scandir(self.runs_folder):
            if not entry.name.startswith("."):
                with contextlib.suppress(NotFound):  # not a run, or deleted this moment
                    folder = self.folder(entry.name)
                    try:
                        summary = self._summary(folder)
                        found.append({**summary, "gone": self._catalogue.gone(summary)})
                    except Damaged as damage:
                        found.append(_damaged_summary(folder, damage))
        return sorted(found, key=lambda run: (run["created"], run["id"]), reverse=True)

    def run(self, run: str) -> dict[str, Any]:
        """One run in full: configuration, status, last row, diagnoses, steps of snapshots and checkpoints."""
        folder = self.folder(run)
        config = folder.config()
        return {
            "id": folder.id,
            "name": config["name"],
            "config": config,
            "gone": self._gone(config),
            "status": self.status(run),
            "last": history.last_row(folder.metrics),
            "diagnosis": history.diagnoses(folder),
            "snapshots": folder.snapshot_steps(),
            "checkpoints": folder.checkpoint_steps(),
        }

    def status(self, run: str) -> Status:
        """A run's status, with ``queue`` while it waits, and why its worker died if it did."""
        return self._steering.status(self.folder(run))

    def folder(self, run: str) -> RunFolder:
        """The run's folder, for reading; it may be damaged. Raises ``NotFound``."""
        folder = RunFolder(self.runs_folder / check_id(run))
        if not any((folder.path / name).exists() for name in ("config.json", "status.json")):
            raise NotFound(
                f"there is no run called {folder.id}.",
                "run",
                "It may have been deleted; see the list of runs.",
            )
        return folder

    def metrics(self, run: str, since: int = -1) -> list[Row]:
        """The rows of metrics whose ``row`` is above ``since``."""
        return history.rows_since(self.folder(run).metrics, value_of(Since, since, "since"))

    def events(self, run: str, since: int = -1) -> list[RunEvent]:
        """The events whose ``row`` is above ``since``."""
        return history.rows_since(self.folder(run).events, value_of(Since, since, "since"))

    def recorded(self, run: str, what: Literal["metrics", "events"], since: int = -1) -> Iterator[bytes]:
        """``metrics`` or ``events`` as JSON, in pieces that are read as they are asked for."""
        folder = self.folder(run)
        path = folder.metrics if what == "metrics" else folder.events
        return history.text_since(path, value_of(Since, since, "since"))

    def recorded_page(
        self, run: str, what: Literal["metrics", "events"], since: int, limit: int
    ) -> tuple[bytes, int | None]:
        """The first ``limit`` of them as JSON, and what ``since`` is next, if there are more."""
        folder = self.folder(run)
        path = folder.metrics if what == "metrics" else folder.events
        return history.page_since(path, value_of(Since, since, "since"), value_of(Limit, limit, "limit"))

    def watch(self, run: str, sample: int | None = None) -> None:
        """Say that somebody watches, and which sample's way through the drawn game, if any; to be said again
        within three seconds.
        """
        with contextlib.suppress(FileNotFoundError):  # deleted this moment
            self.folder(run).watching.write_text("" if sample is None else str(sample), "utf-8")

    def frame(self, run: str) -> bytes:
        """The newest live frame (``engine.live.frames``). Raises ``NotFound`` if there is none yet."""
        return _read(self.folder(run).live, "frame")

    def real(self, run: str) -> bytes:
        """The frame of real data. Raises ``NotFound`` if there is none yet."""
        return _read(self.folder(run).real, "picture of the real data")

    def snapshot(self, run: str, step: int) -> bytes:
        """The frame kept at ``step``. Raises ``NotFound``."""
        folder = self.folder(run)
        number = value_of(Step, step, "step")
        return _read(folder.snapshots / f"{number:08d}.bin", f"snapshot of step {number}")

    def kept_frame(self, run: str, step: int) -> tuple[FrameHeader, dict[str, np.ndarray | bytes]]:
        """The frame kept at ``step``, opened: its header and its arrays. Raises ``NotFound``."""
        try:
            return frames.unpack(self.snapshot(run, step))
        except (ValueError, KeyError, TypeError):
            raise NotFound(f"the snapshot of step {step} is damaged.", "step", "Choose another.") from None

    def thumbnail(self, run: str) -> bytes:
        """A small PNG of the run's newest samples. Raises ``NotFound`` if there is none yet."""
        return _read(self.folder(run).thumbnail, "picture")

    def log(self, role: Role, run: str) -> str:
        """The end of what the worker wrote to stderr. For presenters: it names files of this machine."""
        permit(role, "read logs")
        path = self.folder(run).log
        return path.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace") if path.exists() else ""

    def _summary(self, folder: RunFolder) -> dict[str, Any]:
        version = tuple(
            map(
                _version,
                (folder.path / "status.json", folder.path / "config.json", folder.metrics, folder.events),
            )
        )
        known = self._summaries.get(folder.id)
        if known is not None and known[0] == version and known[1]["status"]["state"] in ("done", "stopped"):
            return known[1]
        config = folder.config()
        summary = {
            **{key: config.get(key) for key in ("name", "gan", "data", "kind", "created", "preset")},
            "id": folder.id,
            "objective": config.get("options", {}).get("objective"),
            "status": self.status(folder.id),
            "last": history.last_row(folder.metrics),
            "sparkline": history.sparkline(folder.metrics),
            "diagnosis": [one["name"] for one in history.diagnoses(folder)],
        }
        self._summaries[folder.id] = (version, summary)
        return summary


def _damaged_summary(folder: RunFolder, damage: Damaged) -> dict[str, Any]:
    status: Status = {"state": "failed", "step": 0, "error": damage.error, "remedy": damage.remedy}
    about = dict.fromkeys(("gan", "data", "kind"), "") | dict.fromkeys(("preset", "objective", "last"))
    about |= {"id": folder.id, "name": folder.id, "created": folder.path.stat().st_mtime, "status": status}
    return {**about, "sparkline": [], "diagnosis": [], "gone": damage.error, "damaged": damage.error}


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # not there, or no file
        raise NotFound(f"there is no {what} yet.", None, "Try again in a moment.") from None


def _version(path: Path) -> tuple[int, int]:
    try:
        seen = path.stat()
    except OSError:
        return (0, 0)
    return (seen.st_mtime_ns, seen.st_size)
