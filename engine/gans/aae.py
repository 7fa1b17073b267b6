"""Adversarial autoencoder: an autoencoder whose codes are made to follow a prior.

Makhzani et al., *Adversarial Autoencoders* (2016). The generator is the decoder. Three turns an iteration:
encoder and decoder learn to reconstruct, D learns to tell draws of the prior from codes of real pictures, and
the encoder learns to deceive it. Then draws of the prior decode to pictures, and any prior will do that one
can draw from: no formula is needed.

What to look for: codes that fill the shape of the prior, however odd it is, without holes when the plane is
decoded. Without the adversary the reconstructions are about as good, but the codes lie anywhere. Paper:
1000-1000 units in all networks; its ReLU are leaky here, its SGD is Adam.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from engine.data import Source
from engine.game.context import Context
from engine.game.recipe import Exhibit, Judged, Networks, Phase, Recipe, Shape, Show, Stage, Statistics
from engine.latent import encoding
from engine.networks.mlp import MLPDiscriminator, MLPGenerator, mlp
from engine.options import BadInput, Options, knob

PRIORS = {"gaussian": "Gaussian", "mixture": "ten petals", "swiss_roll": "swiss roll"}
PETALS, PETAL_RADIUS, PETAL_LENGTH, PETAL_WIDTH = 10, 1.4, 0.5, 0.1
ROLL_RADIUS, ROLL_TURNS, ROLL_WIDTH = 3.0, 2.0, 0.05


class AAE(Recipe):
    title = "Adversarial autoencoder"
    sentence = (
        "Encodes pictures as points of a plane, or of a few more dimensions, distributed as you choose."
    )
    paper = "Makhzani et al. 2016, arXiv:1511.05644"
    deviations = ("Leaky ReLU instead of ReLU, and Adam instead of SGD.",)
    kinds = ("images",)
    has_encoder = True
    judges_samples = False  # but codes
    judged = Judged(
        "D(z)", "D(E(x))", "draws of the prior", "codes of real pictures", ("prior", "codes"), "D(E(x))", "E"
    )
    watch = "Watch reconstructions become sharp while the codes take the shape of the prior."
    has_features = False  # what D sees are codes
    disables = {"adversary": ("discriminator", "game")}
    averaged = ("generator", "encoder")
    defaults = {"images": {"generator_lr": 1e-3, "discriminator_lr": 5e-4, "batch_size": 128}}

    class Options(Options):
        latent_dim: int = knob(
            2,
            "Latent size",
            "Dimensions of a code; 2 can be shown whole, 8 to 10 reconstruct better.",
            ge=2,
            le=64,
        )
        prior: Literal["gaussian", "mixture", "swiss_roll"] = knob(
            "gaussian",
            "Prior",
            "The distribution that the codes are to follow.",
            group="networks",
            choices=PRIORS,
        )
        adversary: bool = knob(
            True, "Adversary", "Off: a plain autoencoder, to compare with.", group="objective"
        )
        reconstruction_weight: float = knob(
            10.0,
            "Reconstruction weight",
            "Weight of the squared error per pixel beside the adversary's loss.",
            gt=0,
            le=10_000,
            scale="log",
            live=True,
            group="objective",
        )
        hidden: int = knob(
            1000, "Units", "Units in each hidden layer of all networks.", ge=2, le=4096, group="networks"
        )
        layers: int = knob(2, "Hidden layers", "Hidden layers of all networks.", ge=1, le=8, group="networks")

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if options.prior == "swiss_roll" and options.latent_dim != 2:
            raise BadInput("a swiss roll lies in a plane.", "latent_dim", "Set latent_dim to 2.")
        if options.prior == "mixture" and options.latent_dim % 2:
            raise BadInput(
                "the petals lie in planes: two numbers of a code make one.",
                "latent_dim",
                f"Set latent_dim to {options.latent_dim + 1}.",
            )
        for switch in ("diff_augment", "adaptive_augment"):
            if getattr(options, switch, False):
                raise BadInput(
                    "augmentation changes pictures, and this D sees codes.",
                    switch,
                    f"Switch {switch} off; instance_noise works on codes.",
                )
        if options.updates == "simultaneous":
            raise BadInput(
                "the encoder moves twice an iteration, to reconstruct and to deceive.",
                "updates",
                "Set updates to alternating.",
            )

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "encoder": nn.Sequential(nn.Flatten(), *mlp(math.prod(shape), o.hidden, o.layers, o.latent_dim)),
            "generator": MLPGenerator(o.latent_dim, o.hidden, o.layers, shape),
            "discriminator": MLPDiscriminator(o.hidden, o.layers, (o.latent_dim,)),
        }

    def stages(self) -> list[Stage]:
        reconstruct = Phase("reconstruction", ("encoder", "generator"), self.reconstruction_loss)
        critic = Phase("discriminator", ("discriminator",), self.discriminator_loss)
        if not self.options.adversary:
            return [Stage("autoencoder", (reconstruct,))]
        repeated = Phase(critic.name, critic.networks, critic.loss, repeat=self.options.critic_steps)
        play = Stage("play", (reconstruct, repeated, Phase("encoder", ("encoder",), self.encoder_loss)))
        if not self.options.pretrain_discriminator:
            return [play]
        return [Stage("discriminator alone", (critic,), steps=self.options.pretrain_discriminator), play]

    # the three turns
    def reconstruction_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """Encoder and decoder: squared error of the reconstruction, a Gaussian's log-likelihood."""
        real = ctx.real()
        error = mse_loss(self.generate(ctx.networks, ctx.networks["encoder"](real)), real)
        return self.options.reconstruction_weight * error, {"reconstruction_loss": error.detach()}

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """D: draws of the prior are real, codes of real pictures are fake."""
        drawn = ctx.draw_latent(self.options.batch_size)
        with torch.no_grad():
            codes = ctx.networks["encoder"](ctx.real())
        real_logits, fake_logits = ctx.judge_both(drawn, codes)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        return ctx.with_penalties(loss, statistics, drawn, codes)

    def encoder_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """The encoder, in the generator's part: its codes are to pass for draws of the prior."""
        codes = ctx.networks["encoder"](ctx.real())
        fake_logits = ctx.judge(codes)
        needs_real = ctx.objective.needs_real
        real_logits = ctx.judge(ctx.draw_latent(len(codes))) if needs_real else fake_logits
        return ctx.with_generator_terms(ctx.objective.generator_loss(real_logits, fake_logits), codes)

    # the latent
    def draw_latent(self, n: int, generator: torch.Generator) -> Tensor:
        if self.options.prior == "mixture":
            return torch.cat([petals(n, generator) for _ in range(self.noise_dim // 2)], 1)
        if self.options.prior == "swiss_roll":
            return swiss_roll(n, generator)
        return super().draw_latent(n, generator)

    def encode(self, networks: Networks, x: Tensor) -> Tensor:
        return networks["encoder"](x)

    def logits(self, networks: Networks, x: Tensor) -> Tensor:
        """D's verdict (N,) on the codes of ``x``: whether the prior drew them."""
        return networks["discriminator"](networks["encoder"](x))

    # what it shows
    def exhibits(self, show: Show) -> list[Exhibit]:
        return encoding.exhibits(self, show)

    def figures(self, networks: Networks, source: Source) -> dict[str, float]:
        return encoding.figures(self, networks, source)


def petals(n: int, generator: torch.Generator) -> Tensor:
    """(n, 2): ten Gaussians around the origin, longer than wide, each pointing outwards (figure 4)."""
    device = generator.device
    angle = torch.randint(PETALS, (n,), device=device, generator=generator) * (2 * math.pi / PETALS)
    spread = torch.randn(n, 2, device=device, generator=generator)
    along, across = PETAL_RADIUS + PETAL_LENGTH * spread[:, 0], PETAL_WIDTH * spread[:, 1]
    x = along * angle.cos() - across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    return torch.stack([x, y], 1)  # (n, 2)


def swiss_roll(n: int, generator: torch.Generator) -> Tensor:
    """(n, 2): a spiral of two turns, blurred a little, about equally dense all along (figure 4)."""
    device = generator.device
    share = torch.rand(n, device=device, generator=generator).sqrt()  # of the way, in radius and in angle
    angle = 2 * math.pi * ROLL_TURNS * share
    roll = ROLL_RADIUS * torch.stack([share * angle.cos(), share * angle.sin()], 1)  # (n, 2)
    return roll + ROLL_WIDTH * torch.randn(n, 2, device=device, generator=generator)
