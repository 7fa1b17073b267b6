"""Places in a latent space, as plain JSON, and the latents that they stand for.

A place is one of

    {"seed": 7}                               what that seed draws, scaled by "truncation" (default 1)
    {"z": [0.3, ...]}                         a latent itself, latent_dim numbers
    {"plane": [x, y], "plane_seed": 0}        a point of the endless plane, whose lattice points have seeds

and may add "codes" ({"category": 3, "c1": 0.5}), "label" (short for the given class), and "directions"
({"d1": 1.5}, in standard deviations). Same place, same latent, whatever the company.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from engine.latent import moving
from engine.models.library import Loaded
from engine.models.model import Model, code_values
from engine.options import BadInput
from engine.requests.base import value_of
from engine.requests.explore import MOST_PLACES, Place

_Places = Annotated[list[Place], Field(min_length=1, max_length=MOST_PLACES)]


def latent_of(loaded: Loaded, place: object, field: str = "place") -> Tensor:
    """The latent (latent_dim,) of ``place``, a ``Place`` or plain data. Raises ``BadInput``."""
    at: Place = place if isinstance(place, Place) else value_of(Place, place, field)
    model, given = loaded.model, at.model_fields_set
    if "z" in given:
        found = _given(model, at.z)
    elif "plane" in given:
        found = _on_plane(loaded, at.plane, at.plane_seed)
    else:
        found = model.latents([at.seed])[0]  # (latent_dim,)
    if "z" not in given:
        found[: model.recipe.noise_dim] *= at.truncation
    _set_codes(model, found, at)
    for name, step in at.directions.items():
        found += direction(loaded, name) * step
    return found


def latents_of(loaded: Loaded, places: object, field: str = "places") -> Tensor:
    """The latents (n, latent_dim) of ``places``. Raises ``BadInput``."""
    return torch.stack([latent_of(loaded, place, field) for place in value_of(_Places, places, field)])


def place_of(z: Tensor) -> dict[str, Any]:
    """The place that stands for ``z`` (latent_dim,) exactly."""
    return {"z": z.tolist()}


# --- single values


def _given(model: Model, z: list[float]) -> Tensor:
    size = model.recipe.latent_dim
    if len(z) != size:
        raise BadInput(f"z has {len(z)} numbers.", "z", f"{model.title[:60]} takes exactly {size}.")
    return torch.tensor(z)  # (latent_dim,)


def _on_plane(loaded: Loaded, point: list[float], plane: int) -> Tensor:
    model, (x, y) = loaded.model, point
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


def _set_codes(model: Model, found: Tensor, place: Place) -> None:
    codes = place.codes
    if "label" in place.model_fields_set:
        given = [code.name for code in model.recipe.codes if code.given]
        if not given:
            raise BadInput("this model takes no label.", "label", "Leave it out.")
        codes = {given[0]: place.label, **codes}
    for name, value in codes.items():
        code = model.code(name)
        found[code.start : code.start + code.size] = code_values(code, value)


def direction(loaded: Loaded, name: str) -> Tensor:
    """The step (latent_dim,) along the direction ``name``: "d1", "d2" ... Raises ``BadInput``."""
    vectors = loaded.directions().vectors
    names = [f"d{place + 1}" for place in range(len(vectors))]
    if name not in names:
        raise BadInput(
            f"there is no direction {str(name)[:40]!r}.", "directions", f"Choose one of: {', '.join(names)}."
        )
    return vectors[names.index(name)]
