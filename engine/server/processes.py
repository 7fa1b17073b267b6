"""Turning jobs into processes: ``Zygote``, or ``Spawn`` where processes cannot be forked. No torch."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine import ENGINE
from engine.options import Conflict

Job = dict[str, Any]
PATIENCE_S = 60.0  # torch has loaded long before that, or it never will
ATTEMPTS = 3  # zygotes that may die in a row before they were ready
# of a worker that outlives the server and hears none of its terminal's Ctrl+C; elsewhere a session does that
DETACHED = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)

log = logging.getLogger("ganscope")


class Zygote:
    """The server's end of ``engine.worker.zygote``: ready seconds after ``start``, anew whenever it dies.

    Workers of a zygote that died live on, but their end is not reported.
    """

    def __init__(
        self,
        log_file: Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "engine.worker.zygote"),
    ) -> None:
        """``env`` goes on top of this process's environment, for the zygote and its workers."""
        self.state = "starting"  # or "ready", "failed: why", "closed"
        self.pid = 0
        self.threads = 0  # threads that the zygote runs; anything but 1 makes its forks unsafe
        self._log, self._command, self._env = log_file, command, _environment(env)
        self._changed = threading.Condition()
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = 0
        self._is_wanted = False
        self._asked: dict[int, tuple[Job, Future[int]]] = {}
        self._workers: dict[int, Job] = {}
        self._thread = threading.Thread(target=self._keep, name="zygote", daemon=True)

    def start(
        self, on_ready: Callable[[], None], on_exit: Callable[[Job, int], None], head_start_s: float = 0.0
    ) -> None:
        """Start it in the background, ``head_start_s`` from now or as soon as there is a job.

        ``on_ready()`` follows each start, ``on_exit(job, code)`` the end of a worker (``code`` below 0: the
        signal that killed it). Both come from a thread of this object, and must not wait for another job.
        """
        self._on_ready, self._on_exit = on_ready, on_exit
        self._head_start_s = head_start_s
        self._thread.start()

    def launch(self, job: Job, descriptor: int | None = None, timeout_s: float = PATIENCE_S) -> Future[int]:
        """The process number of a worker that does ``job``, in a moment.

        The worker gets a copy of ``descriptor`` as ``job["fd"]``. Waits for the zygote if that is still
        loading, and raises ``Conflict`` if it does not get ready. The future raises ``ConnectionError`` if
        the zygote died over it, ``OSError`` if there was no memory for another process.
        """
        future: Future[int] = Future()
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.state != "starting", timeout_s)
            if self.state != "ready" or self._channel is None:
                remedy = "Wait a moment and try again." if self.state == "starting" else f"See {self._log}."
                raise Conflict(f"The engine is not ready ({self.state}).", None, remedy)
            self._jobs += 1
            self._asked[self._jobs] = (job, future)
            text = json.dumps({**job, "job": self._jobs}).encode()
            try:
                socket.send_fds(self._channel, [text], [] if descriptor is None else [descriptor])
            except ConnectionError as error:
                del self._asked[self._jobs]
                future.set_exception(error)
        return future

    def connect(self, job: Job) -> tuple[int, socket.socket]:
        """Launch ``job`` with a socket of its own: the process number, and our end. Raises as ``launch``."""
        ours, theirs = socket.socketpair()
        with theirs:
            return self.launch(job, theirs.fileno()).result(PATIENCE_S), ours

    def kill(self, pid: int) -> None:
        """End a worker by force, if it still lives."""
        with self._changed:
            if self._channel and self.state == "ready":
                try:
                    self._channel.send(json.dumps({"kill": pid}).encode())
                except ConnectionError:
                    log.debug("the zygote died before it could end worker %d", pid)

    def close(self) -> None:
        """Let the zygote end. Its workers live on."""
        with self._changed:
            loading = self.state == "starting"
            self.state = "closed"
            if self._channel:
                self._channel.shutdown(socket.SHUT_RDWR)
            if loading and self._process:
                self._process.kill()  # it has no workers yet, and would only notice once torch has loaded
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def _keep(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_wanted or self.state != "starting", self._head_start_s)
        deaths = 0
        while self._start():
            assert self._process is not None
            while (message := self._hear()) is not None:
                self._take(message)
                deaths = 0 if "ready" in message else deaths
            code = self._process.wait()
            deaths += 1
            with self._changed:
                asked, self._asked, self._workers = self._asked, {}, {}
                if self.state == "ready" or (self.state == "starting" and deaths < ATTEMPTS):
                    log.warning("the zygote ended with code %d; starting another", code)
                    self.state = "starting"
                elif self.state == "starting":
                    self.state = f"failed: it ended with code {code} while torch was loading"
                self._changed.notify_all()
            for _, future in asked.values():
                future.set_exception(ConnectionResetError("the zygote died"))

    def _start(self) -> bool:
        with self._changed:
            if self.state != "starting":
                return False
            self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs, open(self._log, "ab") as errors:
                self._process = subprocess.Popen(
                    [*self._command, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    start_new_session=True,
                    env=self._env,
                )
            self.pid = self._process.pid
            return True

    def _hear(self) -> dict[str, Any] | None:
        assert self._channel is not None
        try:
            text = self._channel.recv(1 << 16)
        except ConnectionError:
            text = b""
        if text:
            return json.loads(text)
        with self._changed:
            self._channel.close()
            self._channel = None
        return None

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message or "failed" in message:
            with self._changed:
                if self.state == "starting":
                    self.state = "ready" if "ready" in message else f"failed: {message['failed']}"
                    self.threads = message.get("threads", 0)
                self._changed.notify_all()
            if self.state == "ready":
                self._on_ready()
        elif "exit" in message:
            job = self._workers.pop(message["exit"], None)
            if job is not None:
                self._on_exit(job, message["code"])
        else:
            with self._changed:
                job, future = self._asked.pop(message["job"])
            if "pid" in message:
                self._workers[message["pid"]] = job
                future.set_result(message["pid"])
            else:
                future.set_exception(OSError(message["error"]))


class Spawn:
    """What ``Zygote`` does, without ``fork``: each job in a fresh interpreter, seconds later."""

    def __init__(self, log_file: Path, env: Mapping[str, str] | None = None) -> None:
        self.state, self.pid, self.threads = "ready", 0, 1
        self._log, self._env = log_file, _environment(env)
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    def start(
        self, on_ready: Callable[[], None], on_exit: Callable[[Job, int], None], head_start_s: float = 0.0
    ) -> None:
        """See ``Zygote.start``; there is nothing to load beforehand."""
        self._on_exit = on_exit
        threading.Thread(target=on_ready, name="ready", daemon=True).start()

    def launch(self, job: Job) -> Future[int]:
        """See ``Zygote.launch``."""
        future: Future[int] = Future()
        future.set_result(self._spawn(job).pid)
        return future

    def connect(self, job: Job) -> tuple[int, socket.socket]:
        """See ``Zygote.connect``. The worker calls back over the loopback and shows a key that only it knows:
        descriptors cannot be passed everywhere.
        """
        key = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as door:
            process = self._spawn({**job, "port": door.getsockname()[1], "key": key})
            end = time.monotonic() + PATIENCE_S
            door.settimeout(0.1)
            while time.monotonic() < end and process.poll() is None:
                if (caller := _admitted(door, key)) is not None:
                    return process.pid, caller
        process.kill()
        raise ConnectionResetError("the process did not call back")

    def _spawn(self, job: Job) -> subprocess.Popen[bytes]:
        with open(self._log, "ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine.worker.zygote", "--job"],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                creationflags=DETACHED,
                env=self._env,
            )
        self._workers[process.pid] = process
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin:  # it has died already; its end is reported below
            process.stdin.write(json.dumps(job).encode())
        threading.Thread(target=self._wait, args=(process, job), name="worker", daemon=True).start()
        return process

    def kill(self, pid: int) -> None:
        """See ``Zygote.kill``."""
        if process := self._workers.get(pid):
            process.kill()

    def close(self) -> None:
        """Start no more. The workers live on."""
        self.state = "closed"

    def _wait(self, process: subprocess.Popen[bytes], job: Job) -> None:
        code = process.wait()
        del self._workers[process.pid]
        self._on_exit(job, code)


