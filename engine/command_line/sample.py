"""``sample``: a picture of what a model makes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.command_line.given import RUNS, parse_settings, spare
from engine.options import BadInput
from engine.runs.files import write_bytes


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command line's parser."""
    sampler = command("sample", _sample, "Draw samples from a model or a run as one picture.")
    sampler.add_argument("model", help="a model's name, a run's name in runs/, or a folder")
    sampler.add_argument("--n", type=int, default=64, help="how many samples")
    sampler.add_argument("--seed", type=int, default=0, help="of the latents")
    sampler.add_argument(
        "--codes", nargs="+", default=[], metavar="CODE=VALUE", help="e.g. category=3 c1=-1.5, or class=7"
    )
    sampler.add_argument("--truncation", type=float, default=1.0, help="scales the noise; 1 is as trained")
    sampler.add_argument(
        "--place",
        nargs="+",
        metavar="JSON",
        help="places that the Explore page gives, instead of --n and --seed, e.g. '{\"plane\": [0.5, 2]}'",
    )
    sampler.add_argument("--out", type=Path, required=True, metavar="grid.png", help="the file to write")
    sampler.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)


def _sample(given: argparse.Namespace) -> int:
    from engine.explore.rendering import picture as picture_at
    from engine.explore.sample import sample_grid

    codes = parse_settings(given.codes)
    if given.place:
        picture = picture_at(given.model, [_place(text) for text in given.place], runs=given.runs)
    else:
        picture = sample_grid(
            given.model, given.n, given.seed, given.runs, codes=codes, truncation=given.truncation
        )
    if given.out.suffix.lower() != ".png":
        raise BadInput(f"{given.out} is not a .png file.", "out", "Name it NAME.png.")
    spare(given)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(given.out, picture)
    print(given.out)
    return 0


def _place(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise BadInput(f"{text[:80]} is not JSON.", "place", "Write e.g. '{\"seed\": 7}'.") from None
