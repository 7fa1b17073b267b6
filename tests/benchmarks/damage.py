"""Damage to the files of runs and models, drawn at random: whatever it is, lists answer and others are whole.

``python -m tests.benchmarks.damage --examples 2000`` (PyPI's ``hypothesis``) is no part of CI. What it finds
becomes a case of ``tests/dashboard/api/test_damaged.py``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api import Engine
from engine.options import BadInput

WRITTEN = Path(__file__).parents[1] / "engine" / "runs" / "written_before.zip"
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, 1e300, -1, 2**63])
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(categories=["L", "N", "Cs", "Cc"]))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
RAW = st.binary(max_size=64) | st.sampled_from([b"", b"[" * 100_000, b'{"a":1e999}', b"\xff\xfe"])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all that a JSON value holds."""
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with ``new`` at ``path``."""
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = changed(value[path[0]], path[1:], new)
    return copied


@st.composite
def damages(draw: st.DrawFn, files: dict[str, bytes]) -> tuple[str, bytes]:
    """One of ``files``, and other bytes for it."""
    name = draw(st.sampled_from(sorted(files)))
    whole = files[name]
    if draw(st.integers(0, 3)) == 0:
        return name, draw(RAW) if draw(st.booleans()) else whole[: draw(st.integers(0, len(whole)))]
    lines = [json.loads(line) for line in whole.splitlines()] if name.endswith("l") else [json.loads(whole)]
    number = draw(st.integers(0, len(lines) - 1))
    path = draw(st.sampled_from(places(lines[number])))
    lines[number] = changed(lines[number], path, draw(VALUES))
    return name, "\n".join(map(json.dumps, lines)).encode()


def look(engine: Engine, others: int) -> None:
    """Ask for all that a damaged folder could spoil. Raises ``AssertionError`` if it does."""
    runs, models = engine.runs(), engine.models()
    assert json.dumps([runs, models, engine.datasets(), engine.health()]).encode()
    assert sum(not run.get("gone") for run in runs) >= others
    for run in runs:
        for ask in (engine.run, engine.metrics, engine.events):
            try:
                assert json.dumps(ask(run["id"])).encode()
            except BadInput:
                assert run["gone"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2000)
    examples = parser.parse_args().examples
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with zipfile.ZipFile(WRITTEN) as written:
            written.extractall(root)
        (root / ".models").mkdir()
        for kept in root.glob("*-kept"):
            kept.rename(root / ".models" / kept.name)
        names = [*root.rglob("config.json"), *root.rglob("status.json"), *root.rglob("*.jsonl")]
        files = {str(name.relative_to(root)): raw for name in names if (raw := name.read_bytes())}
        with Engine(root) as engine:
            look(engine, len(list(root.glob("[!.]*"))))
            hold(engine, root, files, examples)
    print(f"{examples} damages to {len(files)} files: every list answers, and the others are whole")


def hold(engine: Engine, root: Path, files: dict[str, bytes], examples: int) -> None:
    """Damage one file at a time, and look."""
    others = len(list(root.glob("[!.]*"))) - 1

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damages(files))
    def holds(damage: tuple[str, bytes]) -> None:
        name, raw = damage
        try:
            (root / name).write_bytes(raw)
            look(engine, others)
        finally:
            (root / name).write_bytes(files[name])

    holds()


if __name__ == "__main__":
    main()
