"""Names what is happening to a run from its metric rows: the failure, its evidence in numbers, and a remedy.
No torch.

Each rule looks at the last few measured rows (one every ``measure_every`` steps). Several may hold at once. A
remedy is a change of options; where all of them are live it can be applied to the run as it trains.
``tests/benchmarks/diagnosis.py`` measures on real runs how often each rule is right; the thresholds come from
there. The rules are in ``engine.training.diagnosis``, a file a subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.runs.records import DiagnosisRecord, Remedy, Row, RunConfig
from engine.training.diagnosis import losses, pictures, points, translators
from engine.training.diagnosis.remedies import differing
from engine.training.diagnosis.seen import Seen, diagnosis

Rule = Callable[[Seen], DiagnosisRecord | None]

RULES: dict[str, tuple[Rule, ...]] = {  # by the kind of data, the gravest first
    "points": (
        losses.vanishing_gradient,
        points.mode_collapse,
        losses.discriminator_overpowering,
        points.oscillation,
    ),
    "images": (losses.vanishing_gradient, pictures.mode_collapse, losses.discriminator_overpowering),
    "pairs": (translators.left_behind,),
    "domains": (translators.left_behind,),
}


class Diagnoser:
    """Feeds on rows in the order of their steps; the same rows give the same answer. A remedy that the run
    cannot take, by ``can_take``, is not offered.
    """

    def __init__(self, config: RunConfig, can_take: Callable[[Remedy], bool] = lambda _: True) -> None:
        self.seen = Seen(config, can_take)
        self.rules = RULES.get(self.seen.kind, RULES["images"])
        self.active: list[DiagnosisRecord] = []
        self.since: dict[str, int] = {}
        self.broken: DiagnosisRecord | None = None

    def update(self, reported: Row) -> list[DiagnosisRecord]:
        """The diagnoses that hold after a row, the gravest first; at least one of healthy and learning if
        nothing is wrong.
        """
        row = self.seen.see(reported)
        if self.broken:
            return [self.broken]
        if "samples" not in row and self.active:
            return self.active
        found = [rule(self.seen) for rule in self.rules] if self.seen.is_settled else []
        active = [item for item in found if item] or [self._calm()]
        step = int(row["step"])
        self.since = {item["name"]: self.since.get(item["name"], step) for item in active}
        self.active = [{**item, "since": self.since[item["name"]]} for item in active]
        return self.active

    def diverged(self, step: int, networks: Sequence[str], statistic: str, rates: dict[str, float]) -> None:
        """Record that the update of ``networks`` at ``step`` broke training, with the ``rates`` to try; it is
        all that is said from now on.
        """
        names = " and ".join(networks)
        evidence = f"The update of {names} at step {step:,} left weights with which {statistic} is infinite "
        evidence += "or NaN."
        words = " and ".join(f"{name} at {value:g}" for name, value in rates.items())
        remedy = differing(self.seen, f"Start again with {words}", rates, live=False)
        numbers = {"step": step, "network": networks[-1], "statistic": statistic}
        self.broken = {**diagnosis("divergence", evidence, numbers, remedy), "since": step}

    def _calm(self) -> DiagnosisRecord:
        if "jsd" in self.seen.newest:
            return points.without_alarm(self.seen)
        if self.seen.kind in ("pairs", "domains"):
            return translators.without_alarm(self.seen)
        return pictures.without_alarm(self.seen)
