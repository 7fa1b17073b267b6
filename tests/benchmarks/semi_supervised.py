"""Test error of the semi-supervised GAN on MNIST, beside the same classifier without the GAN.

python -m tests.benchmarks.semi_supervised [--labels 100 20] [--draws 0 1 2 3 4] [--steps 30000] [--augment]
[--table]

Salimans et al. 2016, table 1: 0.93 % (+- 0.07) with 100 labels, 16.77 % (+- 4.52) with 20, over ten draws of
the labels. Each draw is a run in a folder, which goes on where it was interrupted; a draw that is measured
already is not run again. The error is that of the averages over training, on the 10,000 test digits.
``--augment`` moves every digit that D sees, labelled or not, by up to a tenth of its side, which the paper,
whose networks know nothing of neighbouring pixels, does not.
A line's ``schedule`` says how it was trained where that was not at once.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch

from engine.metrics.evaluate import evaluate
from engine.models import loading
from tests.benchmarks.trials import Trials, trained

OUT = Path(__file__).with_name("semi_supervised.jsonl")
AUGMENT = {"diff_augment": True, "augment_colour": False, "augment_cutout": 0.0, "augment_shift": 0.1}
ALONE_STEPS = 2000  # by then the classifier alone names all labelled digits rightly, and learns no more


def trial(labels: int, draw: int, steps: int, alone: bool, augment: bool, runs: Path) -> dict[str, Any]:
    """Train on one draw of ``labels``, or go on with it, and measure."""
    torch.set_num_threads(1)
    options = {"labels": labels, "label_seed": draw, "supervised_only": alone, "precision": "bfloat16"}
    options |= AUGMENT if augment else {}
    total = ALONE_STEPS if alone else steps
    name = f"semi-{labels}-{draw}{'-alone' if alone else ''}{'-moved' if augment else ''}-{total}"
    request = {"gan": "semi_supervised", "data": "mnist", "steps": total, "seed": draw, "options": options}
    folder = trained(runs / name, request)
    error = evaluate(loading.load_run(folder), ["classifier_error"])["figures"]["classifier_error"]
    minutes = round(folder.status()["elapsed"] / 60, 1)
    return {
        "labels": labels,
        "draw": draw,
        "alone": alone,
        "augment": augment,
        "steps": total,
        "error": error,
        "minutes": minutes,
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Mean, median and range over the draws, as Markdown."""
    rows = ["| labels | | draws | steps | mean error | median | range |", "|---|---|---|---|---|---|---|"]
    kinds = ("labels", "augment", "alone", "steps")
    for key in sorted({tuple(one[kind] for kind in kinds) for one in lines}):
        errors = [one["error"] for one in lines if tuple(one[kind] for kind in kinds) == key]
        labels, augment, alone, steps = key
        how = ("without the GAN" if alone else "with it") + (", digits moved" if augment else "")
        rows.append(
            f"| {labels} | {how} | {len(errors)} | {steps:,} | {mean(errors):.2%} | {median(errors):.2%} | "
            f"{min(errors):.2%} to {max(errors):.2%} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--labels", nargs="+", type=int, default=[100, 20])
    parser.add_argument("--draws", nargs="+", type=int, default=list(range(5)))
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--augment", action="store_true", help="move the digits that D sees")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "labels", "draw", "alone", "augment", "steps")
    wanted = [
        (labels, draw, alone, ALONE_STEPS if alone else given.steps)
        for draw in given.draws
        for labels in given.labels
        for alone in (True, False)
    ]
    for labels, draw, alone, steps in [] if given.table else wanted:
        make = partial(trial, labels, draw, given.steps, alone, given.augment, given.runs)
        trials.add((labels, draw, alone, given.augment, steps), make)
    print(table(trials.lines))


if __name__ == "__main__":
    main()
