"""What changes D's view: noise and augmentation on everything that it is shown, and softer targets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.game.context import Context
from engine.game.recipe import Recipe, Shape
from engine.objectives import OBJECTIVES, Objective
from engine.options import BadInput, Options, knob
from engine.stabilisers.base import GROUP, Stabiliser


class LabelSmoothing(Stabiliser):
    title = "One-sided label smoothing"
    sentence = (
        "D's target for real data is a little below 1 (Salimans et al. 2016), which keeps it from "
        "growing too sure."
    )
    switch = "label_smoothing"
    needs = "game"
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
        objective = OBJECTIVES[options.objective]
        if not objective.smoothing:
            raise BadInput(
                f"the {objective.title.lower()} objective has no targets to smooth.",
                "label_smoothing",
                "Set label_smoothing to 0, or choose the non-saturating, minimax or least-squares objective.",
            )

    def target(self, options: Any) -> float:
        return 1.0 - options.label_smoothing

    def equilibrium(self, options: Any, objective: Objective, values: dict[str, float]) -> dict[str, float]:
        return objective.smoothing(self.target(options)) if objective.smoothing and values else values


class InstanceNoise(Stabiliser):
    title = "Instance noise"
    sentence = (
        "Noise on everything that D sees, annealed to zero: it makes thin supports overlap (Sønderby et "
        "al. 2017)."
    )
    switch = "instance_noise"
    needs = "discriminator"
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
            "Annealing steps",
            "Steps until the noise has fallen to 0, in a straight line.",
            ge=1,
            le=10_000_000,
            live=True,
            group=GROUP,
        )

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        remaining = 1 - ctx.step / ctx.options.instance_noise_steps
        return x + ctx.options.instance_noise * remaining * ctx.normal_like(x) if remaining > 0 else x


class DiffAugment(Stabiliser):
    title = "DiffAugment"
    sentence = (
        "D only sees pictures whose colours and position are changed at random and a patch cut out, real "
        "and generated alike (Zhao et al. 2020): few data go further."
    )
    switch = "diff_augment"
    needs = "discriminator"
    on = True

    class Options(Options):
        diff_augment: bool = knob(
            False, "DiffAugment", "Augment every picture that D sees, differentiably, for G's gradient.",
            live=True, group=GROUP,
        )  # fmt: skip
        augment_colour: bool = knob(
            True, "Colour", "Brightness, saturation and contrast.", live=True, group=GROUP
        )
        augment_shift: float = knob(
            0.125,
            "Shift",
            "The largest shift, as a share of the picture's side; 0 is off.",
            ge=0,
            le=0.5,
            step=0.025,
            live=True,
            group=GROUP,
        )
        augment_cutout: float = knob(
            0.5,
            "Cutout",
            "Side of the square that is greyed out, as a share of the picture's; 0 is off.",
            ge=0,
            le=0.9,
            step=0.05,
            live=True,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        if data.kind != "images" or not recipe.has_features:
            raise BadInput(
                "only pictures can be augmented, where D judges them alone.",
                "diff_augment",
                "Switch diff_augment off; instance_noise works on anything.",
            )
        if not (options.augment_colour or options.augment_shift or options.augment_cutout):
            raise BadInput(
                "DiffAugment without colour, shift and cutout changes nothing.",
                "diff_augment",
                "Switch one of the three on, or diff_augment off.",
            )

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        options = ctx.options
        if options.augment_colour:
            x = recoloured(x, *(ctx.uniform(len(x)) for _ in range(3)))
        if options.augment_shift:
            x = shifted(x, options.augment_shift, ctx.uniform(len(x)), ctx.uniform(len(x)))
        if options.augment_cutout:
            x = cut_out(x, options.augment_cutout, ctx.uniform(len(x)), ctx.uniform(len(x)))
        return x


def recoloured(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Pictures (N, C, H, W) with brightness moved by up to ±0.5, saturation times 0 to 2, contrast times 0.5
    to 1.5; each of the three is drawn from U(0, 1), (N,).
    """
    brightness, saturation, contrast = (
        draw[:, None, None, None] for draw in (brightness, saturation, contrast)
    )
    x = x + (brightness - 0.5)
    grey = x.mean(1, keepdim=True)  # (N, 1, H, W)
    x = grey + (x - grey) * 2 * saturation
    mean = x.mean((1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    return mean + (x - mean) * (contrast + 0.5)


def shifted(x: Tensor, share: float, across: Tensor, down: Tensor) -> Tensor:
    """Pictures (N, C, H, W), each moved by whole pixels, up to ``share`` of its side each way; what comes in
    is 0. ``across`` and ``down`` are drawn from U(0, 1), (N,).
    """
    n, _, height, width = x.shape

    def places(side: int, draw: Tensor) -> Tensor:
        reach = int(side * share + 0.5)
        offset = (draw * (2 * reach + 1)).long() - reach  # -reach .. reach
        return (torch.arange(side, device=x.device) + 1 + offset[:, None]).clamp(0, side + 1)  # (N, side)

    framed = torch.nn.functional.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)  # (N, H + 2, W + 2, C)
    which = torch.arange(n, device=x.device)[:, None, None]
    moved = framed[which, places(height, down)[:, :, None], places(width, across)[:, None]]  # (N, H, W, C)
    return moved.permute(0, 3, 1, 2)  # (N, C, H, W)


def cut_out(x: Tensor, share: float, across: Tensor, down: Tensor) -> Tensor:
    """Pictures (N, C, H, W), each with a square of ``share`` of its side set to 0; its middle lies anywhere
    in the picture. ``across`` and ``down`` are drawn from U(0, 1), (N,).
    """

    def inside(side: int, draw: Tensor) -> Tensor:
        size = int(side * share + 0.5)
        first = (draw * (side + 1 - size % 2)).long() - size // 2
        place = torch.arange(side, device=x.device) - first[:, None]
        return (place >= 0) & (place < size)  # (N, side)

    square = inside(x.shape[2], down)[:, :, None] & inside(x.shape[3], across)[:, None]  # (N, H, W)
    return x * (~square[:, None])
