"""What the inference processes do for the server: everything about a model, and many requests in one turn.

A request is ``{"kind", "arguments", "done", "parts"}``: how many of its samples are drawn already, in
earlier turns, and these samples themselves once they are complete. So a request for hundreds of pictures
takes turns with others, and no process keeps anything that would be lost with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.explore import plans, walks
from engine.explore.loaded import Library, Loaded
from engine.explore.plans import Plan
from engine.gans import GANS
from engine.gans.base import Recipe
from engine.options import BadInput

SLICE = 32  # samples drawn in one turn, for all its requests together
PLANS: dict[str, Callable[[Loaded, dict[str, Any]], Plan]] = {
    "render": plans.render,
    "strip": plans.strip,
    "walk": walks.walk,
    "interpolate": walks.interpolate,
    "traverse": walks.traverse,
    "arithmetic": walks.arithmetic,
}
LIBRARY = Library()  # this process's


def abilities() -> dict[str, dict[str, bool]]:
    """What models of each GAN can do, by the GAN's name."""
    return {
        name: {
            "has_encoder": gan.has_encoder,
            "has_classifier": gan.has_classifier,
            "has_codes": gan.codes is not Recipe.codes,
        }
        for name, gan in GANS.items()
    }


def about(model: str) -> dict[str, Any]:
    """What there is to know of the model in the folder ``model``, beyond its card for a list."""
    loaded = LIBRARY.get(Path(model))
    found, recipe = loaded.directions(), loaded.model.recipe
    answer: dict[str, Any] = {
        "step": loaded.model.step,
        "noise_dim": recipe.noise_dim,
        "latent_dim": recipe.latent_dim,
        "codes": [
            {
                "name": code.name,
                "kind": code.kind,
                "size": code.size,
                "start": code.start,
                "labels": list(code.labels),
                "given": code.given,
            }
            for code in recipe.codes
        ],
        "directions": [
            {"name": f"d{place + 1}", "sd": float(sd), "share": float(share)}
            for place, (sd, share) in enumerate(zip(found.sd, found.share, strict=True))
        ],
        "networks": {
            name: sum(parameter.numel() for parameter in network.parameters())
            for name, network in loaded.model.networks.items()
        },
    }
    if loaded.model.shape.kind == "points":
        answer["extent"] = [float(number) for number in loaded.model.source().extent]
    return answer


def explore(model: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One turn of ``requests`` to the model in the folder ``model``. For each of them, in order:

    ``{"result", "step"}``; ``{"refused": error}``; or ``{"more", "count", "left", "step"}``: samples drawn in
    this turn, to be kept, and how many are missing still.
    """
    loaded = LIBRARY.get(Path(model))
    step = loaded.model.step
    answers: list[dict[str, Any]] = [{} for _ in requests]
    planned: dict[int, Plan] = {}
    for place, request in enumerate(requests):
        with _refusing(answers[place]):
            planned[place] = PLANS[request["kind"]](loaded, request["arguments"])
            if request.get("step", step) != step:  # the run went on in between: all from one step
                request["done"], request["parts"] = 0, []
    drawn = _draw(loaded, requests, planned)
    for place, plan in planned.items():
        request, samples = requests[place], drawn[place]
        left = len(plan.latents) - request["done"] - len(samples)
        if left or (request["done"] and not request["parts"]):
            part = np.ascontiguousarray(samples.numpy()).tobytes()
            more = {"more": part, "count": len(samples), "left": left, "restart": request["done"] == 0}
            answers[place] = {**more, "step": step}
            continue
        whole = torch.cat([*(_unpack(part, loaded) for part in request["parts"]), samples])
        with _refusing(answers[place]):
            answers[place] |= {"result": plan.finish(whole), "step": step}
    return answers


@contextlib.contextmanager
def _refusing(answer: dict[str, Any]) -> Any:
    """What one request is refused for is its own affair."""
    try:
        yield
    except BadInput as error:
        answer["refused"] = {**error.as_dict(), "kind": type(error).__name__}


def _draw(loaded: Loaded, requests: list[dict[str, Any]], planned: dict[int, Plan]) -> dict[int, Tensor]:
    """The next samples of each plan: a fair share of ``SLICE``, and what others leave of theirs."""
    left = {place: len(plan.latents) - requests[place]["done"] for place, plan in planned.items()}
    shares = dict.fromkeys(left, 0)
    room = SLICE
    while room > 0 and any(shares[place] < left[place] for place in left):
        waiting = [place for place in left if shares[place] < left[place]]
        for place in waiting:
            more = min(max(1, room // len(waiting)), left[place] - shares[place])
            shares[place] += more
            room -= more
    latents = [plan.latents[requests[place]["done"] :][: shares[place]] for place, plan in planned.items()]
    if not latents:
        return {}
    samples = loaded.model.generate(torch.cat(latents))
    return dict(zip(planned, samples.split([len(part) for part in latents]), strict=True))


def _unpack(part: bytes, loaded: Loaded) -> Tensor:
    flat = np.frombuffer(bytearray(part), np.float32)
    return torch.from_numpy(flat).view(-1, *loaded.model.shape.shape)
