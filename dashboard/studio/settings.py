"""The studio's settings: where it is mounted, how long it keeps files and how large they may be."""

from __future__ import annotations

PREFIX = "/studio"
START_AFTER_S = 10.0  # since the first page was asked for, which must not wait for Gradio's import
HELD_FOR_S, HELD_EVERY_S, MOST_HELD = 90.0, 0.1, 32  # programs that ask for it while it is imported
DRIP_EVERY_S = 1.0  # between two signs of life to those
KEPT_FOR_S = 3600  # uploads and results
SWEPT_EVERY_S = 600
LARGEST = "256mb"  # of one file; the guard allows viewers less
