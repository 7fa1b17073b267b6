"""How long a class waits for colour: from the end of a stroke on the pad to the new result, in headless
Chromium.

    python -m tests.benchmarks.studio [--strokes 12]

With ``line-art-to-colour``; browser, server and inference share the machine. The first stroke, for which the
model may still be loaded, is told apart.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS
from tests.dashboard.conftest import Server

# Notes when each new result is there. The pad sends a stroke also while it is drawn, so that of several
# results the last one counts.
WATCH = """() => {
  let last = null;
  window.results = [];
  const look = () => {
    const images = document.querySelectorAll('#result img');
    const image = images[images.length - 1];
    const source = image?.getAttribute('src');
    if (source && source !== last && image.complete && image.naturalWidth) {
      last = source;
      window.results.push(performance.now());
    }
    requestAnimationFrame(look);
  };
  look();
}"""
PATIENCE_MS = 4000


def strokes(page: Page, url: str, count: int) -> list[float]:
    """Seconds from each stroke's end to its result."""
    page.goto(f"{url}/translate?model=line-art-to-colour")
    place = page.frame_locator("iframe[title=Studio]")
    expect(place.locator("#line [role=status]")).to_be_visible(timeout=120_000)
    handle = page.query_selector("iframe[title=Studio]")
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    box = place.locator("#pad canvas").first.bounding_box()
    assert box is not None
    frame.evaluate(WATCH)
    found = []
    for number in range(count):
        y = box["y"] + 20 + (box["height"] - 40) * number / count
        page.mouse.move(box["x"] + 30, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, y + 15, steps=6)
        page.mouse.up()
        ended = frame.evaluate("performance.now()")
        page.wait_for_timeout(PATIENCE_MS)
        last = frame.evaluate("window.results.at(-1) ?? 0")
        assert last > ended, "no result came after the stroke"
        found.append((last - ended) / 1000)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strokes", type=int, default=12)
    given = parser.parse_args()
    path = next(found for found in map(shutil.which, BROWSERS) if found)
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        server = Server(Path(runs))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        first, *others = strokes(page, server.url, given.strokes)
        browser.close()
        server.end()
    print(json.dumps({"first_s": first, "median_s": median(others), "most_s": max(others)}, indent=2))


if __name__ == "__main__":
    main()
