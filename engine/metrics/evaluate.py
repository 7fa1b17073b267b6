"""Measure a trained generator: ``python -m engine evaluate``, and while a run trains.

Each figure comes with its floor, what real data give in the samples' place, with N, the seed, and the name of
the network that looked: without those it means nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isfinite
from typing import Any, Protocol

from torch import nn

from engine.data.source import Source
from engine.game.recipe import Networks, Recipe
from engine.game.showing import evaluating
from engine.metrics import METRICS
from engine.metrics.features import Progress, pick
from engine.metrics.subject import Outcome, Subject
from engine.options import BadInput
from engine.requests.base import value_of
from engine.requests.evaluation import Looking, Samples

# What a measure may raise that is given too little, or too much for this machine.
UNMEASURABLE = (ValueError, RuntimeError, ArithmeticError, LookupError, MemoryError, OSError, ImportError)


class Trained(Protocol):
    """What there is to measure (``engine.models.model.Model``)."""

    id: str
    title: str
    recipe: Recipe
    networks: dict[str, nn.Module]
    step: int

    def source(self) -> Source: ...


def evaluate(
    model: Trained,
    metrics: list[str] | None = None,
    n: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    network: Looking = "auto",
    download: bool = False,
) -> dict[str, Any]:
    """``evaluate_networks`` of a model, with its ``model``, ``title`` and ``step``. Raises ``BadInput``."""
    found = evaluate_networks(
        model.recipe, model.networks, model.source(), metrics, n, seed, progress, network, download
    )
    return {"model": model.id, "title": model.title, "step": model.step, **found}


def evaluate_networks(
    recipe: Recipe,
    networks: Networks,
    source: Source,
    metrics: list[str] | None = None,
    n: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    network: Looking = "auto",
    download: bool = False,
    must_find: bool = True,
) -> dict[str, Any]:
    """Measure ``networks``, averages in place, against ``source``; with ``metrics`` ``None`` by all that
    apply.

    ``n`` samples, or with ``None`` as many as is usual for each measure: 5,000; 2,000 for memorisation;
    2,500 for modes in 2-D; 26,000 for those of Stacked MNIST. Few samples make real sets smaller too: at most
    2 n test and 12 n training images are looked at. Same arguments, same figures; torch's global random state
    is untouched.

    Returns plain data: ``figures``, ``floors`` and the floors' ``spreads`` by name; ``metrics``, for each
    measure its ``seconds`` and how it was done; ``network`` (name, title, note) where one looked; ``n``,
    ``seed``, ``seconds``, ``warnings``. A measure that cannot be made, of too few pictures for example, is
    left out, and a warning says why. Raises ``BadInput`` for a measure that there is not or that does not
    apply and, if it ``must_find`` any, where none can be made.
    """
    value_of(Samples | None, n, "n")
    names = _resolve(metrics, recipe, source)
    began, device = time.perf_counter(), str(next(networks[recipe.generators[0]].parameters()).device)
    subject = Subject(
        recipe, networks, source, lambda: pick(source, network, device, download), n, seed, progress
    )
    with evaluating(*networks.values()):
        return report(subject, names, began, must_find)


def report(subject: Subject, names: list[str], began: float, must_find: bool = True) -> dict[str, Any]:
    """What ``evaluate_networks`` returns, of any subject; ``began`` by ``time.perf_counter``."""
    source, n, seed = subject.source, subject.n, subject.seed
    outcomes: dict[str, Outcome] = {}
    measures = _evaluations()
    seconds: dict[str, float] = {}
    problems: dict[str, BadInput] = {}
    for name in names:
        started = time.perf_counter()
        try:
            outcomes[name] = measures[name](subject)
        except UNMEASURABLE as problem:
            problems[name] = problem if isinstance(problem, BadInput) else _problem(problem)
        seconds[name] = round(time.perf_counter() - started, 2)
    if must_find and not outcomes and problems:
        raise next(iter(problems.values()))
    looked = source.kind != "points" and any(METRICS[name].looks for name in names)
    shown = subject.network if looked else None
    figures = {key: value for found in outcomes.values() for key, value in found.figures.items()}
    floors = {key: value for found in outcomes.values() for key, value in found.floors.items()}
    spreads = {key: value for found in outcomes.values() for key, value in found.spreads.items()}
    odd = [key for key, value in figures.items() if not isfinite(value)]
    left_out = [f"{METRICS[name].title} is left out: {problem.error}" for name, problem in problems.items()]
    left_out += [f"{key} is left out: it is not a finite number." for key in odd]
    return {
        "figures": {key: value for key, value in figures.items() if isfinite(value)},
        "floors": {key: value for key, value in floors.items() if isfinite(value)},
        "spreads": {key: value for key, value in spreads.items() if isfinite(value)},
        "metrics": {name: {"seconds": seconds[name], **found.details} for name, found in outcomes.items()},
        "network": {"name": shown.name, "title": shown.title, "note": shown.note} if shown else None,
        "n": n,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 2),
        "warnings": [warning for found in outcomes.values() for warning in found.warnings] + left_out,
    }


def _problem(problem: Exception) -> BadInput:
    """In one line why a measure could not be made."""
    words = " ".join(str(problem).split())[:200] or type(problem).__name__
    return BadInput(f"it cannot be measured here ({words}).", "metrics", "Leave it out.")


def _evaluations() -> dict[str, Callable[[Subject], Outcome]]:
    """What can be taken of a trained generator, in the table's order."""
    return {name: metric.evaluate for name, metric in METRICS.items() if metric.evaluate}


