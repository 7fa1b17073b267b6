"""Everything there is to choose from, as plain data."""

from __future__ import annotations

from typing import Any

from engine.data import DATASETS
from engine.gans import GANS
from engine.metrics import METRICS
from engine.metrics.metric import charts
from engine.models.options import TrainingOptions
from engine.objectives import OBJECTIVES
from engine.options import describe
from engine.stabilisers import STABILISERS


def catalogue() -> dict[str, Any]:
    """Everything there is to choose from, as plain data: GANs, objectives, stabilisers, data sets, shared
    options, measures and their charts.
    """
    return {
        "gans": {
            name: {
                "title": gan.title,
                "sentence": gan.sentence,
                "paper": gan.paper,
                "kinds": list(gan.kinds),
                "needs_labels": gan.needs_labels,
                "options": describe(gan.Options),
                "defaults": gan.defaults,
            }
            for name, gan in GANS.items()
        },
        "objectives": {name: objective.describe() for name, objective in OBJECTIVES.items()},
        "stabilisers": {
            name: {
                "title": piece.title,
                "sentence": piece.sentence,
                "switch": piece.switch,
                "on": piece.on,
                "on_points": piece.on_value("points"),
                "options": describe(piece.Options),
            }
            for name, piece in STABILISERS.items()
        },
        "datasets": {
            name: {
                "title": source.title,
                "sentence": source.sentence,
                "kind": source.kind,
                "licence": source.licence,
                "options": describe(source.Options),
                "missing": missing.as_dict() if (missing := source.missing()) else None,
                "available": missing is None,
            }
            for name, source in DATASETS.items()
            if source.offered
        },
        "training": describe(TrainingOptions),
        "metrics": {name: metric.describe() for name, metric in METRICS.items()},
        "charts": charts(METRICS),
    }
