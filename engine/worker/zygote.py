"""The zygote: a process that has torch loaded and forks one worker a job, in 10-20 ms instead of seconds.

``python -m engine.worker.zygote FD`` serves one launcher (``engine.server.processes``) over the socket
``FD``, message by message:

- in: ``{"job": n, "kind": ..., ...}``, with at most one file descriptor beside it for the worker; ``{"kill":
  pid}``;
- out: ``{"ready": true, "threads": n}`` or ``{"failed": why}`` once; ``{"job": n, "pid": p}`` for each fork,
  or ``{"job": n, "error": why}``; ``{"exit": pid, "code": c}`` for each worker's end (minus the signal that
  killed it).

``python -m engine.worker.zygote --job`` does a single job, JSON from its stdin, in a fresh process: the way
where there is no ``fork``, which needs nothing that Windows lacks. If the job has a ``port``, the worker
calls the server there and shows its ``key``.

Three rules make forking safe: the zygote runs no thread (nor any tensor operation that would start torch's),
it never initialises CUDA, and a worker leaves through ``os._exit``. It ends when its launcher does, and its
workers live on.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from engine.plugins.finding import VARIABLE, Plugins, packaged
from engine.worker.limits import limit

Job = dict[str, Any]
MESSAGE_BYTES = 1 << 16
PRELOADED = (
    "torch",
    "torch._dynamo",
    "engine.training.request",
    "engine.worker.session",
    "engine.live.points",
    "engine.worker.calls",
    "engine.plugins.loading",
)


def train(job: Job) -> None:
    """Train the run in ``folder``; ``resume`` goes on from its last checkpoint."""
    load_plugins()
    from engine.runs.folder import RunFolder
    from engine.worker.session import train as train_run

    train_run(RunFolder(Path(job["folder"])), resume=job["resume"])


def infer(job: Job) -> None:
    """Answer calls over the socket ``fd``, or the one to ``port``, until the other end closes it."""
    with _call_back(job) if "port" in job else socket.socket(fileno=job["fd"]) as caller:
        threading.Thread(target=_leave_with, args=(caller,), name="leave", daemon=True).start()
        load_plugins()  # after the call: what it imports takes seconds
        from engine.worker.calls import serve

        serve(caller)


def _leave_with(caller: socket.socket) -> None:
    """End this process once the other end of ``caller`` is closed, whatever it is doing: nobody waits for
    it any more.
    """
    with contextlib.suppress(OSError):
        while caller.recv(1, socket.MSG_PEEK):
            time.sleep(0.5)  # a request, which is being read
    os._exit(0)


def _call_back(job: Job) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", job["port"]))
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    caller.sendall(job["key"].encode())
    return caller


def load_plugins() -> None:
    """Add what plugins have to the tables: in each worker anew, so that it has them as they are now."""
    folder = os.environ.get(VARIABLE)
    if folder and (plugins := Plugins(Path(folder))).are_any():
        from engine.plugins.loading import load

        load(plugins)


def mnist() -> None:
    """Read the data that most runs begin with: workers share them, and start half a second sooner."""
    import torch

    from engine.data.pictures.mnist import published

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # reading them in parallel would leave threads behind
    published("train", 28)
    torch.set_num_threads(threads)


def announced() -> None:
    """Look through the installed packages for plugins, once for all workers; none is imported."""
    packaged()


WARMED: tuple[Callable[[], None], ...] = (mnist, announced)
JOBS: dict[str, Callable[[Job], None]] = {"train": train, "infer": infer}


def preload() -> None:
    """Import what every job needs, and leave no thread behind: numpy's OpenBLAS would start one a core."""
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    importlib.import_module("numpy")
    del os.environ["OPENBLAS_NUM_THREADS"]
    if before is not None:
        os.environ["OPENBLAS_NUM_THREADS"] = before
    for module in PRELOADED:
        importlib.import_module(module)
    for load in WARMED:
        load()
    gc.collect()
    gc.freeze()  # or the first collection in each worker would copy every page


