"""What is measured while a generator trains. To add a metric: a file, and an entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from engine.metrics.classes import ClassCounter
from engine.metrics.coverage import mode_coverage
from engine.metrics.divergence import DensityComparison
from engine.metrics.diversity import diversity
from engine.metrics.transport import PAIRED, transport_distance


@dataclass(frozen=True)
class Metric:
    """A measure of samples: what it is called, where it applies, and what its numbers in a metrics row mean.

    ``measure`` is the function, or the class that is made once for a data set and then asked. ``fields`` maps
    the names in a row to a sentence with unit and range. ``samples`` is how many are drawn for it.
    """

    title: str
    sentence: str
    kinds: tuple[Literal["points", "images"], ...]
    samples: int
    fields: dict[str, str]
    measure: Callable[..., Any]


METRICS: dict[str, Metric] = {
    "coverage": Metric(
        "Mode coverage",
        "How many clusters of the data the generator reaches, and how many samples belong to one.",
        ("points",),
        2500,
        {
            "modes_hit": "Modes with at least one sample within three standard deviations.",
            "modes_total": "Modes that the data have.",
            "share": "Share of samples within three standard deviations of a mode; 0.989 is perfect.",
            "histogram": "How those samples share out among the modes.",
        },
        mode_coverage,
    ),
    "divergence": Metric(
        "Jensen-Shannon divergence",
        "How far generated from real data: what the original GAN minimises against the best D.",
        ("points",),
        2500,
        {
            "jsd": "In nats: 0 is equal, log 2 = 0.693 is disjoint; both densities blurred alike.",
            "bandwidth": "Standard deviation of the blur, in data units.",
        },
        DensityComparison,
    ),
    "transport": Metric(
        "Optimal transport",
        "How far generated points lie from real ones, and what a Wasserstein critic says it is.",
        ("points",),
        PAIRED,
        {
            "transport": "Wasserstein-1 of as many real and generated points, in data units.",
            "transport_floor": "The same of two samples of real points.",
            "critic_value": "Mean D(real) - mean D(generated) on the same points.",
            "critic_slope": "Mean norm of D's gradient between them; the penalty holds it at 1.",
            "critic_distance": "The value over the slope.",
        },
        transport_distance,
    ),
    "diversity": Metric(
        "Diversity",
        "How much samples differ from each other, compared with real data.",
        ("points", "images"),
        64,
        {"diversity": "Mean distance of pairs of samples over that of real pairs: 1 is as varied."},
        diversity,
    ),
    "classes": Metric(
        "Class histogram",
        "Which classes the samples belong to, as a small classifier sees them.",
        ("images",),
        256,
        {
            "class_histogram": "Share of samples in each class.",
            "class_kl": "KL divergence of these shares from the data's, in nats; 0 is best.",
            "classes_hit": "Classes with at least a tenth of their share in the data.",
        },
        ClassCounter,
    ),
}
