"""The rules that keep the parts apart, checked on the sources themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE, DASHBOARD = sorted((ROOT / "engine").rglob("*.py")), sorted((ROOT / "dashboard").rglob("*.py"))
DOOR = {"engine.api", "engine.options", "engine"}


def imported(path):
    """Every module that a file imports anywhere, with names taken from packages spelled out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in ("engine", "dashboard"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DASHBOARD, ids=name)
def test_the_dashboard_enters_the_engine_by_its_door(path):
    foreign = {module for module in imported(path) if module.split(".")[0] == "engine"} - DOOR
    assert not foreign
    assert not [module for module in imported(path) if module.split(".")[0] in ("torch", "torchvision")]


@pytest.mark.parametrize("path", ENGINE, ids=name)
def test_the_engine_knows_no_web_framework(path):
    banned = {"streamlit", "gradio", "fastapi", "starlette", "uvicorn", "dashboard"}
    assert not {module for module in imported(path) if module.split(".")[0] in banned}


@pytest.mark.parametrize("path", [path for path in ENGINE if path.parent.name == "gans"], ids=name)
def test_a_gan_is_one_file_of_at_most_200_lines(path):
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", ENGINE + DASHBOARD, ids=name)
def test_no_file_is_a_drawer_for_everything(path):
    assert path.stem not in ("utils", "helpers", "manager", "misc")
    assert "weights_only=False" not in path.read_text()


BROAD = {"Exception", "BaseException"}
BOUNDARIES = {
    "engine/worker/session.py",
    "engine/worker/zygote.py",
    "engine/server/inference.py",
    "engine/server/turns.py",
    "dashboard/errors.py",
    "dashboard/guard.py",
}


@pytest.mark.parametrize("path", ENGINE + DASHBOARD, ids=name)
def test_only_the_outermost_boundaries_catch_everything(path):
    caught = [
        node.type for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)
    ]
    broad = [kind for kind in caught if kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD)]
    assert not broad or name(path) in BOUNDARIES


@pytest.mark.parametrize(
    "module",
    [
        "engine.api",
        "engine.options",
        "engine.runs.folder",
        "engine.live.frames",
        "engine.training.diagnose",
        "engine.presets",
    ],
)
def test_what_the_server_imports_is_free_of_torch(module):
    code = f"import sys, {module}; sys.exit(any(name.split('.')[0] == 'torch' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