def _admitted(door: socket.socket, key: str) -> socket.socket | None:
    """Whoever knocks at ``door`` and shows ``key``; ``None`` if nobody does for a moment."""
    with contextlib.suppress(TimeoutError):
        caller, _ = door.accept()
        caller.settimeout(1.0)
        shown = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while len(shown) < len(key) and (part := caller.recv(len(key) - len(shown))):
                shown += part
        if secrets.compare_digest(shown, key.encode()):
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            caller.settimeout(None)
            return caller
        caller.close()
    return None


def forks() -> bool:
    """Whether processes can be forked once torch is loaded; macOS has ``fork``, but its libraries break."""
    is_able = sys.platform.startswith("linux") and hasattr(os, "fork")
    return is_able and os.environ.get("GANSCOPE_SPAWN") != "1"


def end_by_force(pid: int) -> None:
    """End a process that need not be a child of this one. Raises ``ProcessLookupError`` if there is none."""
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows either number ends it at once
    except PermissionError:  # so Windows says that it has just ended
        raise ProcessLookupError(pid) from None


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment, with the folder of ``engine`` on the path: it need not be installed."""
    paths = [str(ENGINE.parent), os.environ.get("PYTHONPATH", "")]
    ours = {
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),  # threads that wait must not spin
        "PYTHONIOENCODING": "utf-8:backslashreplace",  # of their logs, whatever the system's is
    }
    return {**os.environ, **ours, **(more or {}), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
