"""Which weights step together, by whose options, and the optimizers that step them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from engine.game.context import Context
from engine.game.phases import network_of
from engine.game.recipe import Recipe, Stage


def stepped_together(stages: Sequence[Stage], ctx: Context) -> dict[str, list[nn.Parameter]]:
    """The weights that only ever step together, by the networks and parts that hold them: a network's
    name where it is alone in holding all of its own, "a+b" for what two networks share.
    """
    named = [name for stage in stages for phase in stage.phases for name in phase.networks]
    parts = [name for name in dict.fromkeys(named) if name not in ctx.networks and _is_there(name, ctx)]
    holders: dict[nn.Parameter, list[str]] = {}
    for name in (*ctx.networks, *parts):
        for weight in ctx.weights_of(name):
            holders.setdefault(weight, []).append(name)
    groups: dict[str, list[nn.Parameter]] = {}
    for weight, names in holders.items():
        narrow = [one for one in names if not any(other.startswith(f"{one}.") for other in names)]
        groups.setdefault("+".join(narrow), []).append(weight)
    return groups


def _is_there(part: str, ctx: Context) -> bool:
    """Whether a network has the part by now: a later stage may be what builds it."""
    network, _, path = part.partition(".")
    return network in ctx.networks and any(path == name for name, _ in ctx.networks[network].named_modules())


def player(recipe: Recipe, held_by: str) -> str:
    """By whose options weights learn that these networks and parts hold, such as "a.trunk+b":
    ``discriminator`` or ``generator``.
    """
    holders = [(name, network_of(name)) for name in held_by.split("+")]
    learns = any(one in recipe.discriminators for pair in holders for one in pair)
    return "discriminator" if learns else "generator"


def renew(
    optimizers: dict[str, torch.optim.Optimizer],
    groups: dict[str, list[nn.Parameter]],
    recipe: Recipe,
    options: Any,
    device: torch.device,
) -> None:
    """Put one optimizer a group in the place of those there are. Moments of weights that remain go on."""
    moments = {
        weight: state for optimizer in optimizers.values() for weight, state in optimizer.state.items()
    }
    optimizers.clear()
    for name, weights in groups.items():
        optimizers[name] = _optimizer(player(recipe, name), weights, options, device)
        optimizers[name].state.update({weight: moments[weight] for weight in weights if weight in moments})


def _optimizer(
    player: str, weights: list[nn.Parameter], options: Any, device: torch.device
) -> torch.optim.Optimizer:
    lr, beta1, beta2, kind = (
        getattr(options, f"{player}_{what}") for what in ("lr", "beta1", "beta2", "optimizer")
    )
    shared: dict[str, Any] = {"lr": lr, "weight_decay": getattr(options, "weight_decay", 0.0)}
    if kind == "adam":
        return torch.optim.Adam(weights, betas=(beta1, beta2), fused=device.type != "mps", **shared)
    if kind == "rmsprop":
        return torch.optim.RMSprop(weights, alpha=beta2, foreach=True, **shared)
    return torch.optim.SGD(weights, momentum=beta1, fused=device.type != "mps", **shared)
