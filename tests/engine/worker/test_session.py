"""A training process and its folder: resume exactly, survive a kill, obey commands, stop where it breaks."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from engine.__main__ import main
from engine.data.kinds import KINDS
from engine.live import frames
from engine.models import loading
from engine.runs.files import Tail
from engine.runs.folder import RunFolder
from engine.worker.journal import newest_attempt
from engine.worker.session import Session, train

CLOCK = {"row", "attempt", "time", "rate", "images_rate"}


def numbers(folder):
    """What was measured, clock columns aside, by step; the newest attempt counts."""
    rows = newest_attempt(Tail(folder.metrics).read(), 10**9)
    return {row["step"]: {name: value for name, value in row.items() if name not in CLOCK} for row in rows}


def events(folder, kind):
    return [event for event in Tail(folder.events).read() if event["type"] == kind]


def command(folder, **content):
    folder.command(content)


def stop_at(folder, step):
    """A progress callback that asks for a stop, as the server would, once ``step`` is reported."""

    def progress(now, row):
        if now >= step and not any(line["command"] == "stop" for line in Tail(folder.control).read()):
            folder.command({"command": "stop"})

    return progress


@pytest.mark.parametrize(
    "how",
    [
        {"gan": "gan", "data": "ring", "steps": 60},
        {
            "gan": "gan",
            "data": "two_moons",
            "steps": 60,
            "instance_noise": 0.2,
            "critic_steps": 2,
            "ema": 0.9,
        },
        {"gan": "dcgan", "data": "mnist", "steps": 10},
    ],
    ids=["ring", "moons", "mnist"],
)
def test_stop_and_resume_measures_the_same_bit_by_bit(new_run, how):
    whole, halves = new_run("whole", **how), new_run("halves", **how)
    assert train(whole) == "done"
    assert train(halves, progress=stop_at(halves, how["steps"] // 2)) == "stopped"
    assert halves.status()["step"] < how["steps"]
    assert train(halves, resume=True) == "done"
    assert numbers(whole) == numbers(halves)
    assert len(numbers(whole)) >= 5


def start_process(folder, *more):
    code = (
        "import sys; from pathlib import Path; from engine.runs.folder import RunFolder; "
        "from engine.worker.session import train; "
    )
    code += "train(RunFolder(Path(sys.argv[1])), resume=len(sys.argv) > 2)"
    return subprocess.Popen([sys.executable, "-c", code, str(folder.path), *more])


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_killed_between_checkpoints_it_resumes_and_replays(new_run):
    """kill -9 in mid-run, with a rate changed after the last checkpoint: the resumed run equals one never
    killed.
    """
    how = {"steps": 3000, "report_every": 10, "measure_every": 100, "hidden": 8}
    killed, whole = new_run("killed", **how), new_run("whole", **how)
    process = start_process(killed)
    wait_for(lambda: killed.status()["step"] > 100)
    command(killed, command="set", options={"discriminator_lr": 3e-4})
    wait_for(lambda: events(killed, "command"))
    rows_before = len(Tail(killed.metrics).read())
    changed_at = events(killed, "command")[0]["step"]
    wait_for(lambda: killed.status()["step"] > changed_at)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert killed.status()["state"] == "failed" and killed.status()["remedy"]
    assert killed.checkpoint_steps()[-1] <= changed_at, (
        "the command must lie after the checkpoint for this test to mean anything"
    )
    assert train(killed, resume=True) == "done"
    assert len(Tail(killed.metrics).read()) > rows_before
    # the reference: the same change at the same step, never killed
    session = Session(whole, False, None)
    session.replay.pending = [
        {
            "number": 0,
            "step": changed_at,
            "command": {"command": "set", "options": {"discriminator_lr": 3e-4}},
        }
    ]
    assert session.run() == "done"
    assert numbers(killed) == numbers(whole)


def test_watched_or_not_the_numbers_are_the_same(new_run, monkeypatch):
    watched, alone = new_run("watched"), new_run("alone")
    monkeypatch.setattr("engine.live.gallery.FRAMES_PER_S", 1e9)
    monkeypatch.setattr("engine.live.gallery.FRAME_SHARE", 1e9)
    watched.watching.touch()
    drawn = []
    session = Session(watched, False, None)
    frame = session.gallery.frame
    monkeypatch.setattr(session.gallery, "frame", lambda: (drawn.append(session.trainer.step), frame()))
    session.run()
    train(alone)
    assert len(drawn) > 20
    assert numbers(watched) == numbers(alone)


def test_commands_take_effect_and_leave_a_mark(new_run):
    folder = new_run(steps=10_000_000)
    process = start_process(folder)
    try:
        wait_for(lambda: folder.status()["step"] > 20)
        command(folder, command="pause")
        wait_for(lambda: folder.status()["state"] == "paused")
        paused_at = folder.status()["step"]
        for what in ("discriminator", "generator", "both"):
            command(folder, command="step", what=what)
        wait_for(lambda: folder.status()["step"] == paused_at + 1)
        command(folder, command="set", options={"generator_lr": 0.5})
        command(folder, command="set", options={"hidden": 3})
        wait_for(lambda: events(folder, "error"))
        assert events(folder, "error")[0]["field"] == "hidden"
        assert folder.status()["live"]["generator_lr"] == 0.5
        marks = [event["command"] for event in events(folder, "command")]
        assert {"command": "set", "options": {"generator_lr": 0.5}} in marks
        assert [mark["what"] for mark in marks if mark["command"] == "step"] == ["discriminator", "generator"]
        assert folder.status()["step"] == paused_at + 1
        command(folder, command="set", options={"generator_lr": 1e-3})
        command(folder, command="resume")
        wait_for(lambda: folder.status()["step"] > paused_at + 50)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert folder.status()["state"] == "stopped"
        assert folder.checkpoint_steps()[-1] == folder.status()["step"]
    finally:
        process.kill()


def test_divergence_stops_the_run_and_keeps_a_good_checkpoint(new_run):
    folder = new_run(
        steps=5000, objective="least_squares", generator_lr=10.0, discriminator_lr=10.0,
        generator_optimizer="sgd", discriminator_optimizer="sgd",
    )  # fmt: skip
    assert train(folder) == "failed"
    status = folder.status()
    assert "diverged" in status["error"] and "step" in status["error"]
    assert any(word in status["error"] for word in ("generator", "discriminator"))
    assert "_lr" in status["remedy"]
    last = events(folder, "diagnosis")[-1]["active"]
    assert [item["name"] for item in last] == ["divergence"]
    from engine.models import checkpoint
    from engine.training.trainer import Trainer

    trainer = Trainer(folder.config())
    trainer.load_state(checkpoint.load(checkpoint.newest(folder))["trainer"])
    assert trainer.is_finite()


def test_two_processes_cannot_train_one_run(new_run):
    from engine.options import Conflict

    folder = new_run(steps=10_000_000)
    process = start_process(folder)
    try:
        wait_for(lambda: folder.status()["step"] > 0)
        with pytest.raises(Conflict):
            train(folder)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "how", [{"data": "grid"}, {"gan": "dcgan", "data": "mnist", "steps": 4}], ids=["points", "images"]
)
def test_the_folder_holds_pictures(new_run, how):
    folder = new_run(**how)
    train(folder)
    for path in (folder.live, folder.real, *folder.snapshots.glob("*.bin")):
        header, arrays = frames.unpack(path.read_bytes())
        assert header["v"] == 1 and arrays
    header, arrays = frames.unpack(folder.live.read_bytes())
    assert header["step"] == folder.status()["step"]
    if header["kind"] == "points":
        assert (
            arrays["fake"].shape == (512, 2) and arrays["heat"].shape == (48, 48) == arrays["optimal"].shape
        )
    assert folder.thumbnail.read_bytes().startswith(b"\x89PNG")


def test_a_run_survives_that_its_snapshots_are_deleted(new_run):
    folder = new_run(steps=20)
    assert train(folder) == "done"
    shutil.rmtree(folder.snapshots)
    folder.write_status(**{**folder.status(), "state": "stopped", "steps": 40})
    assert train(folder, resume=True) == "done", folder.status()
    assert folder.snapshot_steps()[-1] == 40


def test_snapshots_stay_few(new_run, monkeypatch):
    monkeypatch.setattr("engine.live.gallery.SNAPSHOTS_AT_MOST", 12)
    monkeypatch.setitem(KINDS, "points", replace(KINDS["points"], snapshot_every=5))
    folder = new_run(steps=200)
    train(folder)
    steps = folder.snapshot_steps()
    assert len(steps) <= 20 and steps[0] == 0 and steps[-1] == 200


def test_a_measurement_falls_on_the_next_report(new_run):
    folder = new_run(steps=40, report_every=6, measure_every=10)
    assert train(folder) == "done"
    rows = Tail(folder.metrics).read()
    assert [row["step"] for row in rows if "jsd" in row] == [1, 12, 24, 30, 40]
    assert rows[-2]["step"] == 36 and {"d_loss", "g_loss", "g_grad"} <= rows[-1].keys()  # the last step's own


def test_a_decayed_run_that_is_given_more_steps_decays_over_all_of_them(new_run):
    folder = new_run(steps=40, lr_decay="linear", generator_lr=1e-3)
    assert train(folder) == "done"
    folder.write_status(**{**folder.status(), "steps": 80})
    assert train(folder, resume=True) == "done"
    rates = {row["step"]: row["generator_lr"] for row in Tail(folder.metrics).read()}
    assert rates[20] == 1e-3 and rates[30] == pytest.approx(5e-4) and rates[40] == 0
    assert rates[45] == pytest.approx(8.75e-4) and rates[60] == pytest.approx(5e-4) and rates[80] == 0


def test_a_run_goes_on_without_the_model_that_it_began_with(new_run):
    first = new_run("first", steps=5)
    assert train(first) == "done"
    second = new_run("second", steps=10)
    config = {**second.config(), "start_from": str(first.path)}
    (second.path / "config.json").write_text(json.dumps(config))
    assert train(second) == "done"
    shutil.rmtree(first.path)
    second.write_status(**{**second.status(), "steps": 15})
    assert train(second, resume=True) == "done"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--resume", "--seed", "3"], "seed"),
        (["--resume", "--gan", "dcgan"], "gan"),
        (["--resume", "--set", "hidden=8"], "set"),
        (["--resume", "--steps", "10"], "steps"),
        (["--resume", "--steps", "-1"], "steps"),
        (["--device", "quantum"], "device"),
        (["--start-from", "nothing-of-this-name"], "start_from"),
        (["--gan", "infogan", "--data", "mnist", "--start-from", "dcgan-fashion"], "start_from"),
    ],
)
def test_what_the_command_line_cannot_do_is_refused_by_field(new_run, tmp_path, capsys, arguments, field):
    folder = new_run(steps=10)
    assert train(folder) == "done"
    out = folder.path if "--resume" in arguments else tmp_path / "other"
    assert main(["train", "--out", str(out), *arguments]) == 2
    assert f"ganscope: {field}: " in capsys.readouterr().err
    assert not (tmp_path / "other").exists() and folder.status()["state"] == "done"


def test_the_command_line_fine_tunes(new_run, tmp_path, capsys):
    first = new_run(steps=10)
    assert train(first) == "done"
    options = ["--set", "hidden=16", "generator_lr=1e-9", "discriminator_lr=1e-9"]
    out = tmp_path / "second"
    assert main(["train", "--start-from", str(first.path), "--steps", "1", "--out", str(out), *options]) == 0
    before, after = (loading.load(path).networks["generator"].state_dict() for path in (first.path, out))
    assert all(torch.allclose(value, after[key], atol=1e-6) for key, value in before.items())


def test_the_command_line_trains_resumes_samples_and_lists(tmp_path, python):
    def run(*arguments):
        return python.run("engine", *arguments, cwd=tmp_path)

    out = str(tmp_path / "first")
    options = ["--set", "hidden=8", "generator_lr=1e-3"]
    done = run(
        "train", "--gan", "gan", "--data", "ring", "--steps", "50", "--seed", "1", "--out", out, *options
    )
    assert done.returncode == 0, done.stderr
    assert "done at step 50" in done.stdout
    assert RunFolder(tmp_path / "first").config()["options"]["hidden"] == 8
    again = run("train", "--resume", "--out", out, "--steps", "80")
    assert "done at step 80" in again.stdout, again.stderr
    for name in ("a.png", "b.png"):
        assert run("sample", out, "--n", "16", "--seed", "2", "--out", str(tmp_path / name)).returncode == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    listed = json.loads(run("list", "gans", "--json").stdout)
    assert "dcgan" in listed
    refused = run("train", "--set", "generator_lr=-3")
    assert refused.returncode == 2 and "generator_lr" in refused.stderr and "Traceback" not in refused.stderr
    taken = run("train", "--out", out, "--steps", "10")
    assert taken.returncode == 2 and "--resume" in taken.stderr


def test_a_damaged_checkpoint_is_passed_over_and_what_is_lost_is_said(new_run):
    folder = new_run(steps=30)
    assert train(folder) == "done"
    newest = folder.checkpoints / "00000030"
    (newest / "tensors.safetensors").write_bytes((newest / "tensors.safetensors").read_bytes()[:100])
    shutil.copytree(newest, folder.checkpoints / "00000029")
    (folder.checkpoints / "00000029" / "state.json").write_text("{")
    assert loading.load(folder.path).step == 0
    folder.write_status(**{**folder.status(), "steps": 40})
    assert train(folder, resume=True) == "done", folder.status()
    told = events(folder, "error")[0]
    assert "step 30, 29 is damaged: 30 steps are lost" in told["error"] and "step 0" in told["remedy"]
    assert loading.load(folder.path).step == 40


def test_a_run_without_a_whole_checkpoint_says_so(new_run):
    folder = new_run(steps=10)
    assert train(folder) == "done"
    for path in folder.checkpoints.iterdir():
        (path / "state.json").write_bytes(b"")
    assert train(folder, resume=True) == "failed"
    assert "every checkpoint of the run is damaged" in folder.status()["error"]


@pytest.mark.parametrize("text", [b"", b"[]", b'{"step": 3}', b'{"state": 7}', b"\xff"])
def test_a_run_goes_on_with_damaged_status_rows_and_events(new_run, text):
    folder = new_run(steps=10)
    assert train(folder) == "done"
    (folder.path / "status.json").write_bytes(text)
    assert folder.status()["state"] == "failed" and "damaged" in folder.status()["error"]
    for path in (folder.metrics, folder.events):
        with open(path, "ab") as file:
            file.write(
                b'{"row": "7"}\n{"row": 1e999, "step": 2}\n{"row": 9999}\n{"type": "command"}\n[]\n{"ro'
            )
    assert train(folder, resume=True) == "done", folder.status()
    last = Tail(folder.events).read()[-1]
    assert (last["type"], last["state"]) == ("state", "done") and last["row"] < 9999


def test_commands_are_obeyed_by_their_place_and_not_by_their_time(new_run):
    """As if the wall clock had been put back by an hour after the run began, and forth before."""
    folder = new_run(steps=10_000)
    future, past = time.time() + 3600, time.time() - 3600
    with open(folder.control, "a") as file:
        file.write(json.dumps({"command": "stop", "time": future}) + "\n")
    folder.write_status(state="starting", step=0)  # asked for after that stop, which another attempt obeyed

    def progress(step, row):
        if step == 20:
            with open(folder.control, "a") as file:
                file.write(json.dumps({"command": "stop", "time": past}) + "\n")

    assert train(folder, progress=progress) == "stopped"
    assert 20 <= folder.status()["step"] < 100


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that end")
def test_the_end_of_the_terminal_ends_a_run_with_a_checkpoint(new_run):
    folder = new_run(steps=10_000_000)
    process = start_process(folder)
    try:
        wait_for(lambda: folder.status()["step"] > 20)
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 0
        assert folder.status()["state"] == "stopped"
        assert folder.checkpoint_steps()[-1] == folder.status()["step"]
    finally:
        process.kill()
