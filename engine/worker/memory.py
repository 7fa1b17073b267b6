"""How the process keeps memory between the steps of a training."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
KEPT = 1 << 30  # bytes that may lie unused before any go back to the system
AHEAD = 64 << 20  # bytes taken at once
LARGE = 32 << 20  # larger pieces come straight from the system, the most that glibc allows


def keep_freed() -> None:
    """Have glibc hold on to what a step frees, for the next one: it would give it back to the system and be
    given it anew, page by page. Other C libraries stay as they are.

    On a CPU with other work beside it that took up to a quarter of a DCGAN's step.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; on Windows there is no None
        return
    for option, value in ((TRIM_THRESHOLD, KEPT), (TOP_PAD, AHEAD), (MMAP_THRESHOLD, LARGE)):
        set_option(option, value)
