"""How fast a picture follows the finger, and how long 20 people who drag at once wait.

    python -m tests.benchmarks.explore [--model ID_OR_FOLDER] [--drags 12] [--viewers 20] [--seconds 10]

A code's slider is dragged in headless Chromium, and in every frame the picture is read back from the canvas.
Which value it belongs to is known from its pixels: all pictures that the slider can show are asked for
beforehand. A movement counts as shown with the first frame whose picture is that of its value or a later one.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlparse

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS, wait_for
from tests.dashboard.conftest import Server

WITHIN_MS = 60.0
EVENT_S = 1 / 60  # between movements of the finger
SEED = 1
AT_ONCE = 200  # pictures in one request
PRETRAINED = Path(__file__).parents[2] / "pretrained"
ADDED = "benchmarked"

# each frame: when, and a checksum of the pixels if they changed; each movement: when, and the slider's value
WATCH = """() => {
  const canvas = document.querySelector('.gx-large canvas');
  const context = canvas.getContext('2d');
  const table = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n >>> 0;
  });
  const crc = (bytes) => {
    let sum = ~0;
    for (let k = 0; k < bytes.length; k += 1)
      if (k % 4 !== 3) sum = table[(sum ^ bytes[k]) & 255] ^ (sum >>> 8);
    return ~sum >>> 0;
  };
  const watched = { frames: [], moves: [] };
  window.watched = watched;
  let last = null;
  const frame = () => {
    const sum = crc(context.getImageData(0, 0, canvas.width, canvas.height).data);
    if (sum !== last) watched.frames.push([performance.now(), sum]);
    last = sum;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  document.addEventListener('input', (event) => {
    if (event.target.type === 'range') watched.moves.push([event.timeStamp, Number(event.target.value)]);
  }, true);
}"""


def checksum(pixels: np.ndarray) -> int:
    """As the browser sums a canvas: red, green and blue of each pixel."""
    return zlib.crc32(np.ascontiguousarray(pixels).tobytes())


def oracle(server: Server, model: str, code: str, values: list[float]) -> dict[int, list[float]]:
    """The values that a picture, given as its checksum, may belong to."""
    known: dict[int, list[float]] = {}
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        places = [{"seed": SEED, "codes": {code: value}} for value in part]
        body = {"places": places, "columns": len(part)}
        answer = server.http.post(f"/api/models/{model}/render", json=body)
        sheet = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
        for value, picture in zip(part, np.split(sheet, len(part), axis=1), strict=True):
            known.setdefault(checksum(picture), []).append(value)
    return known


def drag(page: Page, label: str, from_share: float, to_share: float, seconds: float) -> None:
    box = page.get_by_role("slider", name=label, exact=True).bounding_box()
    assert box
    x, width, y = box["x"] + 9, box["width"] - 18, box["y"] + box["height"] / 2
    page.mouse.move(x + from_share * width, y)
    page.mouse.down()
    page.wait_for_timeout(300)  # the first press jumps: no drag yet
    page.evaluate("window.watched.moves.length = 0")
    began, count = time.perf_counter(), round(seconds / EVENT_S)
    for step in range(1, count + 1):
        page.mouse.move(x + (from_share + (to_share - from_share) * step / count) * width, y)
        time.sleep(max(0.0, began + step * EVENT_S - time.perf_counter()))
    page.mouse.up()
    page.wait_for_timeout(400)


def waits(watched: dict[str, Any], known: dict[int, list[float]]) -> tuple[list[float], int, int]:
    """Milliseconds that each movement of one rising drag waited for its picture; how many pictures were
    older than one before them, and how many were shown.
    """
    frames = [(when, known[sum_]) for when, sum_ in watched["frames"] if sum_ in known]
    first = watched["moves"][0][0]
    shown = [(when, values) for when, values in frames if when >= first]
    older, newest = 0, -np.inf
    for _, values in shown:
        older += max(values) < newest
        newest = max(newest, min(values))
    found = []
    for when, value in watched["moves"]:
        after = (at - when for at, values in shown if at >= when and max(values) >= value)
        found.append(next(after, float("inf")))
    return found, older, len(shown)


def dragging(server: Server, model: str, code: str, drags: int, seconds: float = 1.5) -> dict[str, Any]:
    path = next(found for found in map(shutil.which, BROWSERS) if found)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(f"{server.url}/explore?model={quote(model)}&seed={SEED}")
        page.wait_for_function("window.__ganscope_explore?.rested > 0", timeout=60_000)
        slider = page.get_by_role("slider", name=code, exact=True)
        low, high, step = (float(slider.get_attribute(name) or 0) for name in ("min", "max", "step"))
        values = [round(low + step * n, 4) for n in range(round((high - low) / step) + 1)]
        known = oracle(server, model, code, values)
        page.wait_for_timeout(1500)  # the small pictures
        page.evaluate(WATCH)
        found, older, shown, asked_after = [], 0, 0, 0
        for _ in range(drags):
            page.evaluate("window.watched.frames.length = 0")
            drag(page, code, 0.0, 1.0, seconds)
            times, wrong, count = waits(page.evaluate("window.watched"), known)
            found += times
            older += wrong
            shown += count
            before = page.evaluate("window.__ganscope_explore.asked")
            page.wait_for_timeout(800)
            asked_after += page.evaluate("window.__ganscope_explore.asked") - before
        browser.close()
    return {
        "movements": len(found),
        "pictures": shown,
        "share_within_60_ms": round(sum(time <= WITHIN_MS for time in found) / len(found), 4),
        **in_words(found),
        "older_after_newer": older,
        "asked_after_letting_go": asked_after,
    }


def in_words(times: list[float]) -> dict[str, float]:
    """Milliseconds: median, 95 % and worst."""
    ordered = sorted(times)
    at_95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    figures = {"median_ms": statistics.median(ordered), "p95_ms": at_95, "worst_ms": ordered[-1]}
    return {name: round(value, 1) for name, value in figures.items()}


def together(server: Server, model: str, code: str, viewers: int, seconds: float) -> dict[str, Any]:
    """``viewers`` at once, each asking for the next picture as soon as it has the last, 30 times a second at
    most.
    """
    where = urlparse(server.url)
    times: list[float] = []
    errors: list[str] = []
    until = time.perf_counter() + seconds

    def one(viewer: int) -> None:
        connection = http.client.HTTPConnection(str(where.hostname), where.port or 80, timeout=30)
        number = 0
        while time.perf_counter() < until:
            number += 1
            place = {"seed": viewer, "codes": {code: round(2 * np.sin(number / 20), 2)}}
            headers = {
                "Content-Type": "application/json",
                "X-Viewer": f"viewer{viewer}",
                "X-Control": "large",
                "X-Sequence": str(number),
            }
            body = json.dumps({"places": [place], "format": "json"})
            began = time.perf_counter()
            try:
                connection.request("POST", f"/api/models/{model}/render", body, headers)
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                errors.append(str(error))
                return
            took = time.perf_counter() - began
            times.append(1000 * took)
            if answer.status != 200:
                errors.append(str(answer.status))
            time.sleep(max(0.0, 1 / 30 - took))

    threads = [threading.Thread(target=one, args=(viewer,)) for viewer in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pictures = round(len(times) / viewers / seconds, 1)
    return {
        "viewers": viewers,
        "pictures_per_s_each": pictures,
        "errors": len(errors),
        **in_words(times),
    }


def install(model: str, runs: Path) -> str:
    """The id under which the server knows ``model``: one that ships, or a folder of a model or run."""
    folder = Path(model)
    if not (folder / "config.json").is_file():
        return model
    target = runs / ".models" / ADDED if (folder / "weights.safetensors").is_file() else runs / ADDED
    shutil.copytree(folder, target)
    return ADDED


def shipped() -> str:
    """The first pretrained model with a continuous code."""
    for path in sorted(PRETRAINED.glob("*/config.json")):
        if json.loads(path.read_text()).get("gan") == "infogan":
            return path.parent.name
    raise SystemExit("No InfoGAN ships: name a model's or run's folder with --model.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None)
    parser.add_argument("--drags", type=int, default=12)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        model = install(given.model or shipped(), runs)
        server = Server(runs)
        try:
            wait_for(lambda: server.http.get("/api/health").json()["engine"] == "ready")
            details = server.http.get(f"/api/models/{model}").json()
            code = next(code["name"] for code in details["codes"] if code["kind"] != "categorical")
            figures = {
                "model": f"{details['gan']} on {details['data']}, {details['shape']}",
                "load_before": round(os.getloadavg()[0], 2),
                "one_drags": dragging(server, model, code, given.drags),
                "all_drag": together(server, model, code, given.viewers, given.seconds),
            }
        finally:
            server.end()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
