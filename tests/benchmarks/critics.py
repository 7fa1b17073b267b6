"""What a Wasserstein critic says of the distance, beside the distance itself, on the ring.

python -m tests.benchmarks.critics [--seeds 3] [--out tests/benchmarks/critics.jsonl] [--table]

``W`` is the optimal transport of 256 generated points to 256 real ones, ``value`` what D makes of them,
``slope`` the mean norm of its gradient between them. ``course`` is the correlation of value over slope with
``W`` from step 100 to the last, ``late`` from step 500 on. Each trial is one line, written when it ends; one
that is there already is not run again.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from statistics import correlation, mean
from typing import Any

import torch

from engine.live.picture import picture_of
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.benchmarks.trials import Trials

OUT = Path(__file__).with_name("critics.jsonl")
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "penalty of weight 0.1": ("wgan_gp", {}),
    "penalty of weight 1": ("wgan_gp", {"gradient_penalty": 1.0}),
    "clipping at 0.1": ("wgan", {}),
}
STEPS, EVERY, LATE = 2000, 100, 500
SHOWN = (100, 300, 1000, 2000)


def trial(recipe: str, seed: int) -> dict[str, Any]:
    """Train once and look every ``EVERY`` steps."""
    torch.set_num_threads(1)
    gan, options = RECIPES[recipe]
    request = {"gan": gan, "data": "ring", "steps": STEPS, "seed": seed, "options": options}
    trainer = Trainer(validate({**request, "device": "cpu"}))
    picture, found = picture_of(trainer.shown()), {}
    for step in range(1, STEPS + 1):
        trainer.iterate()
        if step % EVERY == 0:
            trainer.read()
            found[step] = picture.measure()

    def agreement(first: int) -> float:
        rows = [row for step, row in found.items() if step >= first]
        told = [[row[name] for row in rows] for name in ("transport", "critic_distance")]
        return round(correlation(*told), 3)

    names = ("transport", "critic_value", "critic_slope", "critic_distance", "transport_floor")
    at = {step: {name: round(found[step][name], 4) for name in names} for step in SHOWN}
    return {"recipe": recipe, "seed": seed, "course": agreement(0), "late": agreement(LATE), "at": at}


def table(lines: list[dict[str, Any]]) -> str:
    """Means over the seeds, as Markdown."""
    head = "| critic | step | W (floor) | value | slope | value / slope | course | late |"
    rows = [head, "|---" * 8 + "|"]
    for recipe in RECIPES:
        mine = [line for line in lines if line["recipe"] == recipe]
        if not mine:
            continue
        course, late = (
            ", ".join(f"{line[name]:.2f}" for line in mine if name in line) or "not measured"
            for name in ("course", "late")
        )
        for step in SHOWN:
            at = [line["at"][str(step)] for line in mine]
            of = {name: mean(row[name] for row in at) for name in at[0]}
            rows.append(
                f"| {recipe} | {step:,} | {of['transport']:.2f} ({of['transport_floor']:.2f}) "
                f"| {of['critic_value']:.2f} | {of['critic_slope']:.2f} | {of['critic_distance']:.2f} "
                f"| {f'{course} | {late}' if step == SHOWN[0] else ' | '} |"
            )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "recipe", "seed")
    for seed in range(0 if given.table else given.seeds):
        for recipe in RECIPES:
            trials.add((recipe, seed), partial(trial, recipe, seed))
    print(table(Trials(given.out, "recipe", "seed").lines))  # read again: steps are text in JSON


if __name__ == "__main__":
    main()
