"""Plugins: added whole or left out whole, with a reason; imported by children only, and read anew."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.api import Engine
from engine.options import BadInput
from engine.plugins.finding import plugins_beside
from engine.runs.folder import RunFolder
from tests.engine.serving import finished, in_state

ROOT = Path(__file__).parents[3]
MOON = """
import os
from pathlib import Path

import torch

from engine.data.source import CurveSource

with open(Path(__file__).parent / "imported", "a") as marker:
    marker.write(f"{os.getpid()}\\n")


class Moon(CurveSource):
    name = "moon"
    title = "Moon"
    sentence = "Half a circle."
    extent = (-1.5, 1.5, -1.0, 2.0)
    sd = 0.05

    def curve(self, u):
        return torch.stack([(torch.pi * u).cos(), (torch.pi * u).sin()], 1)


DATASETS = {"moon": Moon}
"""
SHIFT = """
from engine.options import Options, knob
from engine.stabilisers import GROUP, Stabiliser


class Shift(Stabiliser):
    title = "Shift"
    sentence = "Moves all that D sees."
    switch = "shift"
    on = 1.0

    class Options(Options):
        shift: float = knob(0.0, "Shift", "How far.", ge=0, le=2, live=True, group=GROUP)

    def inputs(self, ctx, x):
        return x + ctx.options.shift


