"""What samples in the plane say: which modes they are on, whether they stay, how near they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from engine.runs.records import DiagnosisRecord, Remedy
from engine.training.diagnosis.remedies import differing, keep_up, penalty, wgan_gp
from engine.training.diagnosis.seen import HEALTHY_JSD, SETTLED, Seen, calm, diagnosis

FILLING = 7  # measured rows within which modes may fill one after the other
MOVED = 0.3  # of the samples, to another mode from one measured row to the next
ALL = 0.9  # of the modes: nearly all are there
NEARER = 0.8  # of the least divergence before
LARGE_RATE = 3e-3  # for Adam on two players


def mode_collapse(d: Seen) -> DiagnosisRecord | None:
    """Far fewer modes than the data have, in most of the window."""
    hits = d.window("modes_hit")
    if d.modes <= 1 or len(hits) < FILLING or max(median(hits), hits[-1]) > 0.5 * d.modes:
        return None  # modes may fill one after the other, and it may just have got over it
    if max(d.window("share"), default=0) <= 0.02:
        return None  # missing them all is not collapse but not having arrived
    evidence = f"{hits[-1]} of {d.modes} modes (median {median(hits):.0f} over the last {len(hits)} "
    evidence += "measurements)."
    numbers = {"modes_hit": hits[-1], "modes_total": d.modes}
    return diagnosis("mode_collapse", evidence, numbers, keep_up(d) or wgan_gp(d))


def oscillation(d: Seen) -> DiagnosisRecord | None:
    """Samples keep jumping: the histogram over modes, or the divergence, changes much from row to row, and
    back. Samples that lie on the data do not oscillate, nor do those that are still on their way, nor those
    that are on all modes at once: what moves among them leaves none.
    """
    levels = d.window("jsd")
    if levels and (median(levels[-SETTLED:]) < HEALTHY_JSD or comes_nearer(levels)):
        return None
    histograms = d.window("histogram")[-SETTLED - 1 :]  # what was before has had time to calm down
    if histograms:
        if len(histograms) <= SETTLED or d.newest.get("modes_hit", 0) >= ALL * d.modes:
            return None
        moves = [sum(abs(a - b) for a, b in zip(x, y, strict=True)) / 2 for x, y in pairwise(histograms)]
        moved = median(moves)  # one jump on the way to the data is none
        if moved < MOVED:
            return None
        evidence = f"Between measurements {moved:.0%} of the samples change their mode."
    else:
        if len(levels) < SETTLED:
            return None
        there_and_back = sum(abs(a - b) for a, b in pairwise(levels)) - abs(levels[0] - levels[-1])
        moved = there_and_back / (len(levels) - 1)
        if moved < 0.08:
            return None
        evidence = f"The Jensen-Shannon divergence jumps by {moved:.2f} nats between measurements."
    return diagnosis("oscillation", evidence, {"moved": moved}, _calming(d))


def _calming(d: Seen) -> Remedy | None:
    if d.options["weight_clip"]:
        options = {"weight_clip": 0.0, "gradient_penalty": penalty(d), "critic_steps": 5}
        sentence = "A gradient penalty instead of clipping, 5 D steps"
        if remedy := differing(d, sentence, options, live=True):
            return remedy
    if remedy := keep_up(d):
        return remedy
    rates = {f"{player}_lr": d.options[f"{player}_lr"] / 10 for player in ("generator", "discriminator")}
    if max(rates.values()) > LARGE_RATE / 10:
        slow = {**rates, "generator_beta1": 0.5, "discriminator_beta1": 0.5}
        if remedy := differing(d, "A tenth of both learning rates, momentum 0.5", slow, live=False):
            return remedy
    return wgan_gp(d)


def comes_nearer(levels: Sequence[float]) -> bool:
    """Whether the least of these divergences by far is one of the last two."""
    return len(levels) > SETTLED and min(levels[-2:]) < NEARER * min(levels[:-2])


def without_alarm(d: Seen) -> DiagnosisRecord:
    """Healthy where samples have been near the data for a while, on all modes."""
    newest, levels = d.newest, d.window("jsd")
    counted = bool(d.modes) and "modes_hit" in newest
    modes = f"{newest['modes_hit']} of {d.modes} modes, " if counted else ""
    level = median(levels)
    evidence = f"{modes}Jensen-Shannon divergence {level:.2f} nats (0 is perfect, 0.69 disjoint)."
    is_good = len(levels) >= SETTLED and level < HEALTHY_JSD
    is_good = is_good and (not d.modes or newest.get("modes_hit", 0) >= ALL * d.modes)
    return calm(is_good, evidence, {"jsd": level})
