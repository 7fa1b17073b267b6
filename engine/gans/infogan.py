"""InfoGAN: a GAN that names, without labels, what varies in the data.

Chen et al., *InfoGAN: Interpretable Representation Learning by Information Maximizing GANs* (2016). Part of
the latent are codes c; a recogniser Q on top of D's trunk must read them back from G(z, c). What it reads is
a lower bound of the mutual information I(c; G(z, c)), and both players add it to their losses, as in the
authors' code: D with the trunk that Q shares, G with the pictures that Q must be able to read.

What to look for: the mutual information of the categorical code climbs to log K = 2.30 nats, and its ten
values sort the digits; the continuous codes come to turn and thicken them.
"""

from __future__ import annotations

import math
from typing import Any, Literal, cast

import torch.nn.functional as F
from torch import Tensor, nn

from engine.data.source import ImageSource, Source
from engine.game.codes import Code
from engine.game.context import Context
from engine.game.featured import Featured
from engine.game.recipe import Exhibit, Networks, Shape, Show, Statistics, TwoPlayers
from engine.latent import traversals
from engine.metrics.matching import category_error
from engine.networks.convolutional import ConvDiscriminator, ConvGenerator, check_size
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.options import BadInput, Options, knob

HIDDEN = {"points": 64, "images": 128}  # units of the recogniser
PRIORS = {"uniform": "uniform, -1 to 1", "gaussian": "Gaussian"}