STABILISERS = {"shift": Shift()}
"""


@pytest.fixture
def ganscope(python):
    """Run a command in a folder: its status, and what it wrote."""

    def run(folder, *arguments):
        done = python.run("engine", *arguments, cwd=folder)
        return done.returncode, done.stdout + done.stderr

    return run


def folder_with(parent, **files):
    folder = parent / "plugins"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


WRONG = {
    "raises": ("x = 1\ny = nothing\n", 2, "NameError: name 'nothing' is not defined."),
    "no_python": ("x = 1\n\ndef f(:\n", 3, "SyntaxError"),
    "leaves": ("raise SystemExit(3)\n", 1, "SystemExit: 3."),
    "empty": ("x = 1\n", None, "it adds nothing."),
    "list": ("DATASETS = []\n", 1, "DATASETS is not a dictionary."),
    "taken": (MOON.replace('{"moon": Moon}', '{"moon": Moon, "ring": Moon}'), 13, "already a ring"),
    "spelt": (MOON.replace('{"moon"', '{"Moon"'), 13, "'Moon' cannot be the name"),
    "nameless": (MOON.replace('    sentence = "Half a circle."\n', ""), 13, "moon has no sentence."),
    "flat": (
        MOON.replace("curve(self, u):", "sample(self, n, generator):\n        return torch.zeros(2, n)\n"),
        13,
        "moon gives (2, 4)",
    ),
    "made": (MOON.replace('": Moon}', '": Moon()}'), 13, "moon is not a Source."),
    "always_on": (SHIFT.replace("knob(0.0", "knob(0.5"), 6, "shift is on by default."),
    "switchless": (SHIFT.replace('switch = "shift"', 'switch = "drift"'), 6, "is none of its Options"),
    "clashes": (SHIFT.replace("shift: fl", "width: fl").replace('= "shift"', '= "width"'), 6, "option width"),
    "objective": ('OBJECTIVES = {\n    "mine": 3}\n', 2, "mine is not an Objective."),
    "metric": ('METRICS = {\n    "mine": 3}\n', 2, "mine is not a Metric."),
    "gan": ("from engine.game.recipe import TwoPlayers\n\n\nclass Mine(TwoPlayers):\n"
            "    title = sentence = paper = 'Mine'\n\n\nGANS = {'mine': Mine}\n", 4, "mine has no networks."),
}  # fmt: skip


def test_what_is_wrong_with_a_plugin_is_said_with_file_line_and_remedy(tmp_path, ganscope):
    folder_with(tmp_path, zz_moon=MOON, **{f"wrong_{name}": text for name, (text, _, _) in WRONG.items()})
    status, said = ganscope(tmp_path, "list", "--json", "plugins")
    assert status == 0
    found = json.loads(said)
    assert found["zz_moon.py"]["adds"] == {"datasets": ["moon"]} and found["zz_moon.py"]["error"] is None
    for name, (_, line, words) in WRONG.items():
        plugin = found[f"wrong_{name}.py"]
        assert words in plugin["error"] and plugin["remedy"], (name, plugin)
        assert plugin["line"] == line, (name, plugin)
        assert plugin["adds"] == {}


def test_a_plugin_that_is_left_out_breaks_nothing_and_leaves_nothing_behind(tmp_path, ganscope):
    folder_with(tmp_path, both=MOON + "STABILISERS = {'shift': 3}\n")
    status, said = ganscope(tmp_path, "train", "--steps", "3", "--set", "hidden=8", "--out", "runs/one")
    assert status == 0 and "both.py: Left out: shift is not a Stabiliser." in said
    status, said = ganscope(tmp_path, "train", "--data", "moon", "--steps", "3", "--out", "runs/two")
    assert status == 2 and "there is no data called 'moon'" in said


def test_a_folder_that_is_named_and_not_there_is_refused(tmp_path, monkeypatch, ganscope):
    monkeypatch.delenv("GANSCOPE_PLUGINS", raising=False)
    with pytest.raises(BadInput, match="there is no folder"):
        plugins_beside(tmp_path / "runs", tmp_path / "nothing")
    assert plugins_beside(tmp_path / "runs").folder == tmp_path / "plugins"
    status, said = ganscope(tmp_path, "list", "--plugins", "nothing")
    assert status == 2 and "there is no folder nothing" in said


def test_a_package_announces_plugins_by_its_entry_points(tmp_path):
    (tmp_path / "moon_for_ganscope.py").write_text(MOON)
    about = tmp_path / "moon_for_ganscope-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: moon-for-ganscope\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ganscope.plugins]\nmoon = moon_for_ganscope\n")
    done = subprocess.run(
        [sys.executable, "-m", "engine", "train", "--data", "moon", "--steps", "3", "--out", "runs/one"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert RunFolder(tmp_path / "runs/one").status()["state"] == "done"


def test_a_server_never_imports_plugins_and_reads_them_anew_when_they_change(tmp_path):
    """One server through the life of a plugin: there, edited, broken, mended, gone and back."""
    plugins = folder_with(tmp_path, moon=MOON, shift=SHIFT, broken="import nothing_of_the_kind\n")
    with Engine(tmp_path / "runs", "cpu") as engine:
        assert engine.catalogue()["datasets"]["moon"]["title"] == "Moon"
        assert engine.catalogue()["plugins"]["broken.py"]["line"] == 1
        assert engine.dataset_thumbnail("moon").startswith(b"\x89PNG")
        plain = finished(engine)
        run = finished(engine, data="moon", options={"hidden": 16, "shift": 0.5})
        assert RunFolder(tmp_path / "runs" / run).config()["options"]["shift"] == 0.5
        assert "shift" not in RunFolder(tmp_path / "runs" / plain).config()["options"]

        (plugins / "moon.py").write_text(MOON.replace('"Moon"', '"Lune"'))  # within a second, of equal size
        assert engine.catalogue()["datasets"]["moon"]["title"] == "Lune"
        (plugins / "moon.py").write_text(MOON.replace("DATASETS", "x = 1 / 0\nDATASETS"))
        assert engine.catalogue()["plugins"]["moon.py"]["error"] == "ZeroDivisionError: division by zero."

        (plugins / "moon.py").unlink()
        (plugins / "shift.py").unlink()
        assert "moon" not in engine.catalogue()["datasets"]
        gone = {one["id"]: one["gone"] for one in engine.runs()}
        assert gone[plain] is None and gone[run].startswith("There is no data set moon any more")
        assert next(card for card in engine.models() if card["id"] == run)["gone"] == gone[run]
        assert engine.run(run)["gone"] == gone[run]
        with pytest.raises(BadInput, match="knows no gan of moon"):
            engine.model(run)
        for command in ({"command": "resume", "steps": 40}, {"command": "branch"}, {"command": "duplicate"}):
            with pytest.raises(BadInput, match="moon"):
                engine.control("presenter", run, command)
        engine.control("presenter", plain, {"command": "resume", "steps": 40})
        in_state(engine, plain, "done")

        folder_with(tmp_path, moon=MOON, shift=SHIFT)
        assert engine.run(run)["gone"] is None
        engine.control("presenter", run, {"command": "resume", "steps": 40})
        in_state(engine, run, "done")
        assert engine.model(run)["step"] == 40
    imported = set((plugins / "imported").read_text().split())
    assert imported and str(os.getpid()) not in imported
    assert "ganscope_plugins.moon" not in sys.modules


def test_a_run_whose_stabiliser_is_gone_says_so_when_it_is_resumed(ganscope, tmp_path):
    plugins = folder_with(tmp_path, shift=SHIFT)
    status, _ = ganscope(tmp_path, "train", "--steps", "5", "--set", "shift=1", "--out", "runs/one")
    assert status == 0
    (plugins / "shift.py").unlink()
    status, said = ganscope(tmp_path, "train", "--resume", "--out", "runs/one", "--steps", "9")
    assert status == 1 and "there is no 'shift' here" in said
