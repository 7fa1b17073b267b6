"""The queue of runs, with the real zygote and real training."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from engine.runs.files import Tail, read_json
from engine.runs.folder import RunFolder
from engine.server.launcher import Launcher
from engine.server.processes import Spawn, Zygote
from tests.engine.conftest import small

FOREVER = 10_000_000


class Switchboard:
    """One zygote for all tests of this module: it passes its news on to the launcher of the present test."""

    def __init__(self, log_file):
        self.launcher, self.ready, self.exits = None, threading.Event(), []
        self.zygote = Zygote(log_file)
        self.zygote.start(self.on_ready, self.on_exit)

    def on_ready(self):
        self.ready.set()
        if self.launcher:
            self.launcher.on_ready()

    def on_exit(self, job, code):
        self.exits.append((job, code))
        if self.launcher:
            self.launcher.on_exit(job, code)


@pytest.fixture(scope="module")
def switchboard(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # as a user would start it
            patch.delenv(name, raising=False)
        board = Switchboard(tmp_path_factory.mktemp("zygote") / "zygote.log")
    assert board.ready.wait(120)
    yield board
    board.zygote.close()


@pytest.fixture
def launcher(switchboard, tmp_path):
    made = switchboard.launcher = Launcher(tmp_path / "runs", switchboard.zygote, limit=1)
    yield made
    switchboard.launcher = None
    end_all(made)
    made.close()


def end_all(launcher):
    launcher.close()
    for run in launcher.live():
        RunFolder(launcher.runs / run).command({"command": "stop"})
    eventually(lambda: not launcher.live())


def make(launcher, name, steps=FOREVER, **options):
    folder = RunFolder(launcher.runs / name)
    folder.create({"id": name, **small(steps=steps, **options)}, state="queued")
    return folder


def eventually(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return value


def in_state(folder, state):
    """The run's status once it is in ``state``."""

    def reached():
        status = folder.status()
        assert state == "failed" or status["state"] != "failed", status
        return status["state"] == state and status

    return eventually(reached)


def test_a_run_is_trained_to_its_end(launcher):
    folder = make(launcher, "a", steps=20)
    launcher.start("a")
    status = in_state(folder, "done")
    assert status["step"] == 20 and status["pid"] != os.getpid()
    assert Tail(folder.metrics).read()[-1]["step"] == 20
    assert launcher.death("a") == {}


def test_the_next_run_starts_when_a_place_falls_free_in_order(launcher):
    folders = [make(launcher, name) for name in "abc"]
    for name in "abc":
        launcher.start(name)
    in_state(folders[0], "running")
    assert [launcher.position(name) for name in "abc"] == [None, 1, 2]
    assert launcher.queued() == 2 and launcher.live() == ["a"]
    assert [folder.status()["state"] for folder in folders[1:]] == ["queued", "queued"]
    folders[0].command({"command": "stop"})
    in_state(folders[1], "running")
    assert folders[0].status()["state"] == "stopped"
    assert folders[2].status()["state"] == "queued" and launcher.position("c") == 1


def test_two_runs_on_points_share_a_place(switchboard, launcher):
    launcher._shares = True  # as where the machine, not its user, says how many
    folders = [make(launcher, name) for name in "abc"]
    for name in "abc":
        launcher.start(name)
    for folder in folders[:2]:
        in_state(folder, "running")
    both = sorted("ab", key=lambda name: folders["ab".index(name)].status()["since"])  # they start at once
    assert folders[2].status()["state"] == "queued" and launcher.in_the_way("c") == both[:1]
    launcher._kinds["c"] = "images"  # which would need the whole of it
    assert launcher.in_the_way("c") == both


def test_a_paused_run_gives_up_its_place(launcher):
    first, second = make(launcher, "a"), make(launcher, "b", steps=10)
    launcher.start("a")
    launcher.start("b")
    in_state(first, "running")
    assert second.status()["state"] == "queued"
    first.command({"command": "pause"})
    in_state(second, "done")
    assert first.status()["state"] == "paused" and launcher.live() == ["a"]


def test_two_runs_of_one_call_start_together(launcher):
    pair = [make(launcher, name) for name in "ab"]
    launcher.start("a", "b")
    for folder in pair:
        in_state(folder, "running")
    make(launcher, "c")
    launcher.start("c")
    assert launcher.position("c") == 1


def test_a_queued_run_can_be_taken_out(launcher):
    first, second = make(launcher, "a"), make(launcher, "b")
    launcher.start("a")
    launcher.start("b")
    in_state(first, "running")
    assert launcher.cancel(second)
    assert second.status()["state"] == "stopped" and launcher.queued() == 0
    assert not launcher.cancel(first) and first.status()["state"] == "running"


def test_a_run_deleted_while_it_waits_is_passed_over(launcher):
    first, second, third = (make(launcher, name) for name in "abc")
    for name in "abc":
        launcher.start(name)
    in_state(first, "running")
    second.path.rename(launcher.runs / ".deleted")
    first.command({"command": "stop"})
    in_state(third, "running")
    assert launcher.queued() == 0


