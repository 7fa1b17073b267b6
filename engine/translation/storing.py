"""Feature maps of a picture that may be too large for memory, kept row by row.

A row of a map (C, H, W) lies as (W, C), so that a band of rows is one stretch of memory or of a file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.options import BadInput

IN_MEMORY = 96 << 20  # bytes of float32 up to which a map is not written to a file
SPARED = 1 << 30  # bytes that are left free on the disk


class Rows:
    """A map (channels, height, width): in memory, or in half precision in an unnamed file in ``folder``.

    Raises ``BadInput`` if the disk is too full.
    """

    def __init__(self, channels: int, height: int, width: int, folder: Path) -> None:
        self.channels, self.height, self.width = channels, height, width
        numbers = channels * height * width
        self._file = -1
        self._memory: Tensor | None = None
        if 4 * numbers <= IN_MEMORY:
            self._memory = torch.empty(height, width, channels)
            return
        if shutil.disk_usage(folder).free < 2 * numbers + SPARED:
            raise BadInput(
                f"translating it takes {2 * numbers / 1e9:.1f} GB on the disk, which is too full.",
                "image",
                "Give longest, so that it is made smaller first.",
            )
        self._file, name = tempfile.mkstemp(dir=folder)
        os.unlink(name)  # the file lives as long as it is open: nothing is left behind, however this ends

    def read(self, first: int, last: int) -> Tensor:
        """The rows ``first`` to ``last`` - 1: float32 (1, C, n, W), channels last, not to be changed."""
        if self._memory is not None:
            rows = self._memory[first:last]
        else:
            half = np.empty((last - first, self.width, self.channels), np.float16)
            view, at = half.reshape(-1).view(np.uint8).data, first * self.width * self.channels * 2
            while len(view):
                read = os.preadv(self._file, [view], at)
                assert read, "only rows that were written are read"
                view, at = view[read:], at + read
            rows = torch.from_numpy(half).float()
        return rows.permute(2, 0, 1)[None]  # (1, C, rows, W)

    def write(self, first: int, rows: Tensor) -> None:
        """Keep ``rows`` (1, C, n, W) from row ``first`` on."""
        plain = rows[0].permute(1, 2, 0)  # (n, W, C)
        if self._memory is not None:
            self._memory[first : first + len(plain)] = plain
            return
        half = np.ascontiguousarray(plain.half().numpy())
        view, at = half.reshape(-1).view(np.uint8).data, first * self.width * self.channels * 2
        while len(view):
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written

    def close(self) -> None:
        """Give memory and disk back."""
        self._memory = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()
