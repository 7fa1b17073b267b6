"""What the players play for: one table of objectives, each a pair of pure functions of the discriminator's
logits.

Every loss takes ``real_logits`` and ``fake_logits``, both (N,) or (N, 1, H, W), and returns a scalar to be
minimised. Both are at hand in both phases, since relativistic losses need them. ``target`` is D's target for
real data: 1, or less under one-sided label smoothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from math import log
from textwrap import dedent
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.objectives.divergences import DIVERGENCES, FDivergence
from engine.options import BadInput, Options, knob

DiscriminatorLoss = Callable[..., Tensor]  # of real logits, fake logits, the target, and its options by name
GeneratorLoss = Callable[..., Tensor]  # of real logits, fake logits, and its options by name


def minimax_discriminator(real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
    """Binary cross-entropy of D, real against fake (Goodfellow et al. 2014, equation 1)."""
    real = F.softplus(-real_logits).mean()  # -E log D(x)
    if target < 1:
        real = real + (1 - target) * real_logits.mean()  # -E target log D(x) - E (1 - target) log(1 - D(x))
    return real + F.softplus(fake_logits).mean()  # -E log D(x) - E log(1 - D(G(z)))


def minimax_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The saturating loss (Goodfellow et al. 2014, equation 1): it flattens where D is sure of itself."""
    return -F.softplus(fake_logits).mean()  # E log(1 - D(G(z)))


def non_saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The heuristic loss (Goodfellow et al. 2014, section 3): same fixed point, strong gradient while D is
    sure.
    """
    return F.softplus(-fake_logits).mean()  # -E log D(G(z))


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
    """Least squares with a = 0, b = c = 1 (Mao et al. 2017, equation 9)."""
    return 0.5 * (
        (real_logits - target).square().mean() + fake_logits.square().mean()
    )  # E(D(x)-1)^2/2 + E D(G(z))^2/2


def least_squares_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Least squares with c = 1 (Mao et al. 2017, equation 9)."""
    return 0.5 * (fake_logits - 1).square().mean()  # E(D(G(z))-1)^2 / 2


def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
    """The critic's side of the Kantorovich-Rubinstein dual (Arjovsky et al. 2017, equation 2)."""
    return fake_logits.mean() - real_logits.mean()  # E f(G(z)) - E f(x)


def wasserstein_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The generator's side of the dual (Arjovsky et al. 2017, equation 3)."""
    return -fake_logits.mean()  # -E f(G(z))


def hinge_discriminator(
    real_logits: Tensor, fake_logits: Tensor, target: float = 1.0, hinge_margin: float = 1.0
) -> Tensor:
    """The hinge loss of SNGAN and SAGAN (Miyato et al. 2018, equation 16), theirs with a margin m of 1."""
    real, fake = F.relu(hinge_margin - real_logits), F.relu(hinge_margin + fake_logits)
    return real.mean() + fake.mean()  # E max(0, m-D(x)) + E max(0, m+D(G(z)))


def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
    """D ranks each real sample above the generated one in its place (Huang et al. 2024, equation 2)."""
    return F.softplus(fake_logits - real_logits).mean()  # -E log sigmoid(D(x) - D(G(z)))


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """G wants the opposite order, in the form that does not saturate, as the authors of R3GAN train it."""
    return F.softplus(real_logits - fake_logits).mean()  # -E log sigmoid(D(G(z)) - D(x))


@dataclass(frozen=True)
class GeneratorUpdate:
    """Another loss for G against the same D, with its formula, its value at equilibrium, and what it
    minimises against an optimal D.
    """

    loss: GeneratorLoss
    latex: str
    equilibrium: float
    divergence: str


