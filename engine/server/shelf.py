"""The models there are to explore: those that ship, those that were added, and runs with a checkpoint. No
torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from engine import PRETRAINED
from engine.options import Conflict, NotFound
from engine.runs.branches import remove
from engine.runs.cards import ModelCard
from engine.runs.files import read_json, write_bytes, write_json
from engine.runs.folder import ACTIVE, BEST, RunFolder, best_of, config_at, run_at
from engine.runs.names import check_id
from engine.runs.reading import Damaged, read_record

ADDED = ".models"  # inside the runs folder
NAMES = ".directions"  # what users call directions, a file a model


class Shelf:
    """The models of one server. ``abilities`` says what the models of each GAN can do."""

    def __init__(self, runs: Path, abilities: Callable[[], dict[str, dict[str, bool]]]) -> None:
        self._runs, self._abilities = runs, abilities

    def list(self, runs: Iterable[Mapping[str, Any]]) -> list[ModelCard]:
        """Cards of all models: those that ship, added ones, then those of ``runs`` that have a checkpoint.
        A damaged one says so as ``gone``.
        """
        cards = [_card_of_folder(folder, "pretrained") for folder in _models(PRETRAINED)]
        cards += [_card_of_folder(folder, "added") for folder in _models(self._runs / ADDED)]
        for run in (run["id"] for run in runs if not run.get("damaged") and self._steps(run["id"])):
            with contextlib.suppress(NotFound):  # deleted this moment
                cards += [self._card_of_run(run)]
                cards += [self._card_of_run(best)] if self._best(best := f"{run}.{BEST}") else []
        return [self._with_abilities(card) for card in cards]

    def card(self, model: str) -> ModelCard:
        """One model's card. Raises ``NotFound``."""
        folder, source = self._find(model)
        card = self._card_of_run(model) if source == "run" else _card_of_folder(folder, source)
        return self._with_abilities(card)

    def folder(self, model: str) -> Path:
        """Where a model's files are. Raises ``NotFound``."""
        return self._find(model)[0]

    def version(self, model: str) -> str:
        """A name for what a model draws now; it begins with ``model@``."""
        folder, source = self._find(model)
        if source == "run":
            return f"{model}@{self._card_of_run(model)['step']}"
        return f"{model}@{(folder / 'weights.safetensors').stat().st_mtime_ns}"

    def text(self, model: str) -> str:
        """Its card in words, as Markdown; empty for a run."""
        path = self.folder(model) / "card.md"
        return path.read_text("utf-8", "replace") if path.is_file() else ""

    def delete(self, model: str) -> None:
        """Remove an added model. Raises ``NotFound``, ``Conflict`` for any other."""
        folder, source = self._find(model)
        if source == "run":
            raise Conflict("that is a run.", "id", "Delete the run instead.")
        if source == "pretrained":
            raise Conflict("that model ships with the program.", "id", "Only added models can be deleted.")
        remove(folder)
        (self._runs / NAMES / f"{folder.name}.json").unlink(missing_ok=True)

    def rename(self, model: str, title: str) -> None:
        """Give an added model another title. Raises ``NotFound``, ``Conflict`` for any other."""
        folder, source = self._find(model)
        if source == "run":
            raise Conflict("that is a run.", "id", "Rename the run instead.")
        if source == "pretrained":
            raise Conflict("that model ships with the program.", "id", "Only added models can be renamed.")
        config = config_at(folder)
        heading, _, rest = self.text(model).partition("\n")
        if heading == f"# {config.get('title')}":
            write_bytes(folder / "card.md", f"# {title}\n{rest}".encode())
        write_json(folder / "config.json", {**config, "title": title, "name": title})

    # --- names of directions

    def direction_names(self, model: str) -> dict[str, str]:
        """What users call directions: {"d1": "slant"}."""
        try:
            return read_record(self._runs / NAMES / f"{check_id(model)}.json", dict[str, str])
        except (FileNotFoundError, Damaged):
            return {}

    def name_directions(self, model: str, names: dict[str, str]) -> dict[str, str]:
        """Keep ``names``; an empty one takes a name away. Returns all. Raises ``NotFound``."""
        self.folder(model)
        kept = {**self.direction_names(model), **names}
        kept = {direction: name for direction, name in sorted(kept.items()) if name}
        (self._runs / NAMES).mkdir(exist_ok=True)
        write_json(self._runs / NAMES / f"{check_id(model)}.json", kept)
        return kept

    # --- finding

    def _find(self, model: str) -> tuple[Path, str]:
        name = check_id(model)
        for parent, source in ((PRETRAINED, "pretrained"), (self._runs / ADDED, "added")):
            if _is_model(parent / name):
                return parent / name, source
        if best := self._best(name):
            return best, "run"
        if (self._runs / name / "config.json").is_file():
            if not self._steps(name):
                raise NotFound(f"{name} has no checkpoint yet.", "model", "Let it train for a moment.")
            return self._runs / name, "run"
        raise NotFound(
            f"there is no model called {name}.", "model", "It may have been deleted; see the list of models."
        )

    def _best(self, model: str) -> Path | None:
        """The best checkpoint that is called ``model``, RUN.best, if its run has one and says by what."""
        folder = best_of(self._runs / model)
        return folder if folder and run_at(folder)[0].status().get("best") else None

    def _steps(self, run: str) -> list[int]:
        return RunFolder(self._runs / run).checkpoint_steps()

    def _card_of_run(self, run: str) -> ModelCard:
        best = self._best(run)
        folder = run_at(best or self._runs / run)[0]
        config, steps, status = folder.config(), folder.checkpoint_steps(), folder.status()
        meta, name, step = config.get("meta", {}), config["name"], steps[-1] if steps else 0
        if best and (kept := status.get("best")):
            name, step = f"{name[:60]} · best by {kept['title']}", kept["step"]
        card = {
            "id": run,
            "title": name,
            "name": name,
            "sentence": meta.get("sentence", ""),
            **{key: config.get(key) for key in ("gan", "data", "kind")},
            "shape": meta.get("data", {}).get("shape", []),
            "step": step,
            "source": "run",
            "live": status["state"] in ACTIVE and not best,
            "licence": "",
            "figures": {},
            "bytes": 0,
        }
        return cast(ModelCard, card)

    def _with_abilities(self, card: ModelCard) -> ModelCard:
        none = {"has_encoder": False, "has_classifier": False, "has_codes": False}
        return cast(ModelCard, {**card, **self._abilities().get(card["gan"], none)})


