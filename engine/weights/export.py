"""Generators as files: for other programs ONNX, TorchScript and safetensors, for readers a page (HTML), each
with a card beside it.

A file says of itself what goes in and what comes out: ONNX in its metadata, TorchScript in extra files,
safetensors in its header, under the names ``ganscope`` (JSON) and ``card`` (Markdown). What is written is
compared with the model itself before it is handed over.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from engine.game.recipe import Direction
from engine.models.model import Model, one_thread
from engine.options import BadInput
from engine.requests.models import SUFFIXES
from engine.runs.files import replace
from engine.weights import handout
from engine.weights.browser import LEVEL
from engine.weights.onnx_files import as_onnx, runner
from engine.weights.subject import Subject, card_text, described, difference_of, subject_of

TOLERANCES = {  # largest difference from the model, of outputs in [-1, 1]
    "onnx": 1e-4,
    "safetensors": 1e-4,
    "torchscript": 1e-4,
    "html": LEVEL,  # weights are in half precision
}


def export(model: Model, to: str, out: Path, direction: Direction | None = None) -> dict[str, Any]:
    """Write ``model``'s generator to ``out`` and its card beside it (``out`` with ``.md`` added).

    ``to`` is one of ``FORMATS``; ``direction`` which of a translator's, its first by default. Returns
    ``{"file", "card", "bytes", "difference"}``: the largest difference of outputs from the model's own.
    Raises ``BadInput``.
    """
    if to not in FORMATS:
        raise BadInput(f"there is no format {str(to)[:40]!r}.", "to", f"Choose one of: {', '.join(FORMATS)}.")
    subject = subject_of(model, direction)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as folder,
        one_thread(),
        torch.no_grad(),
    ):
        beside = Path(folder, "exported")
        difference = FORMATS[to](subject, beside)
        if not difference <= TOLERANCES[to]:
            raise BadInput(
                f"the {to} file differs from the model by {difference:.2g}.", "to", "Choose another format."
            )
        said = Path(folder, "card")
        said.write_text(card_text(subject, to, out.name, difference), "utf-8")
        replace(beside, out)
        replace(said, card := out.with_name(f"{out.name}.md"))
    return {"file": str(out), "card": str(card), "bytes": out.stat().st_size, "difference": difference}


# --- formats: each writes a file, and returns how far it is from the model


def _to_onnx(subject: Subject, out: Path) -> float:
    made = as_onnx(subject)
    out.write_bytes(made)
    run = runner(made, subject.input)
    return difference_of(subject, run)


def _to_html(subject: Subject, out: Path) -> float:
    page, difference = handout.page(subject)
    out.write_bytes(page)
    return difference


def _to_torchscript(subject: Subject, out: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is old, and asked for
        traced = torch.jit.trace(subject.network, (subject.examples[0],), check_trace=False)
        extra = {f"{name}.txt": text for name, text in described(subject, "torchscript").items()}
        file = io.BytesIO()  # on a full disk it would end the process
        torch.jit.save(traced, file, _extra_files=extra)
        out.write_bytes(file.getvalue())
        loaded = torch.jit.load(str(out))
    return difference_of(subject, lambda x: loaded(x).numpy())


def _to_safetensors(subject: Subject, out: Path) -> float:
    """The weights alone, under the names of the reference implementation where it has such a network."""
    state = subject.model.networks[subject.source].state_dict()
    flat = {name: value.contiguous().clone() for name, value in state.items()}
    save_file(flat, out, described(subject, "safetensors"))
    back = load_file(out)
    return max(float((back[name].float() - value.float()).abs().max()) for name, value in flat.items())


FORMATS: dict[str, Callable[[Subject, Path], float]] = {
    "html": _to_html,
    "onnx": _to_onnx,
    "safetensors": _to_safetensors,
    "torchscript": _to_torchscript,
}
assert FORMATS.keys() == SUFFIXES.keys()
