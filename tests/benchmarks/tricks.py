"""What each trick's preset shows: its two runs after some thousand steps, in several seeds.

python -m tests.benchmarks.tricks [--presets minibatch ...] [--seeds 3] [--steps 3000] [--table]

``modes`` are those hit by 2,500 samples and ``share`` the samples within 3 standard deviations of one;
``jsd`` is the Jensen-Shannon divergence to the data in nats; ``moved`` the share of samples that change their
mode from one measurement to the next, in the last half of the run; ``d_real`` D's mean answer to real points;
``spread`` the samples' standard deviation along the first axis. Each trial is one line of
``tests/benchmarks/tricks.jsonl``, written when it ends; one that is there already is not run again.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from engine.live.picture import picture_of
from engine.presets import PRESETS
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.benchmarks.trials import Trials

OUT = Path(__file__).with_name("tricks.jsonl")
POINTS = [
    name
    for name, preset in PRESETS.items()
    if preset.group == "tricks" and preset.runs[0]["data"] in ("ring", "segments")
]


def trial(preset: str, side: int, seed: int, steps: int) -> dict[str, Any]:
    """Train one side of a preset and look at what came of it."""
    torch.set_num_threads(1)
    trainer = Trainer(validate({**PRESETS[preset].runs[side], "seed": seed, "device": "cpu"}))
    picture, rows, answers = picture_of(trainer.shown()), [], []
    for step in range(1, steps + 1):
        trainer.iterate()
        if step % trainer.measure_every == 0:
            values, _ = trainer.read()
            rows.append(picture.measure())
            answers.append(values["d_real"])
    histograms = [row["histogram"] for row in rows[len(rows) // 2 :] if "histogram" in row]
    moves = [sum(abs(a - b) for a, b in zip(x, y, strict=True)) / 2 for x, y in pairwise(histograms)]
    latents = trainer.recipe.draw_latent(2500, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        samples = trainer.recipe.generate(trainer.shown().generators, latents)
    return {
        "preset": preset,
        "side": side,
        "seed": seed,
        "steps": steps,
        "modes": rows[-1].get("modes_hit"),
        "share": round(rows[-1]["share"], 3) if "share" in rows[-1] else None,
        "jsd": round(rows[-1]["jsd"], 3),
        "moved": round(mean(moves), 3) if moves else None,
        "d_real": round(mean(answers), 3),
        "spread": round(float(samples[:, 0].std()), 2),
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Every seed's figures, seed by seed in one cell, as Markdown."""
    names = ("modes", "share", "jsd", "moved", "d_real", "spread")
    rows = ["| preset | side | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for preset in POINTS:
        for side, label in enumerate(PRESETS[preset].labels):
            mine = [line for line in lines if (line["preset"], line["side"]) == (preset, side)]
            cells = [
                ", ".join("-" if line[name] is None else str(line[name]) for line in mine) for name in names
            ]
            rows.append(f"| {preset} | {label} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=POINTS, default=POINTS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "preset", "side", "seed")
    for seed in range(0 if given.table else given.seeds):
        for preset in given.presets:
            for side in range(2):
                trials.add((preset, side, seed), partial(trial, preset, side, seed, given.steps))
    print(table(trials.lines))


if __name__ == "__main__":
    main()
