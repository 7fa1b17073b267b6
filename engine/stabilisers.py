"""Tricks that keep the game playable: one table of small pieces, each hooking in where it must.

A stabiliser may change networks when they are built, what D is shown, D's target for real data, D's loss (a
penalty), or weights after a step. It is on when its switch is not zero. ``real`` and ``fake`` are (N, 2) or
(N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from engine.options import BadInput, Options, knob

if TYPE_CHECKING:
    from engine.context import Context, Judge
    from engine.gans.base import Recipe, Shape

GROUP = "stabilisers"


class Stabiliser:
    """Base: every hook does nothing. ``switch`` names the option that turns it on, ``on`` such a value."""

    title: ClassVar[str]
    sentence: ClassVar[str]
    switch: ClassVar[str]
    on: ClassVar[Any]
    on_points: ClassVar[Any] = None  # another value for 2-D data, where it needs one
    is_lazy: ClassVar[bool] = False  # a costly penalty, that may be asked for only every few steps
    Options: ClassVar[type[Options]]

    def is_on(self, options: Any) -> bool:
        return bool(getattr(options, self.switch))

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        """Raise ``BadInput`` if it makes no sense with the other options, the GAN or the data. Only called
        when it is on.
        """

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        """Change fresh networks in place, or put others into ``networks``."""

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        """What D is shown instead of ``x``."""
        return x

    def target(self, options: Any) -> float:
        """D's target for real data."""
        return 1.0

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor | None:
        """A scalar added to D's loss. ``judge`` gives D's logits (N,) for samples like ``real``."""
        return None

    def answer(self, ctx: Context, fake: Tensor) -> Tensor | None:
        """A scalar added to G's loss, through the generated batch or G's weights."""
        return None

    def replaces_objective(self, options: Any) -> bool:
        """Whether ``answer`` stands instead of the objective's loss of G."""
        return False

    def after_step(self, ctx: Context, networks: Iterable[str]) -> None:
        """Called after ``networks`` have been stepped."""


def _refuse_batch_norm(options: Any, field: str) -> None:
    if getattr(options, "discriminator_norm", "none") == "batch":
        raise BadInput(
            "a gradient penalty asks how D answers each sample alone, and batch norm mixes the samples "
            "of a batch.",
            field,
            "Set discriminator_norm to layer or none.",
        )


