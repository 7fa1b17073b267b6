"""The wheel: built, installed apart from the clone, and used from an empty folder."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.dashboard.conftest import ROOT, Server

PACKAGES = ("engine", "dashboard", "pretrained")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
TRAINED_S = 120


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=CLEAN, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, since setuptools would also pack what an earlier build has left behind."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    build = ("pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out, clone)
    run(sys.executable, "-m", *build, cwd=clone)
    yield next(out.glob("*.whl"))
    for folder in (clone, out):  # 200 MB
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def bin(wheel, tmp_path_factory):
    """The ``bin/`` of an environment with the wheel; torch and all else come from this one."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place)
    python = place / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=place,
    )
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip())
    others = [path for path in sys.path if path.endswith("-packages")]
    (own / "others.pth").write_text("\n".join(others))  # a path alone: its own .pth files are not read
    yield python.parent
    shutil.rmtree(place)


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    here = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"engine/py.typed", "pretrained/infogan-mnist/weights.safetensors"} <= here
    assert {name for name in packed if ".dist-info/" not in name} == here


def test_an_installation_serves_its_own_models_from_an_empty_folder(bin, tmp_path):
    where = "import engine, dashboard; print(engine.__file__, dashboard.__file__)"
    for file in run(bin / "python", "-c", where, cwd=tmp_path).split():
        assert Path(file).is_relative_to(bin.parent)
    assert "infogan-mnist" in run(bin / "ganscope", "list", "models", cwd=tmp_path)
    server = Server(Path("mine"), command=[str(bin / "ganscope")], cwd=tmp_path, env=CLEAN)
    try:
        assert "<title>" in server.http.get("/").text
        assert server.http.get("/api/health").json()["status"] == "ok"
        models = {model["id"] for model in server.http.get("/api/models").json()}
        assert models == {path.parent.name for path in (ROOT / "pretrained").glob("*/evaluation.json")}
        assert "export default" in server.http.get("/assets/live.js").text
        request = {"gan": "gan", "data": "ring", "steps": 20}
        run_id = server.http.post("/api/runs", json=request).json()["id"]
        patience = time.monotonic() + TRAINED_S
        while (status := server.http.get(f"/api/runs/{run_id}").json()["status"])["state"] != "done":
            assert status["state"] != "failed" and time.monotonic() < patience, status
            time.sleep(0.2)
        assert (tmp_path / "mine" / run_id / "metrics.jsonl").stat().st_size
    finally:
        said = server.end()
    assert "GANscope ended" in said and [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_options_alone_are_the_dashboards_and_words_the_engines(bin, tmp_path):
    assert "--no-browser" in run(bin / "ganscope", "dashboard", "--help", cwd=tmp_path)
    overview = run(bin / "ganscope", "--help", cwd=tmp_path)
    assert "train" in overview and "dashboard" in overview
    wrong = subprocess.run([bin / "ganscope", "--port", "x"], cwd=tmp_path, env=CLEAN, capture_output=True)
    assert wrong.returncode == 2 and b"is not a port" in wrong.stderr
