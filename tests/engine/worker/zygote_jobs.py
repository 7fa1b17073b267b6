"""A zygote with jobs that stand in for training: ``test_zygote.py`` runs it as a script."""

import json
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

from engine.worker import zygote


def say(job):
    """Tell over the socket what kind of process this is."""
    print("out")
    print("err", file=sys.stderr)
    facts = {
        "pid": os.getpid(),
        "sid": os.getsid(0),
        "env": os.environ.get("MARK"),
        "cpu": resource.getrlimit(resource.RLIMIT_CPU),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "descriptors": sorted(os.listdir("/proc/self/fd")),
    }
    with socket.socket(fileno=job["fd"]) as caller:
        caller.sendall(json.dumps(facts).encode())


def wait(job):
    """Live until somebody says that it is enough."""
    Path(job["out"]).write_text(str(os.getpid()))
    while not Path(job["out"] + ".end").exists():
        time.sleep(0.01)
    Path(job["out"]).write_text("ended")


def fail(job):
    raise RuntimeError("on purpose")


def crash(job):
    os.kill(os.getpid(), signal.SIGSEGV)


def hoard(job):
    try:
        bytearray(1 << 31)
    except MemoryError:
        os.write(job["fd"], b"refused")


def learn(job):
    """Train for two steps, with convolutions large enough to be shared out among threads."""
    import torch

    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(3, 16, 3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(16 * 30 * 30, 10),
    ]
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    x, y = torch.randn(16, 3, 32, 32), torch.randint(10, (16,))
    for _ in range(2):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
    os.write(job["fd"], f"{torch.get_num_threads()} {zygote.thread_count()} {loss.item():.3f}".encode())


if __name__ == "__main__":
    zygote.PRELOADED = tuple(filter(None, os.environ.get("TEST_PRELOAD", "").split(",")))
    zygote.WARMED = ()
    zygote.JOBS = {job.__name__: job for job in (say, wait, fail, crash, hoard, learn)}
    zygote.main(sys.argv[1:])
