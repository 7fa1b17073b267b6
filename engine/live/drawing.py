"""What the live pictures of all kinds share: fixed latents, shown networks, grids, PNG."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor, nn

from engine.training.trainer import Trainer

THUMBNAIL = 160
EXHIBIT_EVERY_S = 1.5
REAL, FAKE = (27, 120, 55), (118, 42, 131)


def display_latents(trainer: Trainer, n: int) -> Tensor:
    """(n, latent_dim) from the GAN's prior, the same for every run of one seed."""
    generator = torch.Generator("cpu").manual_seed(trainer.config["seed"] * 1_000_003 + 3)
    return trainer.recipe.draw_latent(n, generator).to(trainer.device)


def shown_networks(trainer: Trainer) -> dict[str, nn.Module]:
    """All networks, with their averages in place where there are any."""
    return {**trainer.networks, **trainer.averages}


def shown_generator(trainer: Trainer) -> nn.Module:
    """The average of G where there is one, otherwise G."""
    return shown_networks(trainer)["generator"]


def to_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def picture_grid(pictures: Tensor, rows: int, columns: int) -> Image.Image:
    """(N, C, H, W) in [-1, 1] as one picture of ``rows`` by ``columns``; missing cells stay black."""
    pixels = ((pictures.detach().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    n, c, h, w = pixels.shape
    cells = torch.zeros(rows * columns, c, h, w, dtype=torch.uint8)
    cells[: min(n, len(cells))] = pixels[: len(cells)]
    grid = (
        cells.view(rows, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)
    )  # (H, W, C)
    return Image.fromarray(grid.squeeze(2).numpy() if c == 1 else grid.numpy())
