"""Generators as files for other programs: ONNX, TorchScript and safetensors, each with a card beside it.

A file says of itself what goes in and what comes out: ONNX in its metadata, TorchScript in extra files,
safetensors in its header, under the names ``ganscope`` (JSON) and ``card`` (Markdown). What is written is
compared with the model itself before it is handed over.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import engine
from engine.game.recipe import Direction
from engine.models.model import Model, one_thread
from engine.options import BadInput
from engine.requests.models import SUFFIXES
from engine.runs.files import replace

TOLERANCE = 1e-4  # largest difference from the model, of outputs in [-1, 1]
OPSET = 18


@dataclass(frozen=True)
class Subject:
    """What is exported: a network of one input and one output, in evaluation mode.

    ``examples`` are inputs of different sizes that it is compared on; ``axes`` are the sizes that may differ.
    """

    model: Model
    network: nn.Module
    source: str  # its name among the model's networks
    input: str
    output: str
    examples: list[Tensor]
    axes: dict[int, str]
    direction: Direction | None = None


class _OfLatents(nn.Module):
    """G as its GAN uses it: all that is done to the latent included."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._recipe = model.recipe
        for name in model.recipe.generators:
            self.add_module(name, model.networks[name])

    def forward(self, z: Tensor) -> Tensor:
        return self._recipe.generate(dict(self.named_children()), z)


class BatchStatistics(nn.Module):
    """Batch norm as it acts in training: (N, C, H, W) by mean and variance of what is there."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((0, 2, 3), keepdim=True)  # (1, C, 1, 1)
        variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
        scaled = (x - mean) / torch.sqrt(variance + self.eps)
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


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
        if not difference <= TOLERANCE:
            raise BadInput(
                f"the {to} file differs from the model by {difference:.2g}.", "to", "Choose another format."
            )
        replace(beside, out)
    card = out.with_name(f"{out.name}.md")
    card.write_text(_card(subject, to, out.name, difference), "utf-8")
    return {"file": str(out), "card": str(card), "bytes": out.stat().st_size, "difference": difference}


def subject_of(model: Model, direction: Direction | None) -> Subject:
    """What ``export`` writes of ``model``. Raises ``BadInput`` for a direction that it does not have."""
    recipe = model.recipe
    if not recipe.directions:
        if direction is not None:
            raise BadInput(
                f"{model.title} draws from latents: it has no direction.", "direction", "Leave it out."
            )
        examples = [model.latents(range(count)) for count in (2, 3)]  # (N, latent_dim)
        return Subject(model, _OfLatents(model).eval(), "generator", "z", "sample", examples, {0: "n"})
    direction = direction or recipe.directions[0]
    there = [one for one in recipe.directions if _source(model, one) is not None]
    if direction not in there:
        raise BadInput(
            f"{model.title} cannot be exported as {str(direction)[:40]!r}.",
            "direction",
            f"Choose one of: {', '.join(there)}.",
        )
    source = _source(model, direction)
    assert source is not None
    network = recipe.translator(model.networks, direction)
    made, given = model.shape.shape, model.shape.given
    channels, height, width = given if direction == "a_to_b" else made
    random = torch.Generator().manual_seed(0)
    examples = [
        torch.rand(1, channels, tall, wide, generator=random) * 2 - 1  # (1, C, H, W)
        for tall, wide in _sizes(model, height, width)
    ]
    axes = {0: "n", 2: "height", 3: "width"}
    network = as_used(network, batch_statistics=trains(model))
    return Subject(model, network, source, "picture", "translation", examples, axes, direction)


def _source(model: Model, direction: Direction) -> str | None:
    """The name of the network that translates in this direction; ``None`` if it was not kept."""
    try:
        network = model.recipe.translator(model.networks, direction)
    except KeyError:
        return None
    return next(name for name, one in model.networks.items() if one is network)


def _sizes(model: Model, height: int, width: int) -> list[tuple[int, int]]:
    """Two sizes of pictures: small ones, since they are only compared, that a U-Net of that depth takes."""
    least = height if model.options.network == "unet" else 32
    return [(least, least), (2 * least, least)]


def trains(model: Model) -> bool:
    """Whether batch norm takes the statistics of what is there when the model is used."""
    mode = getattr(model.options, "test_mode", "eval")
    return mode == "train" or (mode == "auto" and model.options.batch_size == 1)


def as_used(network: nn.Module, batch_statistics: bool) -> nn.Module:
    """A copy of ``network`` to be exported: without dropout and, where asked, with batch norm that knows no
    statistics but those of what is there.
    """
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if batch_statistics and isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, BatchStatistics(child))
    return network


# --- formats: each writes a file, and returns how far it is from the model


def _to_onnx(subject: Subject, out: Path) -> float:
    made = _as_onnx(subject)
    out.write_bytes(made)
    run = _runner(made, subject.input)
    return _difference(subject, run)


def _runner(made: bytes, name: str) -> Callable[[Tensor], np.ndarray]:
    """What runs an ONNX file's bytes, on one thread."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    return lambda x: np.asarray(session.run(None, {name: x.numpy()})[0])


