"""GAN, fully connected: two multilayer perceptrons play a game.

Goodfellow et al., *Generative Adversarial Networks* (2014). G turns noise z ~ N(0, I) into samples; D says
how likely a sample is real. For a fixed G the best D is D*(x) = p(x) / (p(x) + q(x)); at the end of the game
q = p and D = 1/2 everywhere.

What to look for: on 2-D data, D's heat map pushes the generated points about; on MNIST, strokes before
digits. Where one network learns much faster than the other, the game breaks in the ways that the diagnosis
names.
"""

from __future__ import annotations

from torch import nn

from engine.game.recipe import TwoPlayers
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.options import Options, knob


class GAN(TwoPlayers):
    title = "GAN"
    sentence = "The original: two fully connected networks. Small enough to watch every point move."
    paper = "Goodfellow et al. 2014, arXiv:1406.2661"
    kinds = ("points", "images")
    defaults = {
        "points": {
            "latent_dim": 2,
            "hidden": 64,
            "generator_lr": 1e-3,
            "discriminator_lr": 1e-3,
            "batch_size": 128,
        },
        "images": {
            "latent_dim": 64,
            "hidden": 256,
            "generator_lr": 2e-4,
            "discriminator_lr": 2e-4,
            "batch_size": 64,
        },
    }

    class Options(Options):
        latent_dim: int = knob(
            2,
            "Latent size",
            "Dimensions of z; with 2 the whole manifold can be drawn.",
            ge=1,
            le=512,
            group="networks",
        )
        hidden: int = knob(
            64, "Units", "Units in each hidden layer of both networks.", ge=2, le=2048, group="networks"
        )
        layers: int = knob(
            2, "Hidden layers", "Hidden layers in both networks.", ge=1, le=8, group="networks"
        )
        affine: bool = knob(
            False,
            "Affine G",
            "G has no hidden layer: it shifts, turns and stretches z, so its points are one Gaussian.",
            group="networks",
        )

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": MLPGenerator(o.latent_dim, o.hidden, 0 if o.affine else o.layers, shape),
            "discriminator": MLPDiscriminator(o.hidden, o.layers, shape),
        }
