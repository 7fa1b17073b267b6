"""A real server, started as the README says, and a headless Chromium that may go nowhere else."""

import shutil
import time
from urllib.parse import urlparse

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.dashboard.conftest import ROOT, Server

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOOPBACK = (None, "127.0.0.1", "localhost", "::1")
PATIENCE_MS = 60_000  # two cores that also train
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")  # it ends with these tests: its event loop would be in the way of others
def chromium():
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    assert path, "these tests need a Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """The server that these tests share."""
    server = Server(tmp_path_factory.mktemp("browser") / "runs")
    yield server
    server.end()


@pytest.fixture(autouse=True)
def free_places(site):
    """Every test finds a free place: what it started ends with it."""
    yield
    for run in site.http.get("/api/runs").json():
        site.http.delete(f"/api/runs/{run['id']}")


@pytest.fixture(scope="package")
def context(chromium):
    """The windows of these tests, which share what they have loaded: Streamlit's code takes a second."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    yield context
    context.close()


@pytest.fixture
def page(context, site):
    """A page whose errors and requests are watched: none may fail, none may leave the machine. What a page
    remembers ends with it.
    """
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors, outside, not_found = [], [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "request",
        lambda request: (
            outside.append(request.url) if urlparse(request.url).hostname not in LOOPBACK else None
        ),
    )
    # Streamlit looks for its root under every part of a deep link that it is not told of
    page.on(
        "response",
        lambda got: not_found.append(got.url) if got.status == 404 and "/_stcore" in got.url else None,
    )
    yield page
    forget = {"origin": site.url, "storageTypes": "cookies,local_storage,indexeddb,service_workers"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", forget)
    page.close()
    assert errors == []
    assert not_found == []
    assert outside == []


def barriers(page):
    """What axe-core finds to be a serious barrier."""
    axe = ROOT / ".ci" / "node_modules" / "axe-core" / "axe.min.js"
    assert axe.is_file(), "this test needs axe-core: npm --prefix .ci ci"
    page.evaluate(axe.read_text("utf-8"))
    result = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (one["id"], node["target"], node["failureSummary"])
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


class Watched:
    """What the live view says of itself."""

    def __init__(self, page):
        self.page = page

    def count(self, name):
        return self.page.evaluate(f"window.__ganscope?.{name} ?? 0")

    def grows(self, name, by=1):
        """Wait until the counter has grown."""
        before = self.count(name)
        self.page.wait_for_function(f"(window.__ganscope?.{name} ?? 0) >= {before + by}")
        return self.count(name)

    def run(self):
        self.page.wait_for_function("window.__ganscope?.run")
        self.page.wait_for_function("window.__ganscope.connected")
        return self.page.evaluate("window.__ganscope.run")


@pytest.fixture
def watched(page):
    return Watched(page)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
    return value
