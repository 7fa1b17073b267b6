"""How fast the pages are: launch against `streamlit hello`, Start to the first painted loss, painted frames a
second.

    python -m tests.benchmarks.pages [--rounds 3] [--seconds 10] [--presets NAME ...]

Everything in headless Chromium on this machine. The launch is timed in interleaved pairs, from the command to
a page whose content is there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS
from tests.dashboard.conftest import ROOT, Server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_listening(port: int, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    """Wait until ``process`` takes connections: a browser that is sent there earlier shows an error page,
    whose own loading would break into the next try.
    """
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < end, "it does not listen"
        time.sleep(0.02)


def until_usable(browser: Browser, command: list[str], port: int, ready: str) -> float:
    """Seconds from the command to a page on which the text ``ready`` is seen."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page = browser.new_page()
    try:
        until_listening(port, process)
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_text(ready).first.wait_for(timeout=120_000)
        return time.perf_counter() - started
    finally:
        page.close()
        process.terminate()
        process.wait()


def launch(browser: Browser, rounds: int) -> dict[str, float]:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as runs:
        for _ in range(rounds):
            port = free_port()
            command = [
                sys.executable,
                "-m",
                "streamlit",
                "hello",
                "--server.headless",
                "true",
                "--server.port",
                str(port),
            ]
            theirs.append(until_usable(browser, command, port, "Welcome to Streamlit"))
            port = free_port()
            command = [
                sys.executable,
                "run_dashboard.py",
                "--no-browser",
                "--port",
                str(port),
                "--runs",
                runs,
            ]
            ours.append(until_usable(browser, command, port, "Mode collapse"))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return {"ours_s": median(ours), "streamlit_hello_s": median(theirs), "ratio": ratio}


def first_loss(page: Page, url: str, preset: str) -> float:
    """Seconds from the click on a card's Start to a painted loss."""
    page.goto(url)
    start = page.locator(f".st-key-start_{preset} button")
    start.wait_for()
    page.wait_for_timeout(1500)
    began = time.perf_counter()
    start.click()
    page.wait_for_function("window.__ganscope && window.__ganscope.rows > 0", polling=20)
    return time.perf_counter() - began


def painted(page: Page, seconds: float) -> float:
    """Frames painted a second, after a fifth of that time."""
    page.wait_for_timeout(seconds * 200)
    before = page.evaluate("window.__ganscope.frames_painted")
    began = time.perf_counter()
    page.wait_for_timeout(seconds * 1000)
    return (page.evaluate("window.__ganscope.frames_painted") - before) / (time.perf_counter() - began)


def live(browser: Browser, presets: list[str], seconds: float) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as runs:
        server = Server(Path(runs))
        while server.http.get("/api/health").json()["engine"] != "ready":
            time.sleep(0.2)
        for name in presets:
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            times = [first_loss(page, server.url, name) for _ in range(1)]
            run = page.evaluate("window.__ganscope.run")
            frames = painted(page, seconds)
            rate = server.http.get(f"/api/runs/{run}").json()["status"]["rate"]
            figures[name] = {
                "start_to_first_loss_s": median(times),
                "painted_per_s": frames,
                "steps_per_s": rate,
            }
            page.close()
            server.http.delete(f"/api/runs/{run}")
        server.end()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="0: no launches")
    parser.add_argument("--seconds", type=float, default=10.0, help="of painted frames")
    parser.add_argument("--presets", nargs="+", default=["ring_cured", "dcgan_mnist"])
    given = parser.parse_args()
    path = next(found for found in map(shutil.which, BROWSERS) if found)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        figures = live(browser, given.presets, given.seconds)
        if given.rounds:
            figures["launch"] = launch(browser, given.rounds)
        browser.close()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
