"""The pages of the dashboard. To add one: a script beside this file and a line in ``PAGES``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page: its ``script`` beside ``main.py``, its ``path`` in the address, and the menu's tooltip."""

    script: str
    title: str
    path: str
    help: str


PAGES: dict[str, Page] = {
    "home": Page("home.py", "Home", "", "Start one of the prepared experiments, and see what is running."),
    "learn": Page("learn.py", "Learn", "learn", "Lessons: predict, run, see, and explain."),
    "new": Page("new.py", "New run", "new", "Choose the data, the GAN and its objective."),
    "train": Page("train.py", "Live", "train", "Watch a run learn, step it by hand and change its knobs."),
    "analyse": Page(
        "analyse.py",
        "Analyse",
        "analyse",
        "Curves and figures of up to six runs, to study and take along.",
    ),
    "explore": Page("explore.py", "Explore", "explore", "Play with what a generator has learnt."),
    "translate": Page("translate.py", "Translate", "translate", "Turn your own pictures into others."),
    "models": Page(
        "models.py", "Models", "models", "All models: cards, figures, export; add weights of others."
    ),
    "runs": Page("runs.py", "Runs", "runs", "All runs: open, compare, resume, stop, duplicate, delete."),
}
