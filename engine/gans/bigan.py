"""BiGAN: a GAN that learns to go back, from a sample to its latent. With ALI and ALICE as variants.

Donahue, Krähenbühl & Darrell, *Adversarial Feature Learning* (2017). D judges pairs: (x, E(x)) with x real
against (G(z), z). Where it cannot tell them apart, E inverts G. E and G play together and want D to take each
kind of pair for the other. ALI (Dumoulin et al., *Adversarially Learned Inference*, 2017) found the same game
at the same time, with an encoder that draws its latent. It does not force G(E(x)) to be x; ALICE (Li et al.
2017) adds that: a bound of the conditional entropy H(x|z), here the squared error of G(E(x)).

What to look for: reconstructions that first show another digit, then the same one in another hand. Nobody
asked for either: no pixel is ever compared, except in ALICE. On points: only an encoder that draws can spread
a tight cluster over its share of the prior, so ALI's samples lie closer to the clusters than BiGAN's. What
the paper does not speak of: penalties bound D's slope by the pair (x, z); hinge's margins hold D alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.data import Source
from engine.game.context import Context
from engine.game.recipe import Exhibit, Judged, Networks, Phase, Shape, Show, Stage, Statistics, TwoPlayers
from engine.latent import encoding
from engine.networks import pairs
from engine.networks.dcgan import SIZES, DCGANDiscriminator, DCGANGenerator
from engine.networks.mlp import MLPGenerator, mlp
from engine.objectives import wasserstein_discriminator
from engine.options import BadInput, Options, knob

VARIANTS = {"bigan": "BiGAN", "ali": "ALI: E draws", "alice": "ALICE: E draws, and G(E(x)) is held to x"}
PRIORS = {"uniform": "uniform, -1 to 1", "gaussian": "Gaussian"}
NETWORKS = {"dense": "fully connected", "convolutional": "convolutional: 28, 32 or 64 px"}
NORMS = {"batch": "batch norm", "none": "none"}
POINTS = {"latent_dim": 2, "prior": "gaussian", "hidden": 128, "batch_size": 128, "weight_decay": 0.0}
POINTS |= {"discriminator_norm": "none", "generator_lr": 5e-4, "discriminator_lr": 2e-3}
POINTS |= {"generator_beta1": 0.0, "discriminator_beta1": 0.0}  # momentum makes this game circle in 2-D
POINTS |= {"generator_beta2": 0.99, "discriminator_beta2": 0.99, "lr_decay": "cosine"}


class BiGAN(TwoPlayers):
    title = "BiGAN"
    sentence = "Learns both ways, from latent to picture and back, so that your own pictures can be encoded."
    paper = "Donahue et al. 2017, arXiv:1605.09782; ALI arXiv:1606.00704; ALICE arXiv:1709.01215"
    deviations = (
        "D has no batch norm by default: with the authors' it wins within 500 steps here.",
        "The formula shows G's part alone: E minimises D's loss on real pairs with swapped labels.",
        "Gradient penalties, which the paper does not have, take D's slope in the pair.",
    )
    kinds = ("points", "images")
    idle = {"points": ("networks", "discriminator_norm", "width")}
    has_encoder = True
    has_features = False  # what D sees are pairs
    judged = Judged("D(x, E(x))", "D(G(z), z)", "x with codes", "z with samples", player="G, E")
    averaged = ("generator", "encoder")
    defaults = {"points": POINTS, "images": {"batch_size": 128, "lr_decay": "cosine"}}

    class Options(Options):
        variant: Literal["bigan", "ali", "alice"] = knob(
            "bigan", "Variant", "How E encodes; what G(E(x)) is held to.", group="networks", choices=VARIANTS
        )
        networks: Literal["dense", "convolutional"] = knob(
            "dense", "Networks", "The paper's for MNIST, or DCGAN's.", group="networks", choices=NETWORKS
        )
        latent_dim: int = knob(50, "Latent size", "Dimensions of z.", ge=1, le=512, group="networks")
        prior: Literal["uniform", "gaussian"] = knob(
            "uniform", "Prior", "The prior of z, which codes follow.", group="networks", choices=PRIORS
        )
        hidden: int = knob(1024, "Units", "Of a hidden layer, if dense.", ge=2, le=4096, group="networks")
        width: int = knob(
            32, "Width", "Channels of the largest map, if convolutional.", ge=4, le=256, group="networks"
        )
        discriminator_norm: Literal["batch", "none"] = knob(
            "none", "Norm in D",
            "None: with the authors' batch norm D wins within 500 steps here, and G ends in noise.",
            group="networks", choices=NORMS,
        )  # fmt: skip
        reconstruction_weight: float = knob(
            1.0, "Reconstruction weight", "ALICE's weight of |G(E(x)) - x|².",
            ge=0, le=1000, live=True, group="objective",
        )  # fmt: skip
        weight_decay: float = knob(
            2.5e-5, "Weight decay", "Pull of all weights towards 0.", ge=0, le=0.1, group="optimizers"
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if options.variant == "alice" and not options.reconstruction_weight:
            raise BadInput(
                "ALICE without its reconstruction term is ALI.",
                "reconstruction_weight",
                "Give it a weight, or set variant to ali.",
            )
        for field, only in (("networks", "dense"), ("discriminator_norm", "none")):
            if data.kind == "points" and getattr(options, field) != only:
                raise BadInput(
                    "networks for points are dense, without norms.", field, f"Set {field} to {only}."
                )
        if options.networks == "convolutional" and data.shape[1:] not in [(size, size) for size in SIZES]:
            size = "x".join(map(str, data.shape[1:]))
            remedy = "Set networks to dense, or size to 28, 32 or 64."
            raise BadInput(f"DCGAN's networks take 28, 32 or 64 px, not {size}.", "networks", remedy)

    def networks(self) -> dict[str, nn.Module]:
        o, shape, size = self.options, self.data.shape, self.options.latent_dim
        outputs = size if o.variant == "bigan" else 2 * size  # ALI: mean and logarithm of the variance
        if self.data.kind == "points":
            return {
                "generator": MLPGenerator(size, o.hidden, 2, shape),
                "encoder": mlp(2, o.hidden, 2, outputs),
                "discriminator": pairs.PointPairDiscriminator(size, o.hidden, 2),
            }
        norm = o.discriminator_norm
        if o.networks == "dense":
            return {
                "generator": pairs.DenseGenerator(size, o.hidden, shape),
                "encoder": pairs.DenseEncoder(outputs, o.hidden, shape),
                "discriminator": pairs.DensePairDiscriminator(size, o.hidden, shape, norm == "batch"),
            }
        return {
            "generator": DCGANGenerator(size, o.width, shape),
            "encoder": DCGANDiscriminator(o.width, shape, outputs=outputs),
            "discriminator": pairs.ConvPairDiscriminator(size, o.width, shape, norm),
        }

    def stages(self) -> list[Stage]:
        def widened(phase: Phase) -> Phase:
            return replace(phase, networks=("encoder", "generator")) if phase.name == "generator" else phase

        return [replace(stage, phases=tuple(map(widened, stage.phases))) for stage in super().stages()]

    # the two ways
    def draw_latent(self, n: int, generator: torch.Generator) -> Tensor:
        if self.options.prior == "gaussian":
            return super().draw_latent(n, generator)
        return torch.rand(n, self.noise_dim, device=generator.device, generator=generator) * 2 - 1

    def encode(self, networks: Networks, x: Tensor) -> Tensor:
        return self.within_prior(self.encoder_features(networks, x))

    def encoder_features(self, networks: Networks, x: Tensor) -> Tensor:
        """E's output (N, latent_dim) before it is bent into the prior's range: 1-NN accuracy of codes is
        measured on this.
        """
        return networks["encoder"](x).view(len(x), -1)[:, : self.noise_dim]  # ALI: the mean

    def within_prior(self, code: Tensor) -> Tensor:
        """Any numbers (N, latent_dim) as numbers that the prior could have drawn."""
        return (code / 2).tanh() if self.options.prior == "uniform" else code  # 2 sigmoid(code) - 1

    def infer(self, ctx: Context, x: Tensor) -> Tensor:
        """Latents (N, latent_dim) of ``x`` in the game: E(x), or one draw from ALI's Gaussian."""
        code = ctx.networks["encoder"](x).view(len(x), -1)  # (N, latent_dim or twice that)
        if self.options.variant != "bigan":
            mean, log_variance = code.chunk(2, 1)
            code = mean + (log_variance / 2).exp() * ctx.normal_like(mean)
        return self.within_prior(code)

    # the game
    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        real, fake = ctx.real(), ctx.fake().detach()
        with torch.no_grad():
            codes = self.infer(ctx, real)
        real_logits, fake_logits = ctx.judge_both(real, fake, (codes, ctx.latents()))
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        real_pairs, fake_pairs = pairs.joined(real, codes), pairs.joined(fake, ctx.latents())
        judge = lambda both: ctx.judge_raw(*pairs.apart(both, self.data.shape))  # noqa: E731
        return ctx.with_penalties(loss, statistics, real_pairs, fake_pairs, judge)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        real, fake = ctx.real(), ctx.fake()
        codes = self.infer(ctx, real)
        real_logits, fake_logits = ctx.judge_both(real, fake, (codes, ctx.latents()))
        game = ctx.objective
        if "minimax" in (self.options.objective, self.options.generator_update):
            loss = -game.discriminator_loss(real_logits, fake_logits, 1.0)  # as derived
        elif self.options.objective == "hinge":  # whose margins hold D alone
            loss = wasserstein_discriminator(fake_logits, real_logits)
        else:
            loss = game.discriminator_loss(fake_logits, real_logits, 1.0)  # labels swapped (section 3.4)
        loss, statistics = ctx.with_generator_terms(loss, fake)
        statistics["g_loss"] = game.generator_loss(real_logits, fake_logits).detach()  # G's part alone
        if self.options.variant == "alice":
            error = torch.nn.functional.mse_loss(self.generate(ctx.networks, codes), real)
            loss = loss + self.options.reconstruction_weight * error
            statistics["reconstruction"] = error.detach()
        return loss, statistics

    # what it shows
    def logits(self, networks: Networks, x: Tensor) -> Tensor:
        return networks["discriminator"](x, self.encode(networks, x))

    def exhibits(self, show: Show) -> list[Exhibit]:
        return encoding.exhibits(self, show)

    def figures(self, networks: Networks, source: Source) -> dict[str, float]:
        return encoding.figures(self, networks, source)
