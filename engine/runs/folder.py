"""The run folder: the only channel between server and worker. No torch.

One writer a file. A file is append-only JSON lines, or replaced whole with ``os.replace``; a reader ignores
an unfinished last line. A run is alive while its ``lock`` is held: *failed* is derived from a free lock,
nobody writes it for the dead.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

from engine.options import BadInput, NotFound
from engine.runs.cards import ModelConfig
from engine.runs.files import (
    Appender,
    NoRoom,
    finite,
    patiently,
    with_room,
    write_anyhow,
    write_json,
)
from engine.runs.lock import is_locked
from engine.runs.reading import REMEDY, Damaged, read_record
from engine.runs.records import RunConfig, State, Status

ACTIVE = ("starting", "running", "paused")
ENDED = ("done", "stopped", "failed")
STARTING_GRACE_S = 30.0  # a worker that has not taken its lock by then is dead
WATCHED_FOR_S = 3.0  # `watching` is touched once a second while somebody watches

RESUME = "Resume it: it goes on from its last checkpoint."
BEST = "best"  # the checkpoint that was best by the run's chosen measure; as a model it is called RUN.best


_STEP = re.compile(r"[0-9]{8,15}", re.ASCII)  # as a file or folder is called by it


class RunFolder:
    """The files of one run. Holds nothing open and caches nothing: two instances see the same."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.id = self.path.name

    # paths
    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def control(self) -> Path:
        return self.path / "control.jsonl"

    @property
    def live(self) -> Path:
        """The newest frame (``engine.live.frames``)."""
        return self.path / "live.bin"

    @property
    def real(self) -> Path:
        """Real data beside the samples, written once: a frame of points, or a frame with one PNG."""
        return self.path / "real.bin"

    @property
    def thumbnail(self) -> Path:
        return self.path / "thumbnail.png"

    @property
    def watching(self) -> Path:
        return self.path / "watching"

    @property
    def game(self) -> Path:
        """How the game of the present stage is drawn (``engine.runs.drawn.Game``)."""
        return self.path / "game.json"

    @property
    def turns(self) -> Path:
        """The turns that were followed last, in numbers (``engine.runs.drawn.Turns``)."""
        return self.path / "turns.json"

    @property
    def snapshots(self) -> Path:
        """Frames kept for rewinding, ``00000420.bin`` for step 420; of small networks also the weights, in
        ``00000420/`` like a checkpoint.
        """
        return self.path / "snapshots"

    @property
    def checkpoints(self) -> Path:
        """One folder a checkpoint, ``00000420/`` for step 420; a name with a leading dot is unfinished."""
        return self.path / "checkpoints"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    # reading
    def config(self) -> RunConfig:
        """``config.json``. Raises ``NotFound`` if this is no run folder, ``Damaged`` if that is damaged."""
        try:
            return read_record(self.path / "config.json", RunConfig)
        except FileNotFoundError:
            raise NotFound(
                f"there is no run called {self.id}.", "run", "It may have been deleted; see the list of runs."
            ) from None

    def written(self) -> Status:
        """``status.json`` as it was written; a damaged one says that the run has failed, and why."""
        try:
            return read_record(self.path / "status.json", Status, step=0)
        except FileNotFoundError:
            error = "The run's status.json is gone."
        except Damaged as damage:
            error = damage.error
        return {"state": "failed", "step": 0, "error": error, "remedy": RESUME}

    def status(self) -> Status:
        """``status.json`` with the derived state: a run that says it is alive while its lock is free has
        failed.
        """
        status = self.written()
        if status["state"] not in ACTIVE or is_locked(self.lock):
            return status
        status = self.written()  # it may have ended between the two looks
        if status["state"] not in ACTIVE:
            return status
        # a clock that was put back, far, is no reason to wait for it
        if status["state"] == "starting" and abs(time.time() - status.get("since", 0)) < STARTING_GRACE_S:
            return status
        return {
            **status,
            "state": "failed",
            "error": status.get("error")
            or "The training process ended without a word: killed, out of memory, or the machine restarted.",
            "remedy": RESUME,
        }

    def frame(self) -> bytes:
        """The newest frame. Raises ``FileNotFoundError`` before there is one."""
        return patiently(self.live.read_bytes)

    def snapshot_steps(self) -> list[int]:
        return sorted(int(path.stem) for path in self.snapshots.glob("*.bin") if _STEP.fullmatch(path.stem))

    def checkpoint_steps(self) -> list[int]:
        return sorted(int(path.name) for path in self.checkpoints.glob("*") if _STEP.fullmatch(path.name))

    def weight_steps(self) -> list[int]:
        """The steps from which a branch can go on: of checkpoints, and of snapshots with their weights."""
        beside = {int(path.name) for path in self.snapshots.glob("[0-9]*") if path.name.isdigit()}
        return sorted(beside | set(self.checkpoint_steps()))

    def weights(self, step: int) -> Path:
        """Where the weights of ``step`` are, if they were kept: of its checkpoint, or beside its snapshot."""
        name = f"{step:08d}"
        checkpoint = self.checkpoints / name
        return checkpoint if checkpoint.is_dir() else self.snapshots / name

    def is_watched(self) -> bool:
        try:
            return abs(time.time() - self.watching.stat().st_mtime) < WATCHED_FOR_S
        except FileNotFoundError:
            return False

    def followed(self) -> int | None:
        """The sample of each batch whose way through the game somebody looks at, if somebody does."""
        if not self.is_watched():
            return None
        try:
            sample = self.watching.read_text("utf-8")
        except FileNotFoundError:
            return None
        return int(sample) if sample.isdecimal() and len(sample) < 9 else None

    # writing
    def create(self, config: RunConfig, state: State) -> None:
        """Make the folder with ``config.json`` and a first ``status.json``. Raises ``BadInput`` if it is
        there already.
        """
        try:
            with_room(lambda: self.path.mkdir(parents=True))
        except FileExistsError:
            raise BadInput(
                f"{self.path} exists already.", "out", "Choose another name, or resume it with --resume."
            ) from None
        try:
            with_room(self.snapshots.mkdir)
            with_room(
                self.control.touch
            )  # the worker looks at it before every step, and a missing file costs more
            with_room(self.checkpoints.mkdir)
            self.write_status(state=state, step=0)
            write_json(self.path / "config.json", config)
        except NoRoom:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def write_status(self, **status: Any) -> None:
        """Replace ``status.json``; ``since`` and ``heartbeat`` are wall-clock seconds. ``obey_from`` says how
        many bytes of ``control.jsonl`` were there when a start was asked for: what comes after them is meant
        for the attempt to come.
        """
        told = {"since": time.time(), "heartbeat": time.time(), **status}
        if status["state"] in ("queued", "starting"):
            told["obey_from"] = self.control_size()
        write_anyhow(self.path / "status.json", finite(told))

    def control_size(self) -> int:
        """The bytes of ``control.jsonl``."""
        try:
            return self.control.stat().st_size
        except FileNotFoundError:
            return 0

    def command(self, command: dict[str, Any]) -> None:
        """Append one command to ``control.jsonl`` for the worker."""
        appender = Appender(self.control)
        try:
            appender.write({**command, "time": time.time()})
        finally:
            appender.close()


def run_at(folder: Path) -> tuple[RunFolder, str | None]:
    """The run in ``folder`` and ``None``, or where that is a run's best checkpoint, the run and its name."""
    if folder.name == BEST and folder.parent.name == "checkpoints":
        return RunFolder(folder.parents[1]), BEST
    return RunFolder(folder), None


def config_at(folder: Path) -> RunConfig | ModelConfig:
    """The configuration of the model, run or best checkpoint in ``folder``. Raises ``NotFound`` and, of it,
    ``Damaged``.
    """
    if not (folder / "weights.safetensors").is_file():
        return run_at(folder)[0].config()
    try:
        return read_record(folder / "config.json", ModelConfig)
    except FileNotFoundError:
        raise NotFound(f"{folder.name} is not a model: it has no config.json.", "model", REMEDY) from None


def best_of(named: Path) -> Path | None:
    """The best checkpoint of the run in the folder RUN, if ``named`` is RUN.best and there is one."""
    if named.suffix != f".{BEST}":
        return None
    folder = RunFolder(named.with_suffix("")).checkpoints / BEST
    return folder if folder.is_dir() else None
