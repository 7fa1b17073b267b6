"""How fast the pages are: launch against `streamlit hello`, Start to the first painted loss, painted frames a
second.

    python -m tests.benchmarks.pages [--rounds 3]

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


def until_usable(browser: Browser, command: list[str], port: int, ready: str) -> float:
    """Seconds from the command to a page on which the text ``ready`` is seen."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page = browser.new_page()
    try:
        while True:
            try:
                page.goto(f"http://127.0.0.1:{port}/")
                break
            except Exception as error:
                assert "ERR_CONNECTION" in str(error), error
                time.sleep(0.05)
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


def first_loss(page: Page, url: str, card: int) -> float:
    """Seconds from the click on a card's Start to a painted loss."""
    page.goto(url)
    start = page.get_by_role("button", name="Start").nth(card)
    start.wait_for()
    page.wait_for_timeout(1500)
    began = time.perf_counter()
    start.click()
    page.wait_for_function("window.__ganscope && window.__ganscope.rows > 0", polling=20)
    return time.perf_counter() - began


def painted(page: Page, seconds: float = 10.0) -> float:
    """Frames painted a second."""
    page.wait_for_timeout(2000)
    before = page.evaluate("window.__ganscope.frames_painted")
    began = time.perf_counter()
    page.wait_for_timeout(seconds * 1000)
    return (page.evaluate("window.__ganscope.frames_painted") - before) / (time.perf_counter() - began)


def live(browser: Browser, cards: dict[str, int]) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as runs:
        server = Server(Path(runs))
        while server.http.get("/api/health").json()["engine"] != "ready":
            time.sleep(0.2)
        for name, card in cards.items():
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            times = [first_loss(page, server.url, card) for _ in range(1)]
            run = page.evaluate("window.__ganscope.run")
            frames = painted(page)
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
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    path = next(found for found in map(shutil.which, BROWSERS) if found)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        figures = {"launch": launch(browser, given.rounds), **live(browser, {"points": 1, "mnist": 6})}
        browser.close()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
