"""Measures of translated pictures, beside what they should be."""

from __future__ import annotations

from engine.metrics import held_out, needs
from engine.metrics.metric import Chart, Figure, Line, Metric, both_ways, each_way

_INPUT = "the input itself in the output's place"
_WINDOWS = "windows of training targets in the outputs' place"

DIFFERENCES = Metric(
    "Difference from the target",
    "How far translations of held-out pictures are from what they should be, pixel by pixel.",
    ("pairs", "domains"),
    (needs.TRANSLATES, needs.TRUTH),
    each_way(
        {
            "l1": Figure(
                "L1", "Mean absolute difference on -1 to 1; 0 is equal.", "lower", (0, 2), live=True
            ),
            "psnr": Figure(
                "PSNR",
                "Peak signal-to-noise ratio of translations of held-out pictures, in dB.",
                "higher",
                (0, None),
                "dB",
            ),
            "ssim": Figure(
                "SSIM", "Structural similarity of translations and targets, at most 1.", "higher", (-1, 1)
            ),
        }
    ),
    _INPUT,
    held_out.differences,
    charts={
        "l1": Chart(
            (Line("l1", "L1", "g", "L1"),),
            sentence="Mean difference of outputs from targets, on -1 to 1.",
            axis=(0, None),
            smooth=True,
        ),
        "psnr": Chart(both_ways("psnr"), "PSNR (dB)", menu="PSNR"),
        "ssim": Chart(both_ways("ssim")),
    },
)
FEATURE_DISTANCE = Metric(
    "Feature distance",
    "How different output and target look to the feature network; blur counts, shifts hardly do.",
    ("pairs", "domains"),
    (needs.TRANSLATES, needs.TRUTH),
    each_way(
        {
            "feature_distance": Figure(
                "feature distance",
                "How different translation and target look to a network: blur counts, shifts hardly do. 0 "
                "is equal.",
                "lower",
                (0, None),
            )
        }
    ),
    _INPUT,
    held_out.feature_distance,
    looks=True,
    charts={"feature_distance": Chart(both_ways("feature_distance"), axis=(0, None))},
)
WINDOWS = Metric(
    "Distributions of windows",
    "FID and KID of 64 px windows of outputs and of targets.",
    ("pairs", "domains"),
    (needs.TRANSLATES, needs.TRUTH),
    each_way(
        {
            "window_fid": Figure(
                "FID of windows",
                "FID of 64 px windows of translations and of targets; 0 is equal.",
                "lower",
                (0, None),
            ),
            "window_kid": Figure(
                "KID of windows",
                "KID of 64 px windows of translations and of targets; by chance it falls below 0.",
                "lower",
            ),
        }
    ),
    _WINDOWS,
    held_out.distributions,
    looks=True,
    charts={
        "window_fid": Chart(both_ways("window_fid"), axis=(0, None)),
        "window_kid": Chart(both_ways("window_kid")),
    },
)
CYCLES = Metric(
    "There and back",
    "How far a picture is from itself after both translations, on -1 to 1.",
    ("pairs", "domains"),
    (needs.TWO_WAYS, needs.TRANSLATES, needs.TRUTH),
    {
        "cycle_a": Figure("cycle A", "Mean |back(G(a)) - a|.", "lower", (0, 2), live=True),
        "cycle_b": Figure("cycle B", "Mean |G(back(b)) - b|.", "lower", (0, 2), live=True),
    },
    evaluate=held_out.cycles,
    charts={
        "cycles": Chart(
            (
                Line("cycle_a", "A after both ways", "real", "cycle A"),
                Line("cycle_b", "B after both ways", "fake", "cycle B"),
                Line("identity_a", "A left as it is", "muted", "identity A"),
                Line("identity_b", "B left as it is", "d", "identity B"),
            ),
            "cycles, identity",
            "Mean difference, on -1 to 1, of A and B from themselves: after both ways, or left as they are.",
            axis=(0, None),
            smooth=True,
        )
    },
)
HELD_OUT = Metric(
    "Held-out pictures",
    "How far translations of the pictures shown, never trained on, are from their targets.",
    ("pairs", "domains"),
    (needs.TRANSLATES, needs.PAIRED),
    {
        "test_l1": Figure(
            "L1 on held-out pictures",
            "Mean absolute difference of outputs from targets, on -1 to 1, on pictures that are never "
            "trained on.",
            "lower",
            (0, 2),
            live=True,
            ranks=True,
        ),
        "test_psnr": Figure(
            "PSNR on held-out pictures",
            "Peak signal-to-noise ratio, in dB, on pictures that are never trained on.",
            "higher",
            (0, None),
            "dB",
            live=True,
            ranks=True,
        ),
    },
    charts={
        "held_out": Chart(
            (Line("test_l1", "A to B", "g", "A to B"), Line("test_l1_back", "B to A", "fake", "B to A")),
            menu="held-out L1",
            axis=(0, None),
        )
    },
)
