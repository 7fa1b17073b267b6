"""Generators to play with: pretrained models that ship, models that were added, and runs, all loaded alike.

A model is a folder with ``config.json`` (a run's configuration, and where it stood), ``weights.safetensors``
(``NETWORK.PARAMETER``, averages in place of the networks they average, half precision where it costs
nothing) and ``card.md``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.data.kinds import KINDS
from engine.game.recipe import Recipe, Shape, Stage
from engine.gans import GANS
from engine.models import checkpoint
from engine.models.assembly import options_model
from engine.models.finding import RUNS, find
from engine.models.model import Model
from engine.options import BadInput, NotFound
from engine.runs.files import replacing
from engine.runs.folder import BEST, RunFolder, config_at, run_at
from engine.runs.names import check_id
from engine.runs.records import RunConfig
from engine.stabilisers import STABILISERS

# --- finding


# --- loading and keeping


def load(name: str | Path, runs: Path = RUNS) -> Model:
    """A model by its id or folder, a run at its newest checkpoint, or RUN.best at its best one. Raises
    ``NotFound``, ``BadInput``.
    """
    folder = find(name, runs)
    run, best = run_at(folder)
    if best:
        return load_run(run, best=True)
    config: Any = config_at(folder)
    if (folder / "weights.safetensors").is_file():
        recipe, networks = _build(config, config["options"], config.get("stage", 0))
        flat = load_file(folder / "weights.safetensors")
        kept = {name.split(".")[0] for name in flat}
        networks = {name: network for name, network in networks.items() if name in kept}
        _fill(networks, {name: _part(flat, name) for name in networks})
        return _model(
            folder.name, config["title"], config, recipe, networks, config["step"], config.get("stage", 0)
        )
    return load_run(RunFolder(folder))


def load_run(folder: RunFolder, step: int | None = None, best: bool = False) -> Model:
    """A run at its newest checkpoint, the newest not after ``step``, or its ``best``, averages in place.
    Raises ``NotFound`` without one.
    """
    check_id(folder.id)
    config = folder.config()
    state = checkpoint.load(folder.checkpoints / BEST)["trainer"] if best else _newest(folder, step)
    stage = state.get("stage", 0)
    recipe, networks = _build(config, state["options"], stage)
    _fill(networks, _with_averages(recipe, state))
    id, title = (f"{folder.id}.{BEST}", f"{config['name']}, best") if best else (folder.id, config["name"])
    return _model(id, title, config, recipe, networks, state["step"], stage)


def renew(model: Model, folder: RunFolder) -> Model:
    """``model``, which is of the run in ``folder``, at its newest checkpoint: in the same networks, which is
    many times faster than ``load_run``. Raises ``NotFound`` without a checkpoint, ``BadInput`` if it does not
    fit.
    """
    state = _newest(folder)
    if state.get("stage", 0) != model.stage:
        raise BadInput("the run has gone on to another stage.", "model", "Load it anew.")
    _fill(model.networks, _with_averages(model.recipe, state))
    return replace(model, step=state["step"])


def _newest(folder: RunFolder, step: int | None = None) -> dict[str, Any]:
    kept = checkpoint.newest_whole(folder, step)
    if kept is None:
        raise NotFound(f"{folder.id} has no checkpoint yet.", "model", "Let it train for a moment.")
    return kept.tree["trainer"]


def _model(
    id: str,
    title: str,
    config: RunConfig,
    recipe: Recipe,
    networks: dict[str, nn.Module],
    step: int,
    stage: int,
) -> Model:
    for network in networks.values():
        network.eval().requires_grad_(False)
        _lay_out(network)
    return Model(id, title, config, recipe, networks, step, stage)


def _lay_out(network: nn.Module) -> None:
    """Store dense layers by columns: for one sample that takes two thirds of the time of rows."""
    for module in network.modules():
        if type(module) is nn.Linear and "weight" in module._parameters:  # else something makes it anew
            module.weight.data = module.weight.data.t().contiguous().t()


def _build(config: RunConfig, options: dict[str, Any], stage: int) -> tuple[Recipe, dict[str, nn.Module]]:
    """The recipe and its untrained networks as a stage has them, for a configuration that may be of an older
    version.
    """
    described = config["meta"]["data"]
    names = tuple(described["classes"] or ())
    given = tuple(described.get("given", ()))
    shape = Shape(described["kind"], tuple(described["shape"]), len(names), names, given)
    model = options_model(config["gan"], config["data"])
    known = {name: value for name, value in options.items() if name in model.model_fields}
    recipe, networks = build(config["gan"], model(**known), shape, config["seed"])
    for number, one in enumerate(recipe.stages()[: stage + 1]):
        build_stage(one, number, networks, recipe, config["seed"])
    return recipe, networks


def build(gan: str, options: Any, shape: Shape, seed: int) -> tuple[Recipe, dict[str, nn.Module]]:
    """A GAN's recipe and its fresh networks, with what stabilisers change in them, on the CPU."""
    recipe = GANS[gan](options, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = recipe.networks()
        _stabilise(networks, recipe)
    _arrange(networks, shape)
    return recipe, networks


def build_stage(stage: Stage, number: int, networks: dict[str, nn.Module], recipe: Recipe, seed: int) -> None:
    """Change ``networks`` into what a stage, the ``number``-th, has of them, under the run's own options."""
    if stage.build is None:
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed * 1_000_003 + number)
        stage.build(networks)
        _stabilise(networks, recipe)
    _arrange(networks, recipe.data)


def _stabilise(networks: dict[str, nn.Module], recipe: Recipe) -> None:
    for piece in STABILISERS.values():
        if piece.is_on(recipe.options):
            piece.build(networks, recipe)


def _arrange(networks: dict[str, nn.Module], shape: Shape) -> None:
    """Lay the weights out in memory as data of this kind are."""
    layout = KINDS[shape.kind].layout
    for network in networks.values():
        network.to(memory_format=layout)  # type: ignore[call-overload]


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
    _, networks = _build(model.config, model.options.model_dump(), model.stage)
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
    """Write ``model`` as a folder of its own; ``more`` (title, licence, figures) goes into its config.
    Nothing stays of half.
    """
    flat = {}
    for name in only or model.networks:
        for key, value in model.networks[name].state_dict().items():
            small = value.half() if half and value.is_floating_point() else value
            flat[f"{name}.{key}"] = small.contiguous().clone()
    config = {**model.config, "title": model.title, "step": model.step, **more}
    if model.stage:
        config["stage"] = model.stage
    with contextlib.ExitStack() as undo:
        if not folder.exists():
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
        with replacing(folder / "weights.safetensors") as beside:  # last: by it a model is known
            save_file(flat, beside)
        undo.pop_all()