def test_runs_that_others_started_count(launcher):
    """The command line trains in the same folder, and an earlier server's runs live on."""
    folder, waiting = make(launcher, "cli"), make(launcher, "a", steps=10)
    folder.write_status(state="starting")
    code = "import sys; from engine.runs.folder import RunFolder; from engine.worker.session import train; "
    other = subprocess.Popen([sys.executable, "-c", code + "train(RunFolder(sys.argv[1]))", str(folder.path)])
    in_state(folder, "running")
    launcher.start("a")
    assert launcher.position("a") == 1 and launcher.live() == ["cli"]
    folder.command({"command": "stop"})
    in_state(waiting, "done")
    assert other.wait(60) == 0


def test_a_new_launcher_adopts_the_living_and_the_queue(switchboard, launcher):
    folders = [make(launcher, name) for name in "abc"]
    for name in "acb":
        launcher.start(name)
    in_state(folders[0], "running")
    launcher.close()
    later = switchboard.launcher = Launcher(launcher.runs, switchboard.zygote, limit=1)
    try:
        assert later.adopt() == ["a"]
        assert [later.position(name) for name in "abc"] == [None, 2, 1]
        folders[0].command({"command": "stop"})
        in_state(folders[2], "running")
    finally:
        end_all(later)


def test_a_killed_worker_has_failed_with_the_reason_and_its_place_is_free(launcher):
    folder, waiting = make(launcher, "a"), make(launcher, "b", steps=10)
    launcher.start("a")
    launcher.start("b")
    pid = in_state(folder, "running")["pid"]
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    in_state(folder, "failed")
    eventually(lambda: launcher.death("a"), 10)
    assert time.monotonic() - began < 10
    assert "SIGKILL" in launcher.death("a")["error"] and "Resume" in launcher.death("a")["remedy"]
    in_state(waiting, "done")


def test_a_run_goes_on_from_its_checkpoint_when_it_is_started_again(launcher):
    folder = make(launcher, "a")
    launcher.start("a")
    eventually(lambda: folder.status().get("step", 0) > 20)
    folder.command({"command": "checkpoint"})
    kept = eventually(lambda: [step for step in folder.checkpoint_steps() if step > 0])[-1]
    os.kill(folder.status()["pid"], signal.SIGKILL)
    in_state(folder, "failed")
    launcher.start("a", resume=True, steps=kept + 20)
    status = in_state(folder, "done")
    assert status["attempt"] == 2 and status["step"] == kept + 20
    assert min(row["step"] for row in Tail(folder.metrics).read() if row["attempt"] == 2) > kept
    assert launcher.death("a") == {}


def test_a_worker_that_dies_before_it_can_say_so_has_failed(launcher):
    """Its status would otherwise say "starting" for half a minute."""
    folder = make(launcher, "a")
    folder.log.mkdir()  # so that it cannot open its log, long before it takes its lock
    launcher.start("a")
    began = time.monotonic()
    status = in_state(folder, "failed")
    assert time.monotonic() - began < 10
    assert "gave up with an error" in status["error"] and status["remedy"]


def test_runs_live_through_the_death_of_the_zygote(switchboard, launcher):
    first, second = make(launcher, "a"), make(launcher, "b", steps=10)
    launcher.start("a")
    launcher.start("b")
    in_state(first, "running")
    switchboard.ready.clear()
    os.kill(switchboard.zygote.pid, signal.SIGKILL)
    assert switchboard.ready.wait(120)
    step = first.status()["step"]
    eventually(lambda: first.status()["step"] > step)
    assert second.status()["state"] == "queued"
    first.command({"command": "stop"})
    in_state(second, "done")


def test_two_runs_train_at_once_with_several_threads(launcher, switchboard):
    """Had the zygote started torch's threads, its workers would wait for threads that are not there."""
    launcher.limit = 2
    assert switchboard.zygote.threads == 1
    pair = [make(launcher, name, gan="dcgan", data="mnist", steps=4) for name in "ab"]
    launcher.start("a")
    launcher.start("b")
    for folder in pair:
        in_state(folder, "done")
    losses = [[row["d_loss"] for row in Tail(folder.metrics).read()] for folder in pair]
    assert losses[0] == losses[1]


def test_a_run_starts_without_fork(tmp_path):
    """``Spawn`` is all there is on macOS; it works here too."""
    spawn = Spawn(tmp_path / "spawn.log")
    launcher = Launcher(tmp_path / "runs", spawn, limit=1)
    spawn.start(launcher.on_ready, launcher.on_exit)
    folder = make(launcher, "a", steps=10)
    launcher.start("a")
    status = in_state(folder, "done")
    assert status["step"] == 10
    eventually(lambda: not psutil.pid_exists(status["pid"]))
    spawn.close()
    launcher.close()
    assert read_json(folder.path / "status.json")["state"] == "done"