def serve(channel: socket.socket) -> Job | None:
    """Fork workers until the launcher is gone. Returns ``None`` then, and in each worker its job."""
    awake, waker = os.pipe()
    poll = select.poll()  # not select.select, which takes no descriptor above 1023
    for descriptor in (channel.fileno(), awake):
        poll.register(descriptor, select.POLLIN)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    workers: set[int] = set()
    _tell(channel, {"ready": True, "threads": thread_count()})
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if awake in ready:
            os.read(awake, 4096)
            _reap(channel, workers)
        if channel.fileno() not in ready:
            continue
        message, descriptors = _receive(channel)
        if message is None:
            return None
        if "kill" in message:
            if (
                message["kill"] in workers
            ):  # otherwise it has ended, and its number may be somebody else's by now
                os.kill(message["kill"], signal.SIGKILL)
            continue
        pid = _fork(channel, message)
        if pid == 0:
            signal.set_wakeup_fd(-1)
            os.close(awake)
            os.close(waker)
            channel.close()
            return {**message, "fd": descriptors[0] if descriptors else None}
        for descriptor in descriptors:
            os.close(descriptor)
        if pid is not None:
            workers.add(pid)
            _tell(channel, {"job": message["job"], "pid": pid})


def thread_count() -> int:
    """The threads of this process; 1 is what makes a fork safe. 0 where the system does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return 0


def _fork(channel: socket.socket, message: Job) -> int | None:
    try:
        return os.fork()
    except OSError as error:  # no memory or no process left
        _tell(channel, {"job": message["job"], "error": f"No process could be started: {error.strerror}."})
        return None


def _reap(channel: socket.socket, workers: set[int]) -> None:
    while workers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        workers.discard(pid)
        _tell(channel, {"exit": pid, "code": os.waitstatus_to_exitcode(status)})


def _receive(channel: socket.socket) -> tuple[Job | None, list[int]]:
    try:
        text, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 1)
    except ConnectionError:
        return None, []
    return (json.loads(text) if text else None), descriptors


def _tell(channel: socket.socket, message: Job) -> None:
    with contextlib.suppress(ConnectionError):  # the launcher is gone; the next read says so
        channel.send(json.dumps(message).encode())


def run(job: Job) -> NoReturn:
    """Do one job as a process of its own, and exit: 0, or 1 with the traceback on stderr."""
    code = 1
    try:
        _settle(job)
        JOBS[job["kind"]](job)
        code = 0
    except BaseException:  # the process's outermost boundary
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # torch's and CUDA's handlers at exit belong to the zygote


def _settle(job: Job) -> None:
    """Session, streams, signals, environment, threads and limits of a worker."""
    if hasattr(os, "setsid") and os.getsid(0) != os.getpid():
        os.setsid()  # a Ctrl+C on the server's terminal is not meant for the worker
    for name in ("SIGCHLD", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(job["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    faulthandler.enable()  # a crash in native code leaves its Python stack in the log
    with contextlib.suppress(OSError):  # short of memory, the system takes a worker before the server
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    os.environ.update(job.get("env", {}))
    if job.get("threads") and "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(job["threads"])
    limit(job.get("memory"), job.get("cpu_s"))


def main(arguments: list[str]) -> None:
    if arguments[0] == "--job":
        job = json.load(sys.stdin.buffer)
        if "memory" in job:
            importlib.import_module("torch")  # the limit is for what comes on top
        run(job)
    channel = socket.socket(fileno=int(arguments[0]))
    try:
        preload()
    except Exception as error:  # the process's outermost boundary
        traceback.print_exc()
        _tell(channel, {"failed": f"{type(error).__name__}: {error}"[:1000]})
        sys.exit(1)
    job = serve(channel)
    if job is None:
        os._exit(0)  # at once: taking torch down in good order would keep the server waiting
    run(job)


if __name__ == "__main__":
    main(sys.argv[1:])
