"""Models that stay in memory between requests, and are loaded anew when their files change."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from engine.data import DATASETS
from engine.game.recipe import Recipe
from engine.gans import GANS
from engine.latent import moving
from engine.metrics import network as classifiers
from engine.models.loading import load, renew
from engine.models.model import Model, one_thread
from engine.objectives import OBJECTIVES, Objective
from engine.options import BadInput, NotFound
from engine.runs.folder import RunFolder, config_at, run_at
from engine.stabilisers import STABILISERS

BYTES = 2 << 30  # of weights that are kept
LOOK_EVERY_S = 0.25  # how often a model's files are looked at
DIRECTIONS = 8
SAMPLES = 512  # that directions are found from
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Softplus, nn.ELU, nn.SELU, nn.GELU, nn.SiLU)
LASTING = ("features", "before")  # of what was found: all that does not depend on the weights
DAMAGES = (SafetensorError, OSError, KeyError, TypeError, ValueError)  # what damaged files raise
Version = tuple[Any, ...]


@dataclass
class Loaded:
    """A model, and what has been worked out about it so far."""

    model: Model
    folder: Path
    version: Version
    looked: float
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The size of its weights."""
        return sum(p.numel() * p.element_size() for n in self.model.networks.values() for p in n.parameters())

    def directions(self) -> moving.Directions:
        """The principal directions of its generator."""
        if "directions" not in self.found:
            self.found["directions"] = find_directions(self.model)
        return self.found["directions"]

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Around what asks networks besides G: says so if one of them was not kept. Raises ``BadInput``."""
        try:
            yield
        except KeyError as missing:
            raise BadInput(
                f"this model was kept without its {missing.args[0]}.",
                "model",
                "Choose another one, or a run.",
            ) from None

    def is_spherical(self) -> bool:
        """Whether noise is drawn from N(0, I), so that its typical norm is to be kept."""
        recipe = self.model.recipe
        drawn_as_usual = type(recipe).draw_latent is Recipe.draw_latent
        return drawn_as_usual or getattr(recipe.options, "prior", "") == "gaussian"

    def features(self) -> Callable[[Tensor], Tensor] | None:
        """Pictures (N, C, H, W) to features (N, F), by the classifier that ships for the data, if any."""
        if "features" not in self.found:
            self.found["features"] = None
            with contextlib.suppress(BadInput):  # the data are not on this machine
                name = self.model.source().classifier
                if name is not None and classifiers.ships(name) and self.model.shape.shape[0] == 1:
                    self.found["features"] = classifiers.load(name).features
        return self.found["features"]


def find_directions(model: Model, count: int = DIRECTIONS) -> moving.Directions:
    """Directions in the noise by what they do to the first feature maps of G, all codes held."""
    latents = model.recipe.draw_latent(SAMPLES, torch.Generator().manual_seed(0))
    latents[:, model.recipe.noise_dim :] = latents[0, model.recipe.noise_dim :]
    _, first = seen_layers(model.networks[model.recipe.generators[0]])[0]
    hook = first.register_forward_hook(_stop)
    try:
        with one_thread():  # the same directions everywhere
            model.recipe.generate(model.networks, latents)
        raise AssertionError("a generator uses its first layer")
    except _Seen as seen:
        features = seen.args[0].flatten(1)  # (SAMPLES, F)
    finally:
        hook.remove()
    with one_thread():
        found = moving.directions(latents[:, : model.recipe.noise_dim], features, count)
    codes = latents.shape[1] - found.vectors.shape[1]
    return moving.Directions(torch.nn.functional.pad(found.vectors, (0, codes)), found.sd, found.share)


def seen_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers whose output is worth a look, by name: activations or, if there are none, all leaves."""
    leaves = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    return [(name, module) for name, module in leaves if isinstance(module, ACTIVATIONS)] or leaves


class _Seen(Exception):
    """Ends a forward pass that has gone far enough."""


def _stop(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
    raise _Seen(out)


class Library:
    """The models of one process, the least recently asked for dropped first. Not for several threads."""

    def __init__(self, most_bytes: int = BYTES) -> None:
        self._most_bytes = most_bytes
        self._loaded: OrderedDict[Path, Loaded] = OrderedDict()

    def get(self, folder: Path) -> Loaded:
        """The model in ``folder`` as it is now. Raises ``NotFound`` if it is gone, ``BadInput`` if it is
        damaged or of another version.
        """
        known = self._loaded.get(folder)
        now = time.monotonic()
        if known is not None and now - known.looked < LOOK_EVERY_S:
            self._loaded.move_to_end(folder)
            return known
        version = version_of(folder)
        if known is not None and known.version == version:
            known.looked = now
            self._loaded.move_to_end(folder)
            return known
        loaded = _renewed(known, version) if known is not None else None
        self._loaded.pop(folder, None)
        loaded = loaded or Loaded(load_safely(folder), folder, version, now)
        self._loaded[folder] = loaded
        while len(self._loaded) > 1 and sum(one.bytes for one in self._loaded.values()) > self._most_bytes:
            self._loaded.popitem(last=False)
        return loaded


def _renewed(known: Loaded, version: Version) -> Loaded | None:
    """``known`` with a run's newer weights; ``None`` if it has to be loaded as if for the first time."""
    if (known.folder / "weights.safetensors").is_file() or run_at(known.folder)[1]:
        return None
    try:
        model = renew(known.model, RunFolder(known.folder))
    except (*DAMAGES, BadInput):
        return None  # another checkpoint has taken its place in the meantime, or it does not fit
    kept = {name: value for name, value in known.found.items() if name in LASTING}
    return Loaded(model, known.folder, version, time.monotonic(), kept)


def version_of(folder: Path) -> Version:
    """What changes when a model's files do. Raises ``NotFound`` if there are none."""
    try:
        weights = (folder / "weights.safetensors").stat()
        return (weights.st_mtime_ns, weights.st_size)
    except FileNotFoundError:
        run, best = run_at(folder)
        steps = run.checkpoint_steps()
    if not (run.path / "config.json").is_file():
        raise NotFound(
            f"the model {folder.name} is gone.", "model", "It was deleted: choose another from the list."
        )
    if not steps:
        return ()
    try:
        newest = (run.checkpoints / (best or f"{steps[-1]:08d}") / "state.json").stat()
    except FileNotFoundError:
        return (steps[-1],)
    return (steps[-1], newest.st_mtime_ns)


def load_safely(folder: Path) -> Model:
    """``engine.models.loading.load``, with what damaged files raise said as ``BadInput``."""
    config = config_at(folder)
    if config.get("gan") not in GANS or config.get("data") not in DATASETS:
        raise BadInput(
            f"this version knows no {config.get('gan')} of {config.get('data')}.",
            "model",
            "Choose another model, or install the version that made it.",
        )
    try:
        return load(folder)
    except BadInput:
        raise
    except DAMAGES as error:
        short = " ".join(str(error).split())[:120]
        raise BadInput(
            f"the model {folder.name} is damaged ({type(error).__name__}: {short}).",
            "model",
            "Choose another one, or put its files back.",
        ) from None


def objective_of(loaded: Loaded) -> Objective:
    """What the model's players played for."""
    return OBJECTIVES[loaded.model.options.objective]


def undecided_of(loaded: Loaded) -> float | None:
    """The score of the model's D where it cannot tell, by the targets that it learned from; ``None`` where
    nobody knows.
    """
    options = loaded.model.options
    target = min(
        (piece.target(options) for piece in STABILISERS.values() if piece.is_on(options)), default=1.0
    )
    return OBJECTIVES[options.objective].of(options).middle(target)
