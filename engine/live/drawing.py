"""What the live pictures of all kinds share: grids, PNG."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from engine.data.pixels import to_pixels

THUMBNAIL = 160
EXHIBIT_EVERY_S = 1.5
REAL, FAKE = (27, 120, 55), (118, 42, 131)


def picture_grid(pictures: Tensor, rows: int, columns: int) -> Image.Image:
    """(N, C, H, W) in [-1, 1] as one picture of ``rows`` by ``columns``; missing cells stay black."""
    pixels = to_pixels(pictures.detach().cpu())
    n, c, h, w = pixels.shape
    cells = torch.zeros(rows * columns, c, h, w, dtype=torch.uint8)
    cells[: min(n, len(cells))] = pixels[: len(cells)]
    grid = (
        cells.view(rows, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)
    )  # (H, W, C)
    return Image.fromarray(grid.squeeze(2).numpy() if c == 1 else grid.numpy())
