"""R3GAN: a plain GAN with a sound loss, and none of the tricks.

Huang, Gokaslan, Kuleshov & Tompkin, *The GAN is dead; long live the GAN! A Modern GAN Baseline* (2024). D
ranks real samples against generated ones (the relativistic objective), which leaves G no corner to hide in;
penalties on D's slope at both, R1 and R2, make the game converge where one of them alone does not. They take
the place of the usual tricks, norms among them. Samples come from an average of G's weights. The authors'
residual networks are not here: pictures are drawn by DCGAN's without norms, from initial weights that suit
such networks (He et al. 2015), points by multilayer perceptrons.

What to look for: all modes, with no collapse to be cured; D's loss climbs to log 2 = 0.69 and stays there.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from torch import nn

from engine.game.recipe import Shape, TwoPlayers
from engine.networks.dcgan import SIZES, DCGANDiscriminator, DCGANGenerator
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.options import BadInput, Options, knob

LAYERS = 2  # hidden ones, for points, if nothing else is asked for
SLOPE = 0.2  # of the leaky ReLU


class R3GAN(TwoPlayers):
    title = "R3GAN"
    sentence = (
        "A strong, simple baseline: D compares real with generated samples, its gradient penalised at both."
    )
    paper = "Huang et al. 2024, arXiv:2501.05441"
    deviations = ("The networks are DCGAN's without norms, or perceptrons; the authors' are residual.",)
    kinds = ("points", "images")
    idle = {"images": ("layers",)}
    defaults = {
        "points": {
            "objective": "relativistic",
            "latent_dim": 2,
            "width": 64,
            "batch_size": 128,
            "generator_lr": 1e-3,
            "discriminator_lr": 1e-3,
            "r1": 0.1,
            "r2": 0.1,
            "ema": 0.995,
        },
        "images": {
            "objective": "relativistic",
            "generator_lr": 1e-3,
            "discriminator_lr": 1e-3,
            "generator_beta1": 0.0,
            "discriminator_beta1": 0.0,
            "generator_beta2": 0.99,
            "discriminator_beta2": 0.99,
            "r1": 3.0,
            "r2": 3.0,
            "ema": 0.999,
        },
    }

    class Options(Options):
        latent_dim: int = knob(64, "Latent size", "Dimensions of z.", ge=1, le=512, group="networks")
        width: int = knob(
            32,
            "Width",
            "Channels of the largest feature map, which double as the resolution halves; for points, units.",
            ge=4,
            le=256,
            group="networks",
        )
        layers: int = knob(
            LAYERS,
            "Hidden layers",
            "Of both networks, for points. Four of 128 units, R1 and R2 at 0.01 and decaying rates do best.",
            ge=1,
            le=8,
            group="networks",
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if data.kind == "images" and data.shape[1:] not in [(size, size) for size in SIZES]:
            size = "x".join(map(str, data.shape[1:]))
            raise BadInput(
                f"{cls.title} draws pictures of 28, 32 or 64 px, not {size}.",
                "size",
                "Set size to 28, 32 or 64.",
            )
        if data.kind == "images" and options.layers != LAYERS:
            raise BadInput(
                "pictures are drawn by DCGAN's networks, as deep as their size asks for.",
                "layers",
                f"Leave layers at {LAYERS}; width makes them stronger.",
            )

    def networks(self) -> dict[str, nn.Module]:
        latent_dim, width, shape = self.options.latent_dim, self.options.width, self.data.shape
        if self.data.kind == "points":
            return {
                "generator": MLPGenerator(latent_dim, width, self.options.layers, shape),
                "discriminator": MLPDiscriminator(width, self.options.layers, shape),
            }
        networks: dict[str, nn.Module] = {
            "generator": DCGANGenerator(latent_dim, width, shape, norm="none"),
            "discriminator": DCGANDiscriminator(width, shape, norm="none"),
        }
        for network in networks.values():
            network.apply(he_init)
        return networks


def he_init(module: nn.Module) -> None:
    """Weights that keep the size of what passes through, without a norm's help (He et al. 2015, equation 14),
    in place.
    """
    if isinstance(module, nn.ConvTranspose2d):
        (side, _), (stride, _) = module.kernel_size, module.stride
        taps = 1 if stride == 1 else (side // stride) ** 2  # how many pixels of a map add up to one
        nn.init.normal_(module.weight, 0.0, sqrt(2 / (module.in_channels * taps)))
    elif isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, SLOPE)
