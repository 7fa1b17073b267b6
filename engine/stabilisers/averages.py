"""Averages over the history of the weights: one to show, one to hold on to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from engine.game.context import Context, Judge
from engine.options import Options, knob
from engine.stabilisers.base import GROUP, Stabiliser

OBSERVED_EVERY = 5  # steps between two looks of an average at what it makes of a batch
YOUNG = 9  # steps until an average keeps as much of the old as it takes of the new
OBSERVED_SHARE = 0.3  # of the newest look in batch norm's running statistics


class HistoricalAveraging(Stabiliser):
    title = "Historical averaging"
    sentence = (
        "Pulls both players' weights towards the mean of their past (Salimans et al. 2016): circling "
        "costs, standing still does not."
    )
    switch = "historical_averaging"
    on = 0.1
    on_points = 1.0

    class Options(Options):
        historical_averaging: float = knob(
            0.0,
            "Historical averaging",
            "Weight of the squared distance between the weights and their mean so far; 0 is off.",
            ge=0,
            le=10,
            step=0.001,
            live=True,
            group=GROUP,
        )

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        return self._pull(ctx)

    def generator_term(self, ctx: Context, fake: Tensor) -> Tensor:
        return self._pull(ctx)

    def _pull(self, ctx: Context) -> Tensor:
        """Of the networks whose turn it is."""
        distance = torch.zeros((), device=ctx.device)
        for name, weights in ctx.weights.items():
            if weights and weights[0].requires_grad:
                flat = _flat(weights)
                mean = ctx.memory.get(_mean(name))
                if mean is None:
                    mean = self._begin(ctx, name, flat)
                distance = distance + (flat - mean).square().sum()
        return ctx.options.historical_averaging * distance  # lambda |theta - 1/t sum_i theta[i]|^2

    @staticmethod
    def _begin(ctx: Context, name: str, flat: Tensor) -> Tensor:
        ctx.memory[_count(name)] = torch.ones((), device=ctx.device)
        ctx.memory[_mean(name)] = flat.detach().clone()
        return ctx.memory[_mean(name)]

    @torch.no_grad()
    def after_step(self, ctx: Context, networks: Sequence[str]) -> None:
        for name in networks:
            if _mean(name) in ctx.memory:
                mean, count = ctx.memory[_mean(name)], ctx.memory[_count(name)].add_(1)
                mean.add_((_flat(ctx.weights[name]) - mean) / count)


def _flat(weights: Iterable[Tensor]) -> Tensor:
    return torch.cat([weight.flatten() for weight in weights])  # (P,)


def _mean(network: str) -> str:
    return f"historical_mean_{network}"


def _count(network: str) -> str:
    return f"historical_count_{network}"


class WeightAveraging(Stabiliser):
    """Decays as TensorFlow's average does while it is young: a constant decay of 0.999 would still hold 82 %
    of the untrained weights after 199 steps, and this one holds next to none.
    """

    title = "Moving average of G"
    sentence = (
        "Samples are drawn with a moving average of G's weights, which circles less than G itself (Yazıcı "
        "et al. 2019)."
    )
    switch = "ema"
    on = 0.999

    class Options(Options):
        ema: float = knob(
            0.0,
            "EMA decay",
            "Share of the old average kept at each step, such as 0.999; at first less: at most (1 + t) / "
            "(10 + t) after t steps. 0 is off.",
            ge=0,
            le=0.99999,
            group=GROUP,
        )

    @torch.no_grad()
    def after_step(self, ctx: Context, networks: Sequence[str]) -> None:
        decay = min(ctx.options.ema, (1 + ctx.step) / (1 + YOUNG + ctx.step))
        for name in networks:
            if name not in ctx.averages:
                continue
            average, newest = ctx.averages[name], ctx.networks[name]
            for kept, weight in zip(average.parameters(), ctx.weights[name], strict=True):
                kept.lerp_(weight, 1 - decay)
            if name in ctx.observers:
                if ctx.step % OBSERVED_EVERY == 0:
                    ctx.recipe.observe(ctx, name, average)
                continue
            for kept, buffer in zip(average.buffers(), newest.buffers(), strict=True):
                kept.copy_(buffer)


def observes_itself(average: nn.Module) -> bool:
    """Prepare an average of a network to gather the means and variances of batch norm from what it makes
    itself; whether it can.

    Those of the newest weights belong to other activations: with them the samples of an average of G are far
    worse. Dropout would draw noise for it that nobody else draws.
    """
    norms = [part for part in average.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    if not norms or any(isinstance(part, nn.Dropout) for part in average.modules()):
        return False
    for norm in norms:
        norm.momentum = OBSERVED_SHARE
    return True
