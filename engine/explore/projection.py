"""Finding a picture in a latent space: the latent whose sample comes nearest, by an encoder or by descent.

Zhu et al. 2016, *Generative Visual Manipulation on the Natural Image Manifold*: z is optimised for the
distance of pixels and features (equation 4), from several starts at once; with a mask and a start it is
their edit, the nearest sample that agrees with what was painted (equation 5). Letters: R restarts, D length
of a latent.

A turn works for ``TURN_S`` and hands back its state; the next one goes on as if there had been no pause.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.data import ImageSource
from engine.data.pixels import to_floats, to_png
from engine.data.reading.opening import open_picture
from engine.explore.places import latent_of, place_of
from engine.explore.plans import pngs
from engine.explore.reading import as_input
from engine.game.codes import first_category
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.pictures import Project

TURN_S = 0.2
TRIED = 192  # random latents, the best of which are the starts
RATE, BETAS = 0.1, (0.9, 0.99)
FEATURES = 0.05  # weight of the features' distance; it fades out, so that pixels decide in the end
FOUND = 3e-4  # mean squared error from which on nobody sees a difference
NEAREST = 4
BLOCK = 4096  # training images compared at once


@dataclass(frozen=True)
class Task:
    """What is looked for: ``target`` (1, C, H, W) wherever ``mask`` (1, 1, H, W) is 1."""

    target: Tensor
    mask: Tensor
    start: Tensor | None
    method: str
    restarts: int
    steps: int
    seed: int
    prior_weight: float


def project(loaded: Loaded, request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """One turn of a ``Project``, whose ``image`` are pixels. Raises ``BadInput``.

    ``{"result"}`` or ``{"state"}``: the latter's ``shown`` is what there is to be seen so far. Both hold
    ``best`` and ``encoder``, each ``{"place", "image", "error", "map"}`` or ``None``.
    """
    task = check(loaded, request)
    if not state:
        state = _begin(loaded, task)
    if task.method != "encoder" and not _is_done(task, state):
        state = _descend(loaded, task, state)
    shown = {**_shown(loaded, task, state), "rate": state["rate"]}
    if task.method != "encoder" and not _is_done(task, state):
        return {"state": {**state, "shown": {**shown, "progress": state["t"] / task.steps}}}
    return {"result": {**shown, "progress": 1.0, "nearest": nearest(loaded, task.target, task.mask)}}


def check_only(loaded: Loaded, request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Refuse a request before it waits. Raises ``BadInput``."""
    check(loaded, request)
    return {"result": {}}


def _is_done(task: Task, state: dict[str, Any]) -> bool:
    return state["t"] >= task.steps or (state["error"] is not None and state["error"] < FOUND)


def check(loaded: Loaded, request: dict[str, Any]) -> Task:
    """The request as a task. Raises ``BadInput``."""
    asked, model = Project.read(request), loaded.model
    if model.shape.kind != "images":
        raise BadInput("this model draws points, not pictures.", "model", "Choose a model of pictures.")
    method = asked.method or ("both" if model.recipe.has_encoder else "optimise")
    if method != "optimise" and not model.recipe.has_encoder:
        raise BadInput("this model has no encoder.", "method", "Choose optimise.")
    _, height, width = model.shape.shape
    mask = torch.ones(1, 1, height, width)
    if asked.mask is not None:
        mask = read_mask(asked.mask, height, width)
    return Task(
        as_input(asked.image, model.shape)[None],  # (1, C, H, W)
        mask,
        None if asked.start is None else latent_of(loaded, asked.start, "start"),
        method,
        asked.restarts,
        asked.steps,
        asked.seed,
        asked.prior_weight,
    )


def read_mask(raw: bytes, height: int, width: int) -> Tensor:
    """A picture as weights (1, 1, H, W), 1 where it is white. Raises ``BadInput``."""
    picture, _ = open_picture(raw)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
    grey = picture.convert("L").resize((width, height), Image.Resampling.BOX)
    mask = torch.from_numpy(np.asarray(grey, np.float32) / 255)[None, None]  # (1, 1, H, W)
    if float(mask.sum()) < 1:
        raise BadInput("nothing of the mask is white.", "mask", "White is where the sample must agree.")
    return mask


# --- the descent


