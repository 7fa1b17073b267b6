"""What the studio says beside its pictures, as HTML; every word from elsewhere is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from dashboard.root import address as rooted
from dashboard.studio.snippets import snippets

FILES = "/studio/gradio_api/file="
DONE = "done"


def directions(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Choices of a model's directions: what it says, and its name."""
    first, second = card["names"]
    named = {"a_to_b": f"{first} → {second}", "b_to_a": f"{second} → {first}"}
    return [(named[direction], direction) for direction in card["directions"]]


def line(about: Mapping[str, Any]) -> str:
    """Size, time, and what was noteworthy, under the result."""
    width, height = about["width"], about["height"]
    facts = [f"<b>{width} × {height}</b>", f"{about['seconds']:.2f} s"]
    worked = about.get("worked_at")
    if worked and list(worked) != [width, height]:
        facts.append(f"worked at {worked[0]} × {worked[1]}")
    if about.get("tiles", 1) > 1:
        facts.append(f"{about['tiles']} tiles")
    notes = "".join(f"<br><span>{escape(note)}</span>" for note in about.get("notes", ()))
    return f'<div class="gs-line" role="status">{" · ".join(facts)}{notes}</div>'


def hint(text: str) -> str:
    """Words where there is no result."""
    return f'<div class="gs-line" role="status">{escape(text)}</div>'


def figures(made: str, back: str | None, patches: str | None, mean: float | None) -> str:
    """The way back, and D's patch map over the output; files by their paths."""
    shown = []
    if back:
        shown.append(
            _figure(
                [back],
                "the way back",
                "The way back: the output, translated again. Compare it with the input.",
            )
        )
    if patches:
        verdict = "" if mean is None else f" On average {mean:.2f}."
        shown.append(
            _figure(
                [made, patches],
                "the output under D's patch map",
                f"D's verdict, patch by patch.{verdict}",
                '<span class="gs-key">real <i></i> generated</span>',
            )
        )
    return f'<div class="gs-figures">{"".join(shown)}</div>' if shown else ""


def _figure(files: list[str], alt: str, caption: str, more: str = "") -> str:
    first, *over = (rooted(f"{FILES}{quote(path)}") for path in files)
    pictures = f'<img src="{first}" alt="{escape(alt)}">' + "".join(
        f'<img src="{url}" alt="">' for url in over
    )
    words = f"<figcaption>{escape(caption)}{more}</figcaption>"
    return f'<figure><span class="gs-stack">{pictures}</span>{words}</figure>'


def queue(status: Mapping[str, Any]) -> str:
    """How far many pictures are, and which could not be translated."""
    done, total = status["done"], status["total"]
    if status["state"] == "queued":
        said = f"Waiting: {status['ahead']} before you" if status["ahead"] else "About to begin"
    elif status["state"] == "running":
        left = status.get("eta_s")
        said = f"{done} of {total or '?'}" + (f", {left:.0f} s left" if left else "")
        said += f": {status['current']}" if status.get("current") else ""
    elif status["state"] == "cancelled":
        said = f"Cancelled after {done}"
    elif status["state"] == "failed":
        said = f"{status['error']} {status['remedy']}"
    else:
        said = f"{done} translated" + (f", {len(status['failed'])} not" if status["failed"] else "")
    share = 100 * float(status["progress"])
    bar = (
        f'<div class="gs-bar" role="progressbar" aria-label="progress" aria-valuenow="{share:.0f}" '
        f'aria-valuemin="0" aria-valuemax="100"><i style="width:{share:.1f}%"></i></div>'
    )
    failed = "".join(
        f"<li><b>{escape(one['name'])}</b>: {escape(one['error'])} {escape(one['remedy'])}</li>"
        for one in status["failed"]
    )
    listed = f'<ul class="gs-failed">{failed}</ul>' if failed else ""
    return f'<div class="gs-line" role="status">{escape(said)}</div>{bar}{listed}'


def access(model: str, direction: str, address: str) -> str:
    """A snippet for each way to the model from elsewhere."""
    parts = snippets(model, direction, address)
    return "".join(
        f'<h4>{escape(name)}</h4><div class="gs-snippet"><pre tabindex="0">{escape(text)}</pre></div>'
        for name, text in parts.items()
    )
