"""No figure is given of what is no finite number."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.options import BadInput


def finite(x: Tensor, what: str) -> Tensor:
    """``x``, of any shape. Raises ``BadInput`` naming ``what`` if some of it is infinite or NaN."""
    if not bool(torch.isfinite(x).all()):
        raise BadInput(f"{what} are no finite numbers.", "model", "Take an earlier checkpoint.")
    return x
