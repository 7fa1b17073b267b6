"""The reference implementation's networks, defined once more and independently: plain functions of a state
dict in its layout, written from the papers and the layout's description.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
EPS = 1e-5


class Layers:
    """Runs single layers of ``state`` by name. ``norm`` is batch, instance, instance_affine or none; in
    ``train`` mode batch norm takes the statistics of the batch.
    """

    def __init__(self, state: State, norm: str, train: bool = False) -> None:
        self.state, self.kind, self.train = state, norm, train

    def down(self, x: Tensor, name: str, stride: int, padding: int) -> Tensor:
        return F.conv2d(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"), stride, padding)

    def up(self, x: Tensor, name: str, output_padding: int = 0) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state.get(f"{name}.bias")
        return F.conv_transpose2d(x, weight, bias, 2, 1, output_padding)

    def norm(self, x: Tensor, name: str) -> Tensor:
        if self.kind == "none":
            return x
        if self.kind == "batch" and not self.train:
            mean, variance = (self.state[f"{name}.running_{what}"][:, None, None] for what in ("mean", "var"))
        else:
            over = (0, 2, 3) if self.kind == "batch" else (2, 3)
            mean, variance = x.mean(over, keepdim=True), x.var(over, correction=0, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + EPS)
        if self.kind == "instance":
            return x
        return x * self.state[f"{name}.weight"][:, None, None] + self.state[f"{name}.bias"][:, None, None]


def resnet(
    state: State, x: Tensor, norm: str, blocks: int, dropout: bool = False, train: bool = False
) -> Tensor:
    """c7s1, two halvings, residual blocks, two doublings, c7s1, tanh. Dropout is left out, names keep it."""
    layers = Layers(state, norm, train)

    def reflected(x: Tensor, margin: int) -> Tensor:
        return F.pad(x, [margin] * 4, mode="reflect")

    x = F.relu(layers.norm(layers.down(reflected(x, 3), "model.1", 1, 0), "model.2"))
    for number in (4, 7):
        x = F.relu(layers.norm(layers.down(x, f"model.{number}", 2, 1), f"model.{number + 1}"))
    second = 6 if dropout else 5
    for number in range(10, 10 + blocks):
        name = f"model.{number}.conv_block"
        y = F.relu(layers.norm(layers.down(reflected(x, 1), f"{name}.1", 1, 0), f"{name}.2"))
        x = x + layers.norm(layers.down(reflected(y, 1), f"{name}.{second}", 1, 0), f"{name}.{second + 1}")
    for number in (10 + blocks, 13 + blocks):
        x = F.relu(layers.norm(layers.up(x, f"model.{number}", 1), f"model.{number + 1}"))
    return torch.tanh(layers.down(reflected(x, 3), f"model.{17 + blocks}", 1, 0))


def unet(state: State, x: Tensor, norm: str, downs: int, train: bool = False) -> Tensor:
    """``downs`` halvings and doublings with skips, without dropout."""
    layers = Layers(state, norm, train)
    place, names = "model.model", []  # of each level below the outermost
    for level in range(1, downs):
        place = f"{place}.{1 if level == 1 else 3}.model"
        names.append(place)
    x = layers.down(x, "model.model.0", 2, 1)
    skips = []
    for name in names[:-1]:
        skips.append(x)
        x = layers.norm(layers.down(F.leaky_relu(x, 0.2), f"{name}.1", 2, 1), f"{name}.2")
    skips.append(x)
    x = layers.down(F.leaky_relu(x, 0.2), f"{names[-1]}.1", 2, 1)
    x = layers.norm(layers.up(F.relu(x), f"{names[-1]}.3"), f"{names[-1]}.4")
    x = torch.cat([skips.pop(), x], 1)
    for name in reversed(names[:-1]):
        x = layers.norm(layers.up(F.relu(x), f"{name}.5"), f"{name}.6")
        x = torch.cat([skips.pop(), x], 1)
    return torch.tanh(layers.up(F.relu(x), "model.model.3"))


def patch(state: State, x: Tensor, norm: str, layers: int, train: bool = False) -> Tensor:
    """PatchGAN's logits."""
    run = Layers(state, norm, train)
    x = F.leaky_relu(run.down(x, "model.0", 2, 1), 0.2)
    for level in range(1, layers + 1):
        place, stride = 3 * level - 1, 2 if level < layers else 1
        x = F.leaky_relu(run.norm(run.down(x, f"model.{place}", stride, 1), f"model.{place + 1}"), 0.2)
    return run.down(x, f"model.{3 * layers + 2}", 1, 1)


