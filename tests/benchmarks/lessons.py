"""What theory predicts in the lessons that ship, beside the runs: every number and curve in several seeds.

python -m tests.benchmarks.lessons [--lessons 1-the-game ...] [--seeds 5] [--table]

Each trial is one line of ``tests/benchmarks/lessons.jsonl``, written when it ends: the run of one block, and
what ``dashboard.lessons.theory.compare`` says of each prediction that the lesson reveals of it. The rows are
those that a worker records. One that is there already is not run again.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dashboard.lessons.format import Block, Lesson
from dashboard.lessons.shelf import Shelf
from dashboard.lessons.theory import THEORY, compare
from engine.live.picture import picture_of
from engine.requests.lessons import Experiment, Reveal
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.benchmarks.trials import Trials

OUT = Path(__file__).with_name("lessons.jsonl")


def revealed(lesson: Lesson) -> list[tuple[Block, list[str]]]:
    """The blocks whose run is compared with theory, and with what."""
    found: dict[str, tuple[Block, list[str]]] = {}
    block: Block | None = None
    for one in lesson.blocks:
        if one.kind in ("experiment", "cure"):
            block = one
        elif isinstance(one.spec, Reveal) and block is not None and one.spec.compare:
            found.setdefault(block.id, (block, []))[1].extend(one.spec.compare)
    return list(found.values())


def rows_of(request: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The configuration of a run and the rows that it records."""
    torch.set_num_threads(1)
    config = validate({**request, "device": "cpu"})
    trainer = Trainer(config)
    picture, rows = picture_of(trainer.shown()), []
    for step in range(1, config["steps"] + 1):
        trainer.iterate()
        if step % trainer.report_every == 0:
            values, _ = trainer.read()
            measured = picture.measure() if step % trainer.measure_every == 0 else {}
            rows.append({"step": step, **values, **measured})
    return dict(config), rows


def trial(lesson: str, block: Block, names: list[str], seed: int) -> dict[str, Any]:
    """One seed of one block's run beside theory."""
    assert isinstance(block.spec, Experiment)
    config, rows = rows_of({**block.spec.request("trial").plain(), "seed": seed})
    found = {}
    for name in names:
        said = compare(name, config, rows)
        found[name] = {
            key: round(value, 5) if isinstance(value := said[key], float) else value
            for key in ("measured", "predicted", "difference", "holds")
        }
    return {"lesson": lesson, "block": block.id, "seed": seed, "found": found}


def table(lines: list[dict[str, Any]]) -> str:
    """Each prediction with its band, its difference in every seed, and in how many it holds, as Markdown."""
    rows = ["| lesson | run | prediction | band | differences | holds |", "|---|---|---|---|---|---|"]
    for lesson, block in dict.fromkeys((line["lesson"], line["block"]) for line in lines):
        mine = [line for line in lines if (line["lesson"], line["block"]) == (lesson, block)]
        for name in mine[0]["found"]:
            said, seen = THEORY[name], [line["found"][name] for line in mine if name in line["found"]]
            off = ", ".join("-" if one["difference"] is None else f"{one['difference']:+.3g}" for one in seen)
            unit = "of it" if said.relative else ""
            band = f"{said.relation}, {said.band:g} {unit}".strip()
            held = sum(bool(one["holds"]) for one in seen)
            rows.append(f"| {lesson} | {block} | {name} | {band} | {off} | {held} of {len(seen)} |")
    return "\n".join(rows)


def main() -> None:
    shelf = Shelf(Path("nowhere"))
    ids = [entry.id for entry in shelf.list()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lessons", nargs="+", choices=ids, default=ids)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "lesson", "block", "seed")
    for seed in range(0 if given.table else given.seeds):
        for id in given.lessons:
            for block, names in revealed(shelf.get(id)):
                trials.add((id, block.id, seed), partial(trial, id, block, names, seed))
    print(table(trials.lines))


if __name__ == "__main__":
    main()
