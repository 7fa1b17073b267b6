"""Any other network over a picture of any size, in tiles of the size that it was trained at. What it makes
may be larger or smaller than what it is given.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor, nn

from engine.game.showing import evaluating
from engine.options import BadInput
from engine.translation.bands import as_input
from engine.translation.blending import Place, blend, places
from engine.translation.normalising import Mode, by_the_picture

DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


def factor_of(given: tuple[int, ...], made: tuple[int, ...]) -> Fraction:
    """How many times as high and wide as a picture that is ``given`` (C, H, W) is the one that is ``made``.
    Raises ``BadInput`` unless it is a whole number or one over it.
    """
    high, wide = (Fraction(b, a) for a, b in zip(given[1:], made[1:], strict=True))
    if high != wide or 1 not in (high.numerator, high.denominator):
        sizes = " to ".join(f"{shape[2]} x {shape[1]}" for shape in (given, made))
        raise BadInput(
            f"it makes {sizes} px, which is no whole factor.", "model", "Choose one that keeps the shape."
        )
    return high


class Pieces:
    """One picture's way through ``network``. ``picture`` is uint8 (H, W, C), at least a tile of ``size``, its
    height and width, large. Norms that go by the picture at hand go by the tile; ``seed`` is that of dropout.
    """

    def __init__(
        self,
        network: nn.Module,
        size: Place,
        factor: Fraction,
        picture: np.ndarray,
        mode: Mode,
        seed: int | None,
        cut: bool = False,
    ) -> None:
        self._network = by_the_picture(network) if mode == "train" else network
        self._size, self._factor = size, factor
        self._picture, self._seed, self._cut = picture, seed, cut
        self.rows, self.columns = (
            places(side, own) for side, own in zip(picture.shape[:2], size, strict=True)
        )
        self.count = len(self.rows) * len(self.columns)

    def run(self, out: np.ndarray) -> Iterator[None]:
        """Write the translation into ``out``, uint8 (H', W', C'). Stops ``count`` times on the way."""
        yield from blend(self.rows, self.columns, self._size, self._factor, self._tile, out, self._cut)

    def _tile(self, place: Place) -> Generator[None, None, Tensor]:
        (row, column), (high, wide) = place, self._size
        tile = as_input(self._picture[None, row : row + high, column : column + wide])
        with evaluating(self._network), torch.random.fork_rng([]):
            if self._seed is not None:
                torch.manual_seed(self._seed)
                for layer in self._network.modules():
                    layer.training = isinstance(layer, DROPOUT)
            made = self._network(tile)[0].float()
        yield
        return made
