"""What bounds D's slope: penalties on its gradient, and limits on its weights.

``real`` and ``fake`` are (N, 2) or (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from engine.game.context import Context, Judge
from engine.game.recipe import Recipe, Shape
from engine.objectives import Objective
from engine.options import BadInput, Options, knob
from engine.stabilisers.base import GROUP, Stabiliser, has_batch_norm, refuse_mixed_batches

PENALTIES = ("gradient_penalty", "dragan", "r1", "r2")  # by their switches
REACH = 0.5  # how far DRAGAN looks around real data, in standard deviations of the batch


def squared_slopes(logits: Tensor, x: Tensor) -> Tensor:
    """Squared norm of d logits_i / d x_i for each sample, (N,), differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1)  # (N,)


def off_one(logits: Tensor, x: Tensor) -> Tensor:
    """How far D's slopes at ``x`` are from 1: the mean of (|d logits_i / d x_i| - 1)², a scalar."""
    return (squared_slopes(logits, x).add(1e-12).sqrt() - 1).square().mean()


def without_constant_d(objective: Objective, values: dict[str, float]) -> dict[str, float]:
    """The ``values`` at equilibrium where D is held at a slope of 1: it cannot be the constant that is best
    at p = q. Only a loss that compares means, as a critic's, comes to the same with any D.
    """
    return values if objective.needs_lipschitz else {}


