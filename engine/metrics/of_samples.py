"""Measures of what a generator makes: pictures, or points of known density."""

from __future__ import annotations

import math

from engine.metrics import measures, needs
from engine.metrics.manifold import NEAR, NEIGHBOURS
from engine.metrics.metric import SHARE, Chart, Figure, Line, Metric, Reference

_REAL = "as many other real pictures in the samples' place"
_POINTS = "as many real points"

FID = Metric(
    "Fréchet distance (FID)",
    "Distance between the Gaussians that fit the features of samples and of real pictures.",
    ("images",),
    (needs.PICTURES, needs.SAMPLES),
    {
        "fid": Figure(
            "FID",
            "Distance of samples from real pictures in a network's features; 0 is equal. Compare only at "
            "the same N and network.",
            "lower",
            (0, None),
            ranks=True,
        )
    },
    _REAL,
    measures.fid,
    looks=True,
)

KID = Metric(
    "Kernel distance (KID)",
    "Like FID, without assuming Gaussians, and without a bias for few samples.",
    ("images",),
    (needs.PICTURES, needs.SAMPLES),
    {
        "kid": Figure(
            "KID",
            "Like FID, without its bias for few samples; 0 is equal, and by chance it falls a little below.",
            "lower",
            ranks=True,
        )
    },
    _REAL,
    measures.kid,
    looks=True,
)

INCEPTION_SCORE = Metric(
    "Inception-style score",
    "Is a classifier sure of each sample, and does it find all classes?",
    ("images",),
    (needs.NOT_STACKED, needs.PICTURES, needs.SAMPLES),
    {
        "inception_score": Figure(
            "inception-style score",
            "How sure a classifier is of each sample, and how evenly it finds the classes: from 1 to their "
            "number.",
            "higher",
            (1, None),
        )
    },
    _REAL,
    measures.score,
    looks=True,
)

PRDC = Metric(
    "Precision, recall, density, coverage",
    "Are samples good (precision, density), and are they all there is (recall, coverage)?",
    ("points", "images"),
    (needs.SAMPLES,),
    {
        "precision": Figure(
            f"precision (k = {NEAR})",
            "Share of samples that are nearer to some real item than its 3rd nearest real neighbour.",
            "higher",
            SHARE,
        ),
        "recall": Figure(
            f"recall (k = {NEAR})",
            "Share of real items that are nearer to some sample than its 3rd nearest sample.",
            "higher",
            SHARE,
        ),
        "density": Figure(
            f"density (k = {NEIGHBOURS})",
            "How many real items, over 5, have a sample nearer than their 5th neighbour: the mean over "
            "samples, 1 for real data.",
            "higher",
            (0, None),
        ),
        "coverage": Figure(
            f"coverage (k = {NEIGHBOURS})",
            "Share of real items with a sample nearer than their 5th nearest real neighbour.",
            "higher",
            SHARE,
        ),
    },
    "as many other real items in the samples' place",
    measures.prdc,
    looks=True,
    charts={
        "precision": Chart(
            (Line("precision", "precision", "g", "prec"), Line("recall", "recall", "d", "rec")),
            f"precision and recall (k = {NEAR})",
            "Precision: samples that look like data. Recall: data that samples look like. From 0 to 1, by "
            "the 3rd neighbour, as Kynkäänniemi et al. have it.",
            "precision, recall",
            SHARE,
        ),
        "density": Chart(
            (Line("density", "density", "g", "dens"), Line("coverage", "coverage", "d", "cov")),
            f"density and coverage (k = {NEIGHBOURS})",
            "Density: real neighbours around samples, about 1 for real. Coverage: real items with a sample "
            "near. By the 5th neighbour, as Naeem et al. have it.",
            "density, coverage",
            (0, None),
        ),
    },
)

MEMORISATION = Metric(
    "Memorisation",
    "Are samples nearer to training pictures than unseen real pictures are?",
    ("images",),
    (needs.PICTURES, needs.SAMPLES),
    {
        "memorised": Figure(
            "memorised",
            "Share of samples as near to a training picture as only 1 % of unseen real pictures are.",
            "lower",
            SHARE,
        )
    },
    "unseen real pictures in the samples' place",
    measures.memorised,
)

MODES = Metric(
    "Mode coverage",
    "How many clusters of the data are reached, and how many samples belong to one.",
    ("points",),
    (needs.CLUSTERS,),
    {
        "modes_hit": Figure(
            "modes",
            "Modes of the data with at least one sample within three standard deviations.",
            "higher",
            (0, None),
            live=True,
        ),
        "share": Figure(
            "share of good samples",
            "Share of samples within three standard deviations of a mode; 0.989 is perfect.",
            "higher",
            SHARE,
            live=True,
            ranks=True,
        ),
        "modes_kl": Figure(
            "KL to uniform",
            "How unevenly the good samples are spread over the modes: 0 is even, log K a single one of K.",
            "lower",
            (0, None),
            "nats",
            live=True,
        ),
    },
    _POINTS,
    measures.modes,
    charts={
        "modes": Chart(
            (Line("modes_hit", "modes"),),
            "modes hit over time",
            menu="modes over time",
            axis=(0, None),
            references=(Reference("all", row="modes_total", floor="modes_hit"),),
        ),
        "share": Chart((Line("share", "share"),), menu="good samples", axis=SHARE),
    },
    fields={
        "modes_total": "Modes that the data have.",
        "histogram": "How the samples near a mode are spread over the modes.",
        "samples": "How many samples the row's measures are of.",
    },
)

