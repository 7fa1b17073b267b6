"""How often the diagnosis is right: every preset in several seeds, then its remedy applied to it. Real runs,
real folders.

python -m tests.benchmarks.diagnosis [--seeds 5] [--presets ring_collapse ...] [--jobs 2] [--out
tests/benchmarks/diagnosis.md]

A *broken* preset counts as named if the expected diagnosis was on screen within the first 20 s of training
here. A *healthy* one counts if no alarm was raised after its first quarter. A remedy counts as recovered if,
applied as its button would (to the running run if it is live, else as a new run), the last quarter shows no
alarm, or on 2-D data with modes if all modes are hit at the end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.presets import PRESETS
from engine.runs.files import Tail
from engine.runs.folder import RunFolder
from engine.training.request import validate

ALARMS = {"mode_collapse", "vanishing_gradient", "discriminator_overpowering", "oscillation", "divergence"}
STEPS = {"points": 4000, "images": 500}
REMEDY_STEPS = {"points": 5000, "images": 500}
CODE = (
    "import sys; from pathlib import Path; from engine.runs.folder import RunFolder; "
    "from engine.worker.session import train; import torch; "
)
CODE += "train(RunFolder(Path(sys.argv[1])), resume='resume' in sys.argv)"


def run(folder: RunFolder, *more: str) -> None:
    """Train in a process of its own, to its end."""
    subprocess.run([sys.executable, "-c", CODE, str(folder.path), *more], check=True)


def start(path: Path, request: dict[str, Any], steps: int, seed: int) -> RunFolder:
    config = validate({**request, "steps": steps, "seed": seed, "device": "cpu"})
    folder = RunFolder(path)
    folder.create({"id": path.name, **config}, "starting")
    return folder


def diagnoses(folder: RunFolder) -> Iterator[tuple[int, float, list[dict[str, Any]]]]:
    """(step, training seconds, active diagnoses) as they were recorded."""
    for event in Tail(folder.events).read():
        if event["type"] == "diagnosis":
            yield event["step"], event["time"], event["active"]


def alarms_after(folder: RunFolder, step: int) -> set[str]:
    """Alarms that were on screen at or after ``step``."""
    active: set[str] = set()
    seen: set[str] = set()
    for at, _, items in diagnoses(folder):
        if at >= step:
            seen |= active
        active = {item["name"] for item in items}
        if at >= step:
            seen |= active
    return (seen | active) & ALARMS


def last_row(folder: RunFolder) -> dict[str, Any]:
    return [row for row in Tail(folder.metrics).read() if "samples" in row][-1]


def trial(name: str, seed: int, runs: Path) -> dict[str, Any]:
    """One preset in one seed, with its remedy."""
    preset = PRESETS[name]
    request = {key: value for key, value in preset.runs[0].items() if key != "preset"}
    kind = "points" if request["data"] != "mnist" else "images"
    steps = STEPS[kind]
    folder = start(runs / f"{name}-{seed}", request, steps, seed)
    run(folder)
    row = last_row(folder)
    result: dict[str, Any] = {
        "preset": name,
        "seed": seed,
        "modes": row.get("modes_hit"),
        "jsd": row.get("jsd"),
    }
    if preset.expect == "healthy":
        alarms = alarms_after(folder, steps // 4)
        return {**result, "right": not alarms, "alarms": sorted(alarms)}
    named = [
        (seconds, item)
        for _, seconds, items in diagnoses(folder)
        for item in items
        if item["name"] == preset.expect
    ]
    result |= {"right": bool(named) and named[0][0] <= 20, "after_s": named[0][0] if named else None}
    result["alarms"] = sorted({item["name"] for *_, items in diagnoses(folder) for item in items} & ALARMS)
    if named:
        remedy = named[-1][1]["remedy"]
        result |= {
            "remedy": remedy["sentence"],
            **recover(folder, request, remedy, runs / f"{name}-{seed}-remedy", seed),
        }
    return result


def recover(
    broken: RunFolder, request: dict[str, Any], remedy: dict[str, Any], path: Path, seed: int
) -> dict[str, Any]:
    """Apply ``remedy`` as its button would, and say whether the run recovered."""
    more = REMEDY_STEPS["points" if broken.config()["kind"] == "points" else "images"]
    if remedy["live"]:
        begin, folder = broken.status()["step"], broken
        folder.write_status(**{**folder.status(), "state": "starting", "steps": begin + more})
        folder.command({"command": "set", "options": remedy["options"]})
        run(folder, "resume")
    else:
        options = {**request["options"], **remedy["options"]}
        begin, folder = 0, start(path, {**request, "options": options}, more, seed)
        run(folder)
    row = last_row(folder)
    alarms = alarms_after(folder, begin + more * 3 // 4)
    whole = bool(row.get("modes_total")) and row["modes_hit"] == row["modes_total"]
    return {
        "recovered": not alarms or (whole and alarms <= {"oscillation"}),
        "then_alarms": sorted(alarms),
        "then_modes": row.get("modes_hit"),
        "then_jsd": row.get("jsd"),
    }


def table(results: list[dict[str, Any]]) -> str:
    """Markdown: one line a preset, then one a trial."""
    lines = ["| preset | expected | right | within s | remedy | recovered |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(result["preset"] for result in results):
        mine = [result for result in results if result["preset"] == name]
        within = [result["after_s"] for result in mine if result.get("after_s") is not None]
        remedies = sorted({result["remedy"] for result in mine if "remedy" in result})
        recovered = (
            f"{sum(result.get('recovered', False) for result in mine)} of {len(mine)}" if remedies else "-"
        )
        lines.append(
            f"| {name} | {PRESETS[name].expect} | {sum(result['right'] for result in mine)} of {len(mine)} | "
            f"{f'{max(within):.1f}' if within else '-'} | {'; '.join(remedies) or '-'} | {recovered} |"
        )
    lines += ["", "Trials:", ""]
    lines += [f"- {result}" for result in results]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    started = time.time()
    with tempfile.TemporaryDirectory() as runs, ThreadPoolExecutor(given.jobs) as pool:
        trials = [(name, seed) for name in given.presets for seed in range(given.seeds)]
        results = list(pool.map(lambda each: trial(*each, Path(runs)), trials))
    text = table(results)
    print(text)
    if given.out:
        note = (
            f"Made by `python -m tests.benchmarks.diagnosis --seeds {given.seeds}` in "
            f"{(time.time() - started) / 60:.0f} min on 2 CPU cores.\n\n"
        )
        given.out.write_text("# How often the diagnosis is right\n\n" + note + text)


if __name__ == "__main__":
    main()
