"""Steering runs through the engine's door: commands, branches, names and deletion."""

import json
import math
import os
import signal
import threading
import time

import pytest

from engine.models import checkpoint
from engine.options import BadInput, Conflict, NotFound
from engine.runs.files import Tail
from engine.server import commands
from engine.training.trainer import Trainer
from tests.engine.serving import (
    FOREVER,
    NAN,
    eventually,
    finished,
    in_state,
    nested,
    or_none,
    request,
    running,
)

DEEP = nested(4000)


def test_a_run_is_paused_stepped_changed_and_resumed(engine):
    run = running(engine)
    assert engine.control("presenter", run, {"command": "pause"}) == {"id": run}
    step = in_state(engine, run, "paused")["step"]
    engine.control("presenter", run, {"command": "step", "what": "both", "count": 2})
    eventually(lambda: engine.status(run)["step"] == step + 2)
    engine.control("presenter", run, {"command": "set", "options": {"generator_lr": 5e-4, "critic_steps": 2}})
    eventually(lambda: engine.status(run)["live"]["generator_lr"] == 5e-4)
    assert engine.status(run)["live"]["critic_steps"] == 2
    engine.control("presenter", run, {"command": "limit", "steps_per_s": 5})
    engine.control("presenter", run, {"command": "resume"})
    assert in_state(engine, run, "running")["limit"] == 5
    eventually(lambda: engine.status(run)["step"] > step + 2)
    before = len(engine.run(run)["checkpoints"])
    engine.control("presenter", run, {"command": "checkpoint"})
    eventually(lambda: len(engine.run(run)["checkpoints"]) > before)
    engine.control("presenter", run, {"command": "stop"})
    in_state(engine, run, "stopped")
    commands_seen = [
        event["command"]["command"] for event in engine.events(run) if event["type"] == "command"
    ]
    assert "set" in commands_seen and "limit" in commands_seen


def test_a_stopped_run_goes_on_and_a_done_one_with_more_steps(engine):
    run = running(engine)
    engine.control("presenter", run, {"command": "stop"})
    step = in_state(engine, run, "stopped")["step"]
    with pytest.raises(Conflict):
        engine.control("presenter", run, {"command": "pause"})
    assert engine.control("presenter", run, {"command": "resume", "steps": step + 20}) == {"id": run}
    status = in_state(engine, run, "done")
    assert status["step"] == step + 20 and status["attempt"] == 2
    with pytest.raises(Conflict) as caught:
        engine.control("presenter", run, {"command": "resume"})
    assert "more than" in caught.value.remedy
    engine.control("presenter", run, {"command": "resume", "steps": step + 40})
    assert in_state(engine, run, "done")["step"] == step + 40


def test_a_killed_worker_is_shown_as_failed_with_the_reason_and_can_be_resumed(engine):
    run = running(engine)
    eventually(lambda: engine.status(run)["step"] > 10)
    rows = len(engine.metrics(run))
    os.kill(engine.status(run)["pid"], signal.SIGKILL)
    began = time.monotonic()
    eventually(lambda: "SIGKILL" in (engine.status(run).get("error") or ""), 10)
    assert time.monotonic() - began < 10
    assert engine.status(run)["state"] == "failed" and "Resume" in engine.status(run)["remedy"]
    assert len(engine.metrics(run)) >= rows
    engine.control("presenter", run, {"command": "resume"})
    assert in_state(engine, run, "running")["attempt"] == 2
    assert not engine.status(run).get("error")


def test_runs_beyond_the_limit_wait_visibly_and_can_be_stopped(engine):
    live = [running(engine), running(engine)]
    waiting = [engine.start("presenter", request()) for _ in range(2)]
    assert [engine.status(run)["queue"] for run in waiting] == [1, 2]
    assert engine.health()["queued"] == 2
    for command in ({"command": "pause"}, {"command": "resume"}, {"command": "checkpoint"}):
        with pytest.raises(Conflict):
            engine.control("presenter", waiting[0], command)
    engine.control("presenter", waiting[0], {"command": "stop"})
    assert engine.status(waiting[0])["state"] == "stopped" and engine.status(waiting[1])["queue"] == 1
    engine.control("presenter", live[0], {"command": "stop"})
    in_state(engine, waiting[1], "running")
    engine.control("presenter", waiting[0], {"command": "resume"})
    assert engine.status(waiting[0])["queue"] == 1


