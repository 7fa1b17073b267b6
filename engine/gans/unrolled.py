"""Unrolled GAN: G answers the D of k steps ahead, not the one of now.

Metz et al., *Unrolled Generative Adversarial Networks* (2017). A G that answers D as it is puts all samples
where D is wrong now; D corrects that, G moves on, and so on round the modes. Here G's loss is taken through k
further updates of D, each a differentiable function of the samples (equations 7 to 10), so G feels how D
would respond. The copy is thrown away: D itself is trained as ever, one step at a time (equation 11). As in
the authors' code, every unrolled step sees the same batch, that of G's own step, and goes on from the moments
of D's Adam.

What to look for: on the ring, modes that a plain GAN drops come back and stay, the more surely the larger k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from engine.game.context import Context, Judge
from engine.game.recipe import Shape, Statistics
from engine.gans.gan import GAN
from engine.options import BadInput, knob

REFUSED = {  # by their switches: what an unrolled D cannot follow
    "weight_clip": "clipping has no slope that G could feel",
    "spectral_norm": "spectral norm follows D's weights from step to step, and would follow the copies",
    "minibatch_discrimination": "minibatch discrimination keeps means of D's own batches, not the copies'",
    "feature_matching": "feature matching looks through D as it is, not as it will be",
    "historical_averaging": "the history of D's weights says nothing of steps it never takes",
}
TINY = 1e-24  # under the root of Adam's second moment, whose slope at 0 would be infinite

Update = Callable[[Tensor, Tensor], Tensor]


class UnrolledGAN(GAN):
    title = "Unrolled GAN"
    sentence = "G plays against D as it will be a few steps later, so that hiding in one mode does not pay."
    paper = "Metz et al. 2017, arXiv:1611.02163"

    class Options(GAN.Options):
        unroll: int = knob(
            5,
            "Unrolled steps",
            "Updates of D that G looks ahead. Each costs about as much as a step of D and G.",
            ge=0,
            le=20,
            live=True,
            group="training",
        )

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        super().check(options, data)
        if options.unroll == 0:
            raise BadInput(
                "without steps ahead this is the plain GAN.", "unroll", "Give 1 to 20, or choose the GAN gan."
            )
        if options.discriminator_optimizer not in UPDATES:
            raise BadInput(
                f"steps of {options.discriminator_optimizer} are not unrolled here.",
                "discriminator_optimizer",
                f"Choose one of: {', '.join(UPDATES)}.",
            )
        for switch, reason in REFUSED.items():
            if getattr(options, switch):
                raise BadInput(f"{reason}.", switch, f"Switch {switch} off, or choose the GAN gan.")

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        real, fake = ctx.real(), ctx.fake()
        both = torch.cat([real, fake])

        def discriminator_loss(judge: Judge) -> Tensor:
            real_logits, fake_logits = judge(ctx.shown(both)).split(len(real))
            loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
            return ctx.with_penalties(loss, {}, real, fake, judge)[0]

        update = UPDATES[self.options.discriminator_optimizer](ctx.optimizers["discriminator"])
        judge = look_ahead(ctx.networks["discriminator"], update, self.options.unroll, discriminator_loss)
        fake_logits = judge(ctx.shown(fake))
        real_logits = judge(ctx.shown(real)) if ctx.objective.needs_real else fake_logits
        return ctx.with_generator_terms(ctx.objective.generator_loss(real_logits, fake_logits), fake)


def look_ahead(
    discriminator: nn.Module, update: Update, steps: int, loss: Callable[[Judge], Tensor]
) -> Judge:
    """``discriminator`` as ``steps`` times ``update`` on ``loss`` would leave it (equation 7); it stays as it
    is. What the judge says can be differentiated by all that ``loss`` was made of.
    """
    names, weights = zip(*discriminator.named_parameters(), strict=True)
    sizes = [weight.numel() for weight in weights]

    def judge_by(flat: Tensor) -> Judge:
        parts = zip(names, flat.split(sizes), weights, strict=True)
        named = {name: part.view(weight.shape) for name, part, weight in parts}
        return lambda x: functional_call(discriminator, named, (x,), tie_weights=False)

    # all weights in one vector: an update is then a handful of operations, not a handful for each layer
    flat = _flat(weight.detach() for weight in weights).requires_grad_()
    for _ in range(steps):
        judge = judge_by(flat)
        (gradient,) = torch.autograd.grad(loss(judge), flat, create_graph=True)
        flat = update(flat, gradient)
    return judge_by(flat)


def adam(optimizer: torch.optim.Optimizer) -> Update:
    """Adam (Kingma & Ba 2015, algorithm 1) from where ``optimizer`` stands, on flat weights."""
    group = optimizer.param_groups[0]
    (beta1, beta2), lr, eps = group["betas"], group["lr"], group["eps"]
    states = [optimizer.state.get(weight) or {} for weight in group["params"]]
    first, second = (_moments(group["params"], states, name) for name in ("exp_avg", "exp_avg_sq"))
    taken = int(states[0].get("step", 0))

    def update(flat: Tensor, gradient: Tensor) -> Tensor:
        nonlocal first, second, taken
        taken += 1
        first = first.lerp(gradient, 1 - beta1)
        second = torch.addcmul(second * beta2, gradient, gradient, value=1 - beta2)
        correction = (1 - beta2**taken) ** 0.5
        size = lr * correction / (1 - beta1**taken)
        return flat.addcdiv(first, (second + TINY).sqrt() + eps * correction, value=-size)

    return update


def momentum(optimizer: torch.optim.Optimizer) -> Update:
    """Gradient descent with momentum from where ``optimizer`` stands, on flat weights."""
    group = optimizer.param_groups[0]
    states = [optimizer.state.get(weight) or {} for weight in group["params"]]
    velocity = _moments(group["params"], states, "momentum_buffer")

    def update(flat: Tensor, gradient: Tensor) -> Tensor:
        nonlocal velocity
        velocity = group["momentum"] * velocity + gradient
        return flat - group["lr"] * velocity

    return update


UPDATES: dict[str, Callable[[torch.optim.Optimizer], Update]] = {"adam": adam, "sgd": momentum}


def _moments(weights: list[Tensor], states: list[dict[str, Any]], name: str) -> Tensor:
    """One of the optimizer's moments of all weights, flat: (P,); zeros before its first step."""
    moments = [state.get(name) for state in states]
    found = [torch.zeros_like(w) if m is None else m for w, m in zip(weights, moments, strict=True)]
    return _flat(found)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])  # (P,)
