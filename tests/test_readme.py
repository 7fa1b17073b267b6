"""Every command of the README is run: here, or by the command that runs all tests."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.conftest import Server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line
]
ENGINE = [line for line in COMMANDS if line.startswith(".venv/bin/python -m engine ")]
CURL = [line for line in COMMANDS if line.startswith("curl ")]
# made by .ci/run, in this order, with an environment of its own; the server is started by many tests
BY_CI = [
    "python3 -m venv .venv && .venv/bin/pip install --editable . && .venv/bin/python run_dashboard.py",
    ".ci/run",
]
SLOW = ("bench", "portraits", "diagnosis")  # minutes; their output stands in the README


def test_no_command_is_forgotten():
    assert len(ENGINE) >= 5 and len(CURL) >= 2
    assert set(COMMANDS) == set(ENGINE) | set(CURL) | set(BY_CI)
    steps = (ROOT / ".ci" / "run").read_text()
    assert "-m venv" in steps and "install" in steps and "--editable" in steps


def test_the_engines_commands_do_what_they_say(tmp_path):
    for line in ENGINE:
        arguments = shlex.split(line)[1:]
        if any(word in SLOW for word in arguments):
            arguments = [*arguments[:3], "--help"]
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (tmp_path / "ring.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("line", CURL)
def test_the_http_examples_are_answered(tmp_path, line):
    server = Server(tmp_path / "runs")
    try:
        done = subprocess.run(
            shlex.split(line.replace("http://127.0.0.1:8501", server.url)), capture_output=True, text=True
        )
        assert done.returncode == 0 and '"error"' not in done.stdout
        assert '"id"' in done.stdout or '"status"' in done.stdout
    finally:
        for run in server.http.get("/api/runs").json():
            server.http.delete(f"/api/runs/{run['id']}")
        server.end()
