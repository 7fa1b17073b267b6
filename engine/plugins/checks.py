"""What an entry of each table must have, checked before anybody meets it: each raises ``BadInput``."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from engine import options
from engine.data import DATASETS, PointSource
from engine.data.source import Source
from engine.game.recipe import Recipe
from engine.gans import GANS
from engine.metrics import METRICS
from engine.metrics.metric import Metric, charts
from engine.models.assembly import options_model
from engine.models.options import TrainingOptions
from engine.objectives import Objective
from engine.options import BadInput, Options
from engine.stabilisers import STABILISERS, Stabiliser
from engine.training import catalogue

KINDS = ("points", "images", "pairs", "domains")


def gan(name: str, entry: Any) -> None:
    """A subclass of ``Recipe`` with its words, kinds, options and methods."""
    _subclass(name, entry, Recipe, "engine.game.recipe.TwoPlayers")
    _words(entry, name, "title", "sentence", "paper")
    if not entry.kinds or not set(entry.kinds) <= set(KINDS):
        raise BadInput(f"{name} has kinds {entry.kinds}.", None, f"Use some of: {', '.join(KINDS)}.")
    _no_clash(name, entry.Options, [*_stabilisers(), TrainingOptions, *_datasets()])
    for kind, defaults in entry.defaults.items():
        data = next((data for data, source in DATASETS.items() if source.kind == kind), None)
        if data is None:
            raise BadInput(f"{name} has defaults for {kind!r}.", None, f"Use some of: {', '.join(KINDS)}.")
        model = options_model.__wrapped__(name, data)
        if unknown := set(defaults) - set(model.model_fields):
            raise BadInput(
                f"{name} has a default for {min(unknown)}, which is not an option.",
                None,
                "Declare it, or drop it.",
            )
        options.validate(model, {})
    catalogue.gan_entry(entry)


def dataset(name: str, entry: Any) -> None:
    """A subclass of ``Source`` with its words, kind and options; of points, what their pictures need."""
    _subclass(name, entry, Source, "engine.data.source.PointSource or ImageSource")
    _words(entry, name, "title", "sentence", "licence")
    if getattr(entry, "kind", None) not in KINDS:
        raise BadInput(f"{name} has no kind.", None, f"Set kind to one of: {', '.join(KINDS)}.")
    if getattr(entry, "name", None) != name:
        raise BadInput(f"the name of {name} differs from its entry.", None, f'Write name = "{name}".')
    _no_clash(
        name, entry.Options, [*_stabilisers(), TrainingOptions, *(one.Options for one in GANS.values())]
    )
    options.validate(entry.Options, {})
    if issubclass(entry, PointSource):
        source = entry()
        points = source.sample(4, torch.Generator().manual_seed(0))
        if tuple(points.shape) != (4, 2) or points.dtype != torch.float32:
            given = f"{tuple(points.shape)}, {points.dtype}"
            raise BadInput(f"sample(4, generator) of {name} gives {given}.", None, "Give float32 (n, 2).")
        x0, x1, y0, y1 = source.extent
        if not (x0 < x1 and y0 < y1):
            raise BadInput(f"the extent of {name} is empty.", None, "Give (x0, x1, y0, y1), rising.")
        source.mass(4)
    catalogue.dataset_entry(entry)


def objective(name: str, entry: Any) -> None:
    """An ``Objective`` whose two losses turn logits (N,) into a scalar."""
    if not isinstance(entry, Objective):
        raise BadInput(f"{name} is not an Objective.", None, "Make it with engine.objectives.Objective(...).")
    _words(entry, name, "title", "sentence", "latex_d", "latex_g", "divergence")
    logits = torch.zeros(4)
    losses = {
        "discriminator_loss": entry.discriminator_loss(logits, logits, 1.0),
        "generator_loss": entry.generator_loss(logits, logits),
    }
    for which, loss in losses.items():
        if not isinstance(loss, torch.Tensor) or loss.dim():
            raise BadInput(f"the {which} of {name} gives no scalar.", None, "Take the mean over the batch.")
    entry.describe()


def stabiliser(name: str, entry: Any) -> None:
    """An instance of a ``Stabiliser`` with its words and a switch that is off by default."""
    if not isinstance(entry, Stabiliser):
        raise BadInput(
            f"{name} is not a Stabiliser.",
            None,
            f'Write "{name}": YourClass(), one of a subclass of it.',
        )
    _words(entry, name, "title", "sentence", "switch")
    if not hasattr(entry, "Options") or entry.switch not in entry.Options.model_fields:
        raise BadInput(f"the switch of {name} is none of its Options.", None, "Declare it with knob(...).")
    if entry.is_on(options.validate(entry.Options, {})):
        raise BadInput(f"{name} is on by default.", None, f"Give {entry.switch} the default 0 or False.")
    if not getattr(entry, "on", None):
        raise BadInput(f"{name} has no value to be switched on with.", None, "Set on, to 1.0 for example.")
    others = [piece.Options for piece in STABILISERS.values() if piece is not entry]
    _no_clash(name, entry.Options, [*others, TrainingOptions, *_datasets(), *_players()])
    catalogue.stabiliser_entry(entry)


def metric(name: str, entry: Any) -> None:
    """A ``Metric`` with its words, kinds and function, whose figures nobody else has."""
    if not isinstance(entry, Metric):
        raise BadInput(f"{name} is not a Metric.", None, "Make it with engine.metrics.metric.Metric(...).")
    _words(entry, name, "title", "sentence")
    if not entry.kinds or not set(entry.kinds) <= set(KINDS):
        raise BadInput(f"{name} has kinds {entry.kinds}.", None, f"Use some of: {', '.join(KINDS)}.")
    if not callable(entry.evaluate):
        raise BadInput(f"{name} has no function.", None, "Give evaluate a function of a Subject.")
    for other in METRICS.values():
        if other is not entry and (both := set(entry.figures) & set(other.figures)):
            raise BadInput(f"{other.title} has a figure {min(both)}, too.", None, "Rename yours.")
    entry.describe()
    charts({name: entry})


def _subclass(name: str, entry: Any, base: type, start: str) -> None:
    if not (isinstance(entry, type) and issubclass(entry, base)):
        raise BadInput(
            f"{name} is not a {base.__name__}.", None, f"List the class itself, a subclass of {start}."
        )
    if missing := getattr(entry, "__abstractmethods__", None):
        raise BadInput(f"{name} has no {', '.join(sorted(missing))}.", None, "Write the method.")


def _words(entry: Any, name: str, *attributes: str) -> None:
    for attribute in attributes:
        text = inspect.getattr_static(entry, attribute, None)
        if not isinstance(text, str) or not text:
            raise BadInput(f"{name} has no {attribute}.", None, f'Write {attribute} = "...".')


def _no_clash(name: str, own: type[Options], others: list[type[Options]]) -> None:
    """All options of a run share one form, so no two may have one name."""
    if not (isinstance(own, type) and issubclass(own, Options)):
        raise BadInput(f"the Options of {name} are none.", None, "Derive them from engine.options.Options.")
    for other in others:
        if both := set(own.model_fields) & set(other.model_fields):
            raise BadInput(
                f"{name} has an option {min(both)}, and so has {other.__qualname__}.", None, "Rename yours."
            )


def _stabilisers() -> list[type[Options]]:
    return [piece.Options for piece in STABILISERS.values()]


def _players() -> list[type[Options]]:
    return [gan.Options for gan in GANS.values()]


def _datasets() -> list[type[Options]]:
    return [source.Options for source in DATASETS.values()]
