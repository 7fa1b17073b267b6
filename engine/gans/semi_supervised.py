"""Semi-supervised GAN: a classifier that learns from a hundred labels and a GAN.

Salimans et al., *Improved Techniques for Training GANs* (2016), section 5. D names one of K classes or calls
"generated" as class K + 1. That last logit can be fixed at 0, so D has K logits l, and the logit of being
real is log sum exp l (their D(x) = Z / (Z + 1)). Labelled pictures must be named; unlabelled ones only be
real, and what G draws be neither. G matches the mean of D's features on real data (section 3.1).

What to look for: the labelled pictures are learned within a minute; the test error, which stays there without
the GAN, falls for hours. With two labels a class whole clusters may go to the wrong one: then move the digits
that D sees (``diff_augment``, shift alone).
"""

from __future__ import annotations

from math import log
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.data.pixels import to_floats
from engine.data.source import ImageSource, Source
from engine.game.context import Context
from engine.game.recipe import Exhibit, Networks, Phase, Shape, Show, Stage, Statistics, TwoPlayers
from engine.latent.traversals import named_rows
from engine.networks.weight_norm import NoisyClassifier, WeightNormGenerator
from engine.objectives import Objective
from engine.options import BadInput, Options, knob

MEASURED = 2000  # pictures of the test part on which the error is measured while it trains
GROUP = "classes"
REFUSED = {  # by their switches: what would fight with this GAN's own pieces
    "label_smoothing": "a real picture's target is its class, which cannot be smoothed",
    "spectral_norm": "D's weights are normalised already",
    "weight_clip": "D's weights are normalised, so clipping them does nothing",
    "feature_matching": "G matches D's features already",
    "minibatch_discrimination": "D is a classifier, and a picture's class does not depend on its batch",
}


