"""Moving through a latent space: straight and spherical lines, an endless plane, arithmetic, directions.

Pure tensors. A latent is [noise | codes]; the noise of nearly all GANs is N(0, I), whose samples lie close to
a sphere of radius sqrt(dim): what leaves that sphere was never trained (White 2016, *Sampling Generative
Networks*). Letters: N latents, D their length, K directions, F features.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor

SEEDS = 2**53  # seeds are whole numbers below this: what JavaScript counts exactly


def lerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """The straight line from ``a`` to ``b`` (..., D) at ``t`` (..., 1) or a number; exact at 0 and 1."""
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    return _with_ends(a, b, t, a + (b - a) * t)


def slerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """The great circle from ``a`` to ``b`` (..., D) at ``t`` (..., 1) or a number; exact at 0 and 1.

    The angle is divided evenly, the norm goes evenly from one to the other, so that it is kept where both
    have the same (Shoemake 1985). Opposite or vanishing ends have no great circle: there it is ``lerp``.
    """
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    x, y, at = a.double(), b.double(), t.double()
    x_norm, y_norm = x.norm(dim=-1, keepdim=True), y.norm(dim=-1, keepdim=True)  # (..., 1)
    x_unit, y_unit = x / x_norm.clamp_min(1e-12), y / y_norm.clamp_min(1e-12)
    # by half the chord and its complement: arccos loses half the digits of small angles
    angle = 2 * torch.atan2(
        (x_unit - y_unit).norm(dim=-1, keepdim=True), (x_unit + y_unit).norm(dim=-1, keepdim=True)
    )
    sine = angle.sin()
    turned = (((1 - at) * angle).sin() * x_unit + (at * angle).sin() * y_unit) / sine.clamp_min(1e-12)
    on_circle = turned * (x_norm + (y_norm - x_norm) * at)
    straight = (sine < 1e-6) | (x_norm < 1e-12) | (y_norm < 1e-12)
    return _with_ends(a, b, t, torch.where(straight, x + (y - x) * at, on_circle).to(a.dtype))


def _with_ends(a: Tensor, b: Tensor, t: Tensor, between: Tensor) -> Tensor:
    return torch.where(t == 0, a, torch.where(t == 1, b, between))


def arithmetic(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """mean(a) - mean(b) + mean(c) of latents (N, D) each: (D,) (Radford et al. 2016, section 6.3.2).

    An empty term counts as 0.
    """
    means = [part.mean(0) if len(part) else part.new_zeros(part.shape[1]) for part in (a, b, c)]
    return means[0] - means[1] + means[2]


# --- the endless plane: a seed on each point of a lattice, and blends between them


def lattice_seed(plane: int, i: int, j: int) -> int:
    """The seed on the lattice point (``i``, ``j``) of one ``plane``: 0 .. 2^53 - 1."""
    digest = hashlib.blake2b(f"{plane},{i},{j}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % SEEDS


def corners(x: float, y: float) -> list[tuple[int, int, float]]:
    """The lattice points around (``x``, ``y``) and their weights (i, j, w), which add up to 1.

    Weights are smooth, flat at the lattice points, and points of weight 0 are left out.
    """
    i, j = math.floor(x), math.floor(y)
    u, v = _smooth(x - i), _smooth(y - j)
    around = [
        (i, j, (1 - u) * (1 - v)),
        (i + 1, j, u * (1 - v)),
        (i, j + 1, (1 - u) * v),
        (i + 1, j + 1, u * v),
    ]
    return [corner for corner in around if corner[2] > 0]


def blend(latents: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum (D,) of ``latents`` (N, D) from N(0, I), divided by the norm of ``weights`` (N,): it
    is N(0, I) again, so its own norm is as typical as theirs.
    """
    return (weights @ latents) / weights.norm()


def _smooth(t: float) -> float:
    return t * t * (3 - 2 * t)


# --- directions


@dataclass(frozen=True)
class Directions:
    """Ways of moving in the noise that change most of what a generator sees.

    ``vectors`` (K, D): a step of 1 along each is one standard deviation of its feature. ``sd`` (K,): these
    deviations, in units of the features. ``share`` (K,): of the features' variance.
    """

    vectors: Tensor
    sd: Tensor
    share: Tensor


def directions(latents: Tensor, features: Tensor, count: int) -> Directions:
    """The principal components of ``features`` (N, F), each as the direction in latents (N, D) that goes
    along with it, by least squares (Härkönen et al. 2020, *GANSpace*, section 2.2).

    Signs are fixed by making each vector's largest entry positive. ``count`` is cut to what N, F and D allow.
    """
    z, f = latents - latents.mean(0), features - features.mean(0)
    variance, coordinates = torch.linalg.eigh((f @ f.T).double() / len(z))  # (N,), (N, N): smallest first
    variance, coordinates = variance.flip(0).clamp_min(0), coordinates.flip(1)
    count = min(count, int((variance > 1e-9 * variance[0]).sum()), z.shape[1])
    coordinates = coordinates[:, :count] * len(z) ** 0.5  # (N, K), of variance 1
    vectors = coordinates.T @ z.double() / len(z)  # least squares: coordinates are orthogonal; (K, D)
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))  # (K, 1)
    return Directions(
        (vectors * largest.sign()).float(),
        variance[:count].sqrt().float(),
        (variance[:count] / variance.sum()).float(),
    )