def _begin(loaded: Loaded, task: Task) -> dict[str, Any]:
    """The state before the first step: R latents to start from, Adam's moments, and no best one yet."""
    model = loaded.model
    state: dict[str, Any] = {"t": 0, "rate": 0.0, "error": None, "encoded": None}
    starts = []
    if task.method != "optimise":
        with torch.no_grad(), loaded.asking():
            encoded = model.recipe.encode(model.networks, task.target).float()  # (1, D)
        state["encoded"] = _pack(encoded)
        starts.append(encoded)
    if task.method != "encoder":
        starts.append(_promising(loaded, task))
        z = torch.cat(starts)[: task.restarts]  # (R, D)
        state |= {"z": _pack(z), "m": _pack(torch.zeros_like(z)), "v": _pack(torch.zeros_like(z))}
        state["best"] = _pack(z[:1])
    return state


@torch.no_grad()
def _promising(loaded: Loaded, task: Task) -> Tensor:
    """The R best of many latents: drawn from the prior, or around the start of an edit."""
    model, random = loaded.model, torch.Generator().manual_seed(task.seed)
    if task.start is not None:
        around = task.start.repeat(task.restarts, 1)
        noise = torch.randn(task.restarts - 1, model.recipe.noise_dim, generator=random)
        around[1:, : model.recipe.noise_dim] += 0.3 * noise
        return around
    latents = model.recipe.draw_latent(TRIED, random)
    errors = []
    for part in latents.split(32):
        samples = model.recipe.generate(model.networks, part).float()
        errors.append(_errors(samples, task) + FEATURES * _feature_errors(loaded, samples, task))
    order = torch.cat(errors).argsort()
    category = first_category(model.recipe.codes)
    if category is None:
        return latents[order[: task.restarts]]
    of = category.of(latents).argmax(1)  # (TRIED,)
    read = _read(loaded, task)
    order = torch.cat([order[of[order] == read], order[of[order] != read]])
    chosen: list[int] = []  # the best of each category first: a category cannot be reached by descent
    seen: set[int] = set()
    for place in order.tolist():
        if int(of[place]) not in seen:
            seen.add(int(of[place]))
            chosen.append(place)
    rest = [place for place in order.tolist() if place not in chosen]
    half = max(1, task.restarts - task.restarts // 2)
    picked = (chosen[:half] + rest[: task.restarts - half] + chosen[half:])[: task.restarts]
    return latents[picked]


def _read(loaded: Loaded, task: Task) -> int:
    """The category that the model's own recogniser sees in a whole target; -1 where there is none to ask."""
    model = loaded.model
    if not model.recipe.reads_codes or not bool((task.mask == 1).all()):
        return -1
    try:
        return int(model.recipe.read_codes(model.networks, task.target).argmax())
    except KeyError:  # it was kept without its recogniser
        return -1


def _descend(loaded: Loaded, task: Task, state: dict[str, Any]) -> dict[str, Any]:
    """Adam (Kingma & Ba 2015) on all restarts at once, for ``TURN_S`` or until the last step."""
    model, began, first = loaded.model, time.monotonic(), state["t"]
    size = model.recipe.latent_dim
    z, m, v = (_unpack(state[name], size) for name in ("z", "m", "v"))  # (R, D)
    best, error, t = _unpack(state["best"], size), state["error"], first
    free = _free(loaded)
    while t == first or (not _is_done(task, {"t": t, "error": error}) and time.monotonic() - began < TURN_S):
        z.requires_grad_()
        samples = model.recipe.generate(model.networks, z).float()
        errors = _errors(samples, task)  # (R,)
        fade = max(0.0, 1 - 2 * t / task.steps)
        loss = errors + task.prior_weight * _unlikeliness(loaded, task, z)
        if fade:
            loss = loss + FEATURES * fade * _feature_errors(loaded, samples, task)
        (gradient,) = torch.autograd.grad(loss.sum(), z)
        z = z.detach()
        least, place = (float(value) for value in errors.detach().min(0))
        if error is None or least < error:
            best, error = z[int(place)][None].clone(), least  # (1, D)
        t += 1
        gradient = gradient * free
        m = BETAS[0] * m + (1 - BETAS[0]) * gradient
        v = BETAS[1] * v + (1 - BETAS[1]) * gradient.square()
        rate = RATE * min(1.0, 4 * (1 - t / task.steps) + 0.02)  # the last quarter settles
        z = z - rate * (m / (1 - BETAS[0] ** t)) / ((v / (1 - BETAS[1] ** t)).sqrt() + 1e-8)
        z = _clamped(loaded, z)
    took = max(time.monotonic() - began, 1e-6)
    packed = {"z": _pack(z), "m": _pack(m), "v": _pack(v), "best": _pack(best)}
    return {**state, **packed, "error": error, "t": t, "rate": (t - first) / took}


def _errors(samples: Tensor, task: Task) -> Tensor:
    """The mean squared error (R,) of ``samples`` (R, C, H, W) where the mask is white."""
    weighted = (samples - task.target).square().mean(1, keepdim=True) * task.mask  # (R, 1, H, W)
    return weighted.flatten(1).sum(1) / task.mask.sum()


def _feature_errors(loaded: Loaded, samples: Tensor, task: Task) -> Tensor:
    """The squared distance (R,) of features, relative to the target's, where a classifier ships."""
    features = loaded.features()
    if features is None or float(task.mask.min()) < 1:
        return samples.new_zeros(len(samples))
    wanted = features(task.target).detach()
    return (features(samples) - wanted).square().mean(1) / wanted.square().mean().clamp_min(1e-8)


def _unlikeliness(loaded: Loaded, task: Task, z: Tensor) -> Tensor:
    """How far noise is from where the prior puts it, (R,): off its sphere, or off an edit's start."""
    noise = z[:, : loaded.model.recipe.noise_dim]
    unlikely = z.new_zeros(len(z))
    if loaded.is_spherical():
        unlikely = (noise.square().mean(1) - 1).square()
    if task.start is not None:
        unlikely = unlikely + (z - task.start).square().mean(1)
    return unlikely


def _free(loaded: Loaded) -> Tensor:
    """1 for each number of a latent that the descent may change, 0 for categories: (D,)."""
    free = torch.ones(loaded.model.recipe.latent_dim)
    for code in loaded.model.recipe.codes:
        if code.kind == "categorical":
            free[code.start : code.start + code.size] = 0
    return free


def _clamped(loaded: Loaded, z: Tensor) -> Tensor:
    """What has bounds stays within them: uniform codes, and noise that is not Gaussian."""
    recipe = loaded.model.recipe
    for code in recipe.codes:
        if code.kind == "uniform":
            columns = slice(code.start, code.start + code.size)
            z[:, columns] = z[:, columns].clamp(-1, 1)
    if not loaded.is_spherical():
        if "bound" not in loaded.found:
            drawn = recipe.draw_latent(4096, torch.Generator().manual_seed(0))[:, : recipe.noise_dim]
            loaded.found["bound"] = float(drawn.abs().max())
        bound = loaded.found["bound"]
        z[:, : recipe.noise_dim] = z[:, : recipe.noise_dim].clamp(-bound, bound)
    return z


# --- what is shown


def _shown(loaded: Loaded, task: Task, state: dict[str, Any]) -> dict[str, Any]:
    size = loaded.model.recipe.latent_dim
    encoded = None if state["encoded"] is None else _found(loaded, task, _unpack(state["encoded"], size))
    if task.method == "encoder":
        return {"best": encoded, "encoder": encoded}
    return {"best": _found(loaded, task, _unpack(state["best"], size)), "encoder": encoded}


def _found(loaded: Loaded, task: Task, z: Tensor) -> dict[str, Any]:
    """``z`` (1, D) as a place, its picture, its mean squared error on [-1, 1], and where it errs."""
    sample = loaded.model.generate(z)
    away = (sample - task.target).abs().mean(1)[0] * task.mask[0, 0]  # (H, W), 0..2
    shade = Image.fromarray((away.clamp(0, 1) * 255).round().to(torch.uint8).numpy())
    error = float(_errors(sample, task)[0])
    return {"place": place_of(z[0]), "image": pngs(sample)[0], "error": error, "map": to_png(shade)}


@torch.no_grad()
def nearest(loaded: Loaded, target: Tensor, mask: Tensor) -> list[dict[str, Any]]:
    """The training images nearest to ``target`` (1, C, H, W) by their pixels where ``mask`` is white: each
    with its distance, the root mean square. Empty if the data are not here.
    """
    try:
        source = loaded.model.source()
    except BadInput:
        return []
    assert isinstance(source, ImageSource)
    images, distances = source.images, []
    for part in images.split(BLOCK):
        off = (to_floats(part) - target).square().mean(1, keepdim=True) * mask
        distances.append(off.flatten(1).sum(1) / mask.sum())
    values, places = torch.cat(distances).topk(min(NEAREST, len(images)), largest=False)
    labels, names = source.labels, source.classes or ()
    return [
        {
            "image": pngs(to_floats(images[place : place + 1]))[0],
            "distance": float(value) ** 0.5,
            "label": names[int(labels[place])] if labels is not None and names else None,
        }
        for value, place in zip(values, places.tolist(), strict=True)
    ]


def _pack(tensor: Tensor) -> bytes:
    return tensor.detach().float().contiguous().numpy().tobytes()


def _unpack(raw: bytes, size: int) -> Tensor:
    return torch.from_numpy(np.frombuffer(bytearray(raw), np.float32)).view(-1, size)  # (R, D)
