"""No figure is given of what is no finite number, or of too few items."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.options import BadInput


def finite(x: Tensor, what: str) -> Tensor:
    """``x``, of any shape. Raises ``BadInput`` naming ``what`` if some of it is infinite or NaN."""
    if not bool(torch.isfinite(x).all()):
        raise BadInput(f"{what} are not finite numbers.", "model", "Take an earlier checkpoint.")
    return x


def enough(real: Tensor, fake: Tensor, fewest: int = 2) -> None:
    """Raises ``BadInput`` if two distributions are to be compared by fewer than ``fewest`` items of one."""
    least = min(len(real), len(fake))
    if least < fewest:
        raise BadInput(f"{least} of each are too few; it takes {fewest}.", "data", "Hold more pictures out.")
