"""What network a file holds, from the names and shapes of its tensors alone.

A guess from a few of them is enough: the network that is built from it must then have the same names and
shapes throughout, or the file is refused with the first that differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from engine.networks.norms import Norm
from engine.networks.patchgan import PatchDiscriminator, PixelDiscriminator
from engine.networks.resnet import ResnetGenerator
from engine.networks.unet import UnetGenerator
from engine.options import BadInput

Family = Literal["resnet", "unet", "patch", "pixel"]
State = dict[str, Tensor]

WRAPPERS = ("module", "_orig_mod", "_forward_module")  # of DataParallel, torch.compile, Lightning's Fabric
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
MOST_WIDTH, MOST_CHANNELS = 256, 16
BLOCKS, DOWNS, LAYERS = (1, 32), (5, 10), (1, 6)  # the smallest and the largest
KNOWN = "resnet_6blocks, resnet_9blocks, unet_128, unet_256, PatchGAN and the pixel discriminator"


@dataclass(frozen=True)
class Architecture:
    """A network of ``engine.networks``. ``depth`` counts a resnet's blocks, a unet's halvings, a PatchGAN's
    layers. ``dropout`` is what names show: a unet's cannot be seen.
    """

    family: Family
    inputs: int
    outputs: int
    width: int
    depth: int
    norm: Norm
    dropout: bool = False

    @property
    def is_generator(self) -> bool:
        return self.family in ("resnet", "unet")

    @property
    def title(self) -> str:
        """As users of the reference implementation know it."""
        if self.family == "resnet":
            return f"resnet_{self.depth}blocks"
        if self.family == "unet":
            return f"unet_{2**self.depth}"
        return f"PatchGAN of {self.depth} layers" if self.family == "patch" else "pixel discriminator"

    @property
    def sentence(self) -> str:
        """All of it in words."""
        norm = {"instance_affine": "instance norm that scales", "none": "no norm"}
        words = [self.title, norm.get(self.norm, f"{self.norm} norm"), f"{self.width} channels"]
        return ", ".join([*words, *(["dropout"] if self.dropout else [])])

    def build(self, dropout: bool | None = None) -> nn.Module:
        """A fresh network of this kind; ``dropout`` in place of what names show."""
        drops = self.dropout if dropout is None else dropout
        if self.family == "resnet":
            return ResnetGenerator(self.inputs, self.outputs, self.width, self.depth, self.norm, drops)
        if self.family == "unet":
            return UnetGenerator(self.inputs, self.outputs, self.depth, self.width, self.norm, drops)
        if self.family == "patch":
            return PatchDiscriminator(self.inputs, self.width, self.depth, self.norm)
        return PixelDiscriminator(self.inputs, self.width, self.norm)


def networks_in(state: State) -> dict[str, State]:
    """The networks that the tensors of one file are of, by what stands before their names: ``""`` for a
    network that is alone, ``"netG_A"`` for one of several. What wraps a network for training goes from the
    names; tensors of none, such as an optimizer's, are left out. What is there twice is given once.
    """
    plain = {
        ".".join(part for part in name.split(".") if part not in WRAPPERS): value
        for name, value in state.items()
    }
    places = dict.fromkeys(
        place
        for name in plain
        for keys in GUESSES
        if name.endswith(keys[0])
        and ((place := name.removesuffix(keys[0])) == "" or place.endswith("."))
        and all(f"{place}{key}" in plain for key in keys)
    )
    found: dict[str, State] = {place: {} for place in places}
    for name, value in plain.items():
        place = max((place for place in found if name.startswith(place)), key=len, default=None)
        if place is not None:
            found[place][name.removeprefix(place)] = value
    if not found:
        return {"": plain}
    once: dict[tuple[tuple[str, int], ...], str] = {}
    for place, part in found.items():
        once.setdefault(tuple((name, value.data_ptr()) for name, value in part.items()), place)
    return {place.removesuffix("."): found[place] for place in once.values()}


def recognise(state: State) -> tuple[Architecture, State]:
    """The network that ``state`` is of, and its tensors under the names that it has there: without
    statistics that instance norm never used.

    Raises ``BadInput`` with the reason if it is none of ours.
    """
    guess = next((find for keys, find in GUESSES.items() if all(key in state for key in keys)), None)
    if guess is None:
        some = ", ".join(name[:40] for name in list(state)[:3])
        raise _foreign(f"its tensors are called {some} ...")
    try:
        found = guess(state)
    except (KeyError, IndexError, ValueError):
        raise _foreign("tensors that such a network has are missing, or have another rank") from None
    _check_sizes(found)
    fitting = dict(state) if found.norm == "batch" else _without_statistics(state)
    _check_fit(found, fitting)
    return found, fitting


def _foreign(why: str) -> BadInput:
    return BadInput(f"these weights are of no network known here: {why}.", "files", f"Known are {KNOWN}.")


def _without_statistics(state: State) -> State:
    return {name: value for name, value in state.items() if name.rpartition(".")[2] not in STATISTICS}


# --- guesses


def _resnet(state: State) -> Architecture:
    blocks = sorted(
        {int(found[1]) for name in state if (found := re.match(r"model\.(\d+)\.conv_block\.", name))}
    )
    width, inputs = _ends(state["model.1.weight"])
    last = state[f"model.{blocks[-1] + 8}.weight"]
    return Architecture(
        "resnet",
        inputs,
        _ends(last)[0],
        width,
        len(blocks),
        _norm(state, "model.1", "model.2"),
        f"model.{blocks[0]}.conv_block.5.weight" not in state,
    )


def _unet(state: State) -> Architecture:
    width, inputs = _ends(state["model.model.0.weight"])
    depth = max(_level(name) for name in state)
    outputs = _ends(state["model.model.3.weight"])[1]
    inside = "model.model.1.model"
    return Architecture("unet", inputs, outputs, width, depth, _norm(state, f"{inside}.1", f"{inside}.2"))


def _level(name: str) -> int:
    """How deep in a unet a tensor lies: 1 for the outermost level."""
    level, inner = 1, re.match(r"model\.model\.", name)
    rest = name[inner.end() :] if inner else ""
    while found := re.match(r"[13]\.model\.", rest):
        level, rest = level + 1, rest[found.end() :]
    return level


def _patch(state: State) -> Architecture:
    numbers = [int(found[1]) for name in state if (found := re.fullmatch(r"model\.(\d+)\.weight", name))]
    layers = (max(numbers) - 2) // 3
    width, inputs = _ends(state["model.0.weight"])
    return Architecture("patch", inputs, 1, width, layers, _norm(state, "model.2", "model.3"))


def _pixel(state: State) -> Architecture:
    width, inputs = _ends(state["net.0.weight"])
    return Architecture("pixel", inputs, 1, width, 1, _norm(state, "net.2", "net.3"))


def _norm(state: State, convolution: str, norm: str) -> Norm:
    """Under instance norm convolutions have a bias; under batch norm they have none."""
    if f"{norm}.weight" in state:
        return "instance_affine" if f"{convolution}.bias" in state else "batch"
    return "instance" if f"{convolution}.bias" in state else "none"


def _ends(weight: Tensor) -> tuple[int, int]:
    """The first two sizes of a convolution's weight. Raises ``ValueError`` if it is none."""
    first, second, _, _ = weight.shape
    return first, second


