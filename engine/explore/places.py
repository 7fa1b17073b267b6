"""Places in a latent space, as plain JSON, and the latents that they stand for.

A place is one of

    {"seed": 7}                               what that seed draws, scaled by "truncation" (default 1)
    {"z": [0.3, ...]}                         a latent itself, latent_dim numbers
    {"plane": [x, y], "plane_seed": 0}        a point of the endless plane, whose lattice points have seeds

and may add "codes" ({"category": 3, "c1": 0.5}), "label" (short for the given class), and "directions"
({"d1": 1.5}, in standard deviations). Same place, same latent, whatever the company.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.latent import moving
from engine.models.library import Loaded
from engine.models.model import MAX_SEED, Model, code_values
from engine.options import BadInput

KEYS = ("seed", "z", "plane", "plane_seed", "codes", "label", "directions", "truncation")
MOST_PLACES = 256
LARGEST = 1000.0  # of a latent's numbers
FARTHEST = 1e9  # on the plane
REACH = 100.0  # along a direction, in standard deviations


def latent_of(loaded: Loaded, place: object, field: str = "place") -> Tensor:
    """The latent (latent_dim,) of ``place``. Raises ``BadInput`` about ``field``."""
    model = loaded.model
    if not isinstance(place, dict):
        raise BadInput("a place is an object.", field, 'Give {"seed": 7}, or a z.')
    for key in place:
        if key not in KEYS:
            raise BadInput(f"a place has no {str(key)[:40]!r}.", field, f"Choose from: {', '.join(KEYS)}.")
    ways = [key for key in ("z", "plane", "seed") if key in place]
    if len(ways) > 1:
        raise BadInput(f"{ways[0]} and {ways[1]} exclude each other.", field, "Give one of them.")
    if "plane_seed" in place and "plane" not in place:
        raise BadInput("plane_seed belongs to plane.", "plane_seed", 'Give {"plane": [x, y]} as well.')
    truncation = number(place.get("truncation", 1.0), "truncation", 0.0, 10.0)
    if "z" in place:
        found = _given(model, place["z"])
    elif "plane" in place:
        found = _on_plane(loaded, place["plane"], seed_of(place.get("plane_seed", 0), "plane_seed"))
    else:
        found = model.latents([seed_of(place.get("seed", 0))])[0]  # (latent_dim,)
    if "z" not in place:
        found[: model.recipe.noise_dim] *= truncation
    elif "truncation" in place:
        raise BadInput("a z is taken as it is.", "truncation", "Leave truncation out, or give a seed.")
    _set_codes(model, found, place)
    _add_directions(loaded, found, place.get("directions", {}))
    return found


def latents_of(loaded: Loaded, places: object, field: str = "places", most: int = MOST_PLACES) -> Tensor:
    """The latents (n, latent_dim) of 1 to ``most`` places. Raises ``BadInput``."""
    if not isinstance(places, list) or not 1 <= len(places) <= most:
        raise BadInput(f"give 1 to {most} places.", field, 'For example [{"seed": 0}, {"seed": 1}].')
    return torch.stack([latent_of(loaded, place, field) for place in places])  # (n, latent_dim)


def place_of(z: Tensor) -> dict[str, Any]:
    """The place that stands for ``z`` (latent_dim,) exactly."""
    return {"z": z.tolist()}


# --- single values


def number(value: object, field: str, least: float, most: float) -> float:
    """``value`` as a finite number within bounds. Raises ``BadInput``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadInput(
            f"{str(value)[:40]!r} cannot be used.", field, f"Give a number from {least:g} to {most:g}."
        )
    return float(value)


def whole(value: object, field: str, least: int, most: int) -> int:
    """``value`` as a whole number within bounds. Raises ``BadInput``."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput(
            f"{str(value)[:40]!r} cannot be used.", field, f"Give a whole number from {least} to {most}."
        )
    return value


def seed_of(value: object, field: str = "seed") -> int:
    """``value`` as a seed. Raises ``BadInput``."""
    return whole(value, field, 0, MAX_SEED)


def choice(value: object, field: str, *choices: str) -> str:
    """``value`` if it is one of ``choices``. Raises ``BadInput``."""
    if not isinstance(value, str) or value not in choices:
        raise BadInput(f"there is no {str(value)[:40]!r}.", field, f"Choose one of: {', '.join(choices)}.")
    return value


def _given(model: Model, z: object) -> Tensor:
    size = model.recipe.latent_dim
    if not isinstance(z, list) or len(z) != size:
        count = len(z) if isinstance(z, list) else type(z).__name__
        raise BadInput(f"z has {count} numbers.", "z", f"{model.title[:60]} takes exactly {size}.")
    return torch.tensor([number(value, "z", -LARGEST, LARGEST) for value in z])  # (latent_dim,)


def _on_plane(loaded: Loaded, point: object, plane: int) -> Tensor:
    model = loaded.model
    if not isinstance(point, list) or len(point) != 2:
        raise BadInput("a point of the plane has two numbers.", "plane", "Give [x, y].")
    x, y = (number(value, "plane", -FARTHEST, FARTHEST) for value in point)
    around = moving.corners(x, y)
    latents = model.latents([moving.lattice_seed(plane, i, j) for i, j, _ in around])  # (n, latent_dim)
    if len(around) == 1:
        return latents[0]
    weights = torch.tensor([weight for *_, weight in around])
    blended = moving.blend(latents, weights) if loaded.is_spherical() else weights @ latents
    for code in model.recipe.codes:
        values = code.of(latents)
        columns = slice(code.start, code.start + code.size)
        if code.kind == "categorical":
            blended[columns] = values[int(weights.argmax())]
        elif code.kind == "uniform":
            blended[columns] = weights @ values
    return blended


def _set_codes(model: Model, found: Tensor, place: dict[str, Any]) -> None:
    codes = place.get("codes", {})
    if not isinstance(codes, dict):
        raise BadInput("codes is an object of names and values.", "codes", 'For example {"c1": 0.5}.')
    if "label" in place:
        given = [code.name for code in model.recipe.codes if code.given]
        if not given:
            raise BadInput("this model takes no label.", "label", "Leave it out.")
        codes = {given[0]: place["label"], **codes}
    for name, value in codes.items():
        code = model.code(name)
        found[code.start : code.start + code.size] = code_values(code, value)


def _add_directions(loaded: Loaded, found: Tensor, steps: object) -> None:
    if not isinstance(steps, dict):
        raise BadInput("directions is an object.", "directions", 'For example {"d1": 1.5}.')
    for name, value in steps.items():
        found += direction(loaded, name) * number(value, "directions", -REACH, REACH)


def direction(loaded: Loaded, name: str) -> Tensor:
    """The step (latent_dim,) along the direction ``name``: "d1", "d2" ... Raises ``BadInput``."""
    vectors = loaded.directions().vectors
    names = [f"d{place + 1}" for place in range(len(vectors))]
    if name not in names:
        raise BadInput(
            f"there is no direction {str(name)[:40]!r}.", "directions", f"Choose one of: {', '.join(names)}."
        )
    return vectors[names.index(name)]