def applicable(recipe: Recipe, source: Source) -> list[str]:
    """The measures that suit a GAN and its data, in the table's order."""
    return [name for name in _evaluations() if METRICS[name].unmet(recipe, source) is None]


def described(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What the measures in ``found``, from ``evaluate``, are in words: each with its ``name``, ``title``,
    ``sentence``, what its ``floor`` is, and its ``figures``, by ``name``, ``title``, ``sentence`` and
    ``better``. What was not found, and so has no figure, is left out.
    """
    measures = []
    for name in found["metrics"]:
        measure = METRICS[name]
        figures = [
            {"name": key, "title": figure.heading, "sentence": figure.sentence, "better": figure.better}
            for key, figure in measure.figures.items()
            if key in found["figures"]
        ]
        words = {"name": name, "title": measure.title, "sentence": measure.sentence, "floor": measure.floor}
        measures += [{**words, "figures": figures}] if figures else []
    return measures


def _resolve(metrics: list[str] | None, recipe: Recipe, source: Source) -> list[str]:
    """The measures to take, in the table's order. A figure's name stands for the measure that gives it."""
    return resolve(metrics, applicable(recipe, source), lambda name: METRICS[name].unmet(recipe, source))


def resolve(metrics: list[str] | None, fitting: list[str], unmet: Callable[[str], str | None]) -> list[str]:
    """Those of the ``fitting`` measures that are asked for; ``unmet`` says why another does not apply. Raises
    ``BadInput``.
    """
    choice = f"Choose from: {', '.join(fitting)}."
    if metrics is None:
        return fitting
    if not metrics:
        raise BadInput("no measure is named.", "metrics", choice)
    wanted = set()
    for given in metrics:
        names = [name for name in _evaluations() if given == name or given in METRICS[name].figures]
        if not names:
            raise BadInput(f"there is no measure called {given[:80]!r}.", "metrics", choice)
        usable = [name for name in names if name in fitting]
        if not usable:
            why = unmet(names[0])
            raise BadInput(f"{given} does not apply: {why}.", "metrics", choice)
        wanted.update(usable)
    return [name for name in fitting if name in wanted]


def as_text(found: dict[str, Any]) -> str:
    """What ``evaluate`` returned, as a table to read on a terminal."""
    at = f", step {found['step']:,}" if "step" in found else ""
    lines = [f"{found['title']}{at} (seed {found['seed']}, {found['seconds']:.0f} s)"]
    if looked := found["network"]:
        lines += [f"Looked at with {looked['title']}. {looked['note']}"]
    for name, details in found["metrics"].items():
        measure = METRICS[name]
        lines += ["", measure.title]
        for key, figure in measure.figures.items():
            if key in found["figures"]:
                value, floor = found["figures"][key], found["floors"].get(key)
                beside = "" if floor is None else f"beside {_number(floor)}"
                if (spread := found["spreads"].get(key)) is not None:
                    beside += f" ± {spread:.2g}"
                lines += [
                    f"  {figure.heading:<22}{_number(value):>10}   {beside:<27}{figure.better} is better"
                ]
        if measure.floor and measure.figures.keys() & found["floors"].keys():
            lines += [f"  beside: {measure.floor}"]
        told = {key: value for key, value in details.items() if not isinstance(value, dict | list)}
        lines += [
            "  " + ", ".join(f"{key.replace('_', ' ')} {_number(value)}" for key, value in told.items())
        ]
    if found["warnings"]:
        lines += ["", *(f"Warning: {warning}" for warning in found["warnings"])]
    return "\n".join(lines)


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