def test_a_run_that_waits_is_started_in_the_place_of_another(engine):
    live = [running(engine, name="first"), running(engine, name="second")]
    waiting = [engine.start("presenter", request(steps=FOREVER)) for _ in range(2)]
    assert engine.status(waiting[1])["waits_for"] == ["first"]
    assert engine.control("presenter", waiting[1], {"command": "start_now"}) == {"id": waiting[1]}
    in_state(engine, waiting[1], "running")
    assert engine.status(live[0])["state"] == "stopped" and engine.status(live[1])["state"] == "running"
    assert engine.status(waiting[0])["queue"] == 1
    with pytest.raises(Conflict, match="does not wait"):
        engine.control("presenter", live[1], {"command": "start_now"})


@pytest.mark.parametrize("end", ["stop", "delete"])
def test_a_run_ends_also_if_its_turn_comes_while_it_is_asked_to(engine, monkeypatch, end):
    live = [running(engine), running(engine)]
    waiting = engine.start("presenter", request())
    cancel = engine._launcher.cancel

    def late(folder):
        if folder.id == waiting:
            engine.delete("presenter", live[0])
            in_state(engine, waiting, "starting", "running")
        return cancel(folder)

    monkeypatch.setattr(engine._launcher, "cancel", late)
    if end == "stop":
        engine.control("presenter", waiting, {"command": "stop"})
        in_state(engine, waiting, "stopped")
    else:
        engine.delete("presenter", waiting)
        assert or_none(engine.run, waiting) is None


def test_a_branch_goes_on_from_a_checkpoint_with_other_options(engine):
    run = running(engine, name="parent")
    eventually(lambda: engine.status(run)["step"] > 10)
    step = engine.status(run)["step"]
    made = engine.control("presenter", run, {"command": "branch", "options": {"generator_lr": 5e-4}})["id"]
    assert made != run
    config = engine.run(made)["config"]
    assert config["parent"]["run"] == run and config["parent"]["step"] >= step
    assert config["options"]["generator_lr"] == 5e-4 and config["name"].startswith("parent")
    assert config["options"]["hidden"] == 16
    in_state(engine, made, "running")
    first = eventually(lambda: engine.metrics(made))[0]
    assert first["step"] > config["parent"]["step"] and first["generator_lr"] == 5e-4
    trainer = Trainer(config)
    trainer.load_state(checkpoint.load(checkpoint.newest(engine.folder(made)))["trainer"])
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in trainer.optimizers.items()}
    assert rates == {"generator": 5e-4, "discriminator": 1e-3}


def test_a_branch_keeps_what_was_changed_while_its_parent_trained(engine):
    run = running(engine)
    engine.control("presenter", run, {"command": "set", "options": {"critic_steps": 3}})
    eventually(lambda: engine.status(run)["live"]["critic_steps"] == 3)
    made = engine.control("presenter", run, {"command": "branch", "options": {"label_smoothing": 0.1}})["id"]
    options = engine.run(made)["config"]["options"]
    assert (options["critic_steps"], options["label_smoothing"]) == (3, 0.1)
    in_state(engine, made, "running")
    live = eventually(lambda: engine.status(made).get("live"))
    assert (live["critic_steps"], live["label_smoothing"]) == (3, 0.1)


def test_a_branch_begins_exactly_where_it_was_asked_to_or_not_at_all(engine):
    """Of points every snapshot has its weights, so what one rewinds to one can branch from."""
    run = finished(engine, steps=30)
    assert {10, 20} <= set(engine.run(run)["snapshots"]) and 10 not in engine.run(run)["checkpoints"]
    with pytest.raises(Conflict, match="step 15 were not kept") as refusal:
        engine.control("presenter", run, {"command": "branch", "step": 15, "steps": 40})
    assert refusal.value.field == "step" and "10 and 20" in refusal.value.remedy
    answer = engine.control("presenter", run, {"command": "branch", "step": 10, "steps": 40})
    made = answer["id"]
    assert answer["step"] == 10 and engine.run(made)["config"]["parent"] == {"run": run, "step": 10}
    assert in_state(engine, made, "done")["step"] == 40
    again = [row for row in engine.metrics(made) if row["step"] == 30]
    assert [row["g_loss"] for row in again] == [
        row["g_loss"] for row in engine.metrics(run) if row["step"] == 30
    ]  # it went on as its parent had
    end = engine.control("presenter", run, {"command": "branch"})["id"]
    assert in_state(engine, end, "done")["step"] == 60  # a branch from the end goes on for as long again
    with pytest.raises(Conflict):
        engine.control("presenter", run, {"command": "branch", "steps": 30})
    engine.delete("presenter", run)
    assert engine.run(made)["status"]["state"] == "done"


