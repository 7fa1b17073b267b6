"""The guide's examples do what it says: each plugin trains, by the guide's commands and over HTTP."""

import re
import shlex
from pathlib import Path

import pytest

from engine.runs.folder import RunFolder
from tests.dashboard.conftest import Server
from tests.engine.serving import eventually

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"```python\n# (plugins/\w+\.py)\n(.*?)```", GUIDE, re.DOTALL))
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines() if line
]
TABLES = ("GANS", "DATASETS", "OBJECTIVES", "STABILISERS", "METRICS")


@pytest.fixture
def place(tmp_path):
    """A folder of one's own, with the guide's plugins in it."""
    (tmp_path / "plugins").mkdir()
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_guide_has_an_example_of_each_kind():
    assert len(EXAMPLES) == GUIDE.count("```python")
    for table in TABLES:
        assert sum(f"\n{table} = " in text for text in EXAMPLES.values()) == 1


def test_its_commands_do_what_it_says(place, python):
    assert all(line.startswith("python -m engine ") for line in COMMANDS) and len(COMMANDS) >= 4
    for line in COMMANDS:
        arguments = shlex.split(re.sub(r"--steps \d+", "--steps 40", line))[2:]
        done = python.run(*arguments, cwd=place)
        assert done.returncode == 0 and "Left out" not in done.stdout + done.stderr, f"{line}\n{done.stderr}"
    assert (place / "pacgan.png").read_bytes().startswith(b"\x89PNG")
    for run in ("pacgan", "all"):
        assert (
            RunFolder(place / "runs" / run).status() | {"state": "done", "step": 40}
            == RunFolder(place / "runs" / run).status()
        )


def test_they_train_in_a_server_over_http(place):
    server = Server(place / "runs")  # plugins beside it
    try:
        catalogue = server.http.get("/api/catalogue").json()
        for name, plugin in catalogue["plugins"].items():
            assert plugin["error"] is None, name
            for table, names in plugin["adds"].items():
                assert set(names) <= set(catalogue[table])
        assert len(catalogue["plugins"]) == len(EXAMPLES)
        asked = {
            "gan": "pacgan",
            "data": "two_rings",
            "steps": 60,
            "options": {"objective": "pearson", "drift": 0.01, "measure_every": 20, "report_every": 10},
        }
        started = server.http.post("/api/runs", json=asked)
        assert started.status_code == 200, started.text
        run = f"/api/runs/{started.json()['id']}"

        def ended():
            return server.http.get(run).json()["status"]["state"] in ("done", "failed")

        eventually(ended)
        found = server.http.get(run).json()
        assert found["status"]["state"] == "done", found["status"]
        rows = server.http.get(f"{run}/metrics").json()
        assert any("jsd" in row for row in rows)
        assert all(("centre_distance" in row) == ("jsd" in row) for row in rows)  # it is declared live
        assert all("penalty_drift" in row for row in rows)
        strip = server.http.post(f"/api/models/{started.json()['id']}/render", json={"seed": 7})
        assert strip.status_code == 200, strip.text
    finally:
        server.end()
