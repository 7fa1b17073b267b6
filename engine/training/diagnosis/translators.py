"""What a translator's outputs on held-out pictures say."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from engine.runs.records import DiagnosisRecord
from engine.training.diagnosis.remedies import differing
from engine.training.diagnosis.seen import CONVERGED, RECENT, SETTLED, Seen, calm, diagnosis

FLAT = 0.1  # of the variety of real pictures
INVERTED = -0.5  # correlation of the light of input and output
BETTER = 0.97  # of the error a window ago, at most: outputs that do get better
ASTRAY = 0.1  # of the outputs, at most, lie among real pictures of a side


def left_behind(d: Seen) -> DiagnosisRecord | None:
    """D right about every patch while G's loss climbs and its outputs get no better."""
    half = len(d.rows) // 2
    losses = [row["g_loss"] for row in d.rows if "g_loss" in row]
    accuracies = [row["d_accuracy"] for row in d.rows if "d_accuracy" in row]
    if half < 10 or len(losses) < 2 * half or len(accuracies) < 2 * half or mean(accuracies) < 0.98:
        return None
    before, now = mean(losses[:half]), mean(losses[half:])
    errors = d.window("test_l1") or d.window("test_cycle_a")
    if now < 1.2 * abs(before) or get_better(errors):
        return None
    evidence = f"D's accuracy is {mean(accuracies):.2f}, and G's loss climbs: {before:.2f}, then {now:.2f}."
    rate = d.options["discriminator_lr"] / 3
    remedy = differing(d, f"Let G keep up: D's rate {rate:g}", {"discriminator_lr": rate}, live=True)
    numbers = {"d_accuracy": mean(accuracies), "g_loss": now}
    return diagnosis("discriminator_overpowering", evidence, numbers, remedy)


def get_better(errors: Sequence[float]) -> bool:
    """Whether the last of these errors is well below the first."""
    return bool(errors) and errors[-1] < BETTER * errors[0]


def without_alarm(d: Seen) -> DiagnosisRecord:
    """Whether held-out pictures still come nearer to what they should be. How near they come back to what
    they were says nothing of what lies between: two translators that do nothing are perfect there.
    """
    if said := odd(d):
        return said
    for name, words in (("test_l1", "from the targets"), ("test_cycle_a", "from A after both ways")):
        values = d.window(name)
        if len(values) >= SETTLED:
            evidence = f"Held-out pictures are {values[-1]:.3f} {words}, {d.first[name]:.3f} at first."
            still = min(values[-2:]) < min(values[:-2])
            is_good = name == "test_l1" and not still and values[-1] < CONVERGED * d.first[name]
            return calm(is_good, evidence, {name: values[-1]})
    return calm(False, "Too early to say.", {})


def odd(d: Seen) -> DiagnosisRecord | None:
    """What is wrong with outputs whatever they should be."""
    recent, newest = list(d.measured)[-RECENT:] if d.is_settled else [], d.newest
    for ending, words in (("", "Outputs"), ("_back", "Outputs of the way back")):
        variety, light = f"test_variety{ending}", f"test_light{ending}"
        if recent and max(row.get(variety, 1.0) for row in recent) < FLAT:
            evidence = (
                f"{words} are all alike: they vary {newest[variety]:.2f} times as much as real pictures."
            )
            return calm(False, evidence, {variety: newest[variety]})
        if recent and d.both_ways and max(row.get(light, 1.0) for row in recent) < INVERTED:
            evidence = f"{words} are dark where inputs are light (correlation {newest[light]:.2f})."
            keeping = {"identity_weight": 0.5}
            remedy = differing(d, "The identity loss, which keeps colours", keeping, live=True)
            return calm(False, evidence, {light: newest[light]}, remedy)
        among = [f"test_among_{side}{ending}" for side in ("inputs", "targets")]
        if get_better(d.window(f"test_l1{ending}")):
            continue  # blurred as they are, they are on their way
        if recent and max(row.get(side, 1.0) for row in recent for side in among) < ASTRAY:
            evidence = f"{words} look like neither side: {newest[among[1]]:.0%} of them have the colours and "
            evidence += f"edges of real targets, {newest[among[0]]:.0%} those of inputs."
            return calm(False, evidence, {side: newest[side] for side in among})
    return None