def _as_onnx(subject: Subject, in_half: bool = False) -> bytes:
    """``subject`` as ONNX; ``in_half``: weights are kept as float16, and computed with as float32."""
    import onnx

    axes = {subject.input: subject.axes, subject.output: subject.axes if subject.direction else {0: "n"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter takes forty times as long, and gives the same
        torch.onnx.export(
            subject.network,
            (subject.examples[0],),
            file := os.path.join(folder, "exported.onnx"),
            input_names=[subject.input],
            output_names=[subject.output],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        made = onnx.load(file)
    if in_half:
        _halve(made)
    onnx.helper.set_model_props(made, _described(subject, "onnx"))
    return made.SerializeToString()


def _halve(made: Any) -> None:
    """Keep the float32 weights of an ONNX model as float16, each with a node that casts it back."""
    import onnx

    casts = []
    for weight in made.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            name = weight.name
            halved = onnx.numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)


def small_onnx(model: Model) -> tuple[bytes, float]:
    """``model``'s generator as ONNX with its weights in half precision, and the largest difference of its
    outputs from the model's own. Raises ``BadInput`` without the package onnx, or for a translator.
    """
    subject = subject_of(model, None)
    with one_thread(), torch.no_grad():
        made = _as_onnx(subject, in_half=True)
        return made, _difference(subject, _runner(made, subject.input))


def _to_torchscript(subject: Subject, out: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is old, and asked for
        traced = torch.jit.trace(subject.network, (subject.examples[0],), check_trace=False)
        extra = {f"{name}.txt": text for name, text in _described(subject, "torchscript").items()}
        torch.jit.save(traced, str(out), _extra_files=extra)
        loaded = torch.jit.load(str(out))
    return _difference(subject, lambda x: loaded(x).numpy())


def _to_safetensors(subject: Subject, out: Path) -> float:
    """The weights alone, under the names of the reference implementation where it has such a network."""
    state = subject.model.networks[subject.source].state_dict()
    flat = {name: value.contiguous().clone() for name, value in state.items()}
    save_file(flat, out, _described(subject, "safetensors"))
    back = load_file(out)
    return max(float((back[name].float() - value.float()).abs().max()) for name, value in flat.items())


FORMATS: dict[str, Callable[[Subject, Path], float]] = {
    "onnx": _to_onnx,
    "safetensors": _to_safetensors,
    "torchscript": _to_torchscript,
}
assert FORMATS.keys() == SUFFIXES.keys()


def _difference(subject: Subject, run: Callable[[Tensor], np.ndarray]) -> float:
    """The largest difference over inputs of all sizes, the first of which it was made with."""
    return max(
        float(np.abs(run(example) - subject.network(example).numpy()).max()) for example in subject.examples
    )


# --- what a file says of itself


def _described(subject: Subject, to: str) -> dict[str, str]:
    """``ganscope``, as JSON: what the model is, and what its input and output are; ``card``, in words."""
    model, recipe, data = subject.model, subject.model.recipe, subject.model.config["meta"]["data"]
    names = ("gan", "data", "options", "title", "sentence", "licence")
    about = {name: model.config.get(name) for name in names}
    taken: dict[str, Any] = {"name": subject.input, "type": "float32"}
    made: dict[str, Any] = {"name": subject.output, "type": "float32"}
    pictures = model.shape.kind != "points"
    if subject.direction:
        sides = data.get("names", ["A", "B"])
        sides = sides if subject.direction == "a_to_b" else sides[::-1]
        channels = list(subject.examples[0].shape[1:2])
        out = model.shape.shape[:1] if subject.direction == "a_to_b" else model.shape.given[:1]
        taken |= {"shape": ["n", *channels, "height", "width"], "range": [-1, 1], "shows": sides[0]}
        made |= {"shape": ["n", *out, "height", "width"], "range": [-1, 1], "shows": sides[1]}
    else:
        codes = [
            {
                "name": code.name,
                "kind": code.kind,
                "first": code.start,
                "size": code.size,
                "labels": code.labels,
            }
            for code in recipe.codes
        ]
        layout = {"noise": {"first": 0, "size": recipe.noise_dim}, "codes": codes}
        taken |= {"shape": ["n", recipe.latent_dim], "layout": layout}
        made |= {"shape": ["n", *model.shape.shape], "range": [-1, 1] if pictures else None}
    made["classes"] = data.get("classes")
    told = {**about, "step": model.step, "network": subject.source, "direction": subject.direction}
    told |= {"program": f"ganscope {engine.__version__}", "input": taken, "output": made}
    return {"ganscope": json.dumps(told), "card": _card(subject, to)}


def _card(subject: Subject, to: str, file: str = "This file", difference: float | None = None) -> str:
    model = subject.model
    lines = [f"# {model.title}", "", model.config.get("sentence", ""), ""]
    named = file if difference is None else f"`{file}`"
    lines += [f"{named}: the network `{subject.source}` of `{model.id}` at step {model.step:,}, as {to}."]
    lines += [] if difference is None else [f"It differs from the model by {difference:.1e} at most."]
    lines += ["", *_use(subject, to), ""]
    data, options = model.config["meta"]["data"], model.config["options"]
    lines += [f"* GAN: {model.config['gan']}; data: {data.get('title', model.config['data'])}"]
    lines += [f"* Licence: {model.config.get('licence') or 'as that of the data it was trained on'}"]
    lines += [f"* {name}: {value}" for name, value in model.config.get("figures", {}).items()]
    shown = ("network", "width", "norm", "dropout", "test_mode", "test_dropout", "latent_dim")
    lines += [f"* {name}: {options[name]}" for name in shown if name in options]
    return "\n".join(lines) + "\n"


def _use(subject: Subject, to: str) -> list[str]:
    """What goes in and what comes out, in words."""
    made = "x".join(
        map(str, subject.model.shape.shape[:1] if subject.direction else subject.model.shape.shape)
    )
    if to == "safetensors":
        said = "Weights only, by the names of the network's parameters"
        return [f"{said}: those of the reference implementation." if subject.direction else f"{said}."]
    if subject.direction is None:
        recipe, words = subject.model.recipe, []
        for code in recipe.codes:
            kind = "one-hot" if code.kind == "categorical" else "numbers"
            words.append(f"columns {code.start} to {code.start + code.size - 1} are {code.name} ({kind})")
        noise = f"columns 0 to {recipe.noise_dim - 1} are noise, N(0, 1) unless the GAN says otherwise"
        return [
            f"Input `z`: float32 (n, {recipe.latent_dim}); {'; '.join([noise, *words])}.",
            f"Output `sample`: float32 (n, {made.replace('x', ', ')}), pictures in [-1, 1], or points.",
        ]
    names = subject.model.config["meta"]["data"].get("names", ["A", "B"])
    a, b = names if subject.direction == "a_to_b" else reversed(names)
    step = (
        2 ** (subject.model.shape.shape[1].bit_length() - 1) if subject.model.options.network == "unet" else 4
    )
    lines = [
        f"Input `picture`: float32 (n, {subject.examples[0].shape[1]}, height, width) in [-1, 1], {a}; "
        f"height and width are multiples of {step}.",
        f"Output `translation`: float32 in [-1, 1], as large, {b}.",
    ]
    if any(isinstance(part, BatchStatistics) for part in subject.network.modules()):
        lines.append(
            "Batch norm takes the statistics of the pictures given, as in training. Dropout is left out."
        )
    return lines
