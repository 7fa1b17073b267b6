"""The live picture of a run on points, and what is measured on it."""

from __future__ import annotations

import math
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from engine.data import PointSource
from engine.data.pixels import LEVELS, to_png
from engine.game.codes import first_category
from engine.game.showing import Shown, evaluating
from engine.latent.encoding import class_colour, reconstruct
from engine.latent.traversals import latent_sheet
from engine.live import frames
from engine.live.drawing import (
    FAKE,
    REAL,
    THUMBNAIL,
)
from engine.metrics.coverage import mode_coverage
from engine.metrics.divergence import DensityComparison
from engine.metrics.diversity import diversity
from engine.metrics.reach import jacobian, reach
from engine.metrics.transport import PAIRED, critic_estimate, transport_distance, transport_floor
from engine.runs.headers import Moment
from engine.runs.records import Values

SHOWN = 512  # points drawn
ARROWS = 128
COMPARED = 128  # points whose pairwise distances give the diversity
CELLS = 48  # the heat maps' side
MANIFOLD = 21  # the latent sheet's side
RECONSTRUCTED = 128  # real points that are encoded and decoded
MEASURED = 2500  # points that modes and the divergence are measured on


class PointsPicture:
    """2-D data: points, D's heat map, the optimal D, the manifold and the gradient arrows at the generated
    points; and what is special about the GAN, which is the category that each point was made of, or what
    becomes of real points that are encoded.
    """

    def __init__(self, shown: Shown, source: PointSource) -> None:
        self.shown, self.source = shown, source
        self.z = shown.latents(MEASURED)
        x0, x1, y0, y1 = source.extent
        middles = (torch.arange(CELLS) + 0.5) / CELLS
        xs, ys = x0 + (x1 - x0) * middles, y0 + (y1 - y0) * middles
        self.cells = (
            torch.cartesian_prod(ys, xs).flip(1).to(self.shown.device)
        )  # (CELLS * CELLS, 2), row 0 is y's minimum
        sheet, self.is_sheet = latent_sheet(self.shown.recipe, MANIFOLD)
        self.sheet = sheet.to(self.shown.device)  # (rows, columns, latent_dim)
        self.real_points = source.sample(1024, torch.Generator("cpu").manual_seed(shown.seed))
        self.comparison = DensityComparison(source, cells=CELLS)
        self.modes = torch.as_tensor(source.modes, dtype=torch.float32)
        self.optimal: np.ndarray | None = None
        self.reference = diversity(source.sample(COMPARED, torch.Generator("cpu").manual_seed(0)))
        recipe, objective = self.shown.recipe, self.shown.objective
        self.is_bounded = (
            self.shown.recipe.options.objective == "minimax"
            and recipe.generators == ("generator",)
            and recipe.judges_samples
        )
        self.has_critic = objective.needs_lipschitz and recipe.judges_samples and recipe.has_features

    def measure(self) -> Values:
        """Coverage of the modes and the Jensen-Shannon divergence, on fixed latents. Keeps the optimal D for
        the next frame.
        """
        generators = self.shown.generators
        with evaluating(*generators.values()):
            samples = self.shown.recipe.generate(generators, self.z).float().cpu()
        found: dict[str, Any] = {"samples": len(samples)}
        if not bool(torch.isfinite(samples).all()):
            return found
        if len(self.modes):
            found |= mode_coverage(samples, self.modes, self.source.sd or 0.0)
        found["diversity"] = diversity(samples[:COMPARED]) / self.reference
        if self.has_critic:
            found |= self._distance(samples)
        if self.is_bounded:
            found |= self._reach(samples)
        jsd, optimal = self.comparison.compare(samples)
        self.optimal = np.round(optimal * 255).astype(np.uint8)
        return found | {"jsd": jsd, "bandwidth": self.comparison.bandwidth}

    def _reach(self, samples: Tensor) -> dict[str, float]:
        """What bounds G's gradient, as far as D's answers and G's weights tell."""
        networks = self.shown.networks
        judge = partial(self.shown.recipe.logits, networks)
        with evaluating(*networks.values()):
            found = {"d_reach": reach(judge, samples.to(self.shown.device))}
            return found | {"g_jacobian": jacobian(networks["generator"], self.z)}

    @cached_property
    def _floor(self) -> tuple[float, float]:
        return transport_floor(self.source, PAIRED)

    def _distance(self, samples: Tensor) -> dict[str, float]:
        """How far ``samples`` are from the data, by transport and by the critic: ``critic_distance`` is its
        value where it has a slope of 1.
        """
        device, networks = self.shown.device, self.shown.networks
        real, fake = self.real_points[:PAIRED], samples[:PAIRED]
        with evaluating(*networks.values()):
            found = critic_estimate(
                partial(self.shown.recipe.logits, networks), real.to(device), fake.to(device)
            )
        distance = found["critic_value"] / max(found["critic_slope"], 1e-8)
        floor, spread = self._floor
        transport = {
            "transport": transport_distance(real, fake), "transport_floor": floor, "transport_spread": spread
        }  # fmt: skip
        return transport | found | {"critic_distance": distance}

    def frame(self, header: Moment) -> bytes:
        """A packed frame of the present state."""
        networks = self.shown.networks
        with evaluating(*networks.values()):
            latents = torch.cat([self.z[:SHOWN], self.sheet.flatten(0, 1)])
            fake = self.shown.recipe.generate(networks, latents).float()
            points, manifold = fake[:SHOWN], fake[SHOWN:].view(*self.sheet.shape[:2], 2)
            special = self._special(networks)
            heat = self._heat(self.shown.recipe.logits(networks, self.cells))
            with torch.enable_grad():  # of few points, apart from the many cells
                pushed = points[:ARROWS].detach().requires_grad_()
                logits = self.shown.recipe.logits(networks, pushed)
                loss = self.shown.objective.generator_loss(logits.detach(), logits) * ARROWS
                (gradient,) = torch.autograd.grad(loss, pushed)
        arrows, mean = self._arrows(gradient)
        arrays: dict[str, np.ndarray | bytes] = {
            "fake": points.cpu().numpy(),
            "heat": heat,
            "manifold": manifold.cpu().numpy(),
            "arrows": arrows,
            **special,
        }
        if self.optimal is None:
            self.measure()
        if self.optimal is not None:
            arrays["optimal"] = self.optimal
        extra = {
            "kind": "points",
            "bandwidth": self.comparison.bandwidth,
            "arrow_scale": 1.0,
            "mean_gradient": mean,
            "sheet": self.is_sheet,
        }
        return frames.pack({**header, **extra}, arrays)

    def _special(self, networks: dict[str, nn.Module]) -> dict[str, np.ndarray | bytes]:
        """``category`` (SHOWN,) uint8 of the shown points, where the latent has one, and ``reconstructed``
        (RECONSTRUCTED, 2), G(E(x)) of the first real points, where there is an encoder.
        """
        recipe, arrays = self.shown.recipe, {}
        if categorical := first_category(self.shown.recipe.codes):
            chosen = categorical.of(self.z[:SHOWN]).argmax(1)
            arrays["category"] = chosen.to(torch.uint8).cpu().numpy()
        if recipe.has_encoder:
            real = self.real_points[:RECONSTRUCTED].to(self.shown.device)
            arrays["reconstructed"] = reconstruct(recipe, networks, real).float().cpu().numpy()
        return arrays

    def _heat(self, logits: Tensor) -> np.ndarray:
        """D's answer on the cells as (CELLS, CELLS) uint8: 255 real, 128 undecided, 0 fake. Values without a
        range are squashed.
        """
        objective = self.shown.objective
        if objective.probability:
            score = logits.sigmoid()
        else:
            undecided = objective.middle(1 - self.shown.recipe.options.label_smoothing)
            middle = logits.median() if undecided is None else undecided
            score = ((logits - middle) / (logits.std() + 1e-8) * 2).sigmoid()
        return (score.nan_to_num(0.5) * 255).round().to(torch.uint8).view(CELLS, CELLS).cpu().numpy()

    def _arrows(self, gradient: Tensor) -> tuple[np.ndarray, float]:
        """Where each point is pushed, in data units: as long as the gradient is strong, up to 8 % of the
        picture; and its mean norm.
        """
        x0, x1, *_ = self.source.extent
        size = gradient.norm(dim=1, keepdim=True)
        arrows = -gradient / (size + 1) * 0.08 * (x1 - x0)
        mean = float(size.mean())
        return arrows.nan_to_num(0.0).cpu().numpy(), mean if math.isfinite(mean) else 0.0

    def real(self) -> bytes:
        """A packed frame of real points and their density."""
        points = self.real_points.cpu().numpy().astype(np.float32)
        arrays: dict[str, np.ndarray | bytes] = {"real": points}
        density = self.source.mass(CELLS)
        arrays["density"] = (density / density.max() * 255).astype(np.uint8)  # (CELLS, CELLS)
        return frames.pack({"kind": "points"}, arrays)

    def thumbnail(self) -> bytes:
        """A small picture: real points in green, generated in purple or the colours of their categories, and
        D's heat map behind them.
        """
        source, networks = self.source, self.shown.networks
        with evaluating(*networks.values()):
            fake = self.shown.recipe.generate(networks, self.z[:300]).float().cpu()
            heat = self._heat(self.shown.recipe.logits(networks, self.cells))
        real = source.sample(300, torch.Generator("cpu").manual_seed(0)).cpu()
        layers = [(real, REAL)]
        if categorical := first_category(self.shown.recipe.codes):
            chosen = categorical.of(self.z[: len(fake)]).argmax(1).cpu()
            layers += [(fake[chosen == k], class_colour(k)) for k in range(categorical.size)]
        else:
            layers.append((fake, FAKE))
        return to_png(scatter(layers, source.extent, heat=heat))