def _models(parent: Path) -> Iterator[Path]:
    for weights in sorted(parent.glob("*/weights.safetensors")):
        if not weights.parent.name.startswith(".") and _is_model(weights.parent):  # whole, and not going
            yield weights.parent


def _is_model(folder: Path) -> bool:
    if not (folder / "weights.safetensors").is_file():
        return False
    config = read_json(folder / "config.json", {"gan": "damaged"})
    # a classifier is none; such only ship, and what was added without a GAN is damaged
    return folder.parent != PRETRAINED or not isinstance(config, dict) or "gan" in config


def _card_of_folder(folder: Path, source: str) -> ModelCard:
    try:
        config: Any = config_at(folder)
    except NotFound as damage:
        config = {"gan": "", "data": "", "kind": "images", "gone": damage.error}
    title = config.get("title") or folder.name
    card = {
        "id": folder.name,
        "title": title,
        "name": title,
        "sentence": config.get("sentence", ""),
        **{key: config.get(key) for key in ("gan", "data", "kind")},
        "shape": config.get("meta", {}).get("data", {}).get("shape", []),
        "step": config.get("step", 0),
        "source": source,
        "live": False,
        "licence": config.get("licence", ""),
        "figures": config.get("figures", {}),
        "bytes": (folder / "weights.safetensors").stat().st_size,
        "gone": config.get("gone"),
    }
    return cast(ModelCard, card)