@dataclass(frozen=True)
class Objective:
    """One objective, with what a reader needs to interpret its curves.

    ``equilibrium`` are the values at p = q with the optimal D (``None`` where there is none), ``smoothing``
    gives them where D's target for real data is not 1 (``None``: it has no target); ``unit`` is the losses',
    where others have the same: what has another scale shares no axis with them. ``midpoint`` is
    D's score when it cannot tell; ``threshold`` the logit above which it says "real" (``None``: only
    differences mean something, so the batch's own midpoint serves); ``range`` that of the score;
    ``divergence`` what an optimal D makes G minimise. ``minimax`` is G's original update where
    ``generator_loss`` is a better-behaved one, ``needs_real`` says that G's loss reads the real logits, and
    ``family`` names the objectives that belong together. ``parts`` are functions that the losses are made of.

    ``Options`` are its own knobs, such as a margin, whose names no other option of a run has: a loss that has
    an argument of that name is given the value, and ``settled`` says which of the fields here it changes.
    """

    title: str
    sentence: str
    discriminator_loss: DiscriminatorLoss
    generator_loss: GeneratorLoss
    latex_d: str
    latex_g: str
    divergence: str
    probability: bool
    midpoint: float | None
    threshold: float | None
    range: tuple[float, float] | None
    equilibrium: dict[str, float] | None
    smoothing: Callable[[float], dict[str, float]] | None = None
    unit: str = ""
    needs_lipschitz: bool = False
    needs_real: bool = False
    family: str = ""
    minimax: GeneratorUpdate | None = None
    parts: tuple[Callable[..., Tensor], ...] = ()
    Options: type[Options] = Options
    settled: Callable[..., dict[str, Any]] | None = None

    def of(self, options: Any) -> Objective:
        """This objective as a run with these options plays it: G's update, and its own knobs. Raises
        ``BadInput`` where there is no such update.
        """
        chosen = self.under(options.generator_update)
        values = {name: getattr(options, name) for name in self.Options.model_fields}
        if not values:
            return chosen
        more = self.settled(**values) if self.settled else {}
        losses = {
            name: partial(loss, **{key: values[key] for key in values if key in signature(loss).parameters})
            for name in ("discriminator_loss", "generator_loss")
            for loss in [getattr(chosen, name)]
        }
        return replace(chosen, **losses, **more)

    def under(self, generator_update: str) -> Objective:
        """This objective with G's ``heuristic`` update, the default, or its ``minimax`` one. Raises
        ``BadInput`` where there is no such choice.
        """
        if generator_update == "heuristic":
            return self
        if generator_update != "minimax" or self.minimax is None:
            raise BadInput(
                f"the {self.title.lower()} objective has only one loss for G.",
                "generator_update",
                "Set generator_update to heuristic, or choose an objective of the f-GAN family.",
            )
        other = self.minimax
        return replace(
            self,
            generator_loss=other.loss,
            latex_g=other.latex,
            divergence=other.divergence,
            equilibrium={**(self.equilibrium or {}), "g_loss": other.equilibrium},
            minimax=None,
        )

    def score(self, logits: Tensor) -> Tensor:
        """D's answer as the pages show it: a probability where there is one, otherwise the raw value."""
        return logits.sigmoid() if self.probability else logits

    def undecided(self, target: float = 1.0) -> float | None:
        """The logit of the best D where real and generated samples are as likely: ``threshold``, or what
        D's ``target`` for real data makes of it.
        """
        if target == 1 or self.smoothing is None:
            return self.threshold
        best = self.smoothing(target)["d_real"]
        return log(best / (1 - best)) if self.probability else best

    def middle(self, target: float = 1.0) -> float | None:
        """``midpoint``, or where D's ``target`` for real data moves it; ``None`` where nobody knows."""
        if target == 1:
            return self.midpoint
        return self.smoothing(target)["d_real"] if self.smoothing else None

    def accuracy(self, real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
        """The share of a batch that D gets right, 0..1, by its ``target`` for real data; ties count half."""
        middle = self.undecided(target)
        if middle is None:
            middle = (real_logits.mean() + fake_logits.mean()) / 2
        right = (real_logits - middle).sign().mean() - (fake_logits - middle).sign().mean()
        return right / 4 + 0.5

    def describe(self) -> dict[str, Any]:
        """Plain data for catalogue and page; ``code`` is the source of both losses and of their parts,
        ``minimax`` the same again under that update, where there is a choice.
        """
        losses = (self.discriminator_loss, self.generator_loss)
        sources = (*self.parts, *(loss.func if isinstance(loss, partial) else loss for loss in losses))
        code = "\n\n".join(dedent(inspect.getsource(source)) for source in sources)
        return {
            "title": self.title,
            "sentence": self.sentence,
            "latex_d": self.latex_d,
            "latex_g": self.latex_g,
            "code": code,
            "equilibrium": self.equilibrium or {},
            "unit": self.unit,
            "midpoint": self.midpoint,
            "range": self.range,
            "score_label": "D(x)"
            if self.probability
            else "critic value"
            if self.needs_lipschitz
            else "D(x), raw",
            "divergence": self.divergence,
            "family": self.family,
            "minimax": self.under("minimax").describe() if self.minimax else None,
        }


def _cross_entropy(target: float, generator: Callable[[float], float]) -> dict[str, float]:
    """The best D at p = q says t / 2: there -t log D - (1 - t) log(1 - D) - log(1 - D) is least."""
    best = target / 2
    d_loss = -target * log(best) - (2 - target) * log(1 - best)
    return {"d_loss": d_loss, "g_loss": generator(best), "d_real": best, "d_fake": best}


def _non_saturating(target: float = 1.0) -> dict[str, float]:
    return _cross_entropy(target, lambda best: -log(best))


def _saturating(target: float = 1.0) -> dict[str, float]:
    return _cross_entropy(target, lambda best: log(1 - best))


def _least_squares(target: float = 1.0) -> dict[str, float]:
    """The best D at p = q is t / 2, where ((D - t)² + D²) / 2 is least."""
    best = target / 2
    return {"d_loss": best**2, "g_loss": (best - 1) ** 2 / 2, "d_real": best, "d_fake": best}


def _f_gan(divergence: FDivergence) -> Objective:
    """The objective that estimates ``divergence``. D's score is its logit: T itself spans many decades."""
    at_one = float(divergence.generator(torch.ones((), dtype=torch.float64)))  # f(1), which is D_f(p‖p)
    minimax = GeneratorUpdate(
        loss=divergence.minimax_generator_loss,
        latex=divergence.latex_minimax_g,
        equilibrium=at_one - divergence.threshold,  # f*(f'(1)) = f'(1) - f(1)
        divergence=divergence.minimax_divergence,
    )
    return Objective(
        title=f"f-GAN: {divergence.title}",
        sentence=divergence.sentence,
        discriminator_loss=divergence.discriminator_loss,
        generator_loss=divergence.generator_loss,
        latex_d=divergence.latex_d,
        latex_g=divergence.latex_g,
        divergence=divergence.divergence,
        probability=False,
        midpoint=divergence.undecided,
        threshold=divergence.undecided,
        range=None,
        equilibrium={
            "d_loss": 0.0 - at_one,  # not -0
            "g_loss": 0.0 - divergence.threshold,
            "d_real": divergence.undecided,
            "d_fake": divergence.undecided,
        },
        family="f-GAN",
        minimax=minimax,
        parts=(divergence.activation, divergence.conjugate_of_activation),
    )


class HingeOptions(Options):
    """How far D is to go."""

    hinge_margin: float = knob(
        1.0,
        "Hinge margin",
        "How sure D is to be of a sample, on either side, before it gains no more.",
        gt=0,
        le=100,
        step=0.1,
        live=True,
        group="objective",
    )


_CROSS_ENTROPY = r"L_D = -\mathbb{E}_{x}\log D(x) - \mathbb{E}_{z}\log\left(1 - D(G(z))\right)"

OBJECTIVES: dict[str, Objective] = {
    "non_saturating": Objective(
        title="Non-saturating",
        sentence="G maximises log D(G(z)): the usual choice, since its gradient is strong while D is ahead.",
        discriminator_loss=minimax_discriminator,
        generator_loss=non_saturating_generator,
        latex_d=_CROSS_ENTROPY,
        latex_g=r"L_G = -\mathbb{E}_{z}\log D(G(z))",
        divergence="KL(q‖p) − 2 JSD(p, q), up to a constant (Arjovsky & Bottou 2017, theorem 2.5)",
        probability=True,
        midpoint=0.5,
        threshold=0.0,
        range=(0.0, 1.0),
        equilibrium=_non_saturating(),
        smoothing=_non_saturating,
        unit="nats",
    ),
    "minimax": Objective(
        title="Minimax (saturating)",
        sentence="The game as first written: G minimises log(1 - D(G(z))), whose gradient vanishes once "
        "D is sure.",
        discriminator_loss=minimax_discriminator,
        generator_loss=minimax_generator,
        latex_d=_CROSS_ENTROPY,
        latex_g=r"L_G = \mathbb{E}_{z}\log\left(1 - D(G(z))\right)",
        divergence="2 JSD(p, q) − log 4 (Goodfellow et al. 2014, theorem 1)",
        probability=True,
        midpoint=0.5,
        threshold=0.0,
        range=(0.0, 1.0),
        equilibrium=_saturating(),
        smoothing=_saturating,
        unit="nats",
    ),
    "least_squares": Objective(
        title="Least squares",
        sentence="D regresses 1 for real and 0 for generated; far-off samples are pulled in even if D is "
        "right.",
        discriminator_loss=least_squares_discriminator,
        generator_loss=least_squares_generator,
        latex_d=r"L_D = \tfrac12\mathbb{E}_{x}(D(x)-1)^2 + \tfrac12\mathbb{E}_{z}D(G(z))^2",
        latex_g=r"L_G = \tfrac12\mathbb{E}_{z}(D(G(z))-1)^2",
        divergence="½∫ q³/(p+q)² (Pearson χ² only for codings b−c = 1, b−a = 2); its step, with D held, "
        "descends ½∫ (q − 2p log(p+q) − p²/(p+q)), which is least at p = q too",
        probability=False,
        midpoint=0.5,
        threshold=0.5,
        range=None,
        equilibrium=_least_squares(),
        smoothing=_least_squares,
    ),
    "wasserstein": Objective(
        title="Wasserstein",
        sentence="A critic, not a classifier: its value estimates how far samples must be moved, so it "
        "never saturates.",
        discriminator_loss=wasserstein_discriminator,
        generator_loss=wasserstein_generator,
        latex_d=r"L_D = \mathbb{E}_{z}f(G(z)) - \mathbb{E}_{x}f(x),\quad \|f\|_L \le 1",
        latex_g=r"L_G = -\mathbb{E}_{z}f(G(z))",
        divergence="Wasserstein-1 distance, as far as the critic is 1-Lipschitz",
        probability=False,
        midpoint=None,
        threshold=None,
        range=None,
        equilibrium={"d_loss": 0.0},
        needs_lipschitz=True,
    ),
    "hinge": Objective(
        title="Hinge",
        sentence="D is rewarded only up to a margin on either side; popular for large GANs.",
        discriminator_loss=hinge_discriminator,
        generator_loss=wasserstein_generator,
        latex_d=r"L_D = \mathbb{E}_{x}\max(0, m-D(x)) + \mathbb{E}_{z}\max(0, m+D(G(z)))",
        latex_g=r"L_G = -\mathbb{E}_{z}D(G(z))",
        divergence="2m times the total variation, up to a constant, for an optimal D in [−m, m]",
        probability=False,
        midpoint=0.0,
        threshold=0.0,
        range=None,
        equilibrium={"d_loss": 2.0},  # of any constant D within the margin
        Options=HingeOptions,
        settled=lambda hinge_margin: {"equilibrium": {"d_loss": 2.0 * hinge_margin}},
    ),
    "relativistic": Objective(
        title="Relativistic",
        sentence="D only says which of two samples, a real and a generated one, is more real. R3GAN uses "
        "it with R1 and R2.",
        discriminator_loss=relativistic_discriminator,
        generator_loss=relativistic_generator,
        latex_d=r"L_D = \mathbb{E}_{x,z}\log\left(1 + e^{-(D(x) - D(G(z)))}\right)",
        latex_g=r"L_G = \mathbb{E}_{x,z}\log\left(1 + e^{-(D(G(z)) - D(x))}\right)",
        divergence="none in closed form (a relativistic divergence, Jolicoeur-Martineau 2020)",
        probability=False,
        midpoint=None,
        threshold=None,
        range=None,
        equilibrium={"d_loss": log(2), "g_loss": log(2)},
        unit="nats",
        needs_real=True,
    ),
    **{name: _f_gan(divergence) for name, divergence in DIVERGENCES.items()},
}
