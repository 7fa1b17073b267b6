"""Optimizers' steps, without what torch does around them at each one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def stepper(optimizer: torch.optim.Optimizer) -> Callable[[], Any]:
    """``optimizer.step`` without torch's profiling wrapper, which takes a twentieth of a 2-D step."""
    if isinstance(optimizer, torch.optim.Adam) and optimizer.defaults["fused"]:
        return FusedAdam(optimizer)
    step = type(optimizer).step
    return functools.partial(getattr(step, "__wrapped__", step), optimizer)


class FusedAdam:
    """``torch.optim.Adam.step`` over lists that are made once: making them anew takes a tenth of a 2-D step.

    The state stays the optimizer's own. Where a weight has no gradient, the optimizer itself steps.
    """

    def __init__(self, optimizer: torch.optim.Adam) -> None:
        self.optimizer, self.group = optimizer, optimizer.param_groups[0]
        self.weights: list[Tensor] = self.group["params"]
        self.lists: tuple[list[Tensor], ...] = ()

    @torch.no_grad()
    def __call__(self) -> None:
        gradients = [weight.grad for weight in self.weights]
        if not self.lists or any(gradient is None for gradient in gradients):
            self.optimizer.step()
            states = [self.optimizer.state.get(weight) for weight in self.weights]
            if all(states):
                names = ("exp_avg", "exp_avg_sq", "step")
                self.lists = tuple([state[name] for state in states if state] for name in names)
            return
        group, (first, second, steps) = self.group, self.lists
        torch._foreach_add_(steps, 1)  # pyright: ignore[reportPrivateImportUsage]
        torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
            self.weights,
            gradients,  # type: ignore[arg-type]
            first,
            second,
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )


def match_layout(optimizer: torch.optim.Optimizer) -> None:
    """Lay an optimizer's moments out in memory as their weights are: fused kernels walk both in storage
    order.
    """
    for weight, moments in optimizer.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == weight.shape and moment.dim() == 4:
                moments[name] = torch.empty_like(weight).copy_(moment)
