"""The command line, beside a terminal and without one: what it says, and that nothing is lost over it."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.runs.folder import RunFolder
from engine.runs.telling import duration, line
from engine.worker import lines

SMALL = ["train", "--gan", "gan", "--data", "ring", "--steps", "6"]


def shell(command, **environment):
    """``command`` run by a shell, so that streams can be closed."""
    return subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def test_without_a_terminal_a_line_says_how_far_it_is_in_the_log_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lines, "EVERY_S", 0.0)
    assert main([*SMALL, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 6 and said[1].startswith("step 2 of 6, ")
    assert "steps/s" in said[1] and " left, D " in said[1] and ", G " in said[1]
    log = RunFolder(tmp_path / "run").log.read_text().splitlines()
    assert [one.split(" ", 2)[2] for one in log] == said


def test_a_line_is_ascii_and_says_what_is_known():
    row = {"d_loss": 1.25, "g_loss": 0.5, "modes_hit": 3, "modes_total": 8}
    said = line({"step": 1200, "steps": 20000, "rate": 40.0}, row)
    assert said == "step 1,200 of 20,000, 40 steps/s, 7 min 50 s left, D 1.25, G 0.5, modes 3/8"
    assert line({"step": 3}, {}) == "step 3" and duration(3725) == "1 h 2 min"


def test_who_has_left_does_not_stop_training(tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(lines, "EVERY_S", 0.0)
    monkeypatch.setattr(sys, "stderr", Gone())
    assert main([*SMALL, "--out", str(tmp_path / "run")]) == 0


def test_closed_streams_leave_no_run_that_starts_for_ever(tmp_path):
    out = tmp_path / "run"
    done = shell(f"{sys.executable} -m engine {' '.join(SMALL)} --out {out} <&- >&- 2>&-")
    assert done.returncode == 0 and RunFolder(out).written()["state"] == "done"


def test_an_end_before_the_first_step_is_said(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.worker.session.Session", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main([*SMALL, "--out", str(tmp_path / "run")])
    status = RunFolder(tmp_path / "run").written()
    assert status["state"] == "failed" and "before its first step" in status["error"]


def test_letters_that_a_terminal_lacks_lose_no_result(tmp_path):
    assert main([*SMALL, "--out", str(tmp_path / "run")]) == 0
    measured = shell(
        f"{sys.executable} -m engine evaluate {tmp_path / 'run'} --metrics modes", PYTHONIOENCODING="ascii"
    )
    assert measured.returncode == 0 and "Share of good samples" in measured.stdout, measured.stderr


def test_a_home_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(16):
        Image.new("RGB", (40, 40), (number, 9, 9)).save(pictures / f"{number}.png")
    for name in ("XDG_CACHE_HOME", "GANSCOPE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))  # root may write anywhere else
    arguments = ["--gan", "dcgan", "--data", "folder", "--set", f"folder={pictures}", "--dry-run"]
    assert main(["train", *arguments]) == 2
    said = capsys.readouterr().err
    assert "nothing can be kept in" in said and "GANSCOPE_CACHE=" in said
    assert main([*SMALL, "--out", str(tmp_path / "file" / "run")]) == 2  # its sibling: any other place
    assert "file" in capsys.readouterr().err


def test_a_run_is_asked_for_by_a_file(tmp_path, capsys):
    file = tmp_path / "run.yaml"
    file.write_text("gan: gan\ndata: ring\nsteps: 5\noptions:\n  hidden: 8\n  generator_lr: 1e-4\n")
    assert main(["train", "--config", str(file), "--seed", "3", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "hidden: 8" in printed and "seed: 3" in printed and "generator_lr: 0.0001" in printed
    file.write_text(printed)
    assert main(["train", "--config", str(file), "--dry-run"]) == 0 and capsys.readouterr().out == printed
    out = tmp_path / "runs" / "one"
    assert main(["train", "--config", str(file), "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["train", "--config", str(out / "config.json"), "--dry-run"]) == 0
    assert capsys.readouterr().out == printed
    for text in ("[1, 2", "- a\n- b\n", "gna: gan\n"):
        file.write_text(text)
        assert main(["train", "--config", str(file), "--dry-run"]) == 2
    assert "gna" in capsys.readouterr().err


def test_runs_and_how_one_stands(tmp_path, capsys):
    runs = tmp_path / "runs"
    assert main(["runs", "--runs", str(runs)]) == 0 and "no runs" in capsys.readouterr().out
    assert main([*SMALL, "--out", str(runs / "one")]) == 0
    (runs / "two").mkdir()
    (runs / "two" / "config.json").write_text("[]")
    capsys.readouterr()
    assert main(["runs", "--runs", str(runs), "--json"]) == 0
    listed = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["one"]["state"] == "done" and listed["one"]["steps"] == 6
    assert listed["two"]["state"] == "damaged"
    assert main(["status", "one", "--runs", str(runs)]) == 0
    assert "one: done\nstep 6 of 6, D " in capsys.readouterr().out
    assert main(["status", str(runs / "one"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"]["step"] == 6
    assert main(["status", "nobody", "--runs", str(runs)]) == 2


def test_help_knows_the_options_of_a_gan(capsys):
    assert main(["train", "--help", "--gan", "infogan"]) == 0
    told = capsys.readouterr().out
    assert "--dry-run" in told and "options of InfoGAN" in told and "info_weight" in told
    assert main(["train", "-h"]) == 0 and "options of InfoGAN" not in capsys.readouterr().out


def test_only_what_is_near_is_suggested(capsys):
    assert main(["train", "--set", "generatr_lr=1e-3", "--dry-run"]) == 2
    assert "Did you mean generator_lr?" in capsys.readouterr().err
    assert main(["train", "--set", "rate=1e-3", "--dry-run"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


def test_two_folders_are_measured(tmp_path, capsys):
    random = np.random.default_rng(0)
    for name, brighter in (("real", 0), ("alike", 0), ("other", 60)):
        (tmp_path / name).mkdir()
        for number in range(32):
            pixels = np.clip(random.normal(120 + brighter, 40, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    found = {}
    for name in ("alike", "other"):
        folders = ["--real", str(tmp_path / "real"), "--fake", str(tmp_path / name)]
        assert (
            main(["evaluate", *folders, "--metrics", "kid,precision", "--network", "random", "--json"]) == 0
        )
        found[name] = json.loads(capsys.readouterr().out)["figures"]
    assert found["other"]["kid"] > 10 * abs(found["alike"]["kid"])
    assert found["alike"]["precision"] > 0.5 > found["other"]["precision"]
    assert main(["evaluate", "--real", str(tmp_path / "real")]) == 2
    assert main(["evaluate", "--real", str(tmp_path), "--fake", str(tmp_path / "nothing")]) == 2
    assert "fake" in capsys.readouterr().err
