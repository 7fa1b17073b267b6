"""The engine's door, with real processes behind it."""

import inspect
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from engine.api import Engine
from engine.live.frames import unpack
from engine.options import BadInput, Conflict, Forbidden, NotFound
from engine.runs.folder import RunFolder
from tests.engine.serving import (
    FOREVER,
    NAN,
    OPTIONS,
    eventually,
    finished,
    in_state,
    nested,
    or_none,
    request,
    running,
)

SERVER = """
import sys, time
from pathlib import Path
from engine.api import Engine
engine = Engine(Path(sys.argv[1]), device="cpu", limit=1)
engine.open()
ids = [engine.start("presenter", {"gan": "gan", "data": "ring", "steps": 10_000_000}) for _ in range(2)]
print(*ids, flush=True)
time.sleep(600)
"""


# --- the server's life


def test_the_server_does_not_load_torch(tmp_path):
    """Neither by importing the door, nor by opening it, nor by answering."""
    code = (
        "import sys; from pathlib import Path; from engine.api import Engine\n"
        "with Engine(Path(sys.argv[1])) as engine:\n"
        "    engine.health(); engine.runs(); engine.catalogue()\n"
        "    engine.validate('presenter', {'gan': 'gan', 'data': 'ring'})\n"
        "    engine.dataset_thumbnail('ring')\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'torchvision', 'streamlit')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_one_server_has_a_runs_folder(engine):
    with pytest.raises(Conflict):
        Engine(engine.runs_folder).open()
    code = "import sys, pathlib, engine.api; engine.api.Engine(pathlib.Path(sys.argv[1])).open()"
    other = subprocess.run(
        [sys.executable, "-c", code, str(engine.runs_folder)], capture_output=True, text=True
    )
    assert other.returncode == 1 and "Conflict" in other.stderr and "--runs" in other.stderr


def test_a_runs_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(BadInput) as caught:
        Engine(tmp_path / "runs").open()
    assert caught.value.field == "runs"


@pytest.mark.parametrize(("how", "field"), [({"device": "tpu"}, "device"), ({"limit": 0}, "limit")])
def test_a_server_that_makes_no_sense_is_refused(tmp_path, how, field):
    with pytest.raises(BadInput) as caught:
        Engine(tmp_path, **how)
    assert caught.value.field == field


def test_health_says_what_the_server_does(engine):
    engine.catalogue()
    health = engine.health()
    assert health["status"] == "ok" and health["engine"] == "ready" and health["device"] == "cpu"
    assert health["limit"] == 2 and health["running"] == 0 and health["queued"] == 0
    running(engine)
    assert engine.health()["running"] == 1


def test_a_fresh_server_answers_from_the_disk_before_torch_has_loaded(engine, tmp_path, monkeypatch):
    """Pages come up at once: what was learnt once about the same sources is still true."""
    monkeypatch.setattr("engine.server.catalogue.sources_hash", lambda: engine._catalogue._folder.name)
    known, picture = engine.catalogue(), engine.dataset_thumbnail("ring")
    runs = tmp_path / "runs"
    runs.mkdir()
    os.symlink(engine.runs_folder / ".cache", runs / ".cache")
    with Engine(runs, device="cpu") as fresh:
        assert fresh.catalogue() == known
        assert fresh.dataset_thumbnail("ring") == picture
        assert fresh.preset_picture("ring_collapse")
        assert fresh.health()["engine"] == "starting"


def test_a_killed_server_leaves_its_runs_alive_and_the_next_one_adopts_them(tmp_path):
    runs = tmp_path / "runs"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(runs)], stdout=subprocess.PIPE, text=True)
    first, second = server.stdout.readline().split()
    folder = RunFolder(runs / first)
    eventually(lambda: folder.status()["state"] == "running")
    server.kill()
    server.wait()
    step = folder.status()["step"]
    eventually(lambda: folder.status()["step"] > step)
    with Engine(runs, device="cpu", limit=1) as engine:
        assert engine.health()["running"] == 1 and engine.health()["queued"] == 1
        assert engine.status(second)["queue"] == 1
        engine.control("presenter", first, {"command": "stop"})
        in_state(engine, second, "running")
        assert engine.status(first)["state"] == "stopped"
        assert engine.close() == [second]
    with Engine(runs, device="cpu") as engine:
        engine.delete("presenter", second)
        assert [run["id"] for run in engine.runs()] == [first]


