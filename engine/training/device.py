"""Where a run computes."""

from __future__ import annotations

import torch

from engine.options import BadInput


def pick_device(name: str) -> torch.device:
    """``auto`` is CUDA if there is one, then Apple's MPS, then the CPU. Raises ``BadInput`` for a device that
    is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there.get(name.split(":")[0], False):
        raise BadInput(
            f"this machine, or its torch, has no {name!r} device.",
            "device",
            f"Choose one of: auto, {', '.join(kind for kind in there if there[kind])}.",
        )
    return torch.device(name)