def test_a_branch_that_cannot_be_leaves_nothing_behind(engine):
    run = finished(engine)
    before = sorted(os.listdir(engine.runs_folder))
    for options in ({"hidden": -1}, {"no_such": 1}, {"objective": "wasserstein"}, {"generator_lr": NAN}):
        with pytest.raises(BadInput):
            engine.control("presenter", run, {"command": "branch", "options": options})
    for path in engine.folder(run).checkpoints.iterdir():
        (path / "state.json").unlink()
    with pytest.raises(Conflict):
        engine.control("presenter", run, {"command": "branch"})
    assert sorted(os.listdir(engine.runs_folder)) == before


def test_a_duplicate_starts_anew(engine):
    run = finished(engine, name="first", seed=5)
    same = engine.control("presenter", run, {"command": "duplicate"})["id"]
    other = engine.control("presenter", run, {"command": "duplicate", "seed": 6, "options": {"hidden": 8}})[
        "id"
    ]
    for made, seed, hidden in ((same, 5, 16), (other, 6, 8)):
        config = engine.run(made)["config"]
        assert (config["name"], config["seed"], config["options"]["hidden"]) == ("first", seed, hidden)
        assert config["parent"] is None and config["id"] == made
        assert in_state(engine, made, "done")["step"] == 20
    losses = [[row.get("d_loss") for row in engine.metrics(one)] for one in (run, same, other)]
    assert losses[0] == losses[1] != losses[2]


BAD_COMMANDS = [
    None, 7, "pause", [], {}, {"command": None}, {"command": "explode"}, {"command": ["pause"]},
    {"command": {"a": 1}}, {"command": "x" * 10_000}, {"command": "pause", "now": True},
    {"command": "step"}, {"command": "step", "what": "z"}, {"command": "step", "what": ["both"]},
    {"command": "step", "what": "both", "count": 0}, {"command": "step", "what": "both", "count": 1e9},
    {"command": "step", "what": "both", "count": NAN},
    {"command": "step", "what": "both", "count": 10**400},
    {"command": "step", "what": "both", "count": "2"}, {"command": "step", "what": "both", "count": True},
    {"command": "set"}, {"command": "set", "options": {}}, {"command": "set", "options": 3},
    {"command": "set", "options": {"hidden": 8}}, {"command": "set", "options": {"generator_lr": 0}},
    {"command": "set", "options": {"generator_lr": NAN}},
    {"command": "set", "options": {"generator_lr": math.inf}},
    {"command": "set", "options": {"generator_lr": "fast"}},
    {"command": "set", "options": {"generator_lr": None}},
    {"command": "set", "options": {"generator_lr": True}},
    {"command": "set", "options": {"generator_lr": 10**400}},
    {"command": "set", "options": {"generator_lr": [1]}},
    {"command": "set", "options": {"critic_steps": 1.5}},
    {"command": "set", "options": {"critic_steps": 0}}, {"command": "set", "options": {"<b>": 1}},
    {"command": "set", "options": {"x" * 10_000: 1}}, {"command": "set", "options": {3: 1}},
    {"command": "limit", "steps_per_s": 0}, {"command": "limit", "steps_per_s": -1},
    {"command": "limit", "steps_per_s": NAN}, {"command": "limit", "steps_per_s": "1"},
    {"command": "limit", "steps_per_s": 1e9}, {"command": "limit", "steps_per_s": [1]},
    {"command": "resume", "steps": -1}, {"command": "resume", "steps": "9"},
    {"command": "resume", "steps": 10**30}, {"command": "branch", "step": -1},
    {"command": "branch", "step": NAN}, {"command": "branch", "options": 3},
    {"command": "branch", "options": {3: 4}}, {"command": "branch", "options": {"hidden": DEEP}},
    {"command": "duplicate", "seed": -1}, {"command": "duplicate", "options": {"hidden": "x" * 100_000}},
    {"command": "duplicate", "parent": 1}, {"command": "pause", ("a",): 1},
    {"command": "pause", list: 1}, {"command": "set", "options": {"generator_lr": DEEP}},
]  # fmt: skip


