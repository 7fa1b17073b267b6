"""The engine's only door: plain data, bytes and numbers in and out. No torch.

What a user gave and cannot be used raises ``BadInput`` or one of its kinds, ``NotFound``, ``Forbidden`` and
``Conflict``: nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any, Literal

import engine
from engine import presets as experiments
from engine.options import BadInput, Conflict, Forbidden, NotFound
from engine.plugins.finding import VARIABLE, plugins_beside
from engine.requests.base import Seed, Since, Step, value_of
from engine.runs import history
from engine.runs.files import Tail as Tail  # what the live feed reads a run by
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.lock import Lock
from engine.runs.names import DEVICES, check_id, check_name
from engine.runs.reading import Damaged
from engine.runs.reading import line_of as line_of  # and checks its lines by
from engine.runs.records import Dataset, ModelCard, Row, RunConfig, RunEvent, Status
from engine.server import commands
from engine.server.added import AddedModels
from engine.server.catalogue import Catalogue, presets
from engine.server.edited import RESTART, Sources
from engine.server.exploring import Answer, Exploring
from engine.server.inference import Inference
from engine.server.intake import Intake, sweep
from engine.server.launcher import Launcher, cores, gpus
from engine.server.processes import Spawn, Zygote, forks
from engine.server.shelf import ADDED
from engine.server.steering import Steering
from engine.server.translations import Translated as Translated  # what ``translate`` gives
from engine.server.uploads import Uploads

Role = Literal["presenter", "viewer"]
LOG_BYTES = 1 << 16
BATCH_MEMORY = 4 << 30  # bytes beyond what torch takes: a picture of 64 megapixels, several times over
VALIDATION_S = 60.0  # a folder of pictures that is read for the first time takes a while

log = logging.getLogger("ganscope")
_served: set[Path] = set()  # folders open in this process, which its own file locks cannot tell
_serving = threading.Lock()


class Engine:
    """Runs, presets, data sets and the processes behind them, over one runs folder.

    Thread-safe; every method blocks. ``role`` comes first where something is changed; viewers get
    ``Forbidden``.
    """

    def __init__(
        self,
        runs: Path,
        device: str = "auto",
        limit: int | None = None,
        head_start_s: float = 0.0,
        plugins: Path | None = None,
    ) -> None:
        """``limit``: runs that train at once, by default one per 2 cores or GPU. ``head_start_s``: how long
        whatever else is being loaded comes before torch, unless somebody asks for a run. ``plugins``: their
        folder, by default ``plugins`` beside ``runs``. Raises ``BadInput``.
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
        self._device, self._limit, self._head_start_s = device, limit, head_start_s
        self._lock = Lock(self.runs_folder / ".server.lock")
        self._summaries: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._trouble = ""
        self._is_open = False

    # --- the server's life

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
        self._exploring = Exploring(
            self.runs_folder,
            Inference(self._processes, log_file, version, threads=1),
            Inference(self._processes, log_file, version, threads=max(1, cores() // 2), memory=BATCH_MEMORY),
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

    def __enter__(self) -> Engine:
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

    # --- what there is

    def catalogue(self) -> dict[str, Any]:
        """GANs, objectives, stabilisers, data sets, shared options and presets, for reading only."""
        return self._catalogue.get()

    def presets(self) -> dict[str, Any]:
        """The prepared experiments alone; unlike the catalogue they are known before torch is loaded."""
        return presets()

    def dataset_thumbnail(self, name: str) -> bytes:
        """The PNG of a data set or, by its id, an upload. ``BadInput`` if it is missing."""
        return self._uploads.thumbnail(name) if self._uploads.has(name) else self._catalogue.thumbnail(name)

    def preset_picture(self, name: str) -> bytes:
        """The PNG on a preset's card."""
        return self._catalogue.preset_picture(name)

    def datasets(self) -> list[Dataset]:
        """Uploads, newest first: ``id``, ``name``, ``images``, ``classes``, ``skipped``, ``notes`` ..."""
        return self._uploads.list()

    def add_dataset(
        self,
        role: Role,
        name: str,
        files: list[Path],
        size: int,
        colour: bool,
        layout: str = "images",
        value_range: str = "",
        side_by_side: str = "auto",
    ) -> Dataset:
        """Make a data set of uploaded pictures and zips, in seconds. Returns its entry in ``datasets()``.

        ``layout`` is "images", "pairs" (A|B side by side, or folders A and B with equal names) or "domains".
        ``value_range``: the values of deep pictures that are black and white, such as "0 4095"; empty, chosen
        from all. ``side_by_side`` "always": files that may be single pictures are A|B all the same.
        """
        _permit(role, "add data sets")
        return self._uploads.add(
            name=name,
            files=files,
            size=size,
            colour=colour,
            layout=layout,
            value_range=value_range,
            side_by_side=side_by_side,
        )

    def delete_dataset(self, role: Role, dataset: str) -> None:
        """Remove an upload. Raises ``Conflict`` while a run needs it."""
        _permit(role, "delete data sets")
        for run in self._launcher.live(("queued", *ACTIVE)):
            options = {}
            with contextlib.suppress(NotFound):  # damaged, or deleted this moment
                options = RunFolder(self.runs_folder / run).config()["options"]
            if options.get("upload") == dataset:
                raise Conflict(f"the run {run} trains on it.", "id", "Stop that run first.")
        self._uploads.delete(dataset)

    # --- starting runs

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
        _permit(role, "check runs")
        return self._validate(request)

    def _validate(self, request: object) -> RunConfig:
        plain = {"device": self._device, **commands.check_request(request)}
        return self._inference.call("validate", request=plain, timeout_s=VALIDATION_S)

    def time_step(self, role: Role, request: object) -> dict[str, float]:
        """How long a step of ``request`` takes here and now, in seconds: ``{"step_s"}``. Takes a few seconds
        itself. Raises ``BadInput``.
        """
        _permit(role, "time runs")
        plain = {"device": self._device, **commands.check_request(request)}
        return self._timing.call("time_step", request=plain, timeout_s=VALIDATION_S)

    def start(self, role: Role, request: object) -> str:
        """Start a run, or queue it if all places are taken. Returns its id."""
        _permit(role, "start runs")
        return self._steering.start(self._validate(request))[0]

    def start_preset(self, role: Role, name: str, seed: object = None) -> list[str]:
        """Start a preset's one or two runs, which then go side by side. Returns their ids."""
        _permit(role, "start runs")
        if not isinstance(name, str) or name not in experiments.PRESETS:
            raise NotFound(
                "there is no such preset.", "preset", f"Choose one of: {', '.join(experiments.PRESETS)}."
            )
        requests = experiments.requests(name, value_of(Seed | None, seed, "seed"))
        return self._steering.start(*map(self._validate, requests))

    # --- runs

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

    def watch(self, run: str) -> None:
        """Say that somebody watches; to be said again within three seconds."""
        with contextlib.suppress(FileNotFoundError):  # deleted this moment
            self.folder(run).watching.touch()

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

    def thumbnail(self, run: str) -> bytes:
        """A small PNG of the run's newest samples. Raises ``NotFound`` if there is none yet."""
        return _read(self.folder(run).thumbnail, "picture")

    def log(self, role: Role, run: str) -> str:
        """The end of what the worker wrote to stderr. For presenters: it names files of this machine."""
        _permit(role, "read logs")
        path = self.folder(run).log
        return path.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace") if path.exists() else ""

    # --- exploring models

    def models(self) -> list[ModelCard]:
        """Cards of all models: those that ship, those added, then runs with a checkpoint, newest first."""
        cards = self._exploring.shelf.list(self.runs())
        for card in cards:
            card["gone"] = card.get("gone") or self._catalogue.gone(card)
        return cards

    def model(self, model: str) -> dict[str, Any]:
        """One model in full: card, sizes, codes, directions with their names. Raises ``NotFound``."""
        return self._exploring.details(model)

    def explore(
        self,
        model: str,
        kind: str,
        arguments: dict[str, Any],
        viewer: str,
        control: str = "",
        sequence: int | None = None,
    ) -> Answer:
        """What a model makes of a request: ``kind`` is one of ``engine.explore.calls``. Unlike all other
        methods, this one does not wait: it gives a future. See ``engine.server.turns`` for ``viewer`` and
        what follows.
        """
        return self._exploring.ask(model, kind, arguments, viewer, control, sequence)

    def model_strip(self, model: str) -> bytes:
        """A PNG of a model's samples of the seeds 0 to 7 side by side."""
        return self._exploring.strip(model)

    def score_histograms(self, model: str) -> dict[str, Any]:
        """How a model's discriminator scores real and generated data."""
        return self._exploring.histograms(model)

    def model_weights(self, model: str, viewer: str = "server") -> Path:
        """A safetensors file of a model's networks, averages in place. Raises ``TooMany``."""
        return self._exploring.weights(model, viewer)

    def translation_examples(self, model: str, direction: str) -> list[bytes]:
        """PNGs of held-out pictures to try a translator on in ``direction``; none without its data."""
        return self._exploring.examples(model, "a" if direction == "a_to_b" else "b")

    # --- translating pictures

    def translators(self) -> list[dict[str, Any]]:
        """Cards of the models that translate, each with ``directions``, ``names`` of its sides, ``network``,
        ``size``, ``given``, ``shape`` and ``has_back``.
        """
        return self._exploring.translators(self.models())

    def translate(
        self,
        model: str,
        picture: bytes | Path,
        options: dict[str, Any],
        viewer: str,
        control: str = "",
        sequence: int | None = None,
    ) -> Translated:
        """One picture's translation, some day: a future with its job's id as ``job``. Its result: ``png``,
        ``back``, ``patches``, ``width``, ``height``, ``seconds``, ``notes`` ... (``engine.translation``).
        Of one ``viewer`` and ``control`` only the newest ``sequence`` waits. Raises ``BadInput`` and its
        kinds.
        """
        folder = self._exploring.shelf.folder(model)
        return self._exploring.translations.translate(
            (model, folder), picture, options, viewer, control, sequence
        )

    def start_translation(
        self, model: str, files: list[Path], options: dict[str, Any], viewer: str, many: bool | None = None
    ) -> str:
        """Translate pictures and zips of pictures, which are copied; returns the job."""
        folder = self._exploring.shelf.folder(model)
        return self._exploring.translations.start((model, folder), list(files), options, viewer, many)

    def translation(self, job: str) -> dict[str, Any]:
        """How far a translation is, and what has failed. Raises ``NotFound``."""
        return self._exploring.translations.status(job)

    def translation_changed(self, job: str, seen: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """``translation``, as soon as it is no longer what was ``seen``, or the time is over. Raises
        ``NotFound``.
        """
        return self._exploring.translations.changed(job, seen, timeout_s)

    def translation_result(self, job: str) -> dict[str, Any]:
        """What came of a translation: as of ``translate``, or of many ``{"zip", "done", "failed"}``."""
        return self._exploring.translations.result(job)

    def cancel_translation(self, job: str) -> None:
        """End a translation and remove its files. Raises ``NotFound``."""
        self._exploring.translations.cancel(job)

    # --- projecting

    def project(self, model: str, viewer: str, arguments: dict[str, Any], about: dict[str, Any]) -> str:
        """Look for a picture in a model's latent space (``engine.explore.projection``); returns the job."""
        folder = str(self._exploring.shelf.folder(model))
        return self._exploring.projections.start(model, folder, viewer, arguments, about)

    def projection(self, model: str, job: str) -> dict[str, Any]:
        """How far a projection is, and what it has found. Raises ``NotFound``."""
        return self._exploring.projections.status(model, job)

    def cancel_projection(self, model: str, job: str) -> None:
        """End a projection. Raises ``NotFound``."""
        self._exploring.projections.cancel(model, job)

    def name_directions(self, role: Role, model: str, names: object) -> dict[str, str]:
        """Keep names for directions: {"d1": "slant"}; an empty one takes a name away. Returns all."""
        _permit(role, "name directions")
        return self._exploring.name_directions(model, names)

    def add_model(
        self, role: Role, name: str, files: list[Path], chosen: dict[str, Any] | None = None
    ) -> ModelCard:
        """Make a model of weight files of pix2pix or CycleGAN. ``chosen`` (``engine.requests.models``) says
        what the files do not. Returns its entry in ``models()``.
        """
        _permit(role, "add models")
        return self._exploring.shelf.card(self._added.add(name, files, chosen))

    def rename_model(self, role: Role, model: str, name: object) -> None:
        """Give an added model another name: plain text of 1 to 80 characters."""
        _permit(role, "rename models")
        self._exploring.shelf.rename(model, check_name(name))

    def export_model(self, model: str, to: str, direction: str | None = None, viewer: str = "server") -> Path:
        """A model's generator as onnx, safetensors or torchscript. Its card lies beside it, with ``.md``
        added to the name. Raises ``TooMany`` while too many of this ``viewer``'s are being written.
        """
        return self._exploring.export(model, to, direction, viewer)

    def model_text(self, model: str) -> str:
        """A model's card in words, as Markdown; empty for a run."""
        return self._exploring.shelf.text(model)

    def delete_model(self, role: Role, model: str) -> None:
        """Remove an added model. Raises ``NotFound``, ``Conflict`` for any other."""
        _permit(role, "delete models")
        self._exploring.shelf.delete(model)

    def _gone(self, config: RunConfig) -> str | None:
        """What a run was made with and is no more."""
        return self._catalogue.gone({**config, "objective": config.get("options", {}).get("objective")})

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

    # --- steering runs

    def control(self, role: Role, run: str, command: object) -> dict[str, Any]:
        """Carry out one of ``engine.requests.control.COMMANDS``. Returns ``{"id"}``: of the new run, if it
        makes one; of a branch also the ``step`` that it goes on from.

        A living worker obeys within a step. Raises ``BadInput`` for what is wrong with the command,
        ``Conflict`` if the run's state forbids it.
        """
        _permit(role, "steer runs")
        answer: dict[str, Any] = {"id": self._steering.control(self.folder(run), command)}
        if isinstance(command, dict) and command.get("command") == "branch":
            parent = self.folder(answer["id"]).config()["parent"]
            answer["step"] = parent["step"] if parent else 0
        return answer

    def rename(self, role: Role, run: str, name: object) -> None:
        """Give a run another name: plain text of 1 to 80 characters."""
        _permit(role, "rename runs")
        self._steering.rename(self.folder(run), name)

    def delete(self, role: Role, run: str) -> None:
        """Stop a run if it lives, by force after 5 s, and remove its folder."""
        _permit(role, "delete runs")
        self._steering.delete(self.folder(run))
        self._summaries.pop(run, None)


def _damaged_summary(folder: RunFolder, damage: Damaged) -> dict[str, Any]:
    status: Status = {"state": "failed", "step": 0, "error": damage.error, "remedy": damage.remedy}
    about = dict.fromkeys(("gan", "data", "kind"), "") | dict.fromkeys(("preset", "objective", "last"))
    about |= {"id": folder.id, "name": folder.id, "created": folder.path.stat().st_mtime, "status": status}
    return {**about, "sparkline": [], "diagnosis": [], "gone": damage.error, "damaged": damage.error}


def _permit(role: Role, what: str) -> None:
    if role != "presenter":
        raise Forbidden(f"viewers may not {what}.", None, "Enter the presenter code first.")


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
