"""How often the diagnosis is right: of each family of GANs a run that goes well and one that does not, and
the remedy applied.

python -m tests.benchmarks.diagnosis [--cases wgan_well ...] [--seeds 5] [--remedies] [--table]

A case that goes *well* is right if no alarm was raised after its first quarter, and if *Healthy* is said at
its end where that can be said at all. A *broken* one is right if the expected diagnosis was on screen by its
end; the table says from which step on, since seconds depend on the machine. A remedy *recovers* if, applied
as its button would (to the running run if it is live, else as a new run), the last quarter shows no alarm, or
all modes are hit at the end and nothing but oscillation is told.

Each trial is one line of ``diagnosis.jsonl``, written when it ends; ``diagnosis.md`` is the table of them.
The thresholds were chosen by runs whose seeds are below 1000; those from 1000 on have a table of their own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.presets import PRESETS
from tests.benchmarks.trials import Trials
from tests.benchmarks.watching import Run, Watched, watch

OUT = Path(__file__).with_name("diagnosis.jsonl")
PAGE = """# How often the diagnosis is right

Made by `python -m tests.benchmarks.diagnosis` of the trials in [diagnosis.jsonl](diagnosis.jsonl)."""
FRESH = 1000  # the first seed that nothing was tuned on, but for those that showed what a rule lacked
LOOKED_AT = {
    ("hinge_well", 1002),
    ("bigan_well", 1001),
    ("acgan_well", 1001),
    ("semi_supervised_ill", 1001),
    ("pix2pix_well", 1001),
}


@dataclass(frozen=True)
class Case:
    """A request, what it should be told within ``steps``, and for how long its remedy is tried."""

    expected: str
    steps: int
    request: dict[str, Any]
    remedy_steps: int = 2000
    says_healthy: bool = True  # whether there is evidence enough for these data
    words: str = ""  # of the evidence


def _case(expected: str, steps: int, gan: str, data: str, **options: Any) -> Case:
    return Case(expected, steps, {"gan": gan, "data": data, "steps": steps, "options": options})


def _preset(name: str, steps: int, **more: Any) -> Case:
    preset = PRESETS[name]
    return Case(preset.expect, steps, preset.runs[0], **more)


def _unsaid(case: Case) -> Case:
    """``case`` where no figure is evidence enough for *Healthy* in so few steps."""
    return replace(case, says_healthy=False)


_EVEN = {"generator_lr": 1e-3, "discriminator_lr": 1e-3}
_LATE = {"generator_lr": 1e-3, "discriminator_lr": 5e-5}  # D follows too slowly to push G on
_CIRCLING = {
    f"{who}_{what}": value
    for who in ("generator", "discriminator")
    for what, value in (("optimizer", "adam"), ("lr", 1e-3), ("beta1", 0.9), ("beta2", 0.999))
}
_FAST = {"generator_lr": 1e-2, "discriminator_lr": 1e-2}
_BURSTING = {
    f"{who}_{what}": value
    for who in ("generator", "discriminator")
    for what, value in (("optimizer", "sgd"), ("lr", 10.0))
}
_NARROW = {"width": 8, "measure_every": 50}
_STILL = {"generator_lr": 1e-6}  # what G makes stays what it was
_DRAWING = {"size": 64, "width": 8, "discriminator_width": 8, "patch": "34", "measure_every": 25}
CASES = {
    "ring_cured": _preset("ring_cured", 2400),
    "ring_collapse": _preset("ring_collapse", 2000),
    "vanishing_gradient": _preset("vanishing_gradient", 5000, remedy_steps=6000),
    "oscillation": _preset("oscillation", 2000),
    "overpowering": _preset("overpowering", 2000),
    "hinge_well": _case("healthy", 2400, "gan", "ring", objective="hinge", **_EVEN),
    "hinge_ill": _case("mode_collapse", 2000, "gan", "ring", objective="hinge", **_LATE),
    "unrolled_well": _case("healthy", 2000, "unrolled", "ring", **_EVEN),
    "unrolled_ill": _case(
        "mode_collapse", 1600, "unrolled", "ring", unroll=1, **{**_LATE, "generator_lr": 3e-3}
    ),
    "wgan_well": _case("healthy", 3000, "wgan", "ring"),
    "wgan_ill": _case("oscillation", 1600, "wgan", "ring", critic_steps=1, **_CIRCLING),
    "wgan_gp_well": _case("healthy", 2000, "wgan_gp", "segments"),
    "wgan_gp_ill": _case("divergence", 400, "wgan_gp", "segments", **_BURSTING),
    "r3gan_well": _case("healthy", 2400, "r3gan", "ring"),
    "r3gan_ill": _case("oscillation", 1600, "r3gan", "ring", r1=0.0, r2=0.0, **{**_CIRCLING, **_FAST}),
    "infogan_well": _case("healthy", 2400, "infogan", "ring"),
    "infogan_ill": _case("mode_collapse", 2000, "infogan", "ring", info_weight=0.0, **_LATE),
    "bigan_well": _case("healthy", 6000, "bigan", "ring"),
    "bigan_ill": _case("oscillation", 1600, "bigan", "ring", **_LATE),
    "aae_well": _case("healthy", 1000, "aae", "mnist", hidden=64),
    "aae_ill": _case("divergence", 400, "aae", "mnist", hidden=64, **_BURSTING),
    "digits_well": _case("healthy", 1200, "dcgan", "mnist"),
    "digits_ill": _case("discriminator_overpowering", 400, "dcgan", "mnist", generator_lr=1e-6),
    "conditional_well": _unsaid(_case("healthy", 500, "conditional", "mnist", **{**_NARROW, "width": 16})),
    "conditional_ill": _case("discriminator_overpowering", 300, "conditional", "mnist", **_NARROW, **_STILL),
    "acgan_well": _unsaid(_case("healthy", 500, "acgan", "mnist", **_NARROW)),
    "acgan_ill": _case("discriminator_overpowering", 300, "acgan", "mnist", **_NARROW, **_STILL),
    "semi_supervised_well": _unsaid(_case("healthy", 200, "semi_supervised", "mnist", measure_every=25)),
    "semi_supervised_ill": replace(
        _case("learning", 100, "semi_supervised", "mnist", measure_every=20, **_BURSTING),
        words="no better than guessing",
    ),
    "pix2pix_well": _unsaid(_case("healthy", 400, "pix2pix", "line_art", **_DRAWING, batch_size=4)),
    "pix2pix_ill": _case("discriminator_overpowering", 300, "pix2pix", "line_art", **_DRAWING, **_STILL),
    "cyclegan_well": _unsaid(
        _case("healthy", 200, "cyclegan", "drawing_styles", **_DRAWING, network="resnet_6")
    ),
    "cyclegan_ill": replace(
        _case("learning", 150, "cyclegan", "drawing_styles", **_DRAWING, **_STILL, network="resnet_6"),
        words="look like neither side",
    ),
}


def trial(name: str, seed: int, with_remedy: bool, keep: Path | None = None) -> dict[str, Any]:
    """One case in one seed, and its remedy if asked for and where there is one."""
    case = CASES[name]
    seen = watch(case.request, seed, case.steps, keep)
    found = {"case": name, "seed": seed, "steps": case.steps, "alarms": sorted(seen.alarms())}
    if case.expected == "healthy":
        late, last = seen.alarms(case.steps // 4), seen.last()
        right = not late and ("healthy" in last or not case.says_healthy)
        return found | {"right": right, "last": sorted(last), "late alarms": sorted(late)}
    step = seen.named(case.expected, case.words)
    found |= {"right": step is not None, "named at step": step}
    if not with_remedy:
        return found
    remedy = next((item["remedy"] for _, active in reversed(seen.told()) for item in active
                   if item["name"] == case.expected), None)  # fmt: skip
    if step is None or remedy is None or case.expected == "divergence":
        return found
    return found | {"remedy": remedy["sentence"], **recovered(case, remedy, seed)}


def recovered(case: Case, remedy: dict[str, Any], seed: int) -> dict[str, Any]:
    """Apply ``remedy`` as its button would, and say whether the run recovered."""
    if remedy["live"]:
        run = Run(case.request, seed, case.steps)
        run.train(case.steps)
        run.trainer.set_options(remedy["options"])
    else:
        options = {**case.request["options"], **remedy["options"]}
        run = Run({**case.request, "options": options}, seed, case.remedy_steps)
    begin = run.trainer.step
    run.train(case.remedy_steps)
    seen = run.watched()
    alarms = seen.alarms(begin + case.remedy_steps * 3 // 4)
    return {
        "recovered": not alarms or (_is_whole(seen) and alarms <= {"oscillation"}),
        "then": sorted(alarms),
    }


def _is_whole(seen: Watched) -> bool:
    last = seen.measured[-1]
    return bool(last.get("modes_total")) and last["modes_hit"] == last["modes_total"]


def table(lines: list[dict[str, Any]]) -> str:
    """A row a case, as Markdown: seeds that nothing was tuned on first."""
    parts = []
    fresh = [x for x in lines if x["seed"] >= FRESH and (x["case"], x["seed"]) not in LOOKED_AT]
    for title, own in (
        (f"Seeds from {FRESH} on, that nothing was tuned on", fresh),
        ("Seeds that rules and thresholds come from", [line for line in lines if line not in fresh]),
    ):
        if own:
            parts.append(f"## {title}\n\n{_rows(own)}")
    return "\n\n".join(parts)


def _rows(lines: list[dict[str, Any]]) -> str:
    rows = [
        "| case | expected | right | named at step | remedy | recovered | steps |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        mine = [line for line in lines if line["case"] == name]
        if not mine:
            continue
        steps = [line["named at step"] for line in mine if line.get("named at step") is not None]
        named = f"{min(steps):,} to {max(steps):,}" if steps else "-"
        tried = [line for line in mine if "remedy" in line]
        remedies = "; ".join(sorted({line["remedy"] for line in tried})) or "-"
        cured = f"{sum(line['recovered'] for line in tried)} of {len(tried)}" if tried else "-"
        right = f"{sum(line['right'] for line in mine)} of {len(mine)}"
        rows.append(
            f"| {name} | {case.expected} | {right} | {named} | {remedies} | {cured} | {case.steps:,} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--first-seed", type=int, default=1001)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--remedies", action="store_true", help="try remedies, too")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--keep", type=Path, help="a folder for the rows of the runs")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "case", "seed")
    for name in () if given.table else given.cases:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            trials.add((name, seed), partial(trial, name, seed, given.remedies, given.keep))
    print(table(trials.lines))
    if not given.table:
        given.out.with_suffix(".md").write_text(f"{PAGE}\n\n{table(trials.lines)}\n")


if __name__ == "__main__":
    main()