def test_closing_is_quick_and_leaves_runs_alone(tmp_path):
    engine = Engine(tmp_path / "runs", device="cpu")
    engine.open()
    run = running(engine)
    began = time.monotonic()
    assert engine.close() == [run]
    assert time.monotonic() - began < 5
    folder = RunFolder(engine.runs_folder / run)
    step = folder.status()["step"]
    eventually(lambda: folder.status()["step"] > step)
    folder.command({"command": "stop"})
    eventually(lambda: folder.status()["state"] == "stopped")
    assert engine.close() == []


# --- what there is


def test_the_catalogue_holds_every_table_and_is_plain_data(engine):
    catalogue = engine.catalogue()
    assert {"gans", "objectives", "stabilisers", "datasets", "training", "presets"} <= set(catalogue)
    assert json.loads(json.dumps(catalogue, allow_nan=False)) == catalogue
    assert {"gan", "dcgan"} <= set(catalogue["gans"]) and {"ring", "mnist"} <= set(catalogue["datasets"])
    assert any(field["name"] == "generator_lr" and field["live"] for field in catalogue["training"])


def test_every_preset_can_be_started_and_has_a_picture(engine):
    for name, preset in engine.catalogue()["presets"].items():
        assert (
            preset["name"] == name and preset["title"] and preset["watch"] and 1 <= len(preset["runs"]) <= 2
        )
        assert engine.preset_picture(name).startswith(b"\x89PNG")
        for run in preset["runs"]:
            assert engine.validate("presenter", run)["options"].items() >= run["options"].items()


def test_every_data_set_has_a_thumbnail_or_a_reason(engine):
    for name, dataset in engine.catalogue()["datasets"].items():
        if dataset["available"]:
            assert engine.dataset_thumbnail(name).startswith(b"\x89PNG"), name
        else:
            with pytest.raises(BadInput) as caught:
                engine.dataset_thumbnail(name)
            assert caught.value.error and caught.value.remedy


@pytest.mark.parametrize("name", ["nothing", "../ring", "", "x" * 10_000, None, 3, ["ring"]])
def test_unknown_pictures_are_not_found(engine, name):
    with pytest.raises(NotFound):
        engine.dataset_thumbnail(name)
    with pytest.raises(NotFound):
        engine.preset_picture(name)


def test_own_pictures_become_a_data_set(engine, tmp_path):
    for number in range(20):
        Image.new("RGB", (40, 30), (number * 12, 0, 99)).save(tmp_path / f"{number}.png")
    (tmp_path / "20.png").write_text("no picture")
    files = sorted(tmp_path.glob("*.png"))
    card = engine.add_dataset("presenter", "  My\x07 blues ", files, 28, True)
    assert card["name"] == "My blues" and card["images"] == 20
    assert [one["file"] for one in card["skipped"]] == ["20.png"]
    assert engine.datasets()[0] == card
    assert engine.dataset_thumbnail(card["id"]).startswith(b"\x89PNG")

    options = {"upload": card["id"], "hidden": 16, "batch_size": 8}
    run = engine.start("presenter", {"gan": "gan", "data": "upload", "steps": FOREVER, "options": options})
    in_state(engine, run, "running")
    with pytest.raises(Conflict):
        engine.delete_dataset("presenter", card["id"])
    engine.delete("presenter", run)
    engine.delete_dataset("presenter", card["id"])
    assert engine.datasets() == []
    with pytest.raises(NotFound):
        engine.delete_dataset("presenter", card["id"])


@pytest.mark.parametrize(
    ("name", "count", "size", "colour", "field"),
    [
        ("few", 3, 28, False, "files"),
        ("odd", 16, 29, False, "size"),
        ("<b>bold</b>", 16, 28, False, "name"),
        ("x" * 10_000, 16, 28, False, "name"),
        ("", 16, 28, False, "name"),
        ("size", 16, "28", False, "size"),
        ("colour", 16, 28, "yes", "colour"),
        ("none", 0, 28, False, "files"),
    ],
)
def test_uploads_that_cannot_be_used_leave_nothing_behind(engine, tmp_path, name, count, size, colour, field):
    for number in range(count):
        Image.new("L", (30, 30), number).save(tmp_path / f"{number}.png")
    with pytest.raises(BadInput) as caught:
        engine.add_dataset("presenter", name, sorted(tmp_path.glob("*.png")), size, colour)
    assert caught.value.field == field
    assert engine.datasets() == []


