"""Nothing leaves the machine: addresses that server, workers or browser ask for are listed and blocked."""

import json

import pytest
from playwright.sync_api import expect

from engine.data.pixels import to_pixels
from engine.models import loading
from engine.models.library import find_directions
from engine.models.model import code_values
from engine.weights.export import export
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


def test_a_page_taken_home_draws_from_a_disk(chromium, tmp_path):
    """One file, no server: it draws what the model draws, within a grey level, and asks for nothing."""
    model = loading.load("acgan-mnist")
    export(model, "html", tmp_path / "digits.html")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url.split(":")[0]))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "digits.html").as_uri())
    expect(page.locator("#main")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="7", exact=True).click()
    slider = page.get_by_role("slider", name="direction 1")
    slider.fill("1.5")
    expect(page.get_by_role("img", name="sample of seed 1, class 7, d1 1.5")).to_be_visible()
    drawn = page.locator("#large").evaluate(
        """(canvas) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return [...data].filter((_, k) => k % 4 === 0);
        }"""
    )
    z = model.latents([1])
    [code] = model.recipe.codes
    z[0, code.start : code.start + code.size] = code_values(code, 7)
    z[0] += 1.5 * find_directions(model).vectors[0]
    wanted = to_pixels(model.generate(z))[0, 0].flatten().tolist()
    assert max(abs(a - b) for a, b in zip(drawn, wanted, strict=True)) <= 1
    assert set(asked) <= {"file", "blob"} and not errors
    context.close()
