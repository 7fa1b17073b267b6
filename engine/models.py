"""Generators to play with: pretrained models that ship, models that were added, and runs, all loaded alike.

A model is a folder with ``config.json`` (a run's configuration, and where it stood), ``weights.safetensors``
(``NETWORK.PARAMETER``, averages in place of the networks they average, half precision where it costs
nothing) and ``card.md``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine import checkpoint
from engine.configure import open_source, options_model
from engine.data.source import Source
from engine.game.recipe import Code, Recipe, Shape
from engine.gans import GANS
from engine.options import BadInput, NotFound
from engine.runs import BEST, RunFolder, best_of, check_id, read_json, run_at
from engine.stabilisers import STABILISERS

PRETRAINED = Path(__file__).parents[1] / "pretrained"
RUNS = Path(os.environ.get("GANSCOPE_RUNS", "runs"))
MAX_SEED = 2**53  # JavaScript's integers


@dataclass
class Model:
    """A trained GAN at one step. ``networks`` are in eval mode, on the CPU, without gradients."""

    id: str
    title: str
    config: dict[str, Any]
    recipe: Recipe
    networks: dict[str, nn.Module]
    step: int

    @property
    def shape(self) -> Shape:
        """What its samples look like."""
        return self.recipe.data

    @property
    def options(self) -> Any:
        return self.recipe.options

    def source(self) -> Source:
        """Its data. Raises ``BadInput`` if they are not on this machine."""
        return open_source(self.config["data"], self.options)

    def code(self, name: str) -> Code:
        """One of its codes. Raises ``BadInput``."""
        for code in self.recipe.codes:
            if code.name == name:
                return code
        names = ", ".join(code.name for code in self.recipe.codes)
        raise BadInput(
            f"{self.title} has no code called {name[:80]!r}.",
            "codes",
            f"Choose one of: {names}." if names else "This model has no codes.",
        )

    def latents(
        self, seeds: Sequence[int], codes: dict[str, Any] | None = None, truncation: float = 1.0
    ) -> Tensor:
        """One latent for each seed: (n, latent_dim). A seed gives the same latent whatever its company.

        ``codes`` overrides what the seed has drawn: a category's number or name, or one number for a
        continuous code. ``truncation`` scales the noise: 1 as trained, less is more typical and less varied.
        Raises ``BadInput``.
        """
        if self.recipe.directions:
            raise BadInput(
                f"{self.title} translates pictures, and draws none from a latent.",
                "model",
                "Give it pictures: python -m engine translate, or the Translate page.",
            )
        rows = []
        for seed in seeds:
            if not 0 <= seed <= MAX_SEED:
                raise BadInput(f"{seed} is no seed.", "seed", f"Give a whole number from 0 to {MAX_SEED}.")
            rows.append(self.recipe.draw_latent(1, torch.Generator().manual_seed(seed)))
        latents = torch.cat(rows) if rows else torch.zeros(0, self.recipe.latent_dim)
        latents[:, : self.recipe.noise_dim] *= truncation
        for name, value in (codes or {}).items():
            code = self.code(name)
            latents[:, code.start : code.start + code.size] = code_values(code, value)
        return latents

    @torch.no_grad()
    def generate(self, latents: Tensor) -> Tensor:
        """Samples (n, 2) or (n, C, H, W) for ``latents`` (n, latent_dim), each the same in any company.

        Each is drawn by itself: sums are taken in another order for another size of batch, and nothing is
        quicker for the one picture that follows a finger.
        """
        generator = self.networks["generator"]
        with one_thread():
            samples = [self.recipe.generate(generator, latent).float() for latent in latents.split(1)]
        return torch.cat(samples) if samples else torch.zeros(0, *self.shape.shape)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: sums are taken in one order, whatever the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def code_values(code: Code, value: Any) -> Tensor:
    """What ``code``'s columns (size,) hold for ``value``. Raises ``BadInput``."""
    if code.kind == "categorical":
        if isinstance(value, str) and value in code.labels:
            value = code.labels.index(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < code.size:
            raise BadInput(
                f"{code.name} has no value {str(value)[:80]!r}.",
                "codes",
                f"Give a number from 0 to {code.size - 1}.",
            )
        return nn.functional.one_hot(torch.tensor(value), code.size).float()  # (size,)
    numbers = value if isinstance(value, list) else [value] * code.size
    finite = all(isinstance(number, int | float) and abs(number) <= 100 for number in numbers)
    if len(numbers) != code.size or not finite or any(isinstance(number, bool) for number in numbers):
        raise BadInput(f"{code.name} takes {code.size} number(s) from -100 to 100.", "codes", "Try -2 to 2.")
    return torch.tensor(numbers, dtype=torch.float32)  # (size,)


# --- finding


def find(name: str | Path, runs: Path = RUNS) -> Path:
    """The folder of a model or run: a path, a pretrained or added model's id, or a run's id; for RUN.best
    that of the run's best checkpoint.

    Raises ``NotFound``.
    """
    given = Path(name)
    if run_at(given)[1] and given.is_dir():
        return given
    if (best := best_of(given if given.name != str(name) else runs / name)) is not None:
        return best
    places = [given, PRETRAINED / given.name, runs / ".models" / given.name, runs / given.name]
    for place in places if given.name == str(name) else [given]:
        if (place / "config.json").is_file() and "gan" in (read_json(place / "config.json") or {}):
            return place
    raise NotFound(
        f"there is no model or run called {str(name)[:100]!r}.",
        "model",
        "See `python -m engine list models`, or name a run's folder.",
    )


def folders(runs: Path | None = None) -> Iterator[Path]:
    """The folders of all models that ship and of those added to ``runs``."""
    for parent in (PRETRAINED, *([runs / ".models"] if runs else [])):
        for folder in sorted(parent.glob("*/weights.safetensors")):
            if "gan" in (read_json(folder.parent / "config.json") or {}):
                yield folder.parent


def describe(folder: Path) -> dict[str, Any]:
    """A model's card for a list: id, title, gan, data, shape, licence, figures, size in bytes, codes."""
    config = read_json(folder / "config.json")
    return {
        "id": folder.name,
        "title": config["title"],
        "sentence": config.get("sentence", ""),
        "gan": config["gan"],
        "data": config["data"],
        "shape": config["meta"]["data"]["shape"],
        "kind": config["kind"],
        "step": config["step"],
        "licence": config.get("licence", ""),
        "figures": config.get("figures", {}),
        "bytes": (folder / "weights.safetensors").stat().st_size,
    }


# --- loading and keeping


def load(name: str | Path, runs: Path = RUNS) -> Model:
    """A model by its id or folder, a run at its newest checkpoint, or RUN.best at its best one. Raises
    ``NotFound``, ``BadInput``.
    """
    folder = find(name, runs)
    run, best = run_at(folder)
    if best:
        return load_run(run, best=True)
    config = read_json(folder / "config.json")
    if (folder / "weights.safetensors").is_file():
        recipe, networks = _build(config, config["options"])
        flat = load_file(folder / "weights.safetensors")
        kept = {name.split(".")[0] for name in flat}
        networks = {name: network for name, network in networks.items() if name in kept}
        _fill(networks, {name: _part(flat, name) for name in networks})
        return _model(folder.name, config["title"], config, recipe, networks, config["step"])
    return load_run(RunFolder(folder))


def load_run(folder: RunFolder, step: int | None = None, best: bool = False) -> Model:
    """A run at its newest checkpoint, the newest not after ``step``, or its ``best``, averages in place.
    Raises ``NotFound`` without one.
    """
    check_id(folder.id)
    config = folder.config()
    kept = folder.checkpoints / BEST if best else checkpoint.newest(folder, step)
    if kept is None:
        raise NotFound(f"{folder.id} has no checkpoint yet.", "model", "Let it train for a moment.")
    state = checkpoint.load(kept)["trainer"]
    recipe, networks = _build(config, state["options"])
    _fill(networks, _with_averages(recipe, state))
    id, title = (f"{folder.id}.{BEST}", f"{config['name']}, best") if best else (folder.id, config["name"])
    return _model(id, title, config, recipe, networks, state["step"])


def renew(model: Model, folder: RunFolder) -> Model:
    """``model``, which is of the run in ``folder``, at its newest checkpoint: in the same networks, which is
    many times faster than ``load_run``. Raises ``NotFound`` without a checkpoint, ``BadInput`` if it does not
    fit.
    """
    kept = checkpoint.newest(folder)
    if kept is None:
        raise NotFound(f"{folder.id} has no checkpoint yet.", "model", "Let it train for a moment.")
    state = checkpoint.load(kept)["trainer"]
    _fill(model.networks, _with_averages(model.recipe, state))
    return replace(model, step=state["step"])


def _model(
    id: str, title: str, config: dict[str, Any], recipe: Recipe, networks: dict[str, nn.Module], step: int
) -> Model:
    for network in networks.values():
        network.eval().requires_grad_(False)
        _lay_out(network)
    return Model(id, title, config, recipe, networks, step)


def _lay_out(network: nn.Module) -> None:
    """Store dense layers by columns: for one sample that takes two thirds of the time of rows."""
    for module in network.modules():
        if type(module) is nn.Linear and "weight" in module._parameters:  # else something makes it anew
            module.weight.data = module.weight.data.t().contiguous().t()


def _build(config: dict[str, Any], options: dict[str, Any]) -> tuple[Recipe, dict[str, nn.Module]]:
    """The recipe and its untrained networks, for a configuration that may be of an older version."""
    described = config["meta"]["data"]
    names = tuple(described["classes"] or ())
    given = tuple(described.get("given", ()))
    shape = Shape(described["kind"], tuple(described["shape"]), len(names), names, given)
    model = options_model(config["gan"], config["data"])
    known = {name: value for name, value in options.items() if name in model.model_fields}
    return build(config["gan"], model(**known), shape, config["seed"])


def build(gan: str, options: Any, shape: Shape, seed: int) -> tuple[Recipe, dict[str, nn.Module]]:
    """A GAN's recipe and its fresh networks, with what stabilisers change in them, on the CPU."""
    recipe = GANS[gan](options, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = recipe.networks()
        for piece in STABILISERS.values():
            if piece.is_on(options):
                piece.build(networks, recipe)
    layout = torch.preserve_format if shape.kind == "points" else torch.channels_last
    return recipe, {name: network.to(memory_format=layout) for name, network in networks.items()}  # type: ignore[call-overload]


def begin_with(model: Model, networks: dict[str, nn.Module]) -> None:
    """Copy a model's weights into ``networks``. A discriminator that it was kept without, or that had another
    size, begins anew. Raises ``BadInput`` if another network does not fit.
    """
    for name, network in networks.items():
        weights = model.networks[name].state_dict() if name in model.networks else {}
        wanted = network.state_dict()
        fits = {key: value.shape for key, value in weights.items()} == {
            key: value.shape for key, value in wanted.items()
        }
        if fits:
            network.load_state_dict(weights)
        elif name not in model.recipe.discriminators:
            raise BadInput(
                f"{model.id} has no {name} of the size that these options and data ask for.",
                "start_from",
                "Take its options for networks, and data of its size.",
            )


def untrained(model: Model) -> dict[str, nn.Module]:
    """``model``'s networks as they were before the first step."""
    _, networks = _build(model.config, model.options.model_dump())
    return {name: network.eval().requires_grad_(False) for name, network in networks.items()}


def _with_averages(recipe: Recipe, state: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The weights in a trainer's state, the averages of what the recipe averages in place."""
    averages = {name: state["averages"][name] for name in recipe.averaged if name in state["averages"]}
    return {**state["networks"], **averages}


def _part(flat: dict[str, Tensor], network: str) -> dict[str, Tensor]:
    prefix = f"{network}."
    return {name.removeprefix(prefix): value for name, value in flat.items() if name.startswith(prefix)}


def _fill(networks: dict[str, nn.Module], states: dict[str, dict[str, Tensor]]) -> None:
    try:
        for name, network in networks.items():
            network.load_state_dict(states[name])  # copies into float32
    except (KeyError, RuntimeError) as error:
        raise BadInput(
            f"the weights do not fit the networks ({str(error).splitlines()[0][:120]}).",
            "model",
            "They were made by another version: train it again.",
        ) from None


def keep(
    model: Model, folder: Path, *, half: bool = True, only: Iterable[str] | None = None, **more: Any
) -> None:
    """Write ``model`` as a folder of its own; ``more`` (title, licence, figures) goes into its config."""
    folder.mkdir(parents=True, exist_ok=True)
    flat = {}
    for name in only or model.networks:
        for key, value in model.networks[name].state_dict().items():
            small = value.half() if half and value.is_floating_point() else value
            flat[f"{name}.{key}"] = small.contiguous().clone()
    save_file(flat, folder / "weights.safetensors")
    config = {**model.config, "title": model.title, "step": model.step, **more}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