def test_an_upload_that_wants_too_much_memory_takes_nothing_with_it(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.server.uploads.MEMORY", 1 << 24)
    for number in range(16):
        Image.new("RGB", (3000, 3000), (number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(BadInput):
        engine.add_dataset("presenter", "big", sorted(tmp_path.glob("*.png")), 64, True)
    assert engine.validate("presenter", request())
    assert engine.datasets() == []


# --- starting


def test_a_start_makes_a_whole_folder_and_trains(engine):
    run = engine.start("presenter", request(steps=20, name="  My\trun  ", seed=3))
    config = engine.run(run)["config"]
    assert (
        config["id"] == run
        and config["name"] == "My run"
        and config["seed"] == 3
        and config["device"] == "cpu"
    )
    assert config["options"]["hidden"] == 16 and config["meta"]["sentence"]
    status = in_state(engine, run, "done")
    assert status["step"] == 20
    seen = engine.run(run)
    assert seen["last"]["step"] == 20 and 20 in seen["snapshots"] and 20 in seen["checkpoints"]


def test_presets_start_their_runs_side_by_side(engine):
    ids = engine.start_preset("presenter", "wasserstein", seed=7)
    assert len(ids) == 2
    for run in ids:
        config = engine.run(run)["config"]
        assert config["preset"] == "wasserstein" and config["seed"] == 7
        in_state(engine, run, "running")


DEEP = nested(4000)
HOSTILE = [
    None, 7, "run", [], [["gan", "gan"]], {"gan": "no"}, {"gan": None}, {"gan": ["gan"]},
    {"gan": {"gan": 1}}, {"data": "../x"}, {"data": "<script>"}, {"data": "x" * 10_000}, {"data": "\ud800"},
    {"steps": 0}, {"steps": -1}, {"steps": 10**400}, {"steps": 10**5000}, {"steps": 1.5}, {"steps": "10"},
    {"steps": True}, {"steps": NAN}, {"steps": None}, {"seed": -1}, {"seed": 2**70}, {"seed": "0"},
    {"options": 3}, {"options": []}, {"options": {"hidden": NAN}}, {"options": {"hidden": math.inf}},
    {"options": {"hidden": "many"}}, {"options": {"hidden": 10**30}}, {"options": {"hidden": -1}},
    {"options": {"hidden": {"a": {}}}}, {"options": {"no_such": 1}}, {"options": {"x" * 10_000: 1}},
    {"options": {"objective": "<b>"}}, {"options": {"objective": 4}}, {"options": {3: 4}},
    {"options": {"generator_lr": 0}}, {"options": {"generator_lr": 1e308}},
    {"options": {"objective": "wasserstein"}}, {"options": {"hidden": b"\0"}},
    {"options": {"hidden": {1, 2}}}, {"options": {"hidden": DEEP}}, {"options": DEEP}, DEEP,
    {"name": "x" * 81}, {"name": "<b>"}, {"name": "\0\x1b"}, {"name": 4}, {"name": ""}, {"name": ["a"]},
    {"preset": "no"}, {"preset": 4}, {"preset": ["ring_collapse"]}, {"device": "tpu"}, {"device": 4},
    {"device": ["cpu"]}, {"parent": {"run": "x", "step": 1}}, {"id": "x"}, {"x" * 10_000: 1}, {"\0blob": 0},
    {("a",): 1}, {"filler": "x" * 100_000},
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_requests_are_refused_and_leave_nothing_behind(engine, hostile):
    before = sorted(os.listdir(engine.runs_folder))
    given = {**request(), **hostile} if isinstance(hostile, dict) else hostile
    if isinstance(hostile, dict) and isinstance(hostile.get("options"), dict):
        given["options"] = {**OPTIONS, **hostile["options"]}
    for call in (engine.validate, engine.start):
        with pytest.raises(BadInput) as caught:
            call("presenter", given)
        assert caught.value.error and caught.value.remedy
        assert len(str(caught.value)) < 1500
        json.dumps(caught.value.as_dict()).encode()
    assert sorted(os.listdir(engine.runs_folder)) == before


@pytest.mark.parametrize("seed", [-1, 2**40, "1", 1.5, NAN, [1]])
def test_hostile_seeds_are_refused(engine, seed):
    with pytest.raises(BadInput):
        engine.start_preset("presenter", "ring_collapse", seed)


# --- reading


def test_runs_are_listed_newest_first_with_what_a_table_needs(engine):
    first, second = finished(engine, name="first"), running(engine, name="second")
    (engine.runs_folder / "stray file").touch()
    (engine.runs_folder / "no-run").mkdir()
    rows = [run for run in engine.runs() if run["id"] in (first, second)]
    assert [run["id"] for run in rows] == [second, first]
    assert rows[1]["name"] == "first" and rows[1]["status"]["state"] == "done" and rows[1]["kind"] == "points"
    assert rows[1]["last"]["step"] == 20 and len(rows[1]["sparkline"]) >= 4 and rows[1]["preset"] is None
    assert len(rows[1]["diagnosis"]) >= 1
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_rows_and_events_come_without_repeats_or_gaps(engine):
    run = finished(engine, steps=40)
    rows = engine.metrics(run)
    assert [row["row"] for row in rows] == list(range(len(rows)))
    assert engine.metrics(run, 3) == rows[4:] and engine.metrics(run, 10**6) == []
    events = engine.events(run)
    assert [event["row"] for event in events] == list(range(len(events)))
    assert engine.events(run, events[-2]["row"]) == events[-1:]


def test_pictures_come_as_bytes(engine):
    run = running(engine)
    engine.watch(run)
    header, arrays = unpack(eventually(lambda: or_none(engine.frame, run)))
    assert header["kind"] == "points" and arrays["fake"].shape == (512, 2)
    assert unpack(engine.real(run))[1]["real"].shape[1] == 2
    assert unpack(engine.snapshot(run, 0))[0]["step"] == 0
    assert eventually(lambda: or_none(engine.thumbnail, run)).startswith(b"\x89PNG")
    assert engine.folder(run).is_watched()
    with pytest.raises(NotFound):
        engine.snapshot(run, 99_999_999)


READERS = ["run", "status", "folder", "metrics", "events", "watch", "frame", "real", "thumbnail"]


@pytest.mark.parametrize(
    "name", ["no-such-run", "../runs", "..", "/etc", "", "a/b", "x" * 10_000, "<b>", "a\0b", None, 4]
)
def test_unknown_runs_are_not_found(engine, name):
    for reader in READERS:
        with pytest.raises(NotFound):
            getattr(engine, reader)(name)
    for call in (
        lambda: engine.snapshot(name, 0),
        lambda: engine.log("presenter", name),
        lambda: engine.control("presenter", name, {"command": "pause"}),
        lambda: engine.rename("presenter", name, "x"),
        lambda: engine.delete("presenter", name),
    ):
        with pytest.raises(NotFound):
            call()
    assert engine.runs_folder.is_dir()


def test_numbers_that_are_none_are_refused(engine):
    run = finished(engine)
    for odd in ("3", 1.5, NAN, True, [1], -2, 2**60, 10**5000):
        with pytest.raises(BadInput):
            engine.metrics(run, odd)
        with pytest.raises(BadInput):
            engine.snapshot(run, odd)


# --- roles


def test_viewers_change_nothing(engine):
    run = finished(engine)
    calls = [
        lambda role: engine.validate(role, request()),
        lambda role: engine.start(role, request()),
        lambda role: engine.start_preset(role, "ring_collapse"),
        lambda role: engine.control(role, run, {"command": "resume"}),
        lambda role: engine.rename(role, run, "x"),
        lambda role: engine.delete(role, run),
        lambda role: engine.add_dataset(role, "x", [], 28, False),
        lambda role: engine.delete_dataset(role, "x"),
        lambda role: engine.log(role, run),
    ]
    before = engine.runs()
    for call in calls:
        for role in ("viewer", "", None, "Presenter"):
            with pytest.raises(Forbidden) as caught:
                call(role)
            assert caught.value.remedy
    assert engine.runs() == before
    assert engine.run(run) and engine.metrics(run) and engine.catalogue()


# What viewers may call: it changes nothing, and reads what every page shows. ``assess`` takes the role, and
# judges for viewers whatever names no file of this machine.
FOR_EVERYBODY = {
    *("open", "close", "health", "catalogue", "presets", "dataset_thumbnail", "preset_picture", "datasets"),
    *("assess", "runs", "run", "status", "folder", "metrics", "events", "watch", "frame", "real", "snapshot"),
    "kept_frame",
    *("thumbnail", "models", "model", "explore", "model_strip", "score_histograms", "model_weights"),
    *("translation_examples", "translators", "translate", "start_translation", "translation"),
    *("translation_result", "cancel_translation", "project", "projection", "cancel_projection"),
    *("export_model", "model_text", "translation_changed", "trouble", "browser_model"),
    *("recorded", "recorded_page"),
}


def methods():
    names = (name for name in dir(Engine) if not name.startswith("_"))
    return {name: made for name in names if callable(made := getattr(Engine, name))}


def test_every_method_is_for_everybody_or_refuses_viewers(engine):
    run, asked = finished(engine), 0
    before = sorted(os.listdir(engine.runs_folder))
    for name, made in methods().items():
        parameters = list(inspect.signature(made).parameters)[1:]
        assert (parameters[:1] == ["role"]) == (name not in FOR_EVERYBODY - {"assess"}), name
        if name not in FOR_EVERYBODY:
            needed = [one for one in inspect.signature(made).parameters.values() if one.default is one.empty]
            with pytest.raises(Forbidden):
                made(engine, "viewer", *[run] * (len(needed) - 2))
            asked += 1
    assert asked > 12 and methods().keys() >= FOR_EVERYBODY
    assert sorted(os.listdir(engine.runs_folder)) == before


def test_a_viewers_new_run_reads_no_folder(engine):
    asked = {"gan": "dcgan", "data": "folder", "options": {"folder": "/etc"}}
    [problem] = engine.assess("viewer", asked)["refusals"]
    assert problem["field"] == "folder" and problem["error"].startswith("viewers may not")
    [problem] = engine.assess("presenter", asked)["refusals"]
    assert not problem["error"].startswith("viewers may not")
    assert engine.assess("viewer", request())["config"]["gan"] == "gan"


def test_all_refusals_come_in_one_answer(engine):
    wrong = request(steps=0, device="tpu", options={"hidden": -1, "critic_steps": "x"})
    fields = {problem["field"] for problem in engine.assess("presenter", wrong)["refusals"]}
    assert fields == {"steps", "device", "hidden", "critic_steps"}
    with pytest.raises(BadInput) as caught:
        engine.validate("presenter", request(options={"hidden": -1, "critic_steps": "x"}))
    assert [one.field for one in (caught.value, *caught.value.others)] == ["critic_steps", "hidden"]


# --- the child that answers


def test_the_inference_process_is_replaced_when_it_dies(engine):
    engine.validate("presenter", request())
    pid = engine._inference.pid
    os.kill(pid, signal.SIGKILL)
    assert engine.validate("presenter", request())["gan"] == "gan"
    assert engine._inference.pid != pid


def test_a_call_that_takes_too_long_is_given_up(engine):
    engine.validate("presenter", request())
    os.kill(engine._inference.pid, signal.SIGSTOP)
    with pytest.raises(Conflict) as caught:
        engine._inference.call("validate", request=request(), timeout_s=0.3)
    assert caught.value.remedy
    assert engine.validate("presenter", request())["gan"] == "gan"


def test_a_fault_of_ours_stays_in_the_log(engine):
    with pytest.raises(Conflict, match="TypeError"):
        engine._inference.call("validate", no_such_argument=1)
    assert "Traceback" in (engine.runs_folder / ".cache" / "engine.log").read_text()
    assert engine.validate("presenter", request())["gan"] == "gan"


def test_a_new_server_sweeps_up_what_an_interrupted_one_left(tmp_path):
    runs = tmp_path / "runs"
    half = [
        runs / ".deleted-x-1",
        runs / ".datasets" / ".cats-0a1b2c.k3_x9zab",
        runs / ".datasets" / ".deleted-y-1",
    ]
    kept = [runs / ".datasets" / ".git", runs / "a-run", runs / ".datasets" / "cats-0a1b2c"]
    for folder in (*half, *kept):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    with Engine(runs, device="cpu"):
        assert [folder for folder in half if folder.exists()] == []
        assert [folder for folder in kept if not (folder / "file").exists()] == []
