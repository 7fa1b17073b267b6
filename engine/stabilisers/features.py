"""What looks at batches rather than at samples, through D's features (Salimans et al. 2016)."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from engine.game.context import Context
from engine.game.featured import Featured
from engine.game.recipe import Recipe, Shape
from engine.objectives import Objective
from engine.options import BadInput, Options, knob
from engine.stabilisers.base import GROUP, Stabiliser, refuse_without_features

KERNEL_SIZE = 5  # numbers that a kernel makes of a sample, C in the paper
REMEMBERED = 0.1  # share of the newest batch in the closeness that a sample alone is judged with


class MinibatchDiscrimination(Stabiliser):
    title = "Minibatch discrimination"
    sentence = (
        "D sees how close each sample is to the others of its batch (Salimans et al. 2016), so that "
        "samples that are all alike give G away."
    )
    switch = "minibatch_discrimination"
    needs = "discriminator"
    on = 16
    on_points = 8

    class Options(Options):
        minibatch_discrimination: int = knob(
            0,
            "Minibatch kernels",
            "In how many ways samples of a batch are compared; 0 is off.",
            ge=0,
            le=256,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        refuse_without_features(recipe, "minibatch_discrimination")
        if options.spectral_norm:
            raise BadInput(
                "spectral norm bounds how D answers a sample, and minibatch discrimination has it answer "
                "batches.",
                "minibatch_discrimination",
                "Set minibatch_discrimination to 0 or spectral_norm to false.",
            )

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        discriminator = networks["discriminator"]
        if isinstance(discriminator.head, MinibatchHead):
            return
        assert isinstance(discriminator.head, nn.Linear)  # has_features
        discriminator.head = MinibatchHead(discriminator.head, recipe.options.minibatch_discrimination)


class MinibatchHead(nn.Module):
    """D's last layer, on features and on how close each sample is to the others: (N, F) to (N, outputs).

    A sample alone, in eval mode, is judged as if it stood among the batches of late.
    """

    mixes_batch = True

    def __init__(self, head: nn.Linear, kernels: int) -> None:
        super().__init__()
        features = head.in_features
        self.kernels = nn.Linear(features, kernels * KERNEL_SIZE, bias=False)  # the paper's tensor T
        nn.init.normal_(self.kernels.weight, 0.0, features**-0.5)
        self.linear = nn.Linear(features + kernels, head.out_features)
        with torch.no_grad():  # what the head was, beside the new inputs
            self.linear.weight[:, :features] = head.weight
            self.linear.bias.copy_(head.bias)
        self.usual: Tensor
        self.register_buffer("usual", torch.zeros(kernels))

    def closeness(self, features: Tensor) -> Tensor:
        """o(x_i)_b = mean over the others j of exp(-|M_ib - M_jb|_1): (N, B), 1 where all are the same.

        The paper has the sum, which would grow with the batch.
        """
        n = len(features)
        seen = self.kernels(features).view(n, -1, KERNEL_SIZE).transpose(0, 1)  # (B, N, C)
        apart = torch.cdist(seen, seen.detach(), p=1.0)  # (B, N, N)
        # a distance depends on both samples: the other one's share of the slope is that of its mirror image
        apart = apart + (apart.mT - apart.mT.detach())
        return (torch.exp(-apart).sum(2).T - 1) / max(1, n - 1)  # (N, B)

    def forward(self, features: Tensor) -> Tensor:
        if self.training:
            close = self.closeness(features)
            with torch.no_grad():
                self.usual.lerp_(close.mean(0), REMEMBERED)
        else:
            close = self.usual.expand(len(features), -1)
        return self.linear(torch.cat([features, close], 1))


class FeatureMatching(Stabiliser):
    title = "Feature matching"
    sentence = (
        "G matches the mean of D's features on real data (Salimans et al. 2016) instead of chasing "
        "D's verdict."
    )
    switch = "feature_matching"
    needs = "game"
    on = 1.0

    class Options(Options):
        feature_matching: float = knob(
            0.0,
            "Feature matching",
            "Weight of the squared distance between mean features; 0 is off.",
            ge=0,
            le=1000,
            step=0.1,
            live=True,
            group=GROUP,
        )
        feature_matching_alone: bool = knob(
            True,
            "Instead of the objective",
            "G only matches features, as in the paper, or does so beside its objective.",
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        refuse_without_features(recipe, "feature_matching")

    def generator_term(self, ctx: Context, fake: Tensor) -> Tensor:
        features = cast(Featured, ctx.networks["discriminator"]).features
        real_mean = features(ctx.shown(ctx.real())).mean(0)  # (F,)
        fake_mean = features(ctx.shown(fake)).mean(0)  # (F,)
        distance = (real_mean - fake_mean).square().sum()
        return ctx.options.feature_matching * distance  # lambda |E f(x) - E f(G(z))|^2

    def replaces_objective(self, options: Any) -> bool:
        return options.feature_matching_alone

    def equilibrium(self, options: Any, objective: Objective, values: dict[str, float]) -> dict[str, float]:
        return {**values, "g_loss": 0.0} if self.replaces_objective(options) else values
