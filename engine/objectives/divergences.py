"""The f-divergences of f-GAN (Nowozin, Cseke & Tomioka 2016, tables 1, 2 and 6), each with what two players
need to estimate and to minimise it.

For the data's density p, the generator's q and a convex f, D_f(p‖q) = ∫ q(x) f(p(x)/q(x)) dx is the largest
value of E_p T(x) - E_q f*(T(x)) over all functions T, reached at T = f'(p/q) (sections 2.1 and 2.2). Here
T = g_f(v): D's logit v is any number, and the increasing g_f takes it into the domain of the conjugate
f*(t) = sup_u (ut - f(u)) (section 2.4). The ratio is u = p/q throughout. All functions work element by
element, on tensors of any shape.

Slips of the published tables are corrected. The activations printed for reverse KL, -exp(v), and for Neyman
and squared Hellinger, 1 - exp(v), fall with v: they take exp(-v) here, or "real" would lie below the
threshold. Table 1's integrals for Pearson and Neyman belong to each other's f, and D_f of its Jensen-Shannon
f is twice the integral beside it.

Where an exponential is part of the loss (all but Pearson, Jensen-Shannon and GAN) float32 overflows to
infinity once a logit is about 88 in size (Neyman's conjugate: 177), and the trainer reports that the run
diverged. The exponential is left as it is: clipped or bent, it would bound another divergence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import log
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor


class FDivergence(ABC):
    """One f-divergence and the game that it makes.

    ``threshold`` is f'(1), the value of T above which D says "real", and ``undecided`` the logit where g_f
    reaches it. ``minimax_divergence`` is D_f in words. ``divergence`` is what G descends under the usual
    update instead: with D optimal and held still, the gradient of -E_q f'(p/q) is not that of D_f, but that
    of the f-divergence whose second derivative is f''(u)/u.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    latex: ClassVar[str]
    latex_d: ClassVar[str]
    latex_g: ClassVar[str]
    latex_minimax_g: ClassVar[str]
    threshold: ClassVar[float]
    undecided: ClassVar[float] = 0.0
    divergence: ClassVar[str]
    minimax_divergence: ClassVar[str]

    @abstractmethod
    def generator(self, u: Tensor) -> Tensor:
        """f(u), the convex function that generates the divergence, for u > 0."""

    @abstractmethod
    def conjugate(self, t: Tensor) -> Tensor:
        """f*(t), for t in the range of the activation."""

    @abstractmethod
    def activation(self, v: Tensor) -> Tensor:
        """T = g_f(v) for D's logit v."""

    @abstractmethod
    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        """f*(g_f(v)) in one piece: no difference of nearly equal numbers, no logarithm of an exponential."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, target: float = 1.0) -> Tensor:
        """Minus the lower bound on D_f(p‖q) (Nowozin et al. 2016, section 2.3)."""
        real, fake = self.activation(real_logits), self.conjugate_of_activation(fake_logits)
        return fake.mean() - real.mean()  # -E T(x) + E f*(T(G(z)))

    def generator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The update that does not saturate: G raises T itself (Nowozin et al. 2016, section 3.2)."""
        return -self.activation(fake_logits).mean()  # -E T(G(z))

    def minimax_generator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """G lowers the very bound that D raises (Nowozin et al. 2016, section 2.3)."""
        return -self.conjugate_of_activation(fake_logits).mean()  # -E f*(T(G(z)))


class KL(FDivergence):
    title = "KL"
    sentence = (
        "D learns 1 + log p/q. In the minimax game a mode that G misses costs without limit, so G covers "
        "them all; the usual update descends the reverse KL."
    )
    latex = r"f(u) = u\log u,\quad g_f(v) = v,\quad f^*(t) = e^{t-1},\quad f'(1) = 1"
    latex_d = r"L_D = -\mathbb{E}_{x}D(x) + \mathbb{E}_{z}e^{D(G(z))-1}"
    latex_g = r"L_G = -\mathbb{E}_{z}D(G(z))"
    latex_minimax_g = r"L_G = -\mathbb{E}_{z}e^{D(G(z))-1}"
    threshold = 1.0
    undecided = 1.0
    divergence = "KL(q‖p), by its gradient"
    minimax_divergence = "KL(p‖q)"

    def generator(self, u: Tensor) -> Tensor:
        return u * u.log()

    def conjugate(self, t: Tensor) -> Tensor:
        return (t - 1).exp()

    def activation(self, v: Tensor) -> Tensor:
        return v

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return (v - 1).exp()


