"""Nothing leaves the machine: addresses that server, workers or browser ask for are listed and blocked."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, wait_for
from tests.dashboard.conftest import Server

SPY = """
import json, os, sys

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")

def spy(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "") or str(host).startswith(LOOPBACK):
        return
    with open(os.environ["SPY_LOG"], "a") as log:
        log.write(json.dumps([event, str(host), sys.argv[:2]]) + "\\n")
    raise PermissionError(f"{event} to {host} is blocked")

sys.addaudithook(spy)
"""


@pytest.fixture
def spied_server(tmp_path, monkeypatch):
    """A server all of whose Python processes report and refuse every address beyond the loopback."""
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "spy"))
    monkeypatch.setenv("SPY_LOG", str(tmp_path / "asked.jsonl"))
    server = Server(tmp_path / "runs")
    server.asked = tmp_path / "asked.jsonl"
    yield server
    for run in server.http.get("/api/runs").json():
        server.http.delete(f"/api/runs/{run['id']}")
    server.end()


def test_the_spy_would_see_it(tmp_path, monkeypatch):
    """The test below means something: a look-up from such a process is reported and refused."""
    import os
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(SPY)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "SPY_LOG": str(tmp_path / "asked.jsonl")}
    code = "import urllib.request; urllib.request.urlopen('http://example.org/', timeout=5)"
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode != 0
    assert json.loads((tmp_path / "asked.jsonl").read_text().splitlines()[0])[1] == "example.org"


def test_nothing_leaves_the_machine(spied_server, page):
    """Every page, a run from start to stop, the documentation: no process asks for anything outside."""
    site = spied_server
    run = site.http.post("/api/runs", json={"gan": "gan", "data": "mnist", "steps": 100_000}).json()["id"]
    for address in ("/", "/new", "/runs", f"/train?run={run}", "/api/docs"):
        page.goto(site.url + address)
        page.wait_for_load_state("networkidle" if address == "/api/docs" else "load")
        if "train" in address:
            Watched(page).grows("frames_painted", by=2)
    page.goto(f"{site.url}/studio/")  # loads itself again until Gradio is there
    expect(page.locator("#line [role=status]")).to_be_visible()
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["step"] > 5)
    asked = site.asked.read_text().splitlines() if site.asked.exists() else []
    assert asked == []
