"""The drawn game of a run: ``game.json``, once for each stage; ``turns.json`` while somebody looks."""

from __future__ import annotations

import time
from contextlib import nullcontext

from engine.runs.drawn import Game
from engine.runs.files import finite, write_json
from engine.runs.folder import RunFolder
from engine.training.following import Following
from engine.training.trainer import Trainer

LOOK_EVERY_S = 0.25  # whether somebody looks
EVERY_S = 0.3  # between two iterations that are followed, at least
SHARE = 0.03  # of the time, at most, goes into following


class DrawnGame:
    """Plays the trainer's steps, and follows some of them: the first of a stage or of other options, from
    which the game is drawn, and while somebody looks a few a second.
    """

    def __init__(self, folder: RunFolder, trainer: Trainer) -> None:
        self.folder, self.trainer, self.following = folder, trainer, Following(trainer)
        self._game: Game | None = None
        self._looked, self._followed, self._plain, self._cost = 0.0, 0.0, 0.0, 0.0
        self._sample: int | None = None  # that somebody looks at

    def iterate(self, is_last: bool = False) -> None:
        """One iteration, followed if it is time; the last one always is, for whoever looks afterwards."""
        started = time.perf_counter()
        follows = is_last or self._is_due(started)
        with self.following.iteration() if follows else nullcontext():
            self.trainer.iterate()
        took = time.perf_counter() - started
        if follows:
            self._cost = max(0.0, took - self._plain)
            self._write()
        else:
            self._plain = took

    def single(self, what: str) -> None:
        """One update of the phases that step ``what`` alone, followed if somebody looks. Raises
        ``BadInput``.
        """
        with self.following.iteration() if self._look(0.0) else nullcontext():
            self.trainer.single(what)
        if self._sample is not None:
            self._write()

    def hurry(self) -> None:
        """Follow the next iteration if somebody looks, however soon it comes: it was asked for."""
        self._looked = self._followed = 0.0

    def _is_due(self, now: float) -> bool:
        if self.following.is_stale():
            return True
        return self._look(now) and now - self._followed > max(EVERY_S, self._cost / SHARE)

    def _look(self, now: float) -> bool:
        """Whether somebody looks, as it was a moment ago; with ``now`` = 0 as it is."""
        if not now or now - self._looked > LOOK_EVERY_S:
            self._looked = now
            self._sample = self.folder.followed()
            self.following.sample = self._sample or 0
        return self._sample is not None

    def _write(self) -> None:
        self._followed = time.perf_counter()
        if (game := self.following.game()) != self._game:
            self._game = game
            write_json(self.folder.game, finite(game))
        write_json(self.folder.turns, finite(self.following.turns()))
