"""The two numbers that bound G's gradient under the saturating loss: how far D reaches, and how G moves."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

MOVED = 128  # samples whose movement is averaged


def reach(judge: Callable[[Tensor], Tensor], samples: Tensor) -> float:
    """The greatest D(x) + |grad D(x)| among ``samples`` (N, 2): epsilon of Arjovsky & Bottou 2017, theorem
    2.4, where a perfect D is 0. ``judge`` gives logits (N,).
    """
    with torch.enable_grad():
        x = samples.detach().requires_grad_()
        scores = judge(x).sigmoid()
        (slope,) = torch.autograd.grad(scores.sum(), x)
    return float((scores.detach() + slope.norm(dim=1)).max())


def jacobian(generator: nn.Module, z: Tensor) -> float:
    """The root mean squared Frobenius norm of d G(z) / d weights over latents (N, latent_dim): M of that
    theorem, or a little more, the norm being no less than the spectral one.
    """
    weights = {name: weight.detach() for name, weight in generator.named_parameters()}

    def sample(weights: dict[str, Tensor], one: Tensor) -> Tensor:
        return functional_call(generator, weights, (one[None],))[0]  # (2,)

    with torch.enable_grad():
        moved = vmap(jacrev(sample), in_dims=(None, 0))(weights, z[:MOVED])  # name: (M, 2, *weight)
    squared = sum(part.square().flatten(1).sum(1) for part in moved.values())  # (M,)
    return float(torch.as_tensor(squared).mean().sqrt())