def scatter(
    layers: list[tuple[Tensor, tuple[int, int, int]]],
    extent: tuple[float, ...],
    side: int = THUMBNAIL,
    heat: np.ndarray | None = None,
) -> Image.Image:
    """Points (N, 2) as dots, ``side`` pixels square, y upwards, on white or D's heat map (CELLS, CELLS)."""
    x0, x1, y0, y1 = extent
    image = Image.new("RGB", (side * 2, side * 2), "white")
    if heat is not None:
        image = Image.fromarray(_tint(heat[::-1])).resize(image.size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for points, colour in layers:
        for x, y in points.nan_to_num(1e9).tolist():
            px, py = (x - x0) / (x1 - x0) * side * 2, (y1 - y) / (y1 - y0) * side * 2
            if -9 < px < 2 * side + 9 and -9 < py < 2 * side + 9:
                draw.ellipse((px - 3, py - 3, px + 3, py + 3), fill=colour)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _tint(heat: np.ndarray) -> np.ndarray:
    """Scores (H, W) of 0 to 255 as pale colours (H, W, 3): purple for fake, white undecided, green real."""
    lean = (heat.astype(np.float32) / LEVELS - 1)[..., None]  # (H, W, 1), -1 fake .. 1 real
    away = 255 - np.where(lean > 0, np.array(REAL, np.float32), np.array(FAKE, np.float32))  # (H, W, 3)
    return (255 - 0.45 * np.abs(lean) * away).astype(np.uint8)
