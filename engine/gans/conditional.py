"""Conditional GAN: both players are told the class.

Mirza & Osindero, *Conditional Generative Adversarial Nets* (2014). G gets the class as a one-hot vector
beside its noise; D judges whether a picture is real *and* of its class: real pictures come with their own
labels, generated ones with those that G was given (equation 2). The paper's D joins picture and class in a
hidden layer. Ours takes an inner product of the two (Miyato & Koyama 2018, *cGANs with Projection
Discriminator*, equation 3): with the hidden layer G was still deaf to the class after 750 steps on MNIST,
when with the product half of its digits were the ones asked for. Where D compares a real picture with a
generated one (the relativistic objective), or a gradient penalty joins them, both are of one class.

What to look for: in the class grid each row is one class and each column one noise. The rows part within some
hundred steps; from then on the noise decides only how a digit is written.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from engine.game.codes import Code, each_value
from engine.game.context import Context
from engine.game.recipe import Exhibit, Judged, Recipe, Shape, Show, Statistics
from engine.gans.dcgan import DCGAN
from engine.networks.dcgan import DCGANDiscriminator, DCGANGenerator, Norm
from engine.networks.init import dcgan_init
from engine.options import BadInput

ROWS, COLUMNS = 10, 8


class ConditionalGAN(DCGAN):
    title = "Conditional GAN"
    sentence = "You choose the class; the noise decides everything else."
    paper = "Mirza & Osindero 2014, arXiv:1411.1784"
    deviations = (
        "D takes an inner product of picture and class (Miyato & Koyama 2018), not a hidden layer.",
        "Pictures that a relativistic D compares, or a gradient penalty mixes, are of one class.",
    )
    needs_labels = True
    judged = Judged("D(x, y)", "D(G(z, y), y)", "real data with their class", "generated data with theirs")

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        super().check(options, data)
        if options.feature_matching and options.feature_matching_alone:
            raise BadInput(
                "mean features say nothing of the class: G would not learn to draw what it is told.",
                "feature_matching_alone",
                "Switch feature_matching_alone off, so that G also answers D.",
            )

    @property
    def codes(self) -> tuple[Code, ...]:
        return (given_class(self),)

    def networks(self) -> dict[str, nn.Module]:
        width, shape = self.options.width, self.data.shape
        norm = self.options.discriminator_norm
        return {
            "generator": DCGANGenerator(self.latent_dim, width, shape),
            "discriminator": ConditionalDiscriminator(width, shape, norm, self.data.classes),
        }

    def latents(self, ctx: Context) -> Tensor:
        return matched(ctx, super().latents(ctx), self.codes[0])

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        real, fake = real_batch(ctx)[0], ctx.fake().detach()
        real_class, fake_class = self.real_classes(ctx), self.fake_classes(ctx)
        real_logits, fake_logits = ctx.judge_both(real, fake, (real_class, fake_class))
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        judges = (lambda x: ctx.judge_raw(x, real_class), lambda x: ctx.judge_raw(x, fake_class))
        return ctx.with_penalties(loss, statistics, real, fake, *judges)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake = ctx.fake()
        fake_logits = ctx.judge(fake, self.fake_classes(ctx))
        real_logits = fake_logits
        if ctx.objective.needs_real:
            real_logits = ctx.judge(real_batch(ctx)[0], self.real_classes(ctx))
        return ctx.with_generator_terms(ctx.objective.generator_loss(real_logits, fake_logits), fake)

    def real_classes(self, ctx: Context) -> Tensor:
        """The classes of this turn's real batch, one-hot: (N, K)."""
        return F.one_hot(real_batch(ctx)[1], self.data.classes).float()  # (N, K)

    def fake_classes(self, ctx: Context) -> Tensor:
        """The classes that G was given for this iteration's batch, one-hot: (N, K)."""
        return self.codes[0].of(ctx.latents())

    def exhibits(self, show: Show) -> list[Exhibit]:
        return [class_rows(self, show)]


class ConditionalDiscriminator(DCGANDiscriminator):
    """Pictures (N, C, H, W) and their classes, one-hot (N, K), to one logit each, (N,).

    A picture without a class is judged as the class that suits it best.
    """

    def __init__(self, width: int, shape: tuple[int, ...], norm: Norm, classes: int) -> None:
        super().__init__(width, shape, norm)
        assert isinstance(self.head, nn.Linear)
        self.match = nn.Linear(self.head.in_features, classes, bias=False)
        dcgan_init(self.match)

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        features = self.features(x)
        logits = self.head(features) + self.match(features)  # (N, K): psi(f) + <v_k, f> for every class k
        return logits.amax(1) if given is None else (logits * given).sum(1)  # (N,)


def given_class(recipe: Recipe) -> Code:
    """The part of a latent that tells G which class to draw; it follows the noise."""
    return Code("class", "categorical", recipe.data.classes, recipe.noise_dim, recipe.data.names, given=True)


def meets_in_pairs(ctx: Context) -> bool:
    """Whether D compares, or a penalty joins, the real and the generated sample of one place."""
    return ctx.objective.needs_real or bool(ctx.options.gradient_penalty)


def real_batch(ctx: Context) -> tuple[Tensor, Tensor]:
    """The real pictures (N, C, H, W) of this turn and their labels (N,)."""
    x, labels = ctx.held("real") if meets_in_pairs(ctx) else ctx.batch()
    assert labels is not None  # needs_labels
    return x, labels


def matched(ctx: Context, latents: Tensor, given: Code) -> Tensor:
    """``latents`` (N, latent_dim) with the classes of the real batch where two that meet should be of one
    class, as in R3GAN's and WGAN-GP's conditional code; else as they are.
    """
    if not meets_in_pairs(ctx):
        return latents
    latents = latents.clone()
    given.of(latents).copy_(F.one_hot(real_batch(ctx)[1], given.size))
    return latents


def class_rows(recipe: Recipe, show: Show) -> Exhibit:
    """Each row one class, each column the same noise, for a GAN whose first code is the class."""
    code: Any = recipe.codes[0]
    rows, columns = min(code.size, ROWS), min(len(show.latent), COLUMNS)
    latents = each_value(show.latent[:columns], code, rows)
    pictures = recipe.generate(show.networks, latents)
    sentence = "Each row one class, each column the same noise."
    return Exhibit("classes", "Classes", sentence, pictures, rows, columns)
