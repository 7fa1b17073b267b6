"""What of a run's rows the rules read, and what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from statistics import mean
from typing import Any

from engine.runs.records import DiagnosisRecord, Remedy, Row, RunConfig

Figures = Mapping[str, Any]  # a row: each rule asks whether what it reads is there

WINDOW = 10  # measured rows
SETTLED = 5  # measured rows before anything is said
RECENT = 3  # measured rows of pictures, 100 steps apart, that must agree
HEALTHY_JSD = 0.2  # nats of Jensen-Shannon divergence to the data
CONVERGED = 0.7  # of its first value, at most: an error of a translator or an encoder that has learned
WATCHED = ("test_l1", "test_cycle_a", "reconstruction_error")

TITLES = {
    "mode_collapse": "Mode collapse",
    "vanishing_gradient": "Vanishing generator gradient",
    "discriminator_overpowering": "Discriminator overpowering",
    "oscillation": "Oscillation",
    "divergence": "Divergence",
    "healthy": "Healthy",
    "learning": "Learning",
}

WHY = {
    "mode_collapse": "G has found a few outputs that fool D for the moment and makes only those. D's "
    "answer to one sample says nothing about "
    "variety, so while D is slow to follow, nothing pushes G to spread out.",
    "vanishing_gradient": "D is sure about every generated sample. Where log(1 - D(G(z))) is flat its "
    "slope is almost zero, so G's weights get "
    "no signal however wrong its samples are (Arjovsky & Bottou 2017, theorem 2.4).",
    "discriminator_overpowering": "D tells nearly every sample apart and stays ahead of G: its loss is "
    "near zero, and what it tells G is "
    "where it is sure, not how to improve.",
    "oscillation": "Each player answers the other's last move and overshoots, so the pair circles the "
    "solution instead of nearing it. Momentum and "
    "large rates make it worse, gradient penalties damp it.",
    "divergence": "The weights grew until the arithmetic overflowed: a learning rate too large for this "
    "objective, or a critic whose slope "
    "nothing bounds.",
    "healthy": "The two players are in balance, and the samples resemble the data.",
    "learning": "None of the known failures shows, and there is no evidence yet that the samples resemble "
    "the data.",
}


class Seen:
    """The last rows of a run, and what of earlier ones still matters."""

    def __init__(self, config: RunConfig, can_take: Callable[[Remedy], bool] = lambda _: True) -> None:
        self.options, self.can_take = dict(config["options"]), can_take
        self.kind, self.modes = config["kind"], len(config["meta"]["data"].get("modes") or [])
        self.classes = len(config["meta"]["data"].get("classes") or [])
        self.score: Mapping[str, Any] = config["meta"].get("objective") or {}
        self.judges_samples = config["meta"].get("gan", {}).get("judges_samples", True)
        self.both_ways = self.kind in ("pairs", "domains") and "identity_weight" in self.options
        self.first: Figures = {}  # the first value of each figure that is watched
        self.measured: deque[Figures] = deque(maxlen=WINDOW)
        self.rows: deque[Figures] = deque(maxlen=40)
        self.measurements, self.greatest_diversity, self.most_classes = 0, 0.0, 0

    def see(self, reported: Row) -> Figures:
        """Take in the next row, and give it without what is null."""
        # null is what NaN is written as
        row: Figures = {name: value for name, value in reported.items() if value is not None}
        for name in ("generator_lr", "discriminator_lr"):
            self.options[name] = row.get(name, self.options[name])
        self.rows.append(row)
        if "samples" in row:
            self.measured.append(row)
            self.first = {**{name: row[name] for name in WATCHED if name in row}, **self.first}
            self.measurements += 1
            self.greatest_diversity = max(self.greatest_diversity, row.get("diversity", 0.0))
            self.most_classes = max(self.most_classes, row.get("classes_hit", 0))
        return row

    @property
    def is_settled(self) -> bool:
        """Whether enough was measured for anything to be said."""
        return len(self.measured) >= SETTLED

    @property
    def newest(self) -> Figures:
        """The last measured row, empty before there is one."""
        return self.measured[-1] if self.measured else {}

    def recent(self, name: str) -> float | None:
        """The mean of a figure over the last rows, ``None`` where none has it."""
        values = [row[name] for row in self.rows if name in row]
        return mean(values) if values else None

    def window(self, name: str) -> list[Any]:
        """The measured values of a figure, the newest last."""
        return [row[name] for row in self.measured if name in row]


def diagnosis(
    name: str, evidence: str, numbers: dict[str, Any], remedy: Remedy | None = None
) -> DiagnosisRecord:
    """The diagnosis ``name`` in full."""
    return {
        "name": name,
        "title": TITLES[name],
        "why": WHY[name],
        "evidence": evidence,
        "numbers": numbers,
        "remedy": remedy,
    }


def calm(
    is_good: bool, evidence: str, numbers: dict[str, Any], remedy: Remedy | None = None
) -> DiagnosisRecord:
    """*Healthy* if there is evidence for it, else *Learning*."""
    return diagnosis("healthy" if is_good else "learning", evidence, numbers, remedy)