def test_hostile_commands_are_refused_and_nothing_is_written(engine):
    run = running(engine)
    before = sorted(os.listdir(engine.runs_folder))
    for command in BAD_COMMANDS:
        with pytest.raises(BadInput) as caught:
            engine.control("presenter", run, command)
        assert caught.value.error and caught.value.remedy, command
        assert len(str(caught.value)) < 1500
        json.dumps(caught.value.as_dict()).encode()
    assert engine.folder(run).control.read_bytes() == b""
    assert sorted(os.listdir(engine.runs_folder)) == before
    assert engine.status(run)["state"] == "running"


def test_live_options_are_checked_by_their_declaration():
    fields = [
        {"name": "mode", "type": "choice", "optional": False, "choices": [{"value": "a"}, {"value": 1}]},
        {"name": "on", "type": "bool", "optional": False, "choices": []},
        {"name": "text", "type": "text", "optional": True, "choices": []},
        {
            "name": "rate",
            "type": "float",
            "optional": True,
            "choices": [],
            "min": 0,
            "min_excluded": True,
            "max": None,
        },
    ]
    good = {"mode": "a", "on": True, "text": None, "rate": 3}
    assert commands.check_live(good, fields) == good
    for bad in (
        {"mode": "b"},
        {"mode": True},
        {"mode": ["a"]},
        {"on": 1},
        {"on": None},
        {"text": 3},
        {"rate": 0},
        {"rate": "1"},
    ):
        with pytest.raises(BadInput) as caught:
            commands.check_live(bad, fields)
        assert caught.value.field == next(iter(bad))


# --- names and deletion


def test_a_run_is_renamed(engine):
    run = finished(engine)
    engine.rename("presenter", run, " Ring\n of\x00 fire \u202e ")
    assert engine.run(run)["name"] == "Ring of fire"
    assert next(one for one in engine.runs() if one["id"] == run)["name"] == "Ring of fire"
    for odd in ("", "   ", "x" * 81, "<b>bold</b>", "\0", None, 4, ["x"], {"a": 1}):
        with pytest.raises(BadInput) as caught:
            engine.rename("presenter", run, odd)
        assert caught.value.field == "name"
    assert engine.run(run)["name"] == "Ring of fire"


@pytest.mark.parametrize("state", ["running", "paused", "queued", "done", "killed"])
def test_a_run_is_deleted_in_any_state(engine, state):
    others = [running(engine), running(engine)] if state == "queued" else []
    run = engine.start("presenter", request(steps=20 if state == "done" else FOREVER))
    pid = 0
    if state == "paused":
        engine.control("presenter", run, {"command": "pause"})
    if state != "queued":
        wanted = "running" if state == "killed" else state
        pid = in_state(engine, run, wanted)["pid"]
    if state == "killed":
        os.kill(pid, signal.SIGKILL)
    engine.delete("presenter", run)
    with pytest.raises(NotFound):
        engine.run(run)
    assert not [name for name in os.listdir(engine.runs_folder) if run in name]
    assert [run for run in others if engine.status(run)["state"] != "running"] == []


def test_a_worker_that_does_not_answer_is_ended_by_force(engine):
    run = running(engine)
    pid = engine.status(run)["pid"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    engine.delete("presenter", run)
    assert 4 < time.monotonic() - began < 20
    with pytest.raises(NotFound):
        engine.run(run)


def test_a_run_can_be_steered_from_many_threads_at_once(engine):
    """Whoever comes first wins; the others are told, and nothing breaks."""
    run = running(engine)
    engine.control("presenter", run, {"command": "stop"})
    in_state(engine, run, "stopped")
    told = []

    def resume():
        try:
            engine.control("presenter", run, {"command": "resume"})
        except Conflict as conflict:
            told.append(conflict)

    threads = [threading.Thread(target=resume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    in_state(engine, run, "running")
    assert engine.status(run)["attempt"] == 2
    resumed = [event for event in engine.events(run) if event["type"] == "resumed"]
    assert len(resumed) == 1
    assert all(line["command"] in ("stop", "resume") for line in Tail(engine.folder(run).control).read())