class WeightClipping(Stabiliser):
    title = "Weight clipping"
    sentence = "Clamps D's weights, at the start and after each step: WGAN's crude way to bound its slope."
    switch = "weight_clip"
    needs = "discriminator"
    on = 0.1

    class Options(Options):
        weight_clip: float = knob(
            0.0,
            "Weight clip",
            "Every weight of D is clamped to ± this; 0 is off.",
            ge=0,
            le=10,
            step=0.01,
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        for other in PENALTIES:
            if getattr(options, other):
                raise BadInput(
                    f"clipping and {other} both bound D's slope and work against each other.",
                    "weight_clip",
                    f"Set weight_clip or {other} to 0.",
                )
        if options.spectral_norm:
            raise BadInput(
                "spectral norm divides D's weights by their own size, so clipping them does nothing.",
                "weight_clip",
                "Set weight_clip to 0 or spectral_norm to false.",
            )

    @torch.no_grad()
    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        """The authors' code clips before D's first step, too (``main.py``)."""
        for name in recipe.judges:
            _clip(networks[name].parameters(), recipe.options.weight_clip)

    @torch.no_grad()
    def after_step(self, ctx: Context, networks: Sequence[str]) -> None:
        for name in ctx.recipe.judges:
            _clip(ctx.weights[name] if name in networks else (), ctx.options.weight_clip)


def _clip(weights: Iterable[Tensor], bound: float) -> None:
    for weight in weights:
        weight.clamp_(-bound, bound)


class SlopePenalty(Stabiliser):
    """A penalty on D's gradient at each sample alone, ``switch`` being its weight."""

    needs = "game"
    is_lazy = True

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        refuse_mixed_batches(options, data, self.switch)

    def weight(self, ctx: Context) -> float:
        return getattr(ctx.options, self.switch)


class GradientPenalty(SlopePenalty):
    title = "Gradient penalty"
    sentence = (
        "Pulls the slope of D between real and generated samples to 1 (Gulrajani et al. 2017): no "
        "clipping, no saturation."
    )
    switch = "gradient_penalty"
    on = 10.0
    on_points = 0.1  # with the paper's 10 a 2-D critic finds one to three modes of eight

    class Options(Options):
        gradient_penalty: float = knob(
            0.0,
            "Gradient penalty",
            "Weight of the WGAN-GP penalty; the paper uses 10 for pictures, 2-D data need about 0.1. 0 "
            "is off.",
            ge=0,
            le=100,
            step=0.1,
            live=True,
            group=GROUP,
        )

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        share = ctx.uniform(len(real)).view(-1, *[1] * (real.dim() - 1))
        between = torch.lerp(real, fake, share).requires_grad_()
        return self.weight(ctx) * off_one(judge(between), between)  # lambda E(|grad D| - 1)^2

    def equilibrium(self, options: Any, objective: Objective, values: dict[str, float]) -> dict[str, float]:
        return without_constant_d(objective, values)


class DRAGAN(SlopePenalty):
    title = "DRAGAN"
    sentence = (
        "Pulls the slope of D around real data to 1 (Kodali et al. 2017): no cliffs there, where "
        "modes collapse."
    )
    switch = "dragan"
    on = 10.0
    on_points = 0.1

    class Options(Options):
        dragan: float = knob(
            0.0,
            "DRAGAN",
            "Weight of the penalty on D's slope near real data; the paper uses 10 for pictures. 0 is off.",
            ge=0,
            le=100,
            step=0.1,
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        super().check(options, recipe, data)
        if options.r1:
            raise BadInput(
                "DRAGAN pulls D's slope at real data to 1, R1 pulls it to 0.",
                "dragan",
                "Set dragan or r1 to 0.",
            )

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        near = torch.addcmul(real, ctx.normal_like(real), REACH * real.std()).requires_grad_()
        return self.weight(ctx) * off_one(judge(near), near)  # lambda E(|grad D(x + delta)| - 1)^2

    def equilibrium(self, options: Any, objective: Objective, values: dict[str, float]) -> dict[str, float]:
        return without_constant_d(objective, values)


class R1(SlopePenalty):
    title = "R1"
    sentence = (
        "Flattens D at real data (Mescheder et al. 2018), so that it cannot keep pushing once the "
        "samples are right."
    )
    switch = "r1"
    on = 1.0

    class Options(Options):
        r1: float = knob(
            0.0,
            "R1",
            "Weight gamma of the penalty gamma/2 E|grad D(x)|²; 0 is off.",
            ge=0,
            le=1000,
            step=0.1,
            live=True,
            group=GROUP,
        )

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        real = real.detach().requires_grad_()
        return self.weight(ctx) / 2 * squared_slopes(judge(real), real).mean()  # gamma/2 E|grad D(x)|^2


class R2(SlopePenalty):
    title = "R2"
    sentence = (
        "Flattens D at generated samples, as R1 does at real ones: R3GAN (Huang et al. 2024) needs both."
    )
    switch = "r2"
    judges_fake = True
    on = 1.0

    class Options(Options):
        r2: float = knob(
            0.0,
            "R2",
            "Weight gamma of the penalty gamma/2 E|grad D(G(z))|²; 0 is off.",
            ge=0,
            le=1000,
            step=0.1,
            live=True,
            group=GROUP,
        )

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        # a view: where D is unrolled, its weights depend on the samples too, and that is none of its slope
        fake = fake.view_as(fake).requires_grad_()
        return self.weight(ctx) / 2 * squared_slopes(judge(fake), fake).mean()  # gamma/2 E|grad D(G(z))|^2


class SpectralNorm(Stabiliser):
    """A kernel is normalised as a matrix, as in the paper: that bounds a convolution's own norm, as a map of
    pictures, not by 1 but by how often its windows overlap, ``overlap``.
    """

    title = "Spectral norm"
    sentence = (
        "Divides each weight matrix of D by its largest singular value (Miyato et al. 2018): a fully "
        "connected D has a slope of 1 at most, and mostly less; a convolution, whose kernel is taken for a "
        "matrix, of up to 2 "
        "a layer (4x4 at stride 2)."
    )
    switch = "spectral_norm"
    needs = "discriminator"
    on = True

    class Options(Options):
        spectral_norm: bool = knob(
            False, "Spectral norm", "Normalise every layer of D by its spectral norm.", group=GROUP
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        if has_batch_norm(options, data):
            raise BadInput(
                "batch norm in D rescales what spectral norm has just bounded.",
                "spectral_norm",
                "Set discriminator_norm to none.",
            )

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        for module in [module for name in recipe.judges for module in networks[name].modules()]:
            if isinstance(module, nn.Linear | nn.Conv2d) and not is_parametrized(module):
                spectral_norm(module)


def overlap(kernel: int, stride: int) -> int:
    """The most by which a convolution of ``kernel`` x ``kernel`` pixels can stretch a picture, if its kernel
    as a matrix (out, in * kernel²) has a spectral norm of 1: each pixel is in at most its square of windows.
    """
    return -(-kernel // stride)
