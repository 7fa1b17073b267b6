"""DCGAN: convolutions that made GANs draw pictures.

Radford, Metz & Chintala, *Unsupervised Representation Learning with Deep Convolutional GANs* (2016). Strided
and transposed convolutions, batch norm, Adam with beta1 = 0.5 and a rate of 2e-4: most GAN code since then
starts from this recipe.

What to look for: blobs, then strokes, then digits within a minute or two on a CPU; D(x) and D(G(z)) stay
apart without reaching 1 and 0.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from engine.game.recipe import Shape, TwoPlayers
from engine.networks.dcgan import SIZES, DCGANDiscriminator, DCGANGenerator
from engine.options import BadInput, Options, knob

NORMS = {"batch": "batch norm", "layer": "layer norm", "none": "none"}


class DCGAN(TwoPlayers):
    title = "DCGAN"
    sentence = "A convolutional GAN for pictures of 28, 32 or 64 px: the baseline that most others build on."
    paper = "Radford et al. 2016, arXiv:1511.06434"
    kinds = ("images",)
    defaults = {
        "images": {
            "generator_lr": 2e-4,
            "discriminator_lr": 2e-4,
            "generator_beta1": 0.5,
            "discriminator_beta1": 0.5,
        }
    }

    class Options(Options):
        latent_dim: int = knob(64, "Latent size", "Dimensions of z.", ge=1, le=512, group="networks")
        width: int = knob(
            32,
            "Width",
            "Channels of the largest feature map; they double as the resolution halves.",
            ge=4,
            le=256,
            group="networks",
        )
        discriminator_norm: Literal["batch", "layer", "none"] = knob(
            "batch",
            "Norm in D",
            "Batch norm as in the paper; layer norm or none where a penalty needs D's answer to each "
            "sample alone.",
            group="networks",
            choices=NORMS,
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if data.kind == "images" and (data.shape[1] != data.shape[2] or data.shape[1] not in SIZES):
            size = "x".join(map(str, data.shape[1:]))
            raise BadInput(
                f"{cls.title} draws pictures of 28, 32 or 64 px, not {size}.",
                "size",
                "Set size to 28, 32 or 64.",
            )

    def networks(self) -> dict[str, nn.Module]:
        return {
            "generator": DCGANGenerator(self.options.latent_dim, self.options.width, self.data.shape),
            "discriminator": DCGANDiscriminator(
                self.options.width, self.data.shape, self.options.discriminator_norm
            ),
        }
