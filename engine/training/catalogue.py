"""Everything there is to choose from, as plain data."""

from __future__ import annotations

from typing import Any

from engine.data import DATASETS
from engine.data.source import Source
from engine.game.recipe import Recipe
from engine.gans import GANS
from engine.metrics import METRICS
from engine.metrics.metric import charts
from engine.models.options import training_options
from engine.objectives import OBJECTIVES
from engine.options import describe
from engine.stabilisers import STABILISERS, Stabiliser


def gan_entry(gan: type[Recipe]) -> dict[str, Any]:
    """A GAN's words and options."""
    return {
        "title": gan.title,
        "sentence": gan.sentence,
        "paper": gan.paper,
        "deviations": list(gan.deviations),
        "kinds": list(gan.kinds),
        "needs_labels": gan.needs_labels,
        "options": describe(gan.Options),
        "defaults": gan.defaults,
        "idle": {kind: list(names) for kind, names in gan.idle.items()},
    }


def stabiliser_entry(piece: Stabiliser) -> dict[str, Any]:
    """A stabiliser's words and options."""
    return {
        "title": piece.title,
        "sentence": piece.sentence,
        "switch": piece.switch,
        "on": piece.on,
        "on_points": piece.on_value("points"),
        "options": describe(piece.Options),
    }


def dataset_entry(source: type[Source]) -> dict[str, Any]:
    """A data set's words and options, and whether it is on this machine."""
    return {
        "title": source.title,
        "sentence": source.sentence,
        "kind": source.kind,
        "licence": source.licence,
        "options": describe(source.Options),
        "missing": missing.as_dict() if (missing := source.missing()) else None,
        "available": missing is None,
    }


def catalogue() -> dict[str, Any]:
    """Everything there is to choose from, as plain data: GANs, objectives, stabilisers, data sets, shared
    options, measures and their charts.
    """
    return {
        "gans": {name: gan_entry(gan) for name, gan in GANS.items()},
        "objectives": {
            name: {**objective.describe(), "options": describe(objective.Options)}
            for name, objective in OBJECTIVES.items()
        },
        "stabilisers": {name: stabiliser_entry(piece) for name, piece in STABILISERS.items()},
        "datasets": {name: dataset_entry(source) for name, source in DATASETS.items() if source.offered},
        "unoffered": [name for name, source in DATASETS.items() if not source.offered],
        "training": describe(training_options()),
        "metrics": {name: metric.describe() for name, metric in METRICS.items()},
        "charts": charts(METRICS),
    }