DIVERGENCE = Metric(
    "Jensen-Shannon divergence",
    "How far the generated density is from the real one, both smoothed alike.",
    ("points",),
    (needs.POINTS,),
    {
        "jsd": Figure(
            "Jensen-Shannon divergence",
            "How far the samples' density is from the data's: 0 is equal, log 2 = 0.693 is disjoint.",
            "lower",
            (0, math.log(2)),
            "nats",
            live=True,
            ranks=True,
        )
    },
    _POINTS,
    measures.divergence,
    charts={
        "jsd": Chart(
            (Line("jsd", "JSD"),),
            "JS divergence (nats)",
            menu="JS divergence",
            axis=(0, None),
            references=(Reference("disjoint", value=math.log(2)),),
        )
    },
    fields={"bandwidth": "Standard deviation of the smoothing kernel, in data units."},
)

TRANSPORT = Metric(
    "Optimal transport",
    "How far samples must be moved, on average, to lie where as many real points lie (earth mover's "
    "distance).",
    ("points",),
    (needs.POINTS,),
    {
        "transport": Figure(
            "distance",
            "Wasserstein-1, in data units; 0 is best.",
            "lower",
            (0, None),
            "data units",
            live=True,
        )
    },
    _POINTS,
    measures.transport,
    charts={
        "distance": Chart(
            (
                Line("transport", "W", tag="W"),
                Line("critic_value", "D", "d", "D", when="slope"),
                Line("critic_distance", "D ÷ slope", "g", "÷", when="critic"),
            ),
            sentence="How far samples lie from the data: W carries as many generated points to real ones by "
            "the shortest ways. The critic's value over its slope follows W while G is far, as far as D has "
            "learned; near the floor it says little. Its value alone is that times its slope: about 1 + W/2λ "
            "under a gradient penalty of weight λ. Dotted: W of two samples of real points, with the spread "
            "that chance gives it.",
            axis=(0, None),
            references=(
                Reference(
                    "real against real",
                    "real",
                    row="transport_floor",
                    floor="transport",
                    spread="transport_spread",
                ),
            ),
        )
    },
    fields={
        "transport_floor": "The mean distance of two samples of real points, over 64 pairs.",
        "transport_spread": "Standard deviation of that distance: what chance does to a single one.",
        "critic_value": "Mean D(real) - mean D(generated) on the same points.",
        "critic_slope": "Mean norm of D's gradient between them; a penalty pulls it towards 1.",
        "critic_distance": "The value over the slope.",
    },
)

DIVERSITY = Metric(
    "Diversity",
    "How much samples differ from each other, compared with real data.",
    ("points", "images"),
    (needs.SAMPLES,),
    {
        "diversity": Figure(
            "diversity",
            "Mean distance between two samples over that between two real ones. Near 0: all samples look "
            "alike.",
            "higher",
            (0, None),
            live=True,
            ranks=True,
        )
    },
    charts={
        "diversity": Chart(
            (Line("diversity", "diversity"),),
            axis=(0, None),
            references=(Reference("as real", "real", 1.0),),
            smooth=True,
        )
    },
)

CLASSES = Metric(
    "Class histogram",
    "Which classes the samples belong to, as a small classifier sees them.",
    ("images",),
    (needs.CLASSIFIED,),
    {
        "class_kl": Figure(
            "class balance",
            "KL divergence of the samples' classes from the data's: 0 is perfect balance.",
            "lower",
            (0, None),
            "nats",
            live=True,
            ranks=True,
        )
    },
    charts={
        "class_kl": Chart(
            (Line("class_kl", "KL"),), "class balance (KL, nats)", menu="class balance", axis=(0, None)
        )
    },
    fields={
        "class_histogram": "Share of samples in each class.",
        "classes_hit": "Classes with at least a tenth of their share in the data.",
    },
)

STACKED_MODES = Metric(
    "Modes of Stacked MNIST",
    "How many of the 1,000 triples of digits appear, and how evenly, as the digit classifier reads them.",
    ("images",),
    (needs.STACKED,),
    {
        "modes_hit": Figure("modes", "Of 1,000.", "higher", (0, 1000)),
        "modes_kl": Figure(
            "KL to uniform",
            "How unevenly the 1,000 modes are hit: 0 is even, 6.9 a single mode.",
            "lower",
            (0, math.log(1000)),
            "nats",
        ),
    },
    "as many real pictures",
    measures.stacked_modes,
    charts={
        "modes_kl": Chart(
            (Line("modes_kl", "KL"),), "KL to uniform (nats)", menu="KL to uniform", axis=(0, None)
        )
    },
)
