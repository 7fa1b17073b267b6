"""How long a step of a run takes on this machine, found out by taking a few."""

from __future__ import annotations

import time
from typing import Any

from engine.training.request import validate
from engine.training.trainer import Trainer, use_threads

BUDGET_S = 2.0
AT_MOST = 50


def time_step(request: dict[str, Any]) -> dict[str, float]:
    """Seconds of one iteration of ``request``, the median of those that fit into two seconds, the first left
    out: ``{"step_s"}``. Nothing of it is kept. Raises ``BadInput``.
    """
    config = validate(request)
    use_threads(config["kind"])
    trainer = Trainer(config)
    trainer.iterate()
    trainer.read()
    began, taken = time.perf_counter(), []
    while not taken or (len(taken) < AT_MOST and time.perf_counter() - began < BUDGET_S):
        started = time.perf_counter()
        trainer.iterate()
        trainer.read()  # waits for an accelerator
        taken.append(time.perf_counter() - started)
    return {"step_s": sorted(taken)[len(taken) // 2]}
