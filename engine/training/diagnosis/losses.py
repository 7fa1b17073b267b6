"""What the players' own figures say: D's accuracy, G's gradient."""

from __future__ import annotations

from statistics import mean, median

from engine.runs.records import DiagnosisRecord
from engine.training.diagnosis import pictures
from engine.training.diagnosis.remedies import differing, evenly, wgan_gp
from engine.training.diagnosis.seen import HEALTHY_JSD, SETTLED, Seen, diagnosis


def vanishing_gradient(d: Seen) -> DiagnosisRecord | None:
    """D sure of everything while G's gradient has all but gone."""
    accuracy, gradient = d.recent("d_accuracy"), d.recent("g_grad")
    if d.score.get("range", True) is None or d.window("test_error"):
        return None  # only log(1 - D) and the like have a flat side, and a classifier's G matches features
    if accuracy is None or gradient is None or accuracy < 0.98 or gradient > 1e-2:
        return None
    evidence = f"G's gradient norm is {gradient:.1e} while D's accuracy is {accuracy:.2f}."
    if d.score["name"] == "minimax":
        remedy = differing(d, "Non-saturating objective", {"objective": "non_saturating"}, live=False)
    else:
        remedy = wgan_gp(d)
    return diagnosis("vanishing_gradient", evidence, {"g_grad": gradient, "d_accuracy": accuracy}, remedy)


def discriminator_overpowering(d: Seen) -> DiagnosisRecord | None:
    """D right about nearly everything for the whole window, where its accuracy means something and G stands
    still.
    """
    if d.score["name"] == "wasserstein" or d.window("test_error"):
        return None  # a critic is to be right, and so is a classifier
    if (levels := d.window("jsd")[-SETTLED:]) and median(levels) < HEALTHY_JSD:
        return None  # the samples are there all the same
    accuracies = [row["d_accuracy"] for row in d.rows if "d_accuracy" in row]
    limit = 0.85 if d.kind == "points" else 0.99
    if len(accuracies) < 20 or mean(accuracies) < limit or pictures.get_better(d):
        return None  # a G that learns from a D that is ahead is not overpowered
    evidence = f"D's accuracy is {mean(accuracies):.2f} over the last {len(accuracies)} reports."
    remedy = evenly(d) or wgan_gp(d)
    return diagnosis("discriminator_overpowering", evidence, {"d_accuracy": mean(accuracies)}, remedy)
