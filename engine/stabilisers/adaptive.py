"""Adaptive discriminator augmentation: as much as D's growing too sure of few pictures asks for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.game.context import Context, Judge
from engine.game.recipe import Recipe, Shape
from engine.objectives import OBJECTIVES
from engine.options import BadInput, Options, knob
from engine.stabilisers.base import GROUP, Stabiliser
from engine.stabilisers.inputs import recoloured, shifted

EVERY = 4  # steps between two looks at D
SHIFT = 0.125  # of a picture's side, at most
STRENGTH = "adaptive_augment_p"  # in the memory of a run, so that it is resumed


class AdaptiveAugment(Stabiliser):
    """Karras et al. 2020, *Training Generative Adversarial Networks with Limited Data*: each change is made
    with probability p, to real and generated pictures alike; p rises while r_t = E[sign(D(real))] is above
    its target, and falls while it is below. D's sign is that of its logit beyond the objective's threshold.

    Of the paper's changes these are made: mirrors, quarter turns, shifts by whole pixels, and colours; not
    its scaling, rotations between quarters, filters, noise and cutout. While p stays below about 0.8, none
    of them leaks into the samples.
    """

    title = "Adaptive augmentation (ADA)"
    sentence = (
        "D only sees pictures flipped, rotated, shifted and recoloured with a probability that rises while "
        "D overfits (Karras et al. 2020): a few hundred pictures can do."
    )
    switch = "adaptive_augment"
    needs = "discriminator"
    on = True

    class Options(Options):
        adaptive_augment: bool = knob(
            False,
            "Adaptive augmentation",
            "Augment what D sees, more strongly the more D overfits.",
            group=GROUP,
        )
        augment_target: float = knob(
            0.6, "Target of r", "E[sign(D(real))] that the strength is adjusted to; 0.6 in the paper.",
            ge=0, le=1, step=0.05, live=True, group=GROUP,
        )  # fmt: skip
        augment_images: int = knob(
            500_000, "Pictures to full strength", "Real pictures within which p can rise from 0 to 1.",
            ge=1000, le=10**9, scale="log", live=True, group=GROUP,
        )  # fmt: skip

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        if data.kind != "images" or not recipe.has_features:
            raise BadInput(
                "only pictures can be augmented, where D judges them alone.",
                "adaptive_augment",
                "Switch adaptive_augment off; instance_noise works on anything.",
            )
        if OBJECTIVES[options.objective].threshold is None:
            raise BadInput(
                "the sign of this objective's D means nothing, and it is what ADA goes by.",
                "adaptive_augment",
                "Choose another objective, such as non_saturating, or diff_augment.",
            )
        if options.diff_augment:
            raise BadInput("pictures are augmented once.", "adaptive_augment", "Switch diff_augment off.")

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        return augmented(x, _strength(ctx), ctx)

    @torch.no_grad()
    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> None:
        """Nothing is added to the loss: D is looked at, and p led by what it says."""
        if ctx.step % EVERY:
            return
        threshold = ctx.objective.undecided(ctx.real_target)
        assert threshold is not None, "refused before"
        sure = (judge(ctx.shown(real)) - threshold).sign().mean()  # r_t
        step = EVERY * len(real) / ctx.options.augment_images
        _strength(ctx).add_((sure - ctx.options.augment_target).sign() * step).clamp_(0, 1)

    def recorded(self, ctx: Context) -> dict[str, Tensor]:
        """p as it is after this look."""
        return {"augment_p": _strength(ctx).clone()}


def _strength(ctx: Context) -> Tensor:
    """p, a scalar in [0, 1] that begins at 0."""
    if STRENGTH not in ctx.memory:
        ctx.memory[STRENGTH] = torch.zeros((), device=ctx.device)
    return ctx.memory[STRENGTH]


def augmented(x: Tensor, p: Tensor, ctx: Context) -> Tensor:
    """Pictures (N, C, H, W), each change made to each with probability ``p``."""
    n = len(x)

    def some(changed: Tensor) -> Tensor:
        return torch.where((ctx.uniform(n) < p)[:, None, None, None], changed, x)

    def drawn(k: int) -> Tensor:
        return (ctx.uniform(n) * k).long()[:, None, None, None]  # which of k

    x = some(torch.where(drawn(2) == 1, x.flip(3), x))
    if x.shape[2] == x.shape[3]:
        turns, which = [x, x.rot90(1, (2, 3)), x.rot90(2, (2, 3)), x.rot90(3, (2, 3))], drawn(4)
        turned = sum((which == number) * turn for number, turn in enumerate(turns))
        x = some(turned)  # type: ignore[arg-type]
    x = some(shifted(x, SHIFT, ctx.uniform(n), ctx.uniform(n)))
    return some(recoloured(x, *(ctx.uniform(n) for _ in range(3))))
