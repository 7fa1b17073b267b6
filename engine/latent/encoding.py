"""What GANs with an encoder have in common: what their codes keep and where they lie, shown and measured.

Letters in shapes: N pictures or codes, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from engine.data.pixels import to_floats
from engine.data.source import ImageSource, Source
from engine.game.recipe import Exhibit, Networks, Recipe, Show

ENCODED = 1000  # pictures that a figure is measured on
PAIRS, COLUMNS = 4, 8  # rows of reconstructions, and how many in each
PLANE = 12  # side of the decoded plane
DRAWS = 16384  # of the prior, to see its shape
SIDE, CELL, DOT = 224, 4, 2  # of the map of codes: its side, a cell of its ground, a dot's radius; px
UNKNOWN = (0.46, 0.16, 0.51)  # without labels, all codes are of one colour
COLOURS = (  # of classes and categories, in turn; base/theme.js has the same
    (0.12, 0.47, 0.71),
    (1.00, 0.50, 0.05),
    (0.17, 0.63, 0.17),
    (0.84, 0.15, 0.16),
    (0.58, 0.40, 0.74),
    (0.55, 0.34, 0.29),
    (0.89, 0.47, 0.76),
    (0.40, 0.40, 0.40),
    (0.74, 0.74, 0.13),
    (0.09, 0.75, 0.81),
)


def class_colour(k: int) -> tuple[int, int, int]:
    """The colour of class or category ``k``: red, green, blue, 0 to 255."""
    red, green, blue = (round(255 * part) for part in COLOURS[k % len(COLOURS)])
    return red, green, blue


def held_out(source: ImageSource, network: nn.Module, n: int = ENCODED) -> Tensor:
    """The first ``n`` test pictures, or training pictures where the data have no test part: (n, C, H, W) in
    [-1, 1], on the device of ``network``.
    """
    test = source.test_images
    pictures = (source.images if test is None else test)[:n]
    return to_floats(pictures.to(next(network.parameters()).device))


def reconstruct(recipe: Recipe, networks: Networks, x: Tensor) -> Tensor:
    """G(E(x)), in the shape of ``x``."""
    return recipe.generate(networks, recipe.encode(networks, x))


# --- measured


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|A - B| - E|A - A'| - E|B - B'| of two samples (N, D), in their units (Székely & Rizzo 2013).

    0 only for equal distributions. Pairs of an item with itself count, so that it is never negative; two
    samples of one distribution come to about 2/N E|A - A'|.
    """
    across, within = torch.cdist(a, b).mean(), torch.cdist(a, a).mean() + torch.cdist(b, b).mean()
    return float(2 * across - within)


def prior_match(recipe: Recipe, codes: Tensor) -> dict[str, float]:
    """How far ``codes`` (N, latent_dim) lie from the prior: their energy distance from as many draws of it
    (``prior_distance``), and that of other draws (``prior_floor``), than which no encoder should be asked to
    be better.
    """
    generator = torch.Generator().manual_seed(0)
    drawn, others = (recipe.draw_latent(len(codes), generator).to(codes.device) for _ in range(2))
    return {"prior_distance": energy_distance(codes, drawn), "prior_floor": energy_distance(others, drawn)}


def figures(recipe: Recipe, networks: Networks, source: Source) -> dict[str, float]:
    """``prior_match`` of held-out pictures' codes, and ``reconstruction_error``: the mean square of
    G(E(x)) - x over all numbers of these pictures in [-1, 1], at most 4. Nothing for points.
    """
    if not isinstance(source, ImageSource):
        return {}
    x = held_out(source, networks["encoder"])
    error = mse_loss(reconstruct(recipe, networks, x), x)
    return {"reconstruction_error": float(error), **prior_match(recipe, recipe.encode(networks, x))}


# --- shown


def exhibits(recipe: Recipe, show: Show) -> list[Exhibit]:
    """Reconstructions, and for latents of two numbers the plane: decoded, and with codes in it."""
    if recipe.latent_dim != 2:
        return [reconstructions(recipe, show)]
    prior = recipe.draw_latent(DRAWS, torch.Generator().manual_seed(0))
    return [reconstructions(recipe, show), decoded_plane(recipe, show, prior), code_map(recipe, show, prior)]


def reconstructions(recipe: Recipe, show: Show) -> Exhibit:
    """Rows in pairs: real pictures, and below them what G makes of their codes."""
    columns = min(COLUMNS, len(show.real))
    pairs = min(PAIRS, len(show.real) // columns)
    real = show.real[: pairs * columns]
    rows = [part.unflatten(0, (pairs, columns)) for part in (real, reconstruct(recipe, show.networks, real))]
    return Exhibit(
        "reconstructions",
        "Reconstructions",
        "Above a real picture x, below it G(E(x)): what the encoder has kept.",
        torch.stack(rows, 1).flatten(0, 2),  # (pairs * 2 * columns, C, H, W)
        2 * pairs,
        columns,
        "both",
    )


def decoded_plane(recipe: Recipe, show: Show, prior: Tensor) -> Exhibit:
    """G on a grid over the plane: along each axis at equally spaced quantiles of draws ``prior`` (M, 2)."""
    steps = prior.quantile(torch.linspace(0.02, 0.98, PLANE), dim=0)  # (PLANE, 2)
    down, across = steps[:, 1].flip(0), steps[:, 0]
    latents = torch.cartesian_prod(down, across).flip(1)  # (PLANE * PLANE, 2), row 0 is the highest y
    return Exhibit(
        "plane",
        "The latent plane",
        "Each picture is decoded where it lies, from the 2nd to the 98th percentile of the prior.",
        recipe.generate(show.networks, latents.to(show.latent.device)),
        PLANE,
        PLANE,
    )


def code_map(recipe: Recipe, show: Show, prior: Tensor) -> Exhibit:
    """Codes of real pictures as dots in the colours of their classes, over the density of draws ``prior``
    (M, 2) in grey.
    """
    codes = recipe.encode(show.networks, show.real).cpu()  # (N, 2)
    reach = float(torch.cat([prior, codes]).abs().max()) * 1.05

    def cells(points: Tensor, side: int) -> tuple[Tensor, Tensor]:
        column, row = ((points / reach * torch.tensor([1, -1]) + 1) / 2 * side).long().unbind(1)
        return row, column

    ground = torch.zeros(SIDE // CELL, SIDE // CELL).index_put_(
        cells(prior, SIDE // CELL), torch.ones(len(prior)), accumulate=True
    )
    shade = 1 - 0.6 * ground / ground.max()  # 1 is white, where the prior never is
    picture = shade.repeat_interleave(CELL, 0).repeat_interleave(CELL, 1).expand(3, SIDE, SIDE).clone()
    colours = torch.tensor([UNKNOWN] * len(codes))  # (N, 3)
    if show.labels is not None:
        colours = torch.tensor(COLOURS)[show.labels.cpu() % len(COLOURS)]
    row, column = (place.clamp(DOT, SIDE - 1 - DOT) for place in cells(codes, SIDE))
    for dy, dx in [(y, x) for y in range(-DOT, DOT + 1) for x in range(-DOT, DOT + 1) if abs(x * y) < DOT**2]:
        picture[:, row + dy, column + dx] = colours.T
    return Exhibit(
        "codes",
        "Codes",
        "Where the encoder puts real pictures, a colour for each class, over the prior in grey.",
        picture[None] * 2 - 1,  # (1, 3, SIDE, SIDE)
        1,
        1,
        "",
    )
