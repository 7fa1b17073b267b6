"""What Windows lacks is hidden, and everything is done the spawned way. (Nothing was ever run on Windows.)"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HIDDEN = Path(__file__).with_name("without_posix")
OURS = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py"), ROOT / "run_dashboard.py"]
POSIX = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "curses", "readline"}


def python(*arguments):
    """Run python where POSIX is hidden from our modules, and from those of its children."""
    paths = os.pathsep.join((str(HIDDEN), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def told(argument):
    done = python("-m", "tests.engine.without_posix.story", argument)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


ASKING = (
    "import fcntl",
    "import resource",
    "from pwd import getpwnam",
    "from os import fork",
    "import os; os.setsid",
    "from signal import SIGCHLD",
    "import signal; signal.SIGKILL",
    "import socket; socket.AF_UNIX",
)


@pytest.mark.parametrize("line", ASKING)
def test_a_module_of_ours_that_asked_for_it_would_not_be_imported(line):
    code = f"exec({line!r}, {{'__name__': 'engine.some', '__package__': 'engine'}})"
    done = python("-c", code)
    assert done.returncode == 1 and ("ImportError" in done.stderr or "Error: " in done.stderr)
    assert python("-c", line).returncode == 0  # others are not deceived


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_asks_for_posix_at_import(path):
    """Also under an ``if``, a ``try`` or in a class: what is in functions only is asked for later."""
    todo, found = [ast.parse(path.read_text("utf-8"))], set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    assert not found & POSIX


def test_every_module_is_imported_without_posix():
    assert told("imports") > 150


def test_a_run_is_trained_steered_explored_and_outlives_its_server_without_posix(tmp_path):
    seen = told(str(tmp_path))
    assert seen["way"] == "Spawn"
    assert "png" in seen["drawn"] or "pixels" in seen["drawn"], seen["drawn"]
    assert "Resume" in seen["died"] and [run["status"]["state"] for run in seen["runs"]] == ["done"]
    assert "Traceback" not in seen["log"]
    assert seen["left"] == []


def test_a_worker_without_limits_says_so():
    done = python("-c", "from engine.worker import limits; limits.limit(1, 1)")
    assert "limits neither memory nor time" in done.stdout, done.stderr
