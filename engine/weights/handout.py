"""A generator to take home: one HTML file with the model inside, which a browser opens from a disk.

Nothing is fetched, and by its own policy nothing can be. The page's parts are the dashboard's: its scripts
and ONNX Runtime Web, read as files; nothing of the dashboard is imported.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import json
from pathlib import Path

from engine.models.library import find_directions
from engine.options import BadInput
from engine.weights.browser import packed
from engine.weights.subject import Subject, card_text

SEEDS = 60  # latents that travel with it
SCRIPTS = ("local/latents.js", "local/runtime.js", "local/page.js", "base/frames.js")
RUNTIME = ("vendor/ort.wasm.bundle.min.mjs", "vendor/ort-wasm-simd-threaded.wasm.gz")


def page(subject: Subject) -> tuple[bytes, float]:
    """The file, and the largest difference of its generator's outputs from the model's own. Raises
    ``BadInput`` for translators, and for what no browser should draw.
    """
    model = subject.model
    if subject.direction:
        raise BadInput("a translator is no page to take home.", "to", "Choose onnx or torchscript.")
    parts = _static()
    vectors = find_directions(model).vectors
    frame, difference = packed(model, vectors, model.latents(range(SEEDS)))
    script, wasm = (parts / name for name in RUNTIME)
    texts = {name: (parts / name).read_text("utf-8") for name in SCRIPTS}
    blocks = [_block("text/plain", name, text) for name, text in texts.items()]
    blocks += [
        _block("text/plain", "ort", script.read_text("utf-8")),
        _block("text/plain", "wasm", base64.b64encode(wasm.read_bytes()).decode()),
        _block("text/plain", "model", base64.b64encode(frame).decode()),
        _block("application/json", "about", json.dumps(_about(subject)).replace("<", "\\u003c")),
    ]
    template = (parts / "local/page.html").read_text("utf-8")
    whole = template.replace("{{title}}", html.escape(model.title)).replace("{{parts}}", "\n".join(blocks))
    return whole.encode(), difference


def _block(kind: str, name: str, text: str) -> str:
    assert "</script" not in text.lower(), name
    return f'<script type="{kind}" id="{name}">{text}</script>'


def _about(subject: Subject) -> dict[str, object]:
    config = subject.model.config
    return {
        "title": subject.model.title,
        "sentence": config.get("sentence", ""),
        "licence": config.get("licence") or "as that of the data it was trained on",
        "card": card_text(subject, "html"),
    }


def _static() -> Path:
    """Where the dashboard's scripts lie."""
    found = importlib.util.find_spec("dashboard")
    if found is None or found.origin is None:
        raise BadInput("a page needs the dashboard's scripts.", "to", "Install ganscope whole.")
    return Path(found.origin).parent / "components" / "static"
