"""Asking the discriminator: its score of any sample, what in it the score depends on, and the scores of
others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from engine.data import ImageSource, PointSource
from engine.data.pixels import to_floats, to_png
from engine.explore.places import latents_of
from engine.explore.plans import Plan, pngs
from engine.explore.reading import as_input
from engine.live.drawing import FAKE, REAL
from engine.models.library import Loaded, objective_of, undecided_of
from engine.options import BadInput
from engine.requests.pictures import Score

COMPARED = 512  # real and generated samples behind a score
BINS = 32
OF_AVERAGES = (
    "D has batch norm: here it answers from its averages over real and generated batches, in training from "
    "each batch alone, so that it was surer there."
)
LOUD = 0.99  # share of the gradient's entries below full colour


def score(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """The scores of samples at ``places``, or of one picture (``image``: its pixels), each with a saliency
    map.
    """
    asked = Score.read(request)
    if asked.image is not None:
        given = as_input(asked.image, loaded.model.shape)[None]  # (1, C, H, W)
        return Plan(torch.zeros(0, loaded.model.recipe.latent_dim), lambda _: scored(loaded, given))
    latents = latents_of(loaded, asked.places)
    return Plan(latents, lambda samples: scored(loaded, samples))


def scored(loaded: Loaded, x: Tensor) -> dict[str, Any]:
    """Scores of ``x`` (n, ...), saliency maps of pictures, and class probabilities, if it has any."""
    model, objective = loaded.model, objective_of(loaded)
    judged = model.recipe.judged
    x = x.clone().requires_grad_()
    with loaded.asking():
        logits = model.recipe.logits(model.networks, x)  # (n,)
    (gradient,) = torch.autograd.grad(logits.sum(), x)
    answer: dict[str, Any] = {
        "scores": objective.score(logits).detach().tolist(),
        "label": objective.describe()["score_label"].replace("D(x)", judged.alone or judged.real),
        "probability": objective.probability,
        "real_kind": judged.real_kind,
        "midpoint": undecided_of(loaded),
        "classes": None,
    }
    x = x.detach()
    if model.recipe.has_classifier:
        answer["classes"] = model.recipe.classify(model.networks, x).softmax(1).tolist()
    if x.dim() == 2:
        return answer | {"points": x.tolist(), "saliency": gradient.tolist(), "images": []}
    return answer | {"saliency": [overlay(one) for one in gradient], "images": pngs(x)}


def overlay(gradient: Tensor) -> bytes:
    """A transparent PNG over a picture: green where more light would raise the score, purple where it would
    lower it, the stronger the more opaque. ``gradient`` (C, H, W) is the score's.
    """
    lean = gradient.mean(0)  # (H, W)
    loud = lean.abs().flatten().quantile(LOUD).clamp_min(1e-12)
    strength = (lean.abs() / loud).clamp(0, 1)
    colours = torch.where((lean > 0)[..., None], torch.tensor(REAL), torch.tensor(FAKE))  # (H, W, 3)
    layer = torch.cat([colours, (strength * 230).round()[..., None]], 2).to(torch.uint8)  # (H, W, 4)
    return to_png(Image.fromarray(layer.numpy(), "RGBA"))


def histograms(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """How D scores ``COMPARED`` real and generated samples: ``{"real", "fake"}``, each ``{"edges",
    "counts"}`` over the same edges. ``real`` is ``None`` where the data are not on this machine.
    """
    if "histograms" not in loaded.found:
        loaded.found["histograms"] = _histograms(loaded)
    return {"result": loaded.found["histograms"]}


@torch.no_grad()
def _histograms(loaded: Loaded) -> dict[str, Any]:
    model, objective = loaded.model, objective_of(loaded)

    def scores(x: Tensor) -> np.ndarray:
        with loaded.asking():
            parts = [model.recipe.logits(model.networks, part) for part in x.split(64)]
        return objective.score(torch.cat(parts)).double().numpy()

    latents = model.recipe.draw_latent(COMPARED, torch.Generator().manual_seed(0))
    sets = {"fake": scores(torch.cat([model.recipe.generate(model.networks, z) for z in latents.split(64)]))}
    judges = [model.networks[name] for name in model.recipe.judges if name in model.networks]
    note = OF_AVERAGES if any(map(has_batch_norm, judges)) else ""
    try:
        sets["real"] = scores(real_samples(loaded, COMPARED))
    except BadInput as missing:
        note = f"{note} No real data to compare with: {missing.error}".strip()
    everything = np.concatenate(list(sets.values()))
    everything = everything[np.isfinite(everything)]
    bounds = (float(everything.min()), float(everything.max())) if len(everything) else (0.0, 1.0)
    edges = np.histogram_bin_edges(everything, BINS, objective.range or _widened(*bounds))
    answer: dict[str, Any] = {"real": None, "note": note}
    for name, values in sets.items():
        counts = np.histogram(np.clip(values[np.isfinite(values)], edges[0], edges[-1]), edges)[0]
        answer[name] = {"edges": edges.tolist(), "counts": counts.tolist()}
    return answer


def has_batch_norm(network: nn.Module) -> bool:
    """Whether its answer in training depends on the batch, and here on what it has seen of batches."""
    return any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in network.modules())


def _widened(low: float, high: float) -> tuple[float, float]:
    """Bounds that are not the same."""
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def real_samples(loaded: Loaded, n: int) -> Tensor:
    """``n`` real samples, always the same: points (n, 2) or pictures (n, C, H, W). Raises ``BadInput``."""
    source, generator = loaded.model.source(), torch.Generator().manual_seed(0)
    if isinstance(source, PointSource):
        return source.sample(n, generator)
    assert isinstance(source, ImageSource)
    chosen = torch.randperm(len(source.images), generator=generator)[:n]
    return to_floats(source.images[chosen])
