"""The studio's settings: where it is mounted, how long it keeps files and how large they may be."""

from __future__ import annotations

PREFIX = "/studio"
START_AFTER_S = 10.0  # since the first page was asked for, which must not wait for Gradio's import
KEPT_FOR_S = 3600  # uploads and results
SWEPT_EVERY_S = 600
LARGEST = "256mb"  # of one file; the guard allows viewers less
