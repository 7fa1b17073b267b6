"""The rows of metrics: what training says of itself, what is measured on its samples, what is made of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.live.picture import Picture
from engine.metrics import METRICS
from engine.runs.records import Row, Values
from engine.training.diagnose import Diagnoser
from engine.training.optimizers import player
from engine.training.trainer import Trainer
from engine.training.turns import Divergence
from engine.worker.journal import Journal, newest_attempt
from engine.worker.keeping import Keeper
from engine.worker.status import Status

DIAGNOSIS_EVERY_S = 2  # while the same holds

Progress = Callable[[int, Row], None]


class Reporter:
    """Reads the trainer's statistics back, measures, evaluates, diagnoses, and writes it all down."""

    def __init__(
        self,
        trainer: Trainer,
        picture: Picture,
        status: Status,
        journal: Journal,
        keeper: Keeper,
        progress: Progress | None = None,
    ) -> None:
        self.trainer, self.picture, self.status = trainer, picture, status
        self.journal, self.keeper, self.progress = journal, keeper, progress
        self.diagnoser = Diagnoser(trainer.config, trainer.can_take)
        self._measurements = trainer.step // trainer.measure_every
        self._active: list[str] = []
        self._diagnosed = 0.0

    def remember(self) -> None:
        """Diagnose on top of what earlier attempts have measured up to the present step."""
        for row in newest_attempt(self.journal.old_rows, self.trainer.step):
            self.diagnoser.update(row)

    def is_due(self) -> bool:
        """Whether the present step ends with a report: the last one always does."""
        return self._is_regular() or self.trainer.step == self.status.steps

    def _is_regular(self) -> bool:
        return self.trainer.step % self.trainer.report_every == 0 or self.trainer.step == 1

    def report(self, clear: bool = True) -> Row:
        """One row of metrics, read back from the device at once. ``clear=False`` lets the means go on
        gathering, as they do where a run ends between two reports: it may be made longer.
        """
        trainer = self.trainer
        values, broken = trainer.read(clear and self._is_regular())
        measurements = trainer.step // trainer.measure_every  # a report need not fall on a multiple
        figures = self._evaluate() if broken is None and self.status.is_evaluation_due() else {}
        # with an evaluation always: what both measure is in all rows measured alike
        ends = trainer.step in (1, self.status.steps)
        due = measurements > self._measurements or ends or bool(figures)
        self._measurements = measurements
        row = self.journal.row(
            {
                **figures,  # what training itself says under the same name, as of L1, counts
                **values,
                "generator_lr": trainer.options.generator_lr * trainer.decay(),
                "discriminator_lr": trainer.options.discriminator_lr * trainer.decay(),
                **self.status.rates(),
                **(self._measure() if due and broken is None else {}),
            }
        )
        if self.status.best.improves(row, trainer.step):
            self.keeper.save_best(self.status.best)
        if broken:
            self._break(broken)
        self._diagnose(row)
        if self.progress:
            self.progress(trainer.step, row)
        return row

    def _measure(self) -> Values:
        """What the picture knows of its samples, and the measures of the table that are declared live."""
        found, trainer = self.picture.measure(), self.trainer
        live = [
            (name, one.live)
            for name, one in METRICS.items()
            if one.live and one.unmet(trainer.recipe, trainer.source) is None
        ]
        if not live:
            return found
        from engine.metrics.evaluate import evaluate_networks  # torchmetrics takes its time

        networks = trainer.shown().networks
        for name, n in live:
            asked = (trainer.recipe, networks, trainer.source, [name], n)
            found |= evaluate_networks(*asked, must_find=False)["figures"]
        return found

    def _evaluate(self) -> dict[str, float]:
        """The figures of an evaluation: what cannot be measured is left out, and ends no run. Training waits;
        its random streams do not move.
        """
        self.status.evaluating = True
        self.status.write()
        from engine.metrics.evaluate import described, evaluate_networks  # torchmetrics takes its time

        trainer, networks = self.trainer, self.trainer.shown().networks
        n = trainer.options.evaluate_samples
        found = evaluate_networks(trainer.recipe, networks, trainer.source, n=n, must_find=False)
        self.journal.event("evaluation", **found, measures=described(found))
        self.status.evaluating = False
        self.status.write()
        return found["figures"]

    def _break(self, broken: Divergence) -> None:
        """NaN or infinity: stop, and keep the last good checkpoint."""
        status, kept = self.status, self.status.folder.checkpoint_steps()
        status.state = "failed"
        who = "update of " + " and ".join(broken.networks)
        status.error = (
            f"Training diverged: the {who} at step {broken.step:,} left weights with which "
            f"{broken.statistic} is infinite or NaN."
        )
        rates = {f"{player(self.trainer.recipe, name)}_lr" for name in broken.networks}
        tenths = {name: getattr(self.trainer.options, name) / 10 for name in sorted(rates)}
        words = " and ".join(f"{name} = {value:g}" for name, value in tenths.items())
        status.remedy = f"Branch from the checkpoint at step {kept[-1] if kept else 0:,} with {words}."
        told = {"error": status.error, "remedy": status.remedy}
        self.journal.event("error", **told, network=broken.networks[-1], at=broken.step)
        self.diagnoser.diverged(broken.step, broken.networks, broken.statistic, tenths)

    def _diagnose(self, row: Row) -> None:
        self.diagnoser.seen.options |= self.trainer.options.model_dump()  # some may have changed since
        active, now = self.diagnoser.update(row), time.perf_counter()
        names = [item["name"] for item in active]
        ends = self.trainer.step == self.status.steps  # what is left to see agrees with the last row
        if names != self._active or (active and (ends or now - self._diagnosed > DIAGNOSIS_EVERY_S)):
            self._active, self._diagnosed = names, now
            self.journal.event("diagnosis", active=active)
