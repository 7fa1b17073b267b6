"""CycleGAN: translation between two kinds of pictures of which no pair is known.

Zhu et al., *Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks* (2017). G
translates A to B, a second generator B to A, and each side has its D. Nothing says what belongs to what; but
there and back again must be where one started: |back(G(a)) - a| and |G(back(b)) - b|. D sees a pool of
earlier translations beside new ones (Shrivastava et al. 2017), which damps the circling. The identity term
asks that a picture of B, given to G, stay as it is: it keeps colours.

What to look for: A'' may look right while B' hides in faint patterns what B' does not show (Chu et al. 2017).
Squares are halved here, not in the reference: under least squares a weight of 2 for the game is its 1. All
else is as there: each D learns from half of its loss, and first from the pictures just translated.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from engine.data import Source
from engine.game.context import Context
from engine.game.pool import pooled
from engine.game.recipe import Direction, Judged, Networks, Phase, Recipe, Shape, Stage, Statistics
from engine.gans.pix2pix import slowed
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

GROUP = "objective"


def _weight(default: float, label: str, help: str) -> Any:
    return knob(default, label, help, ge=0, le=1000, step=0.5, live=True, group=GROUP)


class CycleGAN(Recipe):
    title = "CycleGAN"
    sentence = "Translates between two domains of pictures, there and back, without a single pair."
    paper = "Zhu et al. 2017, arXiv:1703.10593"
    deviations = ("Least squares has a factor of 1/2 here: an adversarial weight of 2 is the reference's 1.",)
    kinds = ("pairs", "domains")
    has_features = False  # each D has features of its own side
    judged = Judged("D(B)", "D(G(A))", "pictures of B", "translations of A")
    averaged = ("generator", "generator_back")
    discriminators = judges = ("discriminator", "discriminator_back")
    directions = ("a_to_b", "b_to_a")
    min_batch_size = 1
    defaults = {
        kind: {"batch_size": 1, "lr_decay": "linear", "objective": "least_squares"}
        for kind in ("pairs", "domains")
    }

    class Options(Options):
        network: Network = knob(
            "resnet_9", "Translators", "Their architecture.", group="networks", choices=NETWORKS
        )
        width: int = knob(
            64, "Width", "Channels of a translator's outermost layer; 16 to 32 suit a CPU.", ge=4, le=256,
            group="networks",
        )  # fmt: skip
        discriminator_width: int = knob(
            64, "Width of D", "Channels of each D's first layer.", ge=4, le=256, group="networks"
        )
        patch: Patch = knob(
            "70", "D's patch", "How much of the picture each output of D sees.", group="networks",
            choices=PATCHES,
        )  # fmt: skip
        norm: Norm = knob("instance", "Norm", "In translators and D.", group="networks", choices=NORMS)
        dropout: bool = knob(False, "Dropout", "Some layers drop half of their features.", group="networks")
        test_mode: Used = norm_when_used("eval")
        test_dropout: Drops = dropout_when_used()
        adversarial_weight: float = _weight(2.0, "Adversarial weight", "Weight of the adversarial loss.")
        cycle_weight_a: float = _weight(10.0, "Cycle A", "Weight of the cycle loss |back(G(a)) - a|.")
        cycle_weight_b: float = _weight(10.0, "Cycle B", "Weight of the cycle loss |G(back(b)) - b|.")
        identity_weight: float = _weight(
            0.5, "Identity", "Weight, times a cycle's, of the identity loss on pictures of the target domain."
        )
        pool_size: int = knob(
            50, "Pool", "Earlier translations that D is shown again; 0: none.", ge=0, le=1000, group=GROUP
        )
        augment: bool = knob(
            True, "Random crop and flip", "Each picture is cropped and flipped at random.", group="data"
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        check_sizes(options, data.given, data.shape)
        if options.identity_weight and data.given[0] != data.shape[0]:
            raise BadInput(
                "a grey picture cannot stay as it is in colour.", "identity_weight", "Set it to 0."
            )
        if options.updates == "simultaneous":
            raise BadInput(
                "each D answers what the translators have just made.",
                "updates",
                "Set updates to alternating.",
            )
        if options.pretrain_discriminator:
            raise BadInput(
                "each D learns from what the translators make.", "pretrain_discriminator", "Set it to 0."
            )

    def networks(self) -> dict[str, nn.Module]:
        o, a, b = self.options, self.data.given, self.data.shape
        there = (o.width, o.norm, o.dropout)
        return {
            "generator": build_generator(o.network, a, b, *there),
            "generator_back": build_generator(o.network, b, a, *there),
            "discriminator": build_discriminator(o.patch, b[0], b[1], o.discriminator_width, o.norm),
            "discriminator_back": build_discriminator(o.patch, a[0], a[1], o.discriminator_width, o.norm),
        }

    def stages(self) -> list[Stage]:
        translators = Phase("generator", ("generator_back", "generator"), self.generator_loss)
        judges = Phase(
            "discriminator",
            ("discriminator_back", "discriminator"),
            self.discriminator_loss,
            repeat=self.options.critic_steps,
        )
        return [Stage("play", (translators, judges))]

    def subsets(self, source: Source, seed: int) -> dict[str, Tensor | None]:
        return {"a": None, "b": None}

    # the game
    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        a, b, o = ctx.batch("a")[0], ctx.batch("b")[0], self.options
        there, back = ctx.networks["generator"], ctx.networks["generator_back"]
        fake_b, fake_a = there(a), back(b)
        ctx.carried = {"a": a, "b": b, "fake_a": fake_a.detach(), "fake_b": fake_b.detach()}
        cycle_a, cycle_b = l1_loss(back(fake_b), a), l1_loss(there(fake_a), b)
        sides = (("discriminator", fake_b, b), ("discriminator_back", fake_a, a))
        game = sum(
            (self.adversarial_loss(ctx, *side) for side in sides), start=torch.zeros((), device=ctx.device)
        )
        loss = o.adversarial_weight * game + o.cycle_weight_a * cycle_a + o.cycle_weight_b * cycle_b
        statistics = {"cycle_a": cycle_a.detach(), "cycle_b": cycle_b.detach()}
        if o.identity_weight:
            same_b, same_a = l1_loss(there(b), b), l1_loss(back(a), a)
            loss = loss + o.identity_weight * (o.cycle_weight_b * same_b + o.cycle_weight_a * same_a)
            statistics |= {"identity_a": same_a.detach(), "identity_b": same_b.detach()}
        return loss, {"g_loss": game.detach() / 2, **statistics}  # of one side, like d_loss

    def adversarial_loss(self, ctx: Context, judge: str, fake: Tensor, real: Tensor) -> Tensor:
        """What the objective makes of one D's answer to a translation, and to real pictures if it needs."""
        fake_logits = ctx.networks[judge](ctx.shown(fake))
        real_logits = ctx.networks[judge](ctx.shown(real)) if ctx.objective.needs_real else fake_logits
        return ctx.objective.generator_loss(real_logits, fake_logits)

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        a, b = reals(ctx)
        made = ctx.carried or self.made(ctx, a, b)
        losses, statistics = [], {}
        for side, judge, real in (("b", "discriminator", b), ("a", "discriminator_back", a)):
            network = ctx.networks[judge]
            fake = pooled(ctx, f"pool_{side}", made[f"fake_{side}"], self.options.pool_size)
            real_logits, fake_logits = network(ctx.shown(real)), network(ctx.shown(fake))
            loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
            ending = "" if side == "b" else "_back"
            judged = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
            d_loss, judged = ctx.with_penalties(slowed(ctx, loss), judged, real, fake, network)
            losses.append(d_loss)
            statistics |= {f"{name}{ending}": value for name, value in judged.items()}
        return losses[0] + losses[1], statistics

    def made(self, ctx: Context, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """Translations of both sides, where the translators had no turn in this iteration."""
        with torch.no_grad():
            return {"fake_b": ctx.networks["generator"](a), "fake_a": ctx.networks["generator_back"](b)}

    # its use
    def translator(self, networks: Networks, direction: Direction) -> nn.Module:
        return networks["generator" if direction == "a_to_b" else "generator_back"]

    def patches(self, networks: Networks, direction: Direction, x: Tensor, y: Tensor) -> Tensor:
        return networks["discriminator" if direction == "a_to_b" else "discriminator_back"](y)


def reals(ctx: Context) -> tuple[Tensor, Tensor]:
    """Pictures (N, C, H, W) of A and of B for D's turn: those just translated, or fresh ones for another."""
    if "a" in ctx.carried:
        return ctx.carried.pop("a"), ctx.carried.pop("b")
    return ctx.batch("a")[0], ctx.batch("b")[0]
