"""Runs in this process, watched from their first step: the rows of metrics that a worker would write, and
what the diagnosis makes of them.

``keep`` is a folder for the rows of each run, so that changed rules can be tried without training again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.data import ImageSource, PointSource
from engine.game.codes import first_category
from engine.game.showing import evaluating
from engine.live.picture import picture_of
from engine.metrics.classes import ClassCounter
from engine.training.diagnose import Diagnoser
from engine.training.request import validate
from engine.training.trainer import Trainer

ALARMS = {"mode_collapse", "vanishing_gradient", "discriminator_overpowering", "oscillation", "divergence"}
JUDGED, SORTED = 2500, 500  # samples at the end, of points and of pictures


@dataclass(frozen=True)
class Watched:
    """A run of ``steps``: its ``rows``, where it broke (step, networks, statistic), and figures of its
    ``end`` that no row holds.
    """

    config: dict[str, Any]
    rows: list[dict[str, Any]]
    broken: list[Any] | None
    end: dict[str, float]

    @property
    def measured(self) -> list[dict[str, Any]]:
        """The rows in which samples were measured, but for the first step's."""
        return [row for row in self.rows[1:] if "samples" in row]

    @property
    def late(self) -> list[dict[str, Any]]:
        """The second half of what was measured."""
        return self.measured[len(self.measured) // 2 :]

    def told(self) -> list[tuple[int, list[dict[str, Any]]]]:
        """(step, active diagnoses) after each row."""
        diagnoser, found = Diagnoser(self.config), []
        for number, row in enumerate(self.rows):
            if self.broken and number == len(self.rows) - 1:
                diagnoser.diverged(self.broken[0], tuple(self.broken[1]), self.broken[2], {})
            found.append((row["step"], diagnoser.update(row)))
        return found

    def named(self, name: str, words: str = "") -> int | None:
        """The first step at which the diagnosis ``name`` was on screen, with these ``words`` of evidence."""
        for step, active in self.told():
            if any(item["name"] == name and words in item["evidence"] for item in active):
                return step
        return None

    def alarms(self, after: int = 0) -> set[str]:
        """The alarms that were on screen after a step."""
        return {name for step, active in self.told() if step > after for name in names(active) & ALARMS}

    def last(self) -> set[str]:
        """What is on screen at the end."""
        return names(self.told()[-1][1])


def names(active: list[dict[str, Any]]) -> set[str]:
    """The names of diagnoses."""
    return {item["name"] for item in active}


class Run:
    """A run in this process that can be trained on, under other options too."""

    def __init__(self, request: dict[str, Any], seed: int, steps: int) -> None:
        torch.set_num_threads(1)
        self.config = validate({"steps": steps, **request, "seed": seed, "device": "cpu"})
        self.trainer = Trainer(self.config)
        self.picture = picture_of(self.trainer.shown())
        self.rows: list[dict[str, Any]] = []
        self.broken: list[Any] | None = None

    def train(self, steps: int) -> None:
        """``steps`` more, unless it breaks, and a row of metrics whenever one is due."""
        for _ in range(steps):
            self.trainer.iterate()
            step = self.trainer.step
            if step == 1 or step % self.trainer.report_every == 0:
                self._report(step)
            if self.broken:
                return

    def _report(self, step: int) -> None:
        values, broken = self.trainer.read()
        factor, options = self.trainer.decay(), self.trainer.options
        rates = {
            f"{who}_lr": getattr(options, f"{who}_lr") * factor for who in ("generator", "discriminator")
        }
        due = not broken and (step == 1 or step % self.trainer.measure_every < self.trainer.report_every)
        self.rows.append({"step": step, **values, **rates, **(self.picture.measure() if due else {})})
        if broken:
            self.broken = [broken.step, list(broken.networks), broken.statistic]

    def watched(self) -> Watched:
        """What there is to see of it up to now."""
        return Watched(self.config, self.rows, self.broken, {} if self.broken else _end(self.trainer))


def watch(request: dict[str, Any], seed: int, steps: int, keep: Path | None = None) -> Watched:
    """``steps`` of the run that ``request`` starts, with another seed; they are all of it where ``request``
    does not say how many there are.
    """
    key = hashlib.sha1(json.dumps([request, seed, steps], sort_keys=True).encode()).hexdigest()[:16]
    kept = keep / f"{key}.json" if keep else None
    if kept and kept.exists():
        config = validate({"steps": steps, **request, "seed": seed, "device": "cpu"})
        return Watched(config, **json.loads(kept.read_text()))
    run = Run(request, seed, steps)
    run.train(steps)
    found = run.watched()
    if kept:
        kept.write_text(json.dumps({"rows": found.rows, "broken": found.broken, "end": found.end}))
    return found


def _end(trainer: Trainer) -> dict[str, float]:
    """Of points: how far samples spread along the first axis. Where there is a category, the normalised
    mutual information of it and of the mode, or the class of a picture by the classifier that ships, 0 to 1.
    """
    source = trainer.source
    if isinstance(source, ImageSource) and (counter := ClassCounter.for_source(source)):
        return _sorted(trainer, counter)
    if not isinstance(source, PointSource):
        return {}
    latents = trainer.recipe.draw_latent(JUDGED, torch.Generator().manual_seed(0))
    with torch.no_grad():
        samples = trainer.recipe.generate(trainer.shown().generators, latents)
    found = {"spread": float(samples[:, 0].std())}
    if (code := first_category(trainer.recipe.codes)) and len(source.modes):
        modes = torch.cdist(samples, torch.as_tensor(source.modes)).argmin(1)
        found["nmi"] = shared_information(code.of(latents).argmax(1), modes)
    return found


def _sorted(trainer: Trainer, counter: ClassCounter) -> dict[str, float]:
    code = first_category(trainer.recipe.codes)
    if not code:
        return {}
    latents = trainer.recipe.draw_latent(SORTED, torch.Generator().manual_seed(0))
    shown = trainer.shown()
    with evaluating(*shown.generators.values()):
        votes = counter.classifier(trainer.recipe.generate(shown.generators, latents)).argmax(1)
    return {"nmi": shared_information(code.of(latents).argmax(1), votes)}


def shared_information(a: torch.Tensor, b: torch.Tensor) -> float:
    """The mutual information of two labellings (N,), over the mean of their entropies: 0 to 1."""
    joint = torch.zeros(int(a.max()) + 1, int(b.max()) + 1, dtype=torch.float64)
    joint.index_put_((a, b), torch.ones(len(a), dtype=torch.float64), accumulate=True)
    joint /= joint.sum()
    entropies = [
        float(-torch.special.xlogy(p, p).sum()) for p in (joint.sum(1), joint.sum(0), joint.flatten())
    ]
    own = (entropies[0] + entropies[1]) / 2
    return (entropies[0] + entropies[1] - entropies[2]) / own if own else 0.0
