"""Evaluation while a run trains, and the checkpoint that was best by a chosen measure. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

LESS_IS_BETTER: dict[str, bool] = {
    "fid": True,
    "kid": True,
    "jsd": True,
    "class_kl": True,
    "share": False,
    "diversity": False,
    "test_error": True,
    "code_error": True,
    "reconstruction_error": True,
    "test_l1": True,
    "test_psnr": False,
}
TITLES = {
    "none": "none, the last step counts",
    "fid": "FID",
    "kid": "KID",
    "jsd": "Jensen-Shannon divergence",
    "class_kl": "class balance",
    "share": "share of good samples",
    "diversity": "diversity",
    "test_error": "test error",
    "code_error": "code error",
    "reconstruction_error": "reconstruction error",
    "test_l1": "L1 on held-out pictures",
    "test_psnr": "PSNR on held-out pictures",
}
EVALUATED = ("fid", "kid")  # these come from an evaluation; the others are measured anyway


@dataclass
class Best:
    """The best value of a measure so far, and at which step it was."""

    measure: str
    value: float | None = None
    step: int | None = None

    def as_dict(self) -> dict[str, Any] | None:
        """What it is of, its title, value and step; ``None`` if there is none yet."""
        if self.step is None:
            return None
        return {
            "measure": self.measure,
            "title": TITLES[self.measure],
            "value": self.value,
            "step": self.step,
        }

    def improves(self, row: dict[str, Any], step: int) -> bool:
        """Whether a row of metrics holds a better value, which is then remembered."""
        value = row.get(self.measure)
        if self.measure not in LESS_IS_BETTER or value is None or not math.isfinite(value):
            return False
        if self.value is not None and (value >= self.value) == LESS_IS_BETTER[self.measure]:
            return False
        self.value, self.step = float(value), step
        return True
