"""What the inference processes do for the server: many requests to one model, in turns.

A request is ``{"kind", "arguments", "state", "parts"}``. What takes long is done a piece a turn: ``state``
and ``parts`` are what earlier turns have made of it, kept by the server. So nobody waits for somebody else's
long work, and a process that dies takes nothing with it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.explore import browser, card, insides, plans, projection, reading, scoring, walks
from engine.explore.plans import Plan
from engine.game.recipe import Recipe
from engine.gans import GANS
from engine.models.library import Library, Loaded
from engine.options import BadInput
from engine.translation import examples, strip
from engine.translation import work as translation

SLICE = 32  # samples drawn in one turn, for all its requests together
PLANNING_S = 0.05  # of the processor; after so long the other requests of a turn have to wait for another one
Answer = dict[str, Any]
PLANS: dict[str, Callable[[Loaded, dict[str, Any]], Plan]] = {
    "render": plans.render,
    "draw": plans.draw,
    "strip": plans.strip,
    "walk": walks.walk,
    "interpolate": walks.interpolate,
    "traverse": walks.traverse,
    "arithmetic": walks.arithmetic,
    "score": scoring.score,
}
TASKS: dict[str, Callable[[Loaded, dict[str, Any], dict[str, Any]], Answer]] = {
    "about": card.about,
    "weights": card.weights,
    "examples": examples.examples,
    "exported": card.exported,
    "latents": browser.latents,
    "for_browser": browser.for_browser,
    "translate": translation.translate,
    "translations": strip.strip,
    "read": reading.read,
    "histograms": scoring.histograms,
    "features": insides.features,
    "check": projection.check_only,
    "project": projection.project,
}
# the others ask for a latent
OF_TRANSLATORS = ("about", "weights", "examples", "exported", "translate", "translations")
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


def explore(model: str, requests: list[dict[str, Any]]) -> list[Answer]:
    """One turn of ``requests`` to the model in the folder ``model``. For each of them, in order: ``{"result",
    "step"}``, ``{"refused": error}``, or what is to be kept until its next turn: ``{"state"}`` and perhaps a
    ``"part"``. Raises ``NotFound``, ``BadInput`` about the model.
    """
    loaded = LIBRARY.get(Path(model))
    answers: list[Answer] = [{} for _ in requests]
    planned: dict[int, Plan] = {}
    until = time.process_time() + PLANNING_S
    for place, request in enumerate(requests):
        if place > 0 and time.process_time() > until:
            answers[place]["state"] = request["state"]
            continue
        with _refusing(answers[place]):
            _check_kind(loaded, request["kind"])
            if request["kind"] in TASKS:
                answers[place] |= TASKS[request["kind"]](loaded, request["arguments"], request["state"])
                answers[place].setdefault("step", loaded.model.step)
            else:
                planned[place] = PLANS[request["kind"]](loaded, request["arguments"])
                _begin(request, planned[place], loaded.model.step)
    drawn = _draw(loaded, [(requests[place]["state"], plan) for place, plan in planned.items()])
    for (place, plan), samples in zip(planned.items(), drawn, strict=True):
        with _refusing(answers[place]):
            answers[place] |= _go_on(loaded, requests[place], plan, samples)
    return answers


def _check_kind(loaded: Loaded, kind: str) -> None:
    if loaded.model.recipe.directions and kind not in OF_TRANSLATORS:
        raise BadInput(
            f"{loaded.model.title} translates pictures, and draws none from a latent.",
            "model",
            "Open it on the Translate page, or choose another model.",
        )


@contextlib.contextmanager
def _refusing(answer: Answer) -> Iterator[None]:
    """What one request is refused for is its own affair."""
    try:
        yield
    except BadInput as error:
        answer["refused"] = {**error.as_dict(), "kind": type(error).__name__}


# --- drawing the samples of plans


def _begin(request: dict[str, Any], plan: Plan, step: int) -> None:
    """Set ``request`` to its first sample, unless it has some of this ``step`` or all of one."""
    state = request["state"]
    if not state or (state["left"] and state["step"] != step):  # all samples are to be of one step
        request["state"] = {"done": 0, "left": len(plan.latents), "step": step}
        request["parts"] = []


def _draw(loaded: Loaded, requests: list[tuple[dict[str, Any], Plan]]) -> list[Tensor]:
    """The next samples of each plan: a fair share of ``SLICE``, and what others leave of theirs."""
    shares, room = [0] * len(requests), SLICE
    while room > 0:
        short = [i for i, (state, _) in enumerate(requests) if shares[i] < state["left"]]
        if not short:
            break
        for i in short:
            more = min(max(1, room // len(short)), requests[i][0]["left"] - shares[i])
            shares[i] += more
            room -= more
    slices = [
        plan.latents[state["done"] : state["done"] + share]
        for (state, plan), share in zip(requests, shares, strict=True)
    ]
    if not any(shares):
        return [torch.zeros(0, *loaded.model.shape.shape) for _ in slices]
    return list(loaded.model.generate(torch.cat(slices)).split(shares))


def _go_on(loaded: Loaded, request: dict[str, Any], plan: Plan, samples: Tensor) -> Answer:
    """The result, if all samples are there and may be finished here; otherwise what there is so far."""
    state = request["state"]
    state = {**state, "done": state["done"] + len(samples), "left": state["left"] - len(samples)}
    sent_all = len(request["parts"]) == state.get("count", 0)
    elsewhere = plan.slow and not state.get("elsewhere")
    if state["left"] or not sent_all or elsewhere:
        fresh = state.get("count", 0) == 0
        state |= {"count": state.get("count", 0) + bool(len(samples)), "elsewhere": elsewhere}
        part = {"part": samples.numpy().tobytes()} if len(samples) else {}
        return {"state": state, "fresh": fresh, **part}
    whole = torch.cat([*(_unpack(part, loaded) for part in request["parts"]), samples])
    return {"result": plan.finish(whole), "step": state["step"]}


def _unpack(part: bytes, loaded: Loaded) -> Tensor:
    flat = torch.from_numpy(np.frombuffer(bytearray(part), np.float32))
    return flat.view(-1, *loaded.model.shape.shape)  # (n, ...)
