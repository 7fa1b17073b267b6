"""A real server in a process of its own, and run folders made by hand as a worker would write them."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from engine.live import frames
from engine.runs.files import Appender, write_bytes
from engine.runs.folder import RunFolder
from engine.runs.lock import Lock

ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count()
META = {
    "objective": {
        "name": "non_saturating", "title": "Non-saturating", "sentence": "", "latex_d": "", "latex_g": "",
        "code": "", "equilibrium": {}, "midpoint": None, "range": None, "score_label": "", "divergence": None,
    },
    "data": {"title": "Ring of 8", "kind": "points", "shape": [2], "classes": None},
    "gan": {"title": "GAN", "sentence": "Two networks."},
    "live": [],
    "sentence": "GAN learns a ring.",
}  # fmt: skip


class Server:
    """``run_dashboard.py`` as a user starts it, or another ``command`` that does the same elsewhere."""

    def __init__(
        self,
        runs: Path,
        *options: str,
        command: Sequence[str] = (sys.executable, "run_dashboard.py"),
        cwd: Path = ROOT,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.runs = runs
        self.process = subprocess.Popen(
            [*command, "--no-browser", "--port=0", f"--runs={runs}", *options],
            cwd=cwd,
            env={**env, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said: list[str] = []
        for line in self.process.stdout:
            self.said.append(line.strip())
            if "Ctrl+C" in line:
                break
        assert self.said and self.said[0].startswith("GANscope is at "), self.said
        self.url = self.said[0].split()[-1]
        self.http = httpx.Client(base_url=self.url, timeout=60)

    @property
    def live(self) -> str:
        return f"{self.url.replace('http', 'ws')}/api/live"

    def end(self) -> str:
        """Ctrl+C; what the server says in the end."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(2)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        self.process.wait(20)
        return rest


class HandMade:
    """A run folder written by the test in place of a worker; it lives while ``lock`` is held."""

    def __init__(self, path: Path, state: str = "stopped", **config: Any) -> None:
        self.folder = RunFolder(path)
        about = {
            "id": path.name, "name": "by hand", "gan": "gan", "data": "ring", "kind": "points",
            "steps": 1000, "seed": 0, "options": {}, "preset": None, "parent": None,
            "device": "cpu", "created": 1.0, "versions": {}, "meta": META,
        }  # fmt: skip
        self.folder.create({**about, **config}, state="queued")
        self.lock = Lock(self.folder.lock)
        if state in ("starting", "running", "paused"):
            assert self.lock.acquire()
        self.status(state)
        self.rows = Appender(self.folder.metrics)
        self.events = Appender(self.folder.events)
        self.last_row = -1

    def status(self, state: str, **more: Any) -> None:
        self.folder.write_status(state=state, **{"step": 0, "steps": 1000, **more})

    def report(self, count: int = 1, **values: Any) -> None:
        """Append ``count`` rows."""
        lines = []
        for _ in range(count):
            self.last_row += 1
            lines.append(
                {"row": self.last_row, "attempt": 0, "step": self.last_row * 10, "g_loss": 0.5, **values}
            )
        self.rows.write(*lines)

    def draw(self, step: int, padding: int = 0) -> bytes:
        """Replace the live frame; returns its bytes."""
        fake = np.full((16, 2), step, np.float32)
        frame = frames.pack(
            {"kind": "points", "step": step}, {"fake": fake, "padding": np.zeros(padding, np.uint8)}
        )
        write_bytes(self.folder.live, frame)
        return frame

    def end(self) -> None:
        self.rows.close()
        self.events.close()
        self.lock.release()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not end it."""
    started = Server(tmp_path_factory.mktemp("runs"))
    yield started
    started.end()


@pytest.fixture(scope="session")
def lan_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the rules of a network, though it listens on the loopback."""
    started = Server(
        tmp_path_factory.mktemp("lan"), "--lan", "--host", "127.0.0.1", "--allow-host", "class.example.org"
    )
    yield started
    started.end()


@pytest.fixture
def make_run(server: Server, request: pytest.FixtureRequest) -> Iterator[Callable[..., HandMade]]:
    """Makes run folders that the server sees."""
    with contextlib.ExitStack() as stack:

        def make(state: str = "stopped", runs: Path | None = None, **config: Any) -> HandMade:
            name = re.sub(r"[^a-z0-9]+", "-", request.node.name)[:60] + f"-{next(_numbers)}"
            made = HandMade((runs or server.runs) / name, state, **config)
            stack.callback(made.end)
            return made

        yield make
