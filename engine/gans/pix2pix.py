"""pix2pix: a conditional GAN that is given a whole picture and makes another one of it.

Isola et al., *Image-to-Image Translation with Conditional Adversarial Networks* (2017). G is a U-Net that
translates A; D sees the pair (A, output) and judges every patch by itself; L1 keeps the output near the B
that belongs to A. Randomness enters by dropout alone, in training and, as in the authors' code, when it is
used: there batch norm and dropout stay in training mode, which with batches of one makes batch norm an
instance norm. The defaults are those of the reference implementation.

What to look for: L1 alone paints the average of all that could be there, grey and blurred. The adversary
makes it choose: edges turn sharp and fills even, also where the choice differs from B. D's patch map shows
what it still takes for forged. Wang et al. 2018 (pix2pixHD) add that G's output is to look to D's inner
layers as B does, which steadies G's choices. D's loss counts half, as in the reference; Adam does not care.
Squares are halved to begin with: under least squares an L1 weight of 50 is the reference's 100.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from engine.data import Source
from engine.game.context import Context
from engine.game.recipe import Direction, Judged, Networks, Phase, Shape, Stage, Statistics, TwoPlayers
from engine.networks import patchgan
from engine.networks.norms import NORMS, Norm
from engine.networks.translators import (
    NETWORKS,
    PATCHES,
    Drops,
    Network,
    Patch,
    Used,
    build_discriminator,
    build_generator,
    check_sizes,
    dropout_when_used,
    norm_when_used,
)
from engine.options import BadInput, Options, knob


class Pix2Pix(TwoPlayers):
    title = "pix2pix"
    sentence = "Translates pictures from one domain to another, and learns it from pairs."
    paper = "Isola et al. 2017, arXiv:1611.07004"
    deviations = ("Least squares has a factor of 1/2 here: an L1 weight of 50 is the reference's 100.",)
    kinds = ("pairs",)
    disables = {"adversary": ("discriminator", "game")}
    judged = Judged("D(A, B)", "D(A, G(A))", "A beside its B", "A beside its translation")
    has_features = False  # what D sees are pairs
    directions = ("a_to_b",)
    min_batch_size = 1
    defaults = {"pairs": {"batch_size": 1, "lr_decay": "linear"}}

    class Options(Options):
        network: Network = knob("unet", "Translator", "Its architecture.", group="networks", choices=NETWORKS)
        width: int = knob(
            64,
            "Width",
            "Channels of G's outermost layer; 16 to 32 suit a CPU.",
            ge=4,
            le=256,
            group="networks",
        )
        discriminator_width: int = knob(
            64, "Width of D", "Channels of D's first layer.", ge=4, le=256, group="networks"
        )
        patch: Patch = knob(
            "70",
            "D's patch",
            "How much of the picture each output of D sees.",
            group="networks",
            choices=PATCHES,
        )
        norm: Norm = knob("batch", "Norm", "In G and in D.", group="networks", choices=NORMS)
        dropout: bool = knob(
            True, "Dropout", "The noise of pix2pix: some layers drop half their features.", group="networks"
        )
        test_mode: Used = norm_when_used("auto")
        test_dropout: Drops = dropout_when_used()
        l1_weight: float = knob(
            100.0,
            "L1 weight",
            "Weight of the L1 distance to the target, beside the adversarial loss.",
            ge=0,
            le=10_000,
            live=True,
            group="objective",
        )
        feature_weight: float = knob(
            0.0,
            "Feature-matching weight",
            "Weight of matching the target's features in each layer of D (pix2pixHD, where it is 10).",
            ge=0,
            le=1000,
            live=True,
            group="objective",
        )
        adversary: bool = knob(True, "Adversary", "Off: L1 alone, to compare with.", group="objective")
        augment: bool = knob(
            True,
            "Random crop and flip",
            "Each pair is cropped and flipped at random, both pictures alike.",
            group="data",
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        check_sizes(options, data.given, data.shape)
        if not options.adversary and not options.l1_weight:
            raise BadInput(
                "nothing is left to learn from.", "l1_weight", "Give L1 a weight, or G an adversary."
            )
        if not options.adversary and options.feature_weight:
            raise BadInput(
                "without an adversary D's features mean nothing.", "feature_weight", "Set it to 0."
            )

    def networks(self) -> dict[str, nn.Module]:
        o, given, made = self.options, self.data.given, self.data.shape
        channels = given[0] + made[0]
        return {
            "generator": build_generator(o.network, given, made, o.width, o.norm, o.dropout),
            "discriminator": build_discriminator(o.patch, channels, made[1], o.discriminator_width, o.norm),
        }

    def stages(self) -> list[Stage]:
        if self.options.adversary:
            return super().stages()
        return [Stage("L1 alone", (Phase("generator", ("generator",), self.generator_loss),))]

    def subsets(self, source: Source, seed: int) -> dict[str, Tensor | None]:
        return {"pairs": None}

    # the game
    def latents(self, ctx: Context) -> Tensor:
        return ctx.held("pairs")[0]

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake, (given, wanted) = ctx.fake().detach(), pair(ctx)
        real_pair, fake_pair = torch.cat([given, wanted], 1), torch.cat([given, fake], 1)  # (N, 2C, H, W)
        real_logits, fake_logits = ctx.judge_both(real_pair, fake_pair)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        return ctx.with_penalties(slowed(ctx, loss), statistics, real_pair, fake_pair)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake, (given, wanted) = ctx.fake(), pair(ctx)
        distance = l1_loss(fake, wanted)  # E|B - G(A)|
        loss = self.options.l1_weight * distance
        if not self.options.adversary:
            return loss, {"g_loss": loss.detach(), "l1": distance.detach()}
        features = partial(patchgan.features, ctx.networks["discriminator"])
        seen = features(ctx.shown(torch.cat([given, fake], 1)))
        real = seen
        if ctx.objective.needs_real or self.options.feature_weight:
            with torch.no_grad():
                real = features(ctx.shown(torch.cat([given, wanted], 1)))
        game, statistics = ctx.with_generator_terms(ctx.objective.generator_loss(real[-1], seen[-1]), fake)
        statistics["l1"] = distance.detach()
        if self.options.feature_weight:
            difference = patchgan.feature_difference(seen[:-1], real[:-1])
            loss = loss + self.options.feature_weight * difference
            statistics["features"] = difference.detach()
        return game + loss, statistics

    # its use
    def translator(self, networks: Networks, direction: Direction) -> nn.Module:
        return networks["generator"]

    def patches(self, networks: Networks, direction: Direction, x: Tensor, y: Tensor) -> Tensor:
        return networks["discriminator"](torch.cat([x, y], 1))


def slowed(ctx: Context, loss: Tensor) -> Tensor:
    """Half of D's ``loss``, so that D learns more slowly than G (section 3.3). Squares are halved already."""
    return loss if ctx.options.objective == "least_squares" else loss / 2


def pair(ctx: Context) -> tuple[Tensor, Tensor]:
    """The pictures (N, C, H, W) of A in this iteration, and those of B that belong to them."""
    given, wanted = ctx.held("pairs")
    assert wanted is not None
    return given, wanted