class SemiSupervisedGAN(TwoPlayers):
    title = "Semi-supervised GAN"
    sentence = "A classifier from a handful of labels: the GAN shows it what the unlabelled rest looks like."
    paper = "Salimans et al. 2016, arXiv:1606.03498"
    kinds = ("images",)
    needs_labels = has_classifier = True
    at_rest = (
        "D's is log 2 and the labelled pictures' cross-entropy, which falls to 0; G's a distance of features."
    )
    measured = ("test_error",)
    disables, adversarial_options = {"supervised_only": ("game",)}, ("unlabelled_weight",)
    averaged = ("generator", "discriminator")
    defaults = {
        "images": {
            "batch_size": 100, "generator_lr": 3e-3, "discriminator_lr": 3e-3,
            "lr_decay": "linear", "lr_decay_from": 0.65, "ema": 0.999,
        }
    }  # fmt: skip

    class Options(Options):
        latent_dim: int = knob(100, "Latent size", "Dimensions of z.", ge=1, le=512, group="networks")
        labels: int = knob(
            100, "Labels", "Labelled training pictures, as many of each class.", ge=2, le=10**6,
            group=GROUP,
        )  # fmt: skip
        label_seed: int = knob(
            0, "Label seed", "Another seed labels other pictures.", ge=0, le=2**31 - 1, group=GROUP
        )
        supervised_only: bool = knob(
            False, "Classifier alone", "The classifier, from the labelled pictures alone.", group=GROUP
        )
        unlabelled_weight: float = knob(
            1.0, "Unlabelled weight", "Weight of telling real from generated, beside naming the labelled.",
            gt=0, le=100, step=0.1, live=True, group=GROUP,
        )  # fmt: skip

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        if options.objective != "non_saturating":
            raise BadInput(
                f"{cls.title} has a game of its own: K classes against one for what is generated.",
                "objective",
                "Leave objective at non_saturating; G matches features whatever it says.",
            )
        for switch, reason in REFUSED.items():
            if getattr(options, switch):
                raise BadInput(f"{reason}.", switch, f"Switch {switch} off.")
        if options.labels % data.classes:
            nearest = max(1, round(options.labels / data.classes)) * data.classes
            raise BadInput(
                f"{options.labels} labels cannot be shared out equally among {data.classes} classes.",
                "labels",
                f"Give a multiple of {data.classes}, such as {nearest}.",
            )

    def networks(self) -> dict[str, nn.Module]:
        return {
            "generator": WeightNormGenerator(self.options.latent_dim, self.data.shape),
            "discriminator": NoisyClassifier(self.data.shape, self.data.classes),
        }

    def stages(self) -> list[Stage]:
        if self.options.supervised_only:
            alone = Phase("discriminator", ("discriminator",), self.supervised_loss)
            return [Stage("classifier alone", (alone,))]
        return super().stages()

    # the labels that are told
    def subsets(self, source: Source, seed: int) -> dict[str, Tensor | None]:
        return {"labelled": self.labelled(source), "unlabelled": None}

    def labelled(self, source: Source) -> Tensor:
        """Numbers of the pictures whose class is told: (labels,). Raises ``BadInput`` if too few."""
        assert isinstance(source, ImageSource) and source.labels is not None  # kinds, needs_labels
        random = torch.Generator().manual_seed(self.options.label_seed)
        each, chosen = self.options.labels // self.data.classes, []
        least = int(torch.bincount(source.labels, minlength=self.data.classes).min())
        if least < each:
            raise BadInput(
                f"the smallest class has {least} pictures, so {each} of each cannot be labelled.",
                "labels",
                f"Set labels to {least * self.data.classes} or less.",
            )
        for number in range(self.data.classes):
            members = (source.labels == number).nonzero()[:, 0]
            chosen.append(members[torch.randperm(len(members), generator=random)[:each]])
        return torch.cat(chosen)

    # the game
    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        x, labels = ctx.batch("labelled")
        assert labels is not None  # needs_labels
        real, fake = ctx.batch("unlabelled")[0], ctx.fake().detach()
        classes = self.classes(ctx, torch.cat([x, real, fake]))  # (3N, K): D takes each sample alone
        real_logits, fake_logits = classes[len(x) :].logsumexp(1).split([len(real), len(fake)])
        game = ctx.objective.discriminator_loss(real_logits, fake_logits, 1.0) / 2
        naming = F.cross_entropy(classes[: len(x)], labels)  # -E log p(y | x, y <= K)
        loss = naming + self.options.unlabelled_weight * game
        statistics = {"d_loss": loss.detach(), "class_loss": naming.detach()}
        return ctx.with_penalties(loss, statistics | ctx.judgement(real_logits, fake_logits), real, fake)

    def supervised_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """The labelled pictures' cross-entropy alone."""
        x, labels = ctx.batch("labelled")
        assert labels is not None
        loss = F.cross_entropy(self.classes(ctx, x), labels)
        return loss, {"d_loss": loss.detach(), "class_loss": loss.detach()}

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        fake, features = ctx.fake(), cast(NoisyClassifier, ctx.networks["discriminator"]).features
        with torch.no_grad():
            wanted = features(ctx.shown(ctx.batch("unlabelled")[0]), ctx.normal_like).mean(0)
        found = features(ctx.shown(fake), ctx.normal_like).mean(0)
        distance = (found - wanted).square().mean()  # |E f(x) - E f(G(z))|^2, per feature
        return ctx.with_generator_terms(distance, fake)

    def classes(self, ctx: Context, x: Tensor) -> Tensor:
        """D's class logits (N, K) under its noise; the first batch of all sets the scales of its layers."""
        discriminator = cast(NoisyClassifier, ctx.networks["discriminator"])
        x = ctx.shown(x)
        if ctx.step == 0 and not discriminator.settled:
            discriminator.settle(x, ctx.normal_like)
            if "discriminator" in ctx.averages:
                ctx.averages["discriminator"].load_state_dict(discriminator.state_dict())
        return discriminator.classes(x, ctx.normal_like)

    def equilibrium(self, objective: Objective) -> dict[str, float]:
        """What ``at_rest`` says, with the labelled pictures learned."""
        return {
            "d_loss": self.options.unlabelled_weight * log(2),
            "g_loss": 0.0,
            "d_real": 0.5,
            "d_fake": 0.5,
        }

    # what it has learned
    def classify(self, networks: Networks, x: Tensor) -> Tensor:
        return cast(NoisyClassifier, networks["discriminator"]).classes(x)

    def figures(self, networks: Networks, source: Source) -> dict[str, float]:
        """The share of pictures named wrongly among the labelled, and among every n-th of the test part."""
        assert isinstance(source, ImageSource) and source.labels is not None
        chosen = self.labelled(source)[:MEASURED]
        parts = {"labelled_error": (source.images[chosen], source.labels[chosen])}
        if source.test_images is not None and source.test_labels is not None:
            every = -(-len(source.test_images) // MEASURED)
            parts["test_error"] = (source.test_images[::every], source.test_labels[::every])
        device, found = next(networks["discriminator"].parameters()).device, {}
        for name, (images, labels) in parts.items():
            logits = self.classify(networks, to_floats(images.to(device)))
            if bool(torch.isfinite(logits).all()):
                found[name] = float((logits.argmax(1).cpu() != labels).float().mean())
        return found

    def exhibits(self, show: Show) -> list[Exhibit]:
        return [named_rows(show, self.classify(show.networks, show.real).argmax(1), self.data.classes)]
