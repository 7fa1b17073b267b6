"""An endless, seeded stream of batches whose position can be saved and restored exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.data.source import ImageSource, PointSource, Source
from engine.options import Conflict

BLOCK = 64  # batches of points drawn at once: drawing them one by one costs more than using them
ON_DEVICE_BYTES = 2**31  # image sets up to this size live on the accelerator


class Stream:
    """Batches of ``source``. Everything drawn follows from ``seed`` and the position alone, so the state is
    one number.

    Images come in shuffled epochs without replacement; where an epoch ends inside a batch, the next one fills
    it up.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        seed: int,
        device: torch.device | str = "cpu",
        subset: torch.Tensor | None = None,
        lane: int = 0,
    ) -> None:
        """``subset``: numbers of the images to draw from, by default all. Streams of one run that are to be
        independent have different ``lane`` numbers.
        """
        self.source, self.batch_size, self.seed, self.device = source, batch_size, seed, torch.device(device)
        self.lane = lane
        self.position = 0  # images, or batches of points, handed out so far
        self._drawn_for = -1  # the epoch or block that is at hand
        self._order = self._block = torch.empty(0)
        if isinstance(source, ImageSource):
            fits = source.images.numel() <= ON_DEVICE_BYTES
            home = self.device if fits else torch.device("cpu")
            images, labels = source.images, source.labels
            if subset is not None:
                images, labels = images[subset], None if labels is None else labels[subset]
            self._images = images.to(home)
            self._labels = None if labels is None else labels.to(home)

    def next(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The next batch: ``(x, y)``.

        Images: x float32 (B, C, H, W) in [-1, 1], channels last in memory; y int64 (B,) or ``None`` without
        classes. Points: x float32 (B, 2) in data units, y ``None``.
        """
        if isinstance(self.source, PointSource):
            return self._next_points(self.source), None
        chosen = self._choose()
        x = self._images[chosen].to(self.device, torch.float32, memory_format=torch.channels_last)
        y = None if self._labels is None else self._labels[chosen].to(self.device)
        return x.div_(127.5).sub_(1.0), y

    def state_dict(self) -> dict[str, Any]:
        """The position as plain numbers, and the number of images as a check."""
        return {"position": self.position, "items": self._items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken. Raises ``Conflict`` if the data have changed since."""
        if state["items"] != self._items():
            raise Conflict(
                f"the data had {state['items']} images when this was saved and have {self._items()} now.",
                "data",
                "Put the data back as they were, or start a new run.",
            )
        self.position = int(state["position"])
        self._drawn_for = -1

    def _items(self) -> int:
        return 0 if isinstance(self.source, PointSource) else len(self._images)

    def _next_points(self, source: PointSource) -> torch.Tensor:
        block, place = divmod(self.position, BLOCK)
        if block != self._drawn_for:
            self._block = source.sample(BLOCK * self.batch_size, _generator(self.seed, block, self.lane)).to(
                self.device
            )
            self._drawn_for = block
        self.position += 1
        return self._block[place * self.batch_size : (place + 1) * self.batch_size]  # (B, 2)

    def _choose(self) -> torch.Tensor:
        """Numbers of the next ``batch_size`` images: int64 (B,)."""
        parts: list[torch.Tensor] = []
        wanted = self.batch_size
        while wanted:
            epoch, place = divmod(self.position, len(self._images))
            if epoch != self._drawn_for:
                order = torch.randperm(len(self._images), generator=_generator(self.seed, epoch, self.lane))
                self._order, self._drawn_for = order.to(self._images.device), epoch
            parts.append(self._order[place : place + wanted])
            wanted -= len(parts[-1])
            self.position += len(parts[-1])
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _generator(seed: int, part: int, lane: int) -> torch.Generator:
    """The random stream of one block or epoch. SeedSequence keeps neighbouring seeds and parts unrelated."""
    mixed = np.random.SeedSequence((seed, part, lane) if lane else (seed, part)).generate_state(1, np.uint32)[
        0
    ]
    return torch.Generator().manual_seed(int(mixed))
