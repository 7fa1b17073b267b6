"""``evaluate``: the figures of a model, or of two folders of pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.command_line.given import RUNS
from engine.options import BadInput
from engine.requests.evaluation import Evaluate


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command line's parser."""
    judge = command("evaluate", _evaluate, "Measure a model or a run: each figure with its floor.")
    judge.add_argument("model", nargs="?", help="a model's name, a run's name in runs/, or a folder")
    judge.add_argument(
        "--real", type=Path, metavar="FOLDER", help="instead of a model: a folder of real pictures,"
    )
    judge.add_argument(
        "--fake", type=Path, metavar="FOLDER", help="and one of generated pictures, by any program"
    )
    judge.add_argument(
        "--metrics", help="names joined by commas, e.g. fid,precision (default: all that apply)"
    )
    judge.add_argument("--n", type=int, help="number of samples (default: the usual one of each measure)")
    judge.add_argument("--seed", type=int, default=0, help="of the samples")
    judge.add_argument(
        "--network",
        default="auto",
        help="feature network for pictures: auto, classifier, inception (fetched once) or random",
    )
    judge.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    judge.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)
    judge.add_argument("--json", action="store_true", help="the figures as JSON")


def _evaluate(given: argparse.Namespace) -> int:
    from tqdm import tqdm

    from engine.metrics import evaluate
    from engine.training.device import pick_device

    folders = given.real is not None and given.fake is not None
    if folders == (given.model is not None) or (given.real is None) != (given.fake is None):
        raise BadInput(
            "one thing is measured at a time.",
            "model",
            "Name a model or run, or --real FOLDER --fake FOLDER.",
        )
    names = None if given.metrics is None else [name.strip() for name in given.metrics.split(",")]
    asked = Evaluate.read({"metrics": names, "n": given.n, "seed": given.seed, "network": given.network})
    device = pick_device(given.device)
    with tqdm(disable=not sys.stderr.isatty(), dynamic_ncols=True, leave=False) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description(what, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        how = (asked.metrics, asked.n, asked.seed, show, asked.network, asked.network == "inception")
        if given.real is not None and given.fake is not None:
            from engine.metrics.folders import evaluate_folders

            found = evaluate_folders(given.real, given.fake, *how, device=str(device))
        else:
            found = evaluate.evaluate(_model_on(given, device), *how)
    print(json.dumps(found, indent=2) if given.json else evaluate.as_text(found))
    return 0


def _model_on(given: argparse.Namespace, device: Any) -> Any:
    from engine.models import loading

    model = loading.load(given.model, given.runs)
    for network in model.networks.values():
        network.to(device)
    return model