class InfoGAN(TwoPlayers):
    title = "InfoGAN"
    sentence = "Discovers without labels what varies: the ten digits, their slant, their width."
    paper = "Chen et al. 2016, arXiv:1606.03657"
    kinds = ("points", "images")
    idle = {"points": ("discriminator_norm",)}
    reads_codes = True
    discriminators = critics = ("recogniser", "discriminator")
    defaults = {
        "points": {
            "latent_dim": 2, "categories": 8, "continuous_codes": 1, "width": 64,
            "generator_lr": 1e-3, "discriminator_lr": 1e-3, "batch_size": 128,
            "generator_beta1": 0.0, "discriminator_beta1": 0.0,  # momentum makes this game circle in 2-D
        },
        "images": {"generator_lr": 1e-3, "discriminator_lr": 2e-4, "batch_size": 128},
    }  # fmt: skip

    class Options(Options):
        latent_dim: int = knob(
            62, "Noise size", "Dimensions of the noise z, beside the codes.", ge=1, le=512, group="networks"
        )
        categories: int = knob(
            10,
            "Categories",
            "Values of the categorical code: how many categories it may find; 0 for no such code.",
            ge=0,
            le=100,
            group="codes",
        )
        continuous_codes: int = knob(
            2, "Continuous codes", "How many factors of variation it may find.", ge=0, le=16, group="codes"
        )
        code_prior: Literal["uniform", "gaussian"] = knob(
            "uniform",
            "Prior of continuous codes",
            "The distribution that continuous codes are drawn from.",
            group="codes",
            choices=PRIORS,
        )
        info_weight: float = knob(
            1.0,
            "Mutual-information weight",
            "Weight of the mutual information in both players' losses; at 0 the codes come to mean nothing.",
            ge=0,
            le=100,
            step=0.1,
            live=True,
            group="codes",
        )
        width: int = knob(
            64,
            "Width",
            "Channels of the largest feature map, or units for points; 64 as the authors have it.",
            ge=4,
            le=256,
            group="networks",
        )
        discriminator_norm: Literal["batch", "none"] = knob(
            "batch",
            "Norm in D",
            "Batch norm as the authors have it, or none, where a penalty asks D about each sample alone.",
            group="networks",
            choices={"batch": "batch norm", "none": "none"},
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if options.categories == 1:
            raise BadInput("a code of one value says nothing.", "categories", "Give 0, or 2 or more.")
        if options.categories + options.continuous_codes == 0:
            raise BadInput(
                "without codes it is a plain GAN.", "categories", "Give categories, 10 for digits."
            )
        if data.kind == "images":
            check_size(cls.title, data)

    @property
    def codes(self) -> tuple[Code, ...]:
        start, codes = self.noise_dim, []
        if categories := self.options.categories:
            codes.append(
                Code("category", "categorical", categories, start, tuple(map(str, range(categories))))
            )
            start += categories
        for number in range(self.options.continuous_codes):
            codes.append(Code(f"c{number + 1}", self.options.code_prior, 1, start + number))
        return tuple(codes)

    def networks(self) -> dict[str, nn.Module]:
        width, shape = self.options.width, self.data.shape
        discriminator: nn.Module
        if self.data.kind == "points":
            generator: nn.Module = MLPGenerator(self.latent_dim, width, 2, shape)
            discriminator = MLPDiscriminator(width, 2, shape)
            features = width
        else:
            generator = ConvGenerator(self.latent_dim, width, shape)
            discriminator = ConvDiscriminator(width, shape, norm=self.options.discriminator_norm)
            features = discriminator.feature_size
        outputs = sum(code.size for code in self.codes)
        recogniser = nn.Sequential(
            nn.Linear(features, HIDDEN[self.data.kind]),
            *([nn.BatchNorm1d(HIDDEN[self.data.kind])] if self.data.kind == "images" else []),
            nn.LeakyReLU(0.1),
            nn.Linear(HIDDEN[self.data.kind], outputs),
        )
        return {"generator": generator, "discriminator": discriminator, "recogniser": recogniser}

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        real, fake = ctx.real(), ctx.fake().detach()
        discriminator = cast(Featured, ctx.networks["discriminator"])
        features = discriminator.features(ctx.shown(fake))
        real_logits = ctx.judge(real)
        fake_logits = discriminator.head(features).squeeze(1)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        missing, _ = self.missing_information(ctx, features)
        return ctx.with_penalties(loss + self.options.info_weight * missing, statistics, real, fake)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake, discriminator = ctx.fake(), cast(Featured, ctx.networks["discriminator"])
        features = discriminator.features(ctx.shown(fake))
        fake_logits = discriminator.head(features).squeeze(1)
        real_logits = ctx.judge(ctx.real()) if ctx.objective.needs_real else fake_logits
        loss, statistics = ctx.with_generator_terms(
            ctx.objective.generator_loss(real_logits, fake_logits), fake
        )
        missing, found = self.missing_information(ctx, features)
        return loss + self.options.info_weight * missing, statistics | found

    def missing_information(self, ctx: Context, features: Tensor) -> tuple[Tensor, Statistics]:
        """-E log Q(c | x), up to constants, of D's ``features`` (N, F) of the generated batch, and the mutual
        information in nats that Q has found for each kind of code (equation 5).
        """
        answer, latent = ctx.networks["recogniser"](features), ctx.latents()  # (N, sizes), (N, latent_dim)
        loss, statistics = answer.new_zeros(()), {}
        for code in self.codes:
            read, true = answer[:, code.start - self.noise_dim :][:, : code.size], code.of(latent)
            if code.kind == "categorical":
                entropy = F.cross_entropy(read, true.argmax(1))
                statistics["mi_category"] = math.log(code.size) - entropy.detach()  # H(c) + E log Q(c|x)
                loss = loss + entropy
                continue
            error = (read - true).square().mean()
            loss = loss + error / 2  # -log of a Gaussian of standard deviation 1, as the authors fix it
            prior = math.log(2) if code.kind == "uniform" else math.log(2 * math.pi * math.e) / 2
            best = (2 * math.pi * math.e * error.detach()).log() / 2  # of the Gaussian that fits Q's errors
            statistics[f"mi_{code.name}"] = prior - best
        return loss, statistics

    # what it has found
    def read_codes(self, networks: Networks, x: Tensor) -> Tensor:
        features = cast(Featured, networks["discriminator"]).features(x)
        return networks["recogniser"](features)[:, : self.codes[0].size]

    def figures(self, networks: Networks, source: Source) -> dict[str, float]:
        """The error of the category as a classifier of test pictures."""
        if self.codes[0].kind != "categorical" or not isinstance(source, ImageSource):
            return {}
        device = next(networks["recogniser"].parameters()).device
        return category_error(lambda x: self.read_codes(networks, x.to(device)), self.codes[0].size, source)

    def exhibits(self, show: Show) -> list[Exhibit]:
        return traversals.exhibits(self, show)
