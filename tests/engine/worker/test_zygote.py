"""The zygote forks workers, which are then on their own. Jobs of the tests stand in for training."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.options import Conflict
from engine.server.processes import Spawn, Zygote, _admitted, end_by_force

JOBS = Path(__file__).with_name("zygote_jobs.py")


class Listener:
    """A zygote of the test's jobs, and what it reports."""

    def __init__(self, folder, wait=True, script=JOBS, head_start_s=0.0):
        self.exits, self.readies = {}, threading.Semaphore(0)
        self.changed = threading.Condition()
        self.log = folder / "log.txt"
        self.zygote = Zygote(folder / "zygote.log", command=[sys.executable, str(script)])
        self.zygote.start(self.readies.release, self.on_exit, head_start_s)
        if wait:
            assert self.readies.acquire(timeout=60)

    def on_exit(self, job, code):
        with self.changed:
            self.exits[job["name"]] = code
            self.changed.notify_all()

    def launch(self, kind, name="job", descriptor=None, **job):
        job |= {"kind": kind, "name": name, "log": str(self.log)}
        return self.zygote.launch(job, descriptor).result(60)

    def ask(self, kind, **job):
        """What the job sends over the socket that it is given."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.launch(kind, descriptor=theirs.fileno(), **job)
            theirs.close()
            ours.settimeout(60)
            return ours.recv(1 << 16)

    def code(self, name="job"):
        with self.changed:
            assert self.changed.wait_for(lambda: name in self.exits, 60)
            return self.exits[name]


@pytest.fixture
def zygote(tmp_path):
    listener = Listener(tmp_path)
    yield listener
    listener.zygote.close()


def eventually(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return value


def gone(pid):
    """Whether the process has ended (a zombie that nobody has waited for has)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_worker_has_a_session_streams_and_limits_of_its_own(zygote):
    facts = json.loads(zygote.ask("say", env={"MARK": "here"}, cpu_s=100, memory=1 << 30))
    assert facts["pid"] == facts["sid"] != zygote.zygote.pid
    assert facts["env"] == "here" and facts["cpu"] == [100, 101] and facts["memory"] > 1 << 30
    assert (
        len(facts["descriptors"]) == 5
    )  # three streams, the socket, and the listing itself: nothing of the zygote's
    assert zygote.code() == 0
    assert zygote.log.read_text().splitlines() == ["out", "err"]


def test_a_fork_takes_milliseconds_and_the_zygote_runs_no_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_PRELOAD", "numpy,torch,torch._dynamo")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    listener = Listener(tmp_path)
    try:
        assert listener.zygote.threads == 1
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert listener.ask("say")
            times.append(time.perf_counter() - began)
        # 10-20 ms here; an import of torch is over 1000
        assert sorted(times)[2] < 0.25
    finally:
        listener.zygote.close()


def test_two_forked_workers_train_at_once_with_several_threads_each(tmp_path, monkeypatch):
    """Had the zygote started torch's threads, its workers would wait for threads that are not there."""
    monkeypatch.setenv("TEST_PRELOAD", "torch,torch._dynamo")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    listener = Listener(tmp_path)
    try:
        pairs = [socket.socketpair() for _ in range(2)]
        for number, (_, theirs) in enumerate(pairs):
            listener.launch("learn", name=f"learn {number}", descriptor=theirs.fileno(), threads=2)
        answers = []
        for ours, theirs in pairs:
            theirs.close()
            ours.settimeout(60)
            answers.append(ours.recv(100).decode().split())
            ours.close()
        assert [listener.code(f"learn {number}") for number in range(2)] == [0, 0]
        assert answers[0] == answers[1]  # same seed, same loss
        assert answers[0][0] == "2" and int(answers[0][1]) >= 2
    finally:
        listener.zygote.close()


def test_an_error_ends_in_the_log_and_a_crash_is_reported_with_its_signal(zygote):
    zygote.launch("fail", "fail")
    zygote.launch("crash", "crash")
    assert zygote.code("fail") == 1
    assert zygote.code("crash") == -signal.SIGSEGV
    text = zygote.log.read_text()
    assert "RuntimeError: on purpose" in text
    assert "Fatal Python error: Segmentation fault" in text


def test_memory_is_limited(zygote):
    assert zygote.ask("hoard", memory=1 << 30) == b"refused"


def test_a_worker_can_be_killed_and_only_a_worker(zygote, tmp_path):
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid = zygote.launch("wait", out=str(tmp_path / "a"))
    zygote.zygote.kill(bystander.pid)
    zygote.zygote.kill(pid)
    assert zygote.code() == -signal.SIGKILL
    assert bystander.poll() is None
    bystander.communicate(b"\n")


