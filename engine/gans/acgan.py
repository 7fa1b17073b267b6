"""ACGAN: D also says which class it sees.

Odena, Olah & Shlens, *Conditional Image Synthesis with Auxiliary Classifier GANs* (2017). G is told the class
that it is to draw. D is not: beside its verdict it must name the class, and both players gain when it can,
D by looking and G by drawing clearly (L_C in the paper's section 3, beside L_S, the game itself). In the
paper D learns the classes of G's pictures too (``learn_from_fake``); it then learns from pictures that are
not yet of their class, and an independent classifier agrees with the classes later. Under the relativistic
objective and a gradient penalty the two pictures that meet are of one class.

What to look for: D's class accuracy on generated pictures overtakes that on real ones, since G draws what is
easy to name; each row of the class grid settles on one class, at the price of some of its variety.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from engine.game.codes import Code
from engine.game.context import Context
from engine.game.recipe import Exhibit, Networks, Show, Statistics
from engine.gans.conditional import class_rows, given_class, matched, real_batch
from engine.gans.dcgan import DCGAN
from engine.networks.dcgan import DCGANDiscriminator, DCGANGenerator, Norm
from engine.networks.init import dcgan_init
from engine.options import knob


class ACGAN(DCGAN):
    title = "ACGAN"
    sentence = "D also names the class, and G draws the class that you choose."
    paper = "Odena et al. 2017, arXiv:1610.09585"
    deviations = (
        "D learns classes from real pictures alone unless learn_from_fake is on, as it is in the paper.",
        "Pictures that a relativistic D compares, or a gradient penalty mixes, are of one class.",
    )
    needs_labels = True
    has_classifier = True
    averaged = ("generator", "discriminator")
    observed = averaged

    class Options(DCGAN.Options):
        class_weight: float = knob(
            1.0,
            "Class weight",
            "Weight of the classification loss in both players' losses.",
            gt=0,
            le=100,
            step=0.1,
            live=True,
            group="classes",
        )
        learn_from_fake: bool = knob(
            False,
            "Classify generated, too",
            "Whether D also learns to classify generated pictures, as in the paper; it then comes to "
            "accept whatever G draws for a class.",
            live=True,
            group="classes",
        )

    @property
    def codes(self) -> tuple[Code, ...]:
        return (given_class(self),)

    def networks(self) -> dict[str, nn.Module]:
        width, shape = self.options.width, self.data.shape
        norm = self.options.discriminator_norm
        return {
            "generator": DCGANGenerator(self.latent_dim, width, shape),
            "discriminator": ClassifyingDiscriminator(width, shape, norm, self.data.classes),
        }

    def latents(self, ctx: Context) -> Tensor:
        return matched(ctx, super().latents(ctx), self.codes[0])

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        (real, labels), fake = real_batch(ctx), ctx.fake().detach()
        real_logits, real_classes = self.look(ctx, real)
        fake_logits, fake_classes = self.look(ctx, fake)
        wanted = self.wanted(ctx)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        naming = F.cross_entropy(real_classes, labels)  # -E log P(C = c | x)
        if self.options.learn_from_fake:
            naming = naming + F.cross_entropy(fake_classes, wanted)  # -E log P(C = c | G(z, c))
        if ctx.sampling:
            statistics["class_accuracy_real"] = accuracy(real_classes, labels)
            statistics["class_accuracy_fake"] = accuracy(fake_classes, wanted)
        return ctx.with_penalties(loss + self.options.class_weight * naming, statistics, real, fake)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake = ctx.fake()
        fake_logits, fake_classes = self.look(ctx, fake)
        real_logits = ctx.judge(real_batch(ctx)[0]) if ctx.objective.needs_real else fake_logits
        loss, statistics = ctx.with_generator_terms(
            ctx.objective.generator_loss(real_logits, fake_logits), fake
        )
        return loss + self.options.class_weight * F.cross_entropy(fake_classes, self.wanted(ctx)), statistics

    def look(self, ctx: Context, x: Tensor) -> tuple[Tensor, Tensor]:
        """D's verdict (N,) and its class logits (N, K) on ``x`` as the stabilisers let it see it."""
        discriminator = cast(ClassifyingDiscriminator, ctx.networks["discriminator"])
        features = discriminator.features(ctx.shown(x))
        return discriminator.head(features).squeeze(1), discriminator.class_head(features)

    def wanted(self, ctx: Context) -> Tensor:
        """The classes (N,) that G was told to draw in this iteration."""
        return self.codes[0].of(ctx.latents()).argmax(1)

    def classify(self, networks: Networks, x: Tensor) -> Tensor:
        discriminator = cast(ClassifyingDiscriminator, networks["discriminator"])
        return discriminator.class_head(discriminator.features(x))

    def exhibits(self, show: Show) -> list[Exhibit]:
        return [class_rows(self, show)]


class ClassifyingDiscriminator(DCGANDiscriminator):
    """Pictures (N, C, H, W) to one logit each, (N,); ``class_head`` makes class logits (N, K) of features."""

    def __init__(self, width: int, shape: tuple[int, ...], norm: Norm, classes: int) -> None:
        super().__init__(width, shape, norm)
        assert isinstance(self.head, nn.Linear)
        self.class_head = nn.Linear(self.head.in_features, classes)
        dcgan_init(self.class_head)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """The share of ``labels`` (N,) that class ``logits`` (N, K) name, 0..1."""
    return (logits.argmax(1) == labels).float().mean()
