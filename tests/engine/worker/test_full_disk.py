"""On a full disk a run pauses, says why, and goes on; whatever else writes says that there must be room."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from engine.options import NoRoom, is_full
from engine.runs.files import Appender, write_anyhow

SMALL_DISK = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'
UNSHARE = ["unshare", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK]


@pytest.fixture(scope="module")
def on_small_disk(tmp_path_factory):
    """Have a story told with a disk of a few megabytes, which only its process sees."""
    disk = str(tmp_path_factory.mktemp("disk"))
    if not shutil.which("unshare") or subprocess.run([*UNSHARE, disk, "true"], check=False).returncode:
        pytest.skip("no disks can be mounted here")

    def run(what):
        story = [sys.executable, "-m", "tests.engine.worker.full_disk", disk, what]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*UNSHARE, disk, *story], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_run_waits_for_room_and_loses_nothing(on_small_disk):
    told = on_small_disk("train")
    assert told["seen"][0]["state"] == "paused" and "no room" in told["seen"][0]["error"]
    assert "Make room" in told["seen"][0]["remedy"]
    assert told["state"] == "done" and told["rows"] == [1, *range(5, 61, 5)]
    assert len(told["kept"]) == 2 and "trainer" in told["kept"][1]
    assert told["left"] == []  # nothing half-written


def test_what_the_server_writes_is_refused_and_leaves_nothing(on_small_disk):
    told = on_small_disk("refuse")
    assert told["refused"] == ["Make room, then try again."] * 3
    assert told["left"] == [] and told["runs"] == ["branch", "run"]


@pytest.fixture(scope="module")
def asked(on_small_disk):
    return on_small_disk("ask")


ROUTES = (
    *("start", "preset", "rename", "branch", "data set", "large data set", "model", "rename a model"),
    *("weights", "export", "translation", "translations", "projection"),
)


@pytest.mark.parametrize("name", [*ROUTES, "upload to the studio"])
def test_every_route_that_writes_asks_for_room(asked, name):
    status, said = asked["told"][name]
    assert status == 507 and "Make room" in said, said


VERBS = ("train", "sample", "translate", "import", "safetensors", "torchscript", "onnx")


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_that_writes_asks_for_room(asked, verb):
    status, said = asked["told"][f"$ {verb}"]
    assert status == 2 and said.strip().endswith("Make room, then try again."), said


def test_nothing_stays_of_half_and_a_run_that_goes_on_waits(asked):
    assert asked["left"] == [] and asked["changed"] == []
    assert "Make room" in asked["told"]["resume"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_line_that_finds_no_room_is_refused():
    from pathlib import Path

    appender = Appender(Path("/dev/full"))
    with pytest.raises(NoRoom) as caught:
        appender.write({"row": 0})
    assert "Make room" in caught.value.remedy
    appender.close()


def test_only_a_full_disk_counts_as_one():
    assert is_full(OSError(28, "No space left on device")) and is_full(ValueError("I/O error (os error 28)"))
    assert is_full(shutil.Error([("a", "b", "[Errno 28] No space left on device")]))
    assert not is_full(PermissionError(13, "no")) and not is_full(ValueError("28"))


def test_a_status_is_written_whole_where_there_is_room(tmp_path):
    write_anyhow(tmp_path / "status.json", {"state": "paused", "error": "long" * 50})
    write_anyhow(tmp_path / "status.json", {"state": "running"})
    assert json.loads((tmp_path / "status.json").read_bytes()) == {"state": "running"}
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
