"""The run folder under crashes, damage and several processes."""

import json
import os
import subprocess
import sys
import time

import pytest

from engine.options import BadInput, NotFound
from engine.runs import history
from engine.runs.files import Appender, Tail, read_json, write_json
from engine.runs.folder import STARTING_GRACE_S, WATCHED_FOR_S, RunFolder
from engine.runs.lock import Lock, is_locked
from engine.runs.names import check_id, new_id

HOLD = """
import sys, time
from pathlib import Path
from engine.runs.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held" if lock.acquire(patience_s=0.1) else "refused", flush=True)
sys.stdin.read()
"""


CONFIG = {
    "name": "a run", "gan": "gan", "data": "ring", "kind": "points", "steps": 10, "seed": 0, "device": "cpu",
    "options": {}, "preset": None, "parent": None, "versions": {}, "created": 1.0,
    "meta": {
        "data": {"title": "Ring", "kind": "points", "shape": [2], "classes": None},
        "gan": {"title": "GAN", "sentence": ""}, "live": [], "sentence": "",
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "run")
    made.create({"id": "run", **CONFIG}, state="queued")
    return made


def hold(path):
    """Another process that takes the lock at ``path`` and keeps it until its stdin closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


# --- names


@pytest.mark.parametrize(
    "name",
    [
        "../up", "a/b", "..", ".", ".hidden", "", "-x", "a b", "a\0b", "a\n", "<b>", "x" * 101, "ä", None, 7,
        ["a"], "a\\b",
        "%2e%2e",
    ],
)  # fmt: skip
def test_names_that_could_leave_the_folder_are_not_found(name):
    with pytest.raises(NotFound):
        check_id(name)


def test_new_ids_are_names_and_sort_by_time():
    first = new_id("gan", "ring")
    assert check_id(first) == first
    assert "-gan-ring-" in first
    assert abs(time.mktime(time.strptime(first[:15], "%Y%m%d-%H%M%S")) - time.time()) < 60


# --- JSON that is replaced whole


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "status.json"
    write_json(path, {"step": 0})
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import json,sys\nfor _ in range(3000): json.load(open(sys.argv[1]))",
            str(path),
        ]
    )
    step = 0
    while reader.poll() is None:
        step += 1
        write_json(path, {"step": step, "filler": "x" * (step % 5000)})
    assert reader.returncode == 0
    assert read_json(path)["step"] == step
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe", None])
def test_what_cannot_be_read_gives_the_default(tmp_path, content):
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
    assert read_json(tmp_path / "x.json", "default") == "default"


def test_numbers_that_json_lacks_are_refused_or_become_null(tmp_path, folder):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    folder.write_status(state="running", rate=float("inf"))
    assert read_json(folder.path / "status.json")["rate"] is None


def test_what_somebody_holds_open_is_replaced_a_moment_later(tmp_path, monkeypatch):
    """As Windows refuses it; here nobody does, so the refusal is made."""
    refusals = iter([PermissionError(13, "Access is denied")] * 3)
    really = os.replace

    def refused(*paths):
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        really(*paths)

    monkeypatch.setattr(os, "replace", refused)
    write_json(tmp_path / "status.json", {"step": 1})
    assert read_json(tmp_path / "status.json") == {"step": 1}
    monkeypatch.setattr("engine.runs.files.PATIENCE_S", 0.0)
    refusals = iter([PermissionError(13, "Access is denied")] * 3)
    with pytest.raises(PermissionError):
        write_json(tmp_path / "status.json", {"step": 2})
    assert read_json(tmp_path / "status.json") == {"step": 1}


# --- JSON lines


def test_lines_are_read_once_and_in_order(tmp_path):
    tail, appender = Tail(tmp_path / "m.jsonl"), Appender(tmp_path / "m.jsonl")
    assert tail.read() == []
    appender.write({"row": 0, "loss": float("nan"), "parts": [float("-inf"), 1]}, {"row": 1})
    assert tail.read() == [{"row": 0, "loss": None, "parts": [None, 1]}, {"row": 1}]
    assert tail.read() == []
    appender.write({"row": 2})
    assert tail.read() == [{"row": 2}]
    appender.close()


def test_an_unfinished_line_waits_and_a_damaged_one_is_passed_over(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"row": 0}\nrubbish\n[1]\n\xff\n{"row": 1}\n{"ro')
    tail = Tail(path)
    assert tail.read() == [{"row": 0}, {"row": 1}]
    with open(path, "ab") as file:
        file.write(b'w": 2}\n')
    assert tail.read() == [{"row": 2}]


def test_an_appender_closes_off_what_a_crash_cut_short(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"row": 0}\n{"row": 1, "lo')
    appender = Appender(path)
    appender.write({"row": 1})
    appender.close()
    assert Tail(path).read() == [{"row": 0}, {"row": 1}]


@pytest.mark.parametrize("count", [0, 1, 7, 3000])
def test_rows_are_found_by_bisection_wherever_one_asks(tmp_path, count):
    path = tmp_path / "m.jsonl"
    appender = Appender(path)
    for row in range(count):
        appender.write({"row": 2 * row, "filler": "x" * (row % 700)})
    appender.close()
    for since in {-1, 0, 1, count, count + 1, 2 * count - 3, 2 * count - 2, 2 * count}:
        found = [row["row"] for row in history.rows_since(path, since)]
        assert found == [row for row in range(0, 2 * count, 2) if row > since], since


def test_history_survives_damage_and_absence(tmp_path):
    path = tmp_path / "m.jsonl"
    assert history.rows_since(path) == [] and history.last_row(path) is None and history.sparkline(path) == []
    rows = [json.dumps({"row": row, "g_loss": row / 10, "x": "y" * 300}).encode() for row in range(2000)]
    rows[1000] = b'{"row": 1000, "g_lo'
    rows[1500] = b'{"row": 1500, "g_loss": null}'
    path.write_bytes(b"\n".join(rows) + b'\n{"row": 2000')
    assert history.last_row(path)["row"] == 1999
    assert len(history.rows_since(path, 997)) == 1001
    line = history.sparkline(path)
    assert 40 <= len(line) <= 48 and line == sorted(line) and line[0] < 10 and line[-1] > 180


def test_a_long_history_goes_out_in_pieces_and_pages(tmp_path):
    """No piece is larger than what is read at a time, and nothing is lost between them."""
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"".join(b'{"row": %d, "x": "%s"}\n' % (row, b"y" * 300) for row in range(3000)))
    pieces = list(history.text_since(path, 9))
    assert max(map(len, pieces)) <= history.CHUNK_BYTES < path.stat().st_size / 3
    assert json.loads(b"".join(pieces)) == history.rows_since(path, 9)
    found, since = [], 9
    while since is not None:
        page, since = history.page_since(path, since, 997)
        found += json.loads(page)
    assert [row["row"] for row in found] == list(range(10, 3000))
    for nothing in (path.with_name("none"), path):
        assert json.loads(b"".join(history.text_since(nothing, 2999))) == []
    assert history.page_since(path, 2999, 5) == (b"[]", None)


def test_the_last_diagnosis_counts(folder):
    assert history.diagnoses(folder) == []
    appender = Appender(folder.events)
    appender.write({"row": 0, "type": "diagnosis", "active": [{"name": "oscillation"}]})
    appender.write({"row": 1, "type": "diagnosis", "active": [{"name": "healthy"}]})
    appender.write(*({"row": row, "type": "checkpoint", "x": "y" * 200} for row in range(2, 1000)))
    assert history.diagnoses(folder) == [{"name": "healthy"}]


# --- locks and states


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    first, said = hold(path)
    assert said == "held" and is_locked(path)
    second, said = hold(path)
    assert said == "refused"
    second.communicate()
    first.kill()
    first.wait()
    assert not is_locked(path)
    lock = Lock(path)
    assert lock.acquire(patience_s=0)
    lock.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path):
    path = tmp_path / "lock"
    loader = 'if os.fork() == 0: print("forked", flush=True); sys.stdin.read(); os._exit(0)\n'
    code = HOLD.replace("import sys, time", "import os, sys").replace("sys.stdin", loader + "sys.stdin")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert [process.stdout.readline().strip() for _ in range(2)] == ["held", "forked"] and is_locked(path)
    process.kill()
    process.wait()
    assert not is_locked(path)
    process.stdin.close()  # the child goes
    assert process.stdout.read() == ""


def test_a_run_that_says_it_runs_has_failed_once_its_lock_is_free(folder):
    process, _ = hold(folder.lock)
    folder.write_status(state="running", step=5)
    assert folder.status()["state"] == "running"
    process.kill()
    process.wait()
    status = folder.status()
    assert status["state"] == "failed" and status["step"] == 5
    assert "killed" in status["error"] and "Resume" in status["remedy"]
    assert read_json(folder.path / "status.json")["state"] == "running"  # nobody writes it for the dead


def test_a_run_that_starts_has_time_to_take_its_lock(folder):
    folder.write_status(state="starting")
    assert folder.status()["state"] == "starting"
    folder.write_status(state="starting", since=time.time() - STARTING_GRACE_S - 1)
    assert folder.status()["state"] == "failed"


@pytest.mark.parametrize("state", ["queued", "done", "stopped", "failed"])
def test_a_run_without_a_worker_is_what_it_says(folder, state):
    folder.write_status(state=state)
    assert folder.status()["state"] == state


def test_a_folder_is_made_once(folder):
    with pytest.raises(BadInput) as caught:
        folder.create({"id": "run"}, state="queued")
    assert caught.value.field == "out"
    assert folder.config()["steps"] == 10
    with pytest.raises(NotFound):
        RunFolder(folder.path.with_name("other")).config()


def test_unfinished_checkpoints_and_snapshots_do_not_count(folder):
    for name in ("00000010", "00000002", ".00000020", "junk"):
        (folder.checkpoints / name).mkdir()
    for name in ("00000010.bin", "00000002.bin", ".00000020.bin.77"):
        (folder.snapshots / name).touch()
    assert folder.checkpoint_steps() == [2, 10]
    assert folder.snapshot_steps() == [2, 10]


def test_a_run_is_watched_for_some_seconds(folder):
    assert not folder.is_watched()
    folder.watching.touch()
    assert folder.is_watched()
    before = time.time() - WATCHED_FOR_S - 0.1
    os.utime(folder.watching, (before, before))
    assert not folder.is_watched()


def test_commands_queue_up_with_their_time(folder):
    folder.command({"command": "pause"})
    folder.command({"command": "set", "options": {"generator_lr": 1e-4}})
    first, second = Tail(folder.control).read()
    assert first["command"] == "pause" and second["options"] == {"generator_lr": 1e-4}
    assert 0 <= second["time"] - first["time"] < 60


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"name": 5, "created": "x", "meta": []}', "{", ""])
def test_a_damaged_run_is_not_found_and_says_so(tmp_path, text):
    from engine.options import NotFound

    (tmp_path / "config.json").write_text(text)
    with pytest.raises(NotFound):
        RunFolder(tmp_path).config()