GUESSES: dict[tuple[str, ...], Callable[[State], Architecture]] = {  # by tensors that only it has
    ("model.10.conv_block.1.weight",): _resnet,
    ("model.model.0.weight", "model.model.1.model.1.weight"): _unet,
    ("model.0.weight", "model.2.weight"): _patch,
    ("net.0.weight", "net.2.weight"): _pixel,
}


# --- proof


def _check_sizes(found: Architecture) -> None:
    low, high = {"resnet": BLOCKS, "unet": DOWNS}.get(found.family, LAYERS)
    if not low <= found.depth <= high:
        raise _foreign(f"{found.title} has {found.depth} levels, and there are {low} to {high}")
    if found.width > MOST_WIDTH or max(found.inputs, found.outputs) > 2 * MOST_CHANNELS:
        raise _foreign(f"its layers are {found.width} channels wide, with {found.inputs} in")


def _check_fit(found: Architecture, state: State) -> None:
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in found.build().state_dict().items()}
    for name, shape in wanted.items():
        if name not in state:
            if name.endswith("num_batches_tracked"):  # before torch 0.4.1 there was none
                state[name] = torch.tensor(0)
                continue
            raise _foreign(f"it looks like {found.title} without its {name}")
        if tuple(state[name].shape) != shape:
            has = "x".join(map(str, state[name].shape))
            raise _foreign(
                f"it looks like {found.title}, but {name} is {has} and not {'x'.join(map(str, shape))}"
            )
    if more := sorted(set(state) - set(wanted)):
        raise _foreign(f"it looks like {found.title}, but has {more[0][:60]} too")