class ReverseKL(FDivergence):
    title = "reverse KL"
    sentence = (
        "D learns log p/q. A sample where there are no data costs without limit, so G would rather miss a "
        "mode than leave one. The usual update has G's gradient grow exponentially: add R1."
    )
    latex = r"f(u) = -\log u,\quad g_f(v) = -e^{-v},\quad f^*(t) = -1 - \log(-t),\quad f'(1) = -1"
    latex_d = r"L_D = \mathbb{E}_{x}e^{-D(x)} + \mathbb{E}_{z}D(G(z)) - 1"
    latex_g = r"L_G = \mathbb{E}_{z}e^{-D(G(z))}"
    latex_minimax_g = r"L_G = 1 - \mathbb{E}_{z}D(G(z))"
    threshold = -1.0
    divergence = "½ ∫ (p − q)²/p (half of Neyman's χ²), by its gradient"
    minimax_divergence = "KL(q‖p)"

    def generator(self, u: Tensor) -> Tensor:
        return -u.log()

    def conjugate(self, t: Tensor) -> Tensor:
        return -1 - (-t).log()

    def activation(self, v: Tensor) -> Tensor:
        return -(-v).exp()

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return v - 1


class Pearson(FDivergence):
    """f is continued to u < 0, as in the paper: D's loss is then a parabola that never goes flat."""

    title = "Pearson χ²"
    sentence = (
        "D learns 2(p/q − 1) by least squares, without exponentials. In the minimax game G covers modes "
        "more eagerly still than with KL; the usual update descends 2 KL(p‖q)."
    )
    latex = r"f(u) = (u-1)^2,\quad g_f(v) = v,\quad f^*(t) = \tfrac14 t^2 + t,\quad f'(1) = 0"
    latex_d = r"L_D = -\mathbb{E}_{x}D(x) + \mathbb{E}_{z}\left[\tfrac14 D(G(z))^2 + D(G(z))\right]"
    latex_g = r"L_G = -\mathbb{E}_{z}D(G(z))"
    latex_minimax_g = r"L_G = -\mathbb{E}_{z}\left[\tfrac14 D(G(z))^2 + D(G(z))\right]"
    threshold = 0.0
    divergence = "2 KL(p‖q), by its gradient"
    minimax_divergence = "∫ (p − q)²/q"

    def generator(self, u: Tensor) -> Tensor:
        return (u - 1).square()

    def conjugate(self, t: Tensor) -> Tensor:
        return t.square() / 4 + t

    def activation(self, v: Tensor) -> Tensor:
        return v

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return v.square() / 4 + v


class Neyman(FDivergence):
    title = "Neyman χ²"
    sentence = (
        "D learns 2 log p/q. Samples where there are few data cost more still than under the reverse KL, "
        "so G stays where it is safe. Its exponentials want R1 or small rates."
    )
    latex = (
        r"f(u) = \tfrac{(1-u)^2}{u},\quad g_f(v) = 1 - e^{-v},\quad f^*(t) = 2 - 2\sqrt{1-t},\quad f'(1) = 0"
    )
    latex_d = r"L_D = \mathbb{E}_{x}e^{-D(x)} - 2\,\mathbb{E}_{z}e^{-D(G(z))/2} + 1"
    latex_g = r"L_G = \mathbb{E}_{z}e^{-D(G(z))} - 1"
    latex_minimax_g = r"L_G = 2\,\mathbb{E}_{z}e^{-D(G(z))/2} - 2"
    threshold = 0.0
    divergence = "⅓ ∫ q³/p², by its gradient"
    minimax_divergence = "∫ (p − q)²/p"

    def generator(self, u: Tensor) -> Tensor:
        return (1 - u).square() / u

    def conjugate(self, t: Tensor) -> Tensor:
        return 2 - 2 * (1 - t).sqrt()

    def activation(self, v: Tensor) -> Tensor:
        return -torch.expm1(-v)  # 1 - exp(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return -2 * torch.expm1(-v / 2)  # 2 - 2 exp(-v/2)