def test_workers_outlive_the_launcher_and_the_zygote_does_not(tmp_path):
    listener = Listener(tmp_path)
    worker = listener.launch("wait", out=str(tmp_path / "a"))
    eventually(lambda: (tmp_path / "a").exists() and (tmp_path / "a").read_text())
    zygote = listener.zygote.pid
    listener.zygote.close()
    assert gone(zygote)
    assert not gone(worker)
    (tmp_path / "a.end").touch()
    eventually(lambda: (tmp_path / "a").read_text() == "ended")
    with pytest.raises(Conflict):
        listener.launch("say")


def test_closing_does_not_wait_for_torch_to_load(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_PRELOAD", "torch,torch._dynamo")
    listener = Listener(tmp_path, wait=False)
    zygote = eventually(lambda: listener.zygote.pid)
    began = time.monotonic()
    listener.zygote.close()
    assert time.monotonic() - began < 2
    assert gone(zygote)


def test_a_head_start_is_given_up_for_a_job(tmp_path):
    listener = Listener(tmp_path, wait=False, head_start_s=600.0)
    assert listener.zygote.state == "starting" and not listener.zygote.pid
    assert json.loads(listener.ask("say"))["pid"]
    listener.zygote.close()


def test_closing_does_not_wait_for_the_end_of_a_head_start(tmp_path):
    listener = Listener(tmp_path, wait=False, head_start_s=600.0)
    listener.zygote.close()
    assert not listener.zygote._thread.is_alive() and not listener.zygote.pid


def test_a_zygote_that_died_is_replaced_and_its_workers_go_on(zygote, tmp_path):
    worker = zygote.launch("wait", out=str(tmp_path / "a"))
    eventually(lambda: (tmp_path / "a").exists() and (tmp_path / "a").read_text())
    before = zygote.zygote.pid
    os.kill(before, signal.SIGKILL)
    assert zygote.readies.acquire(timeout=60)
    assert zygote.zygote.pid != before
    assert json.loads(zygote.ask("say"))["pid"]
    assert not gone(worker)
    (tmp_path / "a.end").touch()
    eventually(lambda: (tmp_path / "a").read_text() == "ended")


def test_a_zygote_that_cannot_load_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_PRELOAD", "no_such_module")
    listener = Listener(tmp_path, wait=False)
    with pytest.raises(Conflict, match="No module named 'no_such_module'"):
        listener.launch("say")
    assert listener.zygote.state.startswith("failed")
    assert "Traceback" in (tmp_path / "zygote.log").read_text()
    listener.zygote.close()


def test_a_zygote_that_keeps_dying_is_given_up(tmp_path):
    script = tmp_path / "dies.py"
    script.write_text("import os; os._exit(3)")
    listener = Listener(tmp_path, wait=False, script=script)
    with pytest.raises(Conflict, match="ended with code 3"):
        listener.launch("say")
    listener.zygote.close()


def test_without_fork_a_job_gets_a_fresh_process(tmp_path):
    """``Spawn`` answers the same questions the same way; only torch's import makes it slow."""
    exits = {}
    ended = threading.Event()
    spawn = Spawn(tmp_path / "spawn.log")

    def on_exit(job, code):
        exits[job["name"]] = code
        ended.set()

    ready = threading.Event()
    spawn.start(ready.set, on_exit)
    assert ready.wait(10) and spawn.state == "ready"
    pid, ours = spawn.connect({"kind": "infer", "name": "job", "log": str(tmp_path / "log.txt")})
    with ours:
        assert os.getsid(pid) == pid
    assert ended.wait(60)
    assert exits == {"job": 0}
    spawn.close()


def test_only_who_shows_the_key_is_let_in():
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10)
        for shown, is_admitted in ((b"wrong", False), (b"", False), (b"key-1", True)):
            with socket.create_connection(door.getsockname()) as caller:
                caller.sendall(shown)
                caller.shutdown(socket.SHUT_WR)
                found = _admitted(door, "key-1")
                assert (found is not None) == is_admitted
                if found:
                    found.close()


def test_a_process_that_is_no_child_is_ended_by_force():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    end_by_force(process.pid)
    assert process.wait(10) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        end_by_force(process.pid)


def test_a_lower_limit_that_the_server_was_started_with_holds_and_is_named():
    code = """if True:
        import resource
        from engine.worker import limits
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        limits.limit(64 << 30, 7)
        print(resource.getrlimit(resource.RLIMIT_AS)[0] >> 30, resource.getrlimit(resource.RLIMIT_CPU)[0])
        print(limits.blame())"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("4 7\n") and "ulimit -v 4194304" in said
