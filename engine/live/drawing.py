"""What the live pictures of all kinds share: grids, PNG."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor

THUMBNAIL = 160
EXHIBIT_EVERY_S = 1.5
REAL, FAKE = (27, 120, 55), (118, 42, 131)


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
