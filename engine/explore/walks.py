"""Plans for moving about: walks between places, traversals along codes and directions, and arithmetic."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from engine.explore.film import film
from engine.explore.places import direction, latent_of, latents_of, place_of
from engine.explore.plans import Plan, frames, pictures, places
from engine.latent import moving
from engine.models.library import Loaded
from engine.models.model import Model, code_values
from engine.options import BadInput
from engine.requests.explore import Arithmetic, Interpolate, Traverse, Walk

QUICK = 256  # pictures of a walk that hold up nobody


# --- walks


def walk(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """From key to key, ``steps`` pictures a segment, both ends counted; a ``loop`` goes back to the first."""
    asked = Walk.read(request)
    kind = asked.format
    latents = path(loaded.model, latents_of(loaded, asked.keys, "keys"), asked.steps, asked.mode, asked.loop)

    def finish(samples: Tensor) -> dict[str, Any]:
        if kind != "json":
            return {"file": film(frames(loaded, samples), kind)}
        return {"images": pictures(loaded, samples), "distances": distances(loaded, samples)}

    return Plan(latents, finish, slow=kind != "json" or len(latents) > QUICK)


def interpolate(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """A walk with two keys, ``from`` and ``to``."""
    asked = Interpolate.read(request)
    keys = [asked.from_.plain(), asked.to.plain()]
    return walk(loaded, {"keys": keys, "steps": asked.steps, "mode": asked.mode})


def path(model: Model, keys: Tensor, steps: int, mode: str, loop: bool) -> Tensor:
    """Latents (n, latent_dim) from each of ``keys`` (k, latent_dim) to the next, both exactly.

    The noise goes straight or on a great circle; codes always go straight.
    """
    if loop:
        keys = torch.cat([keys, keys[:1]])
    t = torch.linspace(0, 1, steps)[:, None]  # (steps, 1)
    segments = []
    for a, b in pairwise(keys):
        segment = moving.lerp(a, b, t)  # (steps, latent_dim)
        if mode == "spherical":
            noise = slice(0, model.recipe.noise_dim)
            segment[:, noise] = moving.slerp(a[noise], b[noise], t)
        segments.append(segment[:-1])
    last = [] if loop else [keys[-1:]]
    return torch.cat([*segments, *last])


@torch.no_grad()
def distances(loaded: Loaded, samples: Tensor) -> dict[str, list[float] | None]:
    """From each sample to the next: root mean square of pixels in [-1, 1] (or the distance of points), and
    the distance of features where a classifier ships, relative to their size.
    """
    if samples.dim() == 2:
        return {"pixel": (samples[1:] - samples[:-1]).norm(dim=1).tolist(), "feature": None}
    pixel = (samples[1:] - samples[:-1]).flatten(1).square().mean(1).sqrt().tolist()
    network = loaded.features()
    if network is None:
        return {"pixel": pixel, "feature": None}
    seen = network(samples)  # (n, F)
    feature = (seen[1:] - seen[:-1]).norm(dim=1) / seen.norm(dim=1).mean().clamp_min(1e-8)
    return {"pixel": pixel, "feature": feature.tolist()}


# --- traversals


def traverse(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """A grid around ``place``: the code or direction ``across`` changes by column, ``down`` by row.

    A categorical code takes its values in turn, as many as fit; others go evenly from -``reach`` to
    ``reach``.
    """
    asked = Traverse.read(request)
    base, reach = latent_of(loaded, asked.place), asked.reach
    columns, rows, across, down = asked.columns, asked.rows, asked.across, asked.down
    if down is not None and across == down:
        raise BadInput("across and down are the same.", "down", "Choose two different ones.")
    across_values = axis(loaded, across, "across", columns, reach)
    down_values = axis(loaded, down, "down", rows, reach) if down is not None else []
    starts = [moved(loaded, base, down, value) for value in down_values] or [base]
    cells = [moved(loaded, start, across, value) for start in starts for value in across_values]
    latents = torch.stack(cells)  # (rows * columns, latent_dim)

    def finish(samples: Tensor) -> dict[str, Any]:
        return {
            "images": pictures(loaded, samples),
            "values": {"across": across_values, "down": down_values},
            "places": places(latents),
        }

    return Plan(latents, finish)


def axis(loaded: Loaded, name: Any, field: str, count: int, reach: float) -> list[float] | list[int]:
    """The values that a code or direction takes along an axis of ``count`` cells. Raises ``BadInput``."""
    for code in loaded.model.recipe.codes:
        if code.name == name and code.kind == "categorical":
            return list(range(min(code.size, count)))
        if code.name == name:
            break
    else:
        try:
            direction(loaded, name)
        except BadInput as error:
            names = ", ".join(code.name for code in loaded.model.recipe.codes)
            raise BadInput(error.error, field, f"{error.remedy} Codes: {names or 'none'}.") from None
    return torch.linspace(-reach, reach, count).tolist()


def moved(loaded: Loaded, z: Tensor, name: Any, value: float) -> Tensor:
    """``z`` (latent_dim,) with a code set to ``value``, or moved by as many deviations along a direction."""
    for code in loaded.model.recipe.codes:
        if code.name == name:
            z = z.clone()
            z[code.start : code.start + code.size] = code_values(code, value)
            return z
    return z + value * direction(loaded, name)


# --- arithmetic


def arithmetic(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """mean(a) - mean(b) + mean(c), with pictures of the three means and of ``neighbours`` around the result.

    Noise is added to the result's noise to find them, ``spread`` times as wide as the prior's.
    """
    asked = Arithmetic.read(request)
    given = {"a": asked.a, "b": asked.b, "c": asked.c}
    terms = {name: latents_of(loaded, term, name) for name, term in given.items() if term}
    count, spread, seed = asked.neighbours, asked.spread, asked.seed
    size, noise_dim = loaded.model.recipe.latent_dim, loaded.model.recipe.noise_dim
    none = torch.zeros(0, size)
    result = moving.arithmetic(*(terms.get(name, none) for name in ("a", "b", "c")))  # (latent_dim,)
    around = result.repeat(count, 1)  # (count, latent_dim)
    drawn = torch.randn(count, noise_dim, generator=torch.Generator().manual_seed(seed))
    around[:, :noise_dim] += spread * drawn
    means = torch.stack([latents.mean(0) for latents in terms.values()])  # (terms, latent_dim)

    def finish(samples: Tensor) -> dict[str, Any]:
        image, *shown = pictures(loaded, samples)
        of_terms, of_neighbours = shown[: len(terms)], shown[len(terms) :]
        return {
            "result": place_of(result),
            "image": image,
            "terms": dict(zip(terms, of_terms, strict=True)),
            "around": [
                {"place": place, "image": picture}
                for place, picture in zip(places(around), of_neighbours, strict=True)
            ],
        }

    return Plan(torch.cat([result[None], means, around]), finish)
