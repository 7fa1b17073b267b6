"""The pool of earlier samples that a discriminator sees again."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.game.context import Context


def pooled(ctx: Context, name: str, fresh: Tensor, size: int) -> Tensor:
    """(N, C, H, W): each of ``fresh``, or with a chance of one half an earlier sample whose place it takes
    (Shrivastava et al. 2017, section 2.3, as in CycleGAN's code).

    The pool holds ``size`` samples, is part of ``ctx.memory`` under ``name``, and fills up before it gives.
    """
    if not size:
        return fresh
    shown = []
    pool = ctx.memory.get(name, fresh[:0])
    for one, chance, place in zip(fresh, ctx.uniform(len(fresh)), ctx.uniform(len(fresh)), strict=True):
        if len(pool) < size:
            pool = torch.cat([pool, one[None]])
            shown.append(one)
        elif chance < 0.5:
            kept = int(place * size)
            shown.append(pool[kept].clone())
            pool[kept] = one
        else:
            shown.append(one)
    ctx.memory[name] = pool
    return torch.stack(shown)
