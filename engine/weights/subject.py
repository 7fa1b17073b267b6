"""What is exported, and what a file says of it: in its metadata, and on the card beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import engine
from engine.game.recipe import Direction
from engine.models.model import Model
from engine.options import BadInput


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


class OfLatents(nn.Module):
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


def subject_of(model: Model, direction: Direction | None) -> Subject:
    """What ``export`` writes of ``model``. Raises ``BadInput`` for a direction that it does not have."""
    recipe = model.recipe
    if not recipe.directions:
        if direction is not None:
            raise BadInput(
                f"{model.title} draws from latents: it has no direction.", "direction", "Leave it out."
            )
        examples = [model.latents(range(count)) for count in (2, 3)]  # (N, latent_dim)
        return Subject(model, OfLatents(model).eval(), "generator", "z", "sample", examples, {0: "n"})
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
    network = getattr(model.options, "network", None)
    if network is None:  # a plugin's: as it was trained
        return [(height, width), (2 * height, width)]
    least = height if network == "unet" else 32
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


def difference_of(subject: Subject, run: Callable[[Tensor], np.ndarray]) -> float:
    """The largest difference over inputs of all sizes, the first of which it was made with."""
    return max(
        float(np.abs(run(example) - subject.network(example).numpy()).max()) for example in subject.examples
    )


# --- what a file says of itself


def described(subject: Subject, to: str) -> dict[str, str]:
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
    return {"ganscope": json.dumps(told), "card": card_text(subject, to)}


def card_text(subject: Subject, to: str, file: str = "This file", difference: float | None = None) -> str:
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
    shape = subject.model.shape
    network = getattr(subject.model.options, "network", None)
    step = {"unet": 2 ** (shape.shape[1].bit_length() - 1), None: 1}.get(network, 4)
    given, wide = (shape.given, shape.shape)[:: 1 if subject.direction == "a_to_b" else -1]
    size = "as large" if given[1:] == wide[1:] else f"{wide[1] / given[1]:g} times as high and wide"
    lines = [
        f"Input `picture`: float32 (n, {subject.examples[0].shape[1]}, height, width) in [-1, 1], {a}; "
        f"height and width are multiples of {step}.",
        f"Output `translation`: float32 in [-1, 1], {size}, {b}.",
    ]
    if any(isinstance(part, BatchStatistics) for part in subject.network.modules()):
        lines.append(
            "Batch norm takes the statistics of the pictures given, as in training. Dropout is left out."
        )
    return lines
