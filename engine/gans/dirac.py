"""Dirac-GAN: the smallest GAN there is. G is one point theta, D one slope psi, the data one point at 0.

Mescheder, Geiger & Nowozin, *Which Training Methods for GANs do actually Converge?* (2018), section 2. D's
logit is psi x, so D raises psi when G's point stands to its left and lowers it when it stands to its right,
and G walks up D's slope. The equilibrium is theta = psi = 0. Steps taken at once spiral outwards, steps
taken in turn circle for ever, and a penalty on D's slope at real data (R1) makes both fall inwards.

What to look for: in the chart of the two players, theta follows psi by a quarter of a turn. It starts on the
first axis and stays there. Noise z goes in and changes nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.game.context import Context, Statistics
from engine.game.recipe import TwoPlayers
from engine.options import Options, knob


def _at(first: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor([first, 0.0]))


class OnePoint(nn.Module):
    """Latents (N, latent_dim) to N times the point theta, (N, 2)."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.theta = _at(start)

    def forward(self, z: Tensor) -> Tensor:
        return z.new_zeros(len(z), 2) + self.theta  # (N, 2)


class OneSlope(nn.Module):
    """Points (N, 2) to the logits psi x, (N,)."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.psi = _at(start)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.psi  # (N,)


class DiracGAN(TwoPlayers):
    title = "Dirac-GAN"
    sentence = "One point against one slope: the whole game in two numbers, and why they circle."
    paper = "Mescheder et al. 2018, arXiv:1801.04406"
    deviations = ("In the plane, where theta and psi stay on the first axis.",)
    kinds = ("points",)
    has_features = False
    measured = ("theta",)
    watch = "Watch the one generated point pass the real one again and again: the two players circle."
    defaults = {
        "points": {
            "objective": "minimax",
            "batch_size": 16,
            "generator_optimizer": "sgd",
            "discriminator_optimizer": "sgd",
            "generator_lr": 0.1,
            "discriminator_lr": 0.1,
            "generator_beta1": 0.0,
            "discriminator_beta1": 0.0,
            "report_every": 5,
            "measure_every": 20,
        }
    }

    class Options(Options):
        start_theta: float = knob(
            1.0, "G's start", "Where the generated point stands at first.", ge=-3, le=3, group="networks"
        )
        start_psi: float = knob(0.0, "D's start", "D's slope at first.", ge=-3, le=3, group="networks")

    @property
    def noise_dim(self) -> int:
        return 2

    def networks(self) -> dict[str, nn.Module]:
        o = self.options
        return {"generator": OnePoint(o.start_theta), "discriminator": OneSlope(o.start_psi)}

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """The usual loss; beside it where both players stand before this turn."""
        loss, statistics = super().discriminator_loss(ctx)
        if ctx.sampling:
            theta = ctx.weights_of("generator")[0].detach()[0]
            psi = ctx.weights_of("discriminator")[0].detach()[0]
            statistics |= {"theta": theta.clone(), "psi": psi.clone(), "radius": torch.hypot(theta, psi)}
        return loss, statistics
