"""Grids of generated pictures in which one or two codes change and everything else stays: what codes mean."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.game.codes import REACH, Code, each_value, first_category, traversal
from engine.game.recipe import Exhibit, Recipe, Show

ROWS = COLUMNS = 10
NAMED = 12  # pictures in a row of those that D names
DRAWS = 4096  # of the prior, to see how far it reaches


def exhibits(recipe: Recipe, show: Show) -> list[Exhibit]:
    """The categories in rows, the first two continuous codes against each other, and, where these two grids
    leave some of them out, each continuous code in a row of its own.
    """
    continuous = [code for code in recipe.codes if code.kind != "categorical"]
    category = first_category(recipe.codes)
    grids = [category_rows(recipe, show, category, continuous)] if category else []
    if len(continuous) > 1:
        latents = traversal(show.latent[:1], continuous[1], ROWS, continuous[0], COLUMNS)
        sentence = "Across the first continuous code, down the second, -2 to 2. All else stays."
        grids.append(_grid(recipe, show, ("continuous", "Continuous codes", sentence), latents, COLUMNS))
    if len(continuous) > 2 or (continuous and not category):
        latents = torch.cat([code_row(show.latent[:1], code) for code in continuous])
        sentence = "In each row one continuous code goes from -2 to 2. All else stays."
        grids.append(_grid(recipe, show, ("one_by_one", "Codes one by one", sentence), latents, COLUMNS))
    return grids


def category_rows(recipe: Recipe, show: Show, category: Code, continuous: list[Code]) -> Exhibit:
    """Each row one category; across, the first continuous code, or other noise where there is none."""
    rows = min(category.size, ROWS)
    each = "Each row one category" + (
        f", the first {rows} of {category.size}" if category.size > rows else ""
    )
    if continuous:
        latents = traversal(show.latent[:1], category, rows, continuous[0], COLUMNS)
        columns, across = COLUMNS, "across, the first continuous code, -2 to 2."
    else:
        chosen = show.latent[:COLUMNS]
        columns, across = len(chosen), "each column the same noise."
        latents = each_value(chosen, category, rows)
    return _grid(recipe, show, ("categories", "Categories", f"{each}; {across}"), latents, columns)


def named_rows(show: Show, named: Tensor, classes: int) -> Exhibit:
    """Real pictures, each in the row of the class ``named`` (N,) that D gives it; empty places are black."""
    rows = min(classes, ROWS)
    pictures = show.real.new_full((rows, NAMED, *show.real.shape[1:]), -1.0)  # (rows, NAMED, C, H, W)
    for row in range(rows):
        own = show.real[named == row][:NAMED]
        pictures[row, : len(own)] = own
    sentence = "Real pictures, each in the row of the class that D gives it."
    return Exhibit("named", "Named by D", sentence, pictures.flatten(0, 1), rows, NAMED, "real")


def code_row(base: Tensor, code: Code) -> Tensor:
    """``base`` (1, latent_dim) with a continuous ``code`` going from -2 to 2: (COLUMNS, latent_dim)."""
    latents = base.repeat(COLUMNS, 1)  # (COLUMNS, latent_dim)
    code.of(latents)[:] = torch.linspace(-REACH, REACH, COLUMNS, device=base.device)[:, None]
    return latents


def latent_sheet(recipe: Recipe, side: int) -> tuple[Tensor, bool]:
    """Latents (rows, columns, latent_dim) over the middle 95 % of the prior, and whether their rows are
    neighbours.

    Two numbers vary, continuous codes before noise, and all else is 0: a sheet. Where there is only one, it
    is one row. A categorical code gives each of its values a row, which is no neighbour of the next.
    """
    drawn = recipe.draw_latent(DRAWS, torch.Generator().manual_seed(0))
    low, high = drawn.quantile(torch.tensor([0.025, 0.975]), dim=0)  # (latent_dim,)
    continuous = [code.start for code in recipe.codes if code.kind != "categorical"]
    across, *others = [*continuous, *range(recipe.noise_dim)]
    share = torch.linspace(0, 1, side)
    row = torch.zeros(side, recipe.latent_dim)
    row[:, across] = low[across].lerp(high[across], share)
    if category := first_category(recipe.codes):
        return each_value(row, category, category.size).unflatten(0, (-1, side)), False
    sheet = row.repeat(side if others else 1, 1, 1)
    if others:
        sheet[:, :, others[0]] = low[others[0]].lerp(high[others[0]], share)[:, None]
    return sheet, True


def _grid(recipe: Recipe, show: Show, words: tuple[str, str, str], latents: Tensor, columns: int) -> Exhibit:
    pictures = recipe.generate(show.networks, latents)
    return Exhibit(*words, pictures, len(latents) // columns, columns)