def pixel(state: State, x: Tensor, norm: str, train: bool = False) -> Tensor:
    """The pixel discriminator's logits."""
    run = Layers(state, norm, train)
    x = F.leaky_relu(run.down(x, "net.0", 1, 0), 0.2)
    x = F.leaky_relu(run.norm(run.down(x, "net.2", 1, 0), "net.3"), 0.2)
    return run.down(x, "net.5", 1, 0)


# --- weights as such a file holds them


def weights(
    family: str, norm: str, width: int, depth: int, ins: int = 3, outs: int = 3, **more: bool
) -> State:
    """Random weights in the layout, as a file's state dict; ``more``: dropout (of a resnet)."""
    make = Maker(norm)
    if family == "resnet":
        _resnet_weights(make, width, depth, ins, outs, more.get("dropout", False))
    elif family == "unet":
        _unet_weights(make, width, depth, ins, outs)
    elif family == "patch":
        _patch_weights(make, width, depth, ins)
    else:
        make.convolution("net.0", width, ins, 1, always=True)
        make.convolution("net.2", 2 * width, width, 1)
        make.norm("net.3", 2 * width)
        make.convolution("net.5", 1, 2 * width, 1)
    return make.state


class Maker:
    """Collects weights; a seed that never changes."""

    def __init__(self, norm: str) -> None:
        self.kind, self.state = norm, {}
        self.random = torch.Generator().manual_seed(5)

    def draw(self, *shape: int, scale: float) -> Tensor:
        return torch.randn(*shape, generator=self.random) * scale

    def convolution(
        self, name: str, outs: int, ins: int, size: int, always: bool = False, up: bool = False
    ) -> None:
        """``always``: with a bias whatever the norm; ``up``: transposed."""
        shape = (ins, outs) if up else (outs, ins)
        self.state[f"{name}.weight"] = self.draw(*shape, size, size, scale=(ins * size * size) ** -0.5)
        if always or self.kind.startswith("instance"):
            self.state[f"{name}.bias"] = self.draw(outs, scale=0.1)

    def norm(self, name: str, channels: int) -> None:
        if self.kind in ("batch", "instance_affine"):
            self.state[f"{name}.weight"] = 1 + self.draw(channels, scale=0.1)
            self.state[f"{name}.bias"] = self.draw(channels, scale=0.1)
        if self.kind == "batch":
            self.statistics(name, channels)

    def statistics(self, name: str, channels: int) -> None:
        self.state[f"{name}.running_mean"] = self.draw(channels, scale=0.1)
        self.state[f"{name}.running_var"] = 1 + self.draw(channels, scale=0.1).abs()
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def _resnet_weights(make: Maker, width: int, blocks: int, ins: int, outs: int, dropout: bool) -> None:
    make.convolution("model.1", width, ins, 7)
    make.norm("model.2", width)
    for number, times in ((4, 2), (7, 4)):
        make.convolution(f"model.{number}", width * times, width * times // 2, 3)
        make.norm(f"model.{number + 1}", width * times)
    for number in range(10, 10 + blocks):
        for place in (1, 6 if dropout else 5):
            make.convolution(f"model.{number}.conv_block.{place}", 4 * width, 4 * width, 3)
            make.norm(f"model.{number}.conv_block.{place + 1}", 4 * width)
    for number, times in ((10 + blocks, 2), (13 + blocks, 1)):
        make.convolution(f"model.{number}", width * times, width * times * 2, 3, up=True)
        make.norm(f"model.{number + 1}", width * times)
    make.convolution(f"model.{17 + blocks}", outs, width, 7, always=True)


def _unet_weights(make: Maker, width: int, downs: int, ins: int, outs: int) -> None:
    channels = [width * min(2**level, 8) for level in range(downs)]
    make.convolution("model.model.0", width, ins, 4)
    place = "model.model"
    for level in range(1, downs):
        place = f"{place}.{1 if level == 1 else 3}.model"
        outer, inner, innermost = channels[level - 1], channels[level], level == downs - 1
        make.convolution(f"{place}.1", inner, outer, 4)
        if not innermost:
            make.norm(f"{place}.2", inner)
        up = 3 if innermost else 5
        make.convolution(f"{place}.{up}", outer, inner if innermost else 2 * inner, 4, up=True)
        make.norm(f"{place}.{up + 1}", outer)
    make.convolution("model.model.3", outs, 2 * width, 4, always=True, up=True)


def _patch_weights(make: Maker, width: int, layers: int, ins: int) -> None:
    make.convolution("model.0", width, ins, 4, always=True)
    before = width
    for level in range(1, layers + 1):
        after = width * min(2**level, 8)
        make.convolution(f"model.{3 * level - 1}", after, before, 4)
        make.norm(f"model.{3 * level}", after)
        before = after
    make.convolution(f"model.{3 * layers + 2}", 1, before, 4, always=True)
