"""Fully connected networks with normalised weights, for small pictures: those of *Improved Techniques for
Training GANs* (Salimans et al. 2016).

Noise between D's layers is not drawn here: whoever trains hands over a function that draws it, so that it
comes out of the run's own random stream, and none is added where nobody does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Draw = Callable[[Tensor], Tensor]

INPUT_NOISE, HIDDEN_NOISE = 0.3, 0.5  # standard deviations, where pictures go from 0 to 1
CLASSIFIER = (1000, 500, 250, 250, 250)
GENERATOR = (500, 500)


class _Lengths(torch.autograd.Function):
    """Length of each row of (outputs, inputs): (outputs,). Torch's own gradient walks the matrix several
    times, which shows in a step as small as this.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        lengths = torch.linalg.vector_norm(weight, dim=1)
        ctx.save_for_backward(weight, lengths)
        return lengths

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        weight, lengths = ctx.saved_tensors
        return (gradient / lengths)[:, None] * weight


class WeightNormLinear(nn.Linear):
    """A linear layer in which each unit's weights have the length ``scale`` (Salimans & Kingma 2016).

    ``scale`` is learned, or set once by ``settle``.
    """

    def __init__(self, inputs: int, outputs: int, learns_scale: bool = False) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, 0.0, 0.1)
        nn.init.zeros_(self.bias)
        if learns_scale:
            self.scale = nn.Parameter(torch.ones(outputs))
        else:
            self.register_buffer("scale", torch.ones(outputs))

    def forward(self, input: Tensor) -> Tensor:
        # scaling the outputs instead of the weights gives the same numbers for less
        gain = self.scale / _Lengths.apply(self.weight)  # (outputs,)
        return torch.addcmul(self.bias, F.linear(input, self.weight), gain)

    @torch.no_grad()
    def settle(self, x: Tensor) -> None:
        """Choose scale and bias such that each unit's output on ``x`` (N, inputs) has mean 0 and variance 1
        (Salimans & Kingma 2016, section 3).
        """
        out = self(x)
        deviation, mean = torch.std_mean(out, 0)
        self.scale.div_(deviation + 1e-6)
        self.bias.sub_(mean).div_(deviation + 1e-6)


class WeightNormGenerator(nn.Module):
    """Latents (N, latent_dim) to pictures (N, C, H, W) in [-1, 1]: softplus units and batch norm."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        hidden: list[nn.Module] = []
        for before, after in pairwise((latent_dim, *GENERATOR)):
            hidden += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.Softplus()]
        self.layers = nn.Sequential(*hidden, WeightNormLinear(GENERATOR[-1], prod(shape), learns_scale=True))

    def forward(self, z: Tensor) -> Tensor:
        return (self.layers(z) / 2).tanh().view(-1, *self.shape)  # (N, C, H, W); a sigmoid from -1 to 1


class NoisyClassifier(nn.Module):
    """Pictures (N, C, H, W) to class logits (N, K), whose log-sum-exp is the logit (N,) of being real.

    ``noise`` draws N(0, 1) in the shape of a tensor; without it the network is deterministic.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        sizes = pairwise((prod(shape), *CLASSIFIER))
        self.trunk = nn.ModuleList(WeightNormLinear(before, after) for before, after in sizes)
        self.head = WeightNormLinear(CLASSIFIER[-1], classes, learns_scale=True)
        self.settled: Tensor
        self.register_buffer("settled", torch.tensor(False))

    def features(self, x: Tensor, noise: Draw | None = None) -> Tensor:
        """What the last hidden layer makes of ``x``: (N, 250)."""
        return self._run(x, noise, settle=False)

    def classes(self, x: Tensor, noise: Draw | None = None) -> Tensor:
        """Class logits (N, K) of ``x``."""
        return self.head(_jitter(self.features(x, noise), HIDDEN_NOISE, noise))

    def forward(self, x: Tensor, noise: Draw | None = None) -> Tensor:
        return self.classes(x, noise).logsumexp(1)  # (N,)

    def settle(self, x: Tensor, noise: Draw) -> None:
        """Set every layer's scale and bias by what it makes of ``x``."""
        self.head.settle(_jitter(self._run(x, noise, settle=True), HIDDEN_NOISE, noise))
        self.settled.fill_(True)

    def _run(self, x: Tensor, noise: Draw | None, settle: bool) -> Tensor:
        h, deviation = (x.flatten(1) + 1) / 2, INPUT_NOISE
        for layer in self.trunk:
            h = _jitter(h, deviation, noise)
            assert isinstance(layer, WeightNormLinear)
            if settle:
                layer.settle(h)
            h, deviation = F.relu(layer(h)), HIDDEN_NOISE
        return h


def _jitter(h: Tensor, deviation: float, noise: Draw | None) -> Tensor:
    return h if noise is None else torch.add(h, noise(h), alpha=deviation)
