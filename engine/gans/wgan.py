"""WGAN and WGAN-GP: D becomes a critic, whose value estimates how far the samples are from the data.

Arjovsky, Chintala & Bottou, *Wasserstein GAN* (2017), and Gulrajani et al., *Improved Training of Wasserstein
GANs* (2017). The game is the usual one under the Wasserstein objective; what makes a WGAN are its settings:
the critic steps five times for each step of G, and its slope is bounded, by clipping its weights or by a
penalty. For pictures they are the papers', on DCGAN's networks. Points have settings of their own, on
multilayer perceptrons: under those for pictures a 2-D critic finds one to three of eight modes. Weights are
clipped from the start, as in the authors' code.

What to look for: the critic's loss falls as the samples get better, which no other GAN's does. Under the
penalty its value, over its slope, follows the distance while G is far, which points show beside it; under
clipping its course means something, since nobody knows the slope that clipping allows.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from engine.game.recipe import Shape
from engine.gans.dcgan import DCGAN
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.options import BadInput, knob

LAYERS = 2  # hidden ones, for points


def both_players(**options: Any) -> dict[str, Any]:
    """The same value for G's option and D's: ``lr=1e-4`` sets generator_lr and discriminator_lr."""
    return {
        f"{player}_{name}": value
        for name, value in options.items()
        for player in ("generator", "discriminator")
    }


CRITIC = {"objective": "wasserstein", "critic_steps": 5}
POINTS = {"latent_dim": 2, "width": 64, "batch_size": 128, "discriminator_norm": "none"}


class WGAN(DCGAN):
    title = "WGAN"
    sentence = "A critic instead of a classifier, its slope bounded by clipping its weights. Slow and steady."
    paper = "Arjovsky et al. 2017, arXiv:1701.07875"
    deviations = ("For points the weights are clipped at 0.1 and the rates are 1e-3, not 0.01 and 5e-5.",)
    kinds = ("points", "images")
    idle = {"points": ("discriminator_norm",)}
    defaults = {
        "points": {
            **CRITIC,
            **POINTS,
            **both_players(optimizer="rmsprop", lr=1e-3, beta2=0.99),
            "weight_clip": 0.1,
        },
        "images": {**CRITIC, **both_players(optimizer="rmsprop", lr=5e-5, beta2=0.99), "weight_clip": 0.01},
    }

    class Options(DCGAN.Options):
        width: int = knob(
            32,
            "Width",
            "Channels of the largest feature map, which double as the resolution halves; for points, units.",
            ge=4,
            le=256,
            group="networks",
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        super().check(options, data)
        if data.kind == "points" and options.discriminator_norm != "none":
            raise BadInput(
                "networks for points have no norms.", "discriminator_norm", "Set discriminator_norm to none."
            )

    def networks(self) -> dict[str, nn.Module]:
        if self.data.kind == "images":
            return super().networks()
        width, shape = self.options.width, self.data.shape
        return {
            "generator": MLPGenerator(self.options.latent_dim, width, LAYERS, shape),
            "discriminator": MLPDiscriminator(width, LAYERS, shape),
        }


class WGANGP(WGAN):
    title = "WGAN-GP"
    sentence = (
        "A critic whose slope is held near 1: divided by it, its value is a distance while G is far off."
    )
    paper = "Gulrajani et al. 2017, arXiv:1704.00028"
    deviations = ("For points the penalty weighs 0.1 and the rates are 1e-3, not 10 and 1e-4.",)
    defaults = {
        "points": {**CRITIC, **POINTS, **both_players(lr=1e-3), "gradient_penalty": 0.1},
        "images": {
            **CRITIC,
            **both_players(lr=1e-4, beta1=0.0, beta2=0.9),
            "gradient_penalty": 10.0,
            "discriminator_norm": "layer",
        },
    }