class SquaredHellinger(FDivergence):
    title = "squared Hellinger"
    sentence = (
        "D learns ½ log p/q under the exponential loss of boosting. The divergence is symmetric in p and q, "
        "and at most 2."
    )
    latex = r"f(u) = (\sqrt{u}-1)^2,\quad g_f(v) = 1 - e^{-v},\quad f^*(t) = \tfrac{t}{1-t},\quad f'(1) = 0"
    latex_d = r"L_D = \mathbb{E}_{x}e^{-D(x)} + \mathbb{E}_{z}e^{D(G(z))} - 2"
    latex_g = r"L_G = \mathbb{E}_{z}e^{-D(G(z))} - 1"
    latex_minimax_g = r"L_G = 1 - \mathbb{E}_{z}e^{D(G(z))}"
    threshold = 0.0
    divergence = "⅔ ∫ q √(q/p), by its gradient"
    minimax_divergence = "∫ (√p − √q)²"

    def generator(self, u: Tensor) -> Tensor:
        return (u.sqrt() - 1).square()

    def conjugate(self, t: Tensor) -> Tensor:
        return t / (1 - t)

    def activation(self, v: Tensor) -> Tensor:
        return -torch.expm1(-v)  # 1 - exp(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return torch.expm1(v)  # exp(v) - 1


class JensenShannon(FDivergence):
    title = "Jensen-Shannon"
    sentence = (
        "D learns log p/q, with the gradients of the first GAN: only the losses are shifted, to 0 where "
        "p = q."
    )
    latex = (
        r"f(u) = u\log u - (u+1)\log\tfrac{u+1}{2},\quad g_f(v) = \log 2 - \log(1+e^{-v}),\quad "
        r"f^*(t) = -\log(2-e^t),\quad f'(1) = 0"
    )
    latex_d = r"L_D = \mathbb{E}_{x}\log(1+e^{-D(x)}) + \mathbb{E}_{z}\log(1+e^{D(G(z))}) - \log 4"
    latex_g = r"L_G = \mathbb{E}_{z}\log(1+e^{-D(G(z))}) - \log 2"
    latex_minimax_g = r"L_G = \log 2 - \mathbb{E}_{z}\log(1+e^{D(G(z))})"
    threshold = 0.0
    divergence = "KL(q‖p) − 2 JSD(p, q), by its gradient (Arjovsky & Bottou 2017, theorem 2.5)"
    minimax_divergence = "2 JSD(p, q)"

    def generator(self, u: Tensor) -> Tensor:
        return u * u.log() - (u + 1) * ((u + 1) / 2).log()

    def conjugate(self, t: Tensor) -> Tensor:
        return -(2 - t.exp()).log()

    def activation(self, v: Tensor) -> Tensor:
        return log(2) - F.softplus(-v)  # log 2 - log(1 + exp(-v))

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return F.softplus(v) - log(2)  # -log(2 - 2 sigmoid(v))


class GAN(FDivergence):
    title = "GAN"
    sentence = (
        "The first GAN as a member of the family: exactly the losses of the non-saturating objective, or "
        "of the minimax one."
    )
    latex = (
        r"f(u) = u\log u - (u+1)\log(u+1),\quad g_f(v) = -\log(1+e^{-v}),\quad "
        r"f^*(t) = -\log(1-e^t),\quad f'(1) = -\log 2"
    )
    latex_d = r"L_D = \mathbb{E}_{x}\log(1+e^{-D(x)}) + \mathbb{E}_{z}\log(1+e^{D(G(z))})"
    latex_g = r"L_G = \mathbb{E}_{z}\log(1+e^{-D(G(z))})"
    latex_minimax_g = r"L_G = -\mathbb{E}_{z}\log(1+e^{D(G(z))})"
    threshold = -log(2)
    divergence = "KL(q‖p) − 2 JSD(p, q), by its gradient (Arjovsky & Bottou 2017, theorem 2.5)"
    minimax_divergence = "2 JSD(p, q) − log 4"

    def generator(self, u: Tensor) -> Tensor:
        return u * u.log() - (u + 1) * (u + 1).log()

    def conjugate(self, t: Tensor) -> Tensor:
        return -(1 - t.exp()).log()

    def activation(self, v: Tensor) -> Tensor:
        return -F.softplus(-v)  # log sigmoid(v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return F.softplus(v)  # -log(1 - sigmoid(v))


DIVERGENCES: dict[str, FDivergence] = {
    "f_kl": KL(),
    "f_reverse_kl": ReverseKL(),
    "f_pearson": Pearson(),
    "f_neyman": Neyman(),
    "f_hellinger": SquaredHellinger(),
    "f_jensen_shannon": JensenShannon(),
    "f_gan": GAN(),
}
