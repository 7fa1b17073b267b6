"""Objectives side by side on Fashion-MNIST at 32 px: the same DCGAN networks, 3,000 steps, one seed each.

python -m tests.benchmarks.fashion [--recipes plain ...] [--steps 3000] [--runs runs/fashion] [--table]

``plain`` is the loop of PyTorch's DCGAN example on the same networks and batches. An interrupted training
goes on where it stopped (the plain loop begins anew); a recipe that is measured already is not run again.
FID, precision and recall are in the features of our own classifier, on 5,000 samples, as ``python -m engine
evaluate`` gives them.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from engine.game.showing import evaluating
from engine.live.drawing import picture_grid
from engine.metrics.evaluate import evaluate_networks
from engine.models import loading
from engine.runs.folder import RunFolder
from engine.tools.bench import plain_loop
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.worker.session import train
from tests.benchmarks.trials import Trials

OUT = Path(__file__).with_name("fashion.jsonl")
METRICS = ["fid", "precision"]
SHOWN = 64  # samples of the picture that is kept beside the run
# with the options that each has here by default; only the networks' size is set
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("dcgan", {}),
    "non_saturating": ("dcgan", {}),
    "non_saturating_ema": ("dcgan", {"ema": 0.999}),
    "least_squares": ("dcgan", {"objective": "least_squares"}),
    "hinge": ("dcgan", {"objective": "hinge"}),
    "r3gan": ("r3gan", {}),
    "wgan_gp": ("wgan_gp", {}),
}
SIZES = {"size": 32, "width": 32}


def trial(name: str, steps: int, seed: int, runs: Path) -> dict[str, Any]:
    """Train by one recipe, or go on with it, and measure."""
    torch.set_num_threads(1)
    gan, options = RECIPES[name]
    request = {"gan": gan, "data": "fashion", "steps": steps, "seed": seed, "options": {**SIZES, **options}}
    config = validate({**request, "name": f"Fashion, {name}", "device": "cpu"})
    picture = runs / f"{name}-{seed}.png"
    if name == "plain":
        recipe, networks, source, seconds = plainly(config)
    else:
        folder = RunFolder(runs / f"fashion-{name}-{seed}")
        if not (folder.path / "config.json").exists():
            folder.create({"id": folder.id, **config}, "starting")
        if folder.status()["state"] != "done":
            assert train(folder, resume=folder.status()["step"] > 0) == "done", folder.status()
        model = loading.load_run(folder)
        recipe, networks, source = model.recipe, model.networks, model.source()
        seconds = folder.status()["elapsed"]
    with evaluating(networks["generator"]):
        latents = recipe.draw_latent(SHOWN, torch.Generator().manual_seed(seed))
        picture_grid(recipe.generate(networks, latents), 8, 8).save(picture)
    found = evaluate_networks(recipe, networks, source, METRICS)
    figures = {key: round(value, 4) for key, value in found["figures"].items()}
    floors = {key: round(value, 4) for key, value in found["floors"].items()}
    kept = {"recipe": name, "seed": seed, "steps": steps, "seconds": round(seconds)}
    return {**kept, "figures": figures, "floors": floors}


def plainly(config: dict[str, Any]) -> tuple[Any, dict[str, torch.nn.Module], Any, float]:
    """The tutorial's loop, from the weights that the trainer's networks begin with."""
    trainer = Trainer(config, record=False)
    networks = {
        name: network.to(memory_format=torch.contiguous_format) for name, network in trainer.networks.items()
    }
    torch.manual_seed(config["seed"])
    step, began = plain_loop(trainer, networks), time.perf_counter()
    for _ in range(config["steps"]):
        step()
    return trainer.recipe, networks, trainer.source, time.perf_counter() - began


def table(lines: list[dict[str, Any]]) -> str:
    """One row a recipe, as Markdown."""
    rows = ["| recipe | FID | precision | recall | minutes |", "|---|---|---|---|---|"]
    for name in RECIPES:
        for line in (line for line in lines if line["recipe"] == name):
            figures, minutes = line["figures"], line["seconds"] / 60
            values = (f"{figures[key]:.2f}" for key in ("fid", "precision", "recall"))
            rows.append(f"| {name} | {' | '.join(values)} | {minutes:.0f} |")
    if lines:
        floors = lines[0]["floors"]
        values = (f"{floors[key]:.2f}" for key in ("fid", "precision", "recall"))
        rows.append(f"| real images | {' | '.join(values)} | |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "recipe", "seed", "steps")
    given.runs.mkdir(parents=True, exist_ok=True)
    for seed in range(0 if given.table else given.seeds):
        for name in given.recipes:
            trials.add((name, seed, given.steps), partial(trial, name, given.steps, seed, given.runs))
    print(table(trials.lines))


if __name__ == "__main__":
    main()