def _input_gradient_norms(logits: Tensor, x: Tensor) -> Tensor:
    """Squared norm of d logits_i / d x_i for each sample, (N,), differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1)  # (N,)


class WeightClipping(Stabiliser):
    title = "Weight clipping"
    sentence = "Clamps D's weights after each step, the first WGAN's crude way to bound its slope."
    switch = "weight_clip"
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
        for other in ("gradient_penalty", "r1"):
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
    def after_step(self, ctx: Context, networks: Iterable[str]) -> None:
        if "discriminator" in networks:
            for weight in ctx.weights["discriminator"]:
                weight.clamp_(-ctx.options.weight_clip, ctx.options.weight_clip)


class GradientPenalty(Stabiliser):
    title = "Gradient penalty"
    is_lazy = True
    sentence = (
        "Pulls the slope of D between real and fake samples to 1 (Gulrajani et al. 2017): no "
        "clipping, no saturation."
    )
    switch = "gradient_penalty"
    on = 10.0
    on_points = 0.1  # with the paper's 10 a 2-D critic finds one to three modes of eight

    class Options(Options):
        gradient_penalty: float = knob(
            0.0,
            "Gradient penalty",
            "Weight of the WGAN-GP penalty; the paper uses 10 for pictures, 2-D data want about 0.1. 0 "
            "is off.",
            ge=0,
            le=100,
            step=0.1,
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        _refuse_batch_norm(options, "gradient_penalty")

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        share = ctx.uniform(len(real)).view(-1, *[1] * (real.dim() - 1))
        between = torch.lerp(real, fake, share).requires_grad_()
        slope = _input_gradient_norms(judge(between), between).add(1e-12).sqrt()
        return ctx.options.gradient_penalty * (slope - 1).square().mean()  # lambda E(|grad D| - 1)^2


class R1(Stabiliser):
    title = "R1"
    is_lazy = True
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

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        _refuse_batch_norm(options, "r1")

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor:
        real = real.detach().requires_grad_()
        return (
            ctx.options.r1 / 2 * _input_gradient_norms(judge(real), real).mean()
        )  # gamma/2 E|grad D(x)|^2


class SpectralNorm(Stabiliser):
    title = "Spectral norm"
    sentence = (
        "Divides each weight matrix of D by its largest singular value (Miyato et al. 2018), so "
        "that D is about 1-Lipschitz."
    )
    switch = "spectral_norm"
    on = True

    class Options(Options):
        spectral_norm: bool = knob(
            False, "Spectral norm", "Normalise every layer of D by its spectral norm.", group=GROUP
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        if getattr(options, "discriminator_norm", "none") == "batch":
            raise BadInput(
                "batch norm in D rescales what spectral norm has just bounded.",
                "spectral_norm",
                "Set discriminator_norm to none.",
            )

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        for module in list(networks["discriminator"].modules()):
            if isinstance(module, nn.Linear | nn.Conv2d):
                spectral_norm(module)


class LabelSmoothing(Stabiliser):
    title = "One-sided label smoothing"
    sentence = (
        "D's target for real data is a little below 1 (Salimans et al. 2016), which keeps it from "
        "growing too sure."
    )
    switch = "label_smoothing"
    on = 0.1

    class Options(Options):
        label_smoothing: float = knob(
            0.0,
            "Label smoothing",
            "Real data get the target 1 minus this; 0 is off.",
            ge=0,
            le=0.45,
            step=0.05,
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        from engine.objectives import OBJECTIVES

        objective = OBJECTIVES[options.objective]
        if not objective.smoothing:
            raise BadInput(
                f"the {objective.title.lower()} objective has no targets to smooth.",
                "label_smoothing",
                "Set label_smoothing to 0, or choose the non-saturating, minimax or least-squares objective.",
            )

    def target(self, options: Any) -> float:
        return 1.0 - options.label_smoothing


class InstanceNoise(Stabiliser):
    title = "Instance noise"
    sentence = (
        "Noise on everything that D sees, annealed to nothing: it makes thin supports overlap "
        "(Sønderby et al. 2017)."
    )
    switch = "instance_noise"
    on = 0.3

    class Options(Options):
        instance_noise: float = knob(
            0.0,
            "Instance noise",
            "Standard deviation at the start, in data units; 0 is off.",
            ge=0,
            le=10,
            step=0.05,
            live=True,
            group=GROUP,
        )
        instance_noise_steps: int = knob(
            2000,
            "Annealed over",
            "Steps until the noise has fallen to 0, in a straight line.",
            ge=1,
            le=10_000_000,
            live=True,
            group=GROUP,
        )

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        remaining = 1 - ctx.step / ctx.options.instance_noise_steps
        return x + ctx.options.instance_noise * remaining * ctx.normal_like(x) if remaining > 0 else x


class WeightAveraging(Stabiliser):
    title = "Average of G"
    sentence = (
        "Samples are shown from a running average of G's weights, which circles less than G "
        "itself (Yazıcı et al. 2019)."
    )
    switch = "ema"
    on = 0.999

    class Options(Options):
        ema: float = knob(
            0.0,
            "EMA decay",
            "Share of the old average kept at each step, such as 0.999; 0 is off.",
            ge=0,
            le=0.99999,
            group=GROUP,
        )

    @torch.no_grad()
    def after_step(self, ctx: Context, networks: Iterable[str]) -> None:
        for name in networks:
            if name not in ctx.averages:
                continue
            average, newest = ctx.averages[name], ctx.networks[name]
            for kept, weight in zip(average.parameters(), ctx.weights[name], strict=True):
                kept.lerp_(weight, 1 - ctx.options.ema)
            for kept, buffer in zip(average.buffers(), newest.buffers(), strict=True):
                kept.copy_(buffer)


STABILISERS: dict[str, Stabiliser] = {
    "weight_clipping": WeightClipping(),
    "gradient_penalty": GradientPenalty(),
    "r1": R1(),
    "spectral_norm": SpectralNorm(),
    "label_smoothing": LabelSmoothing(),
    "instance_noise": InstanceNoise(),
    "weight_averaging": WeightAveraging(),
}
