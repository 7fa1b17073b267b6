"""An endless, seeded stream of batches whose position can be saved and restored exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.data.kinds import KINDS
from engine.data.pixels import scaled_
from engine.data.source import ImageSource, PointSource, Source, TableSource
from engine.data.translations.two_sides import TranslationSource
from engine.options import Conflict

MIRRORS = 1 << 16  # lanes from here on say which pictures are mirrored
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
        self._position = 0  # batches of points handed out so far
        self._drawn_for = -1  # the block that is at hand
        self._block = torch.empty(0)
        self._points: torch.Tensor | None = None  # those that are drawn from, once they have weights
        self._layout = KINDS[source.kind].layout
        self._flips = isinstance(source, ImageSource) and source.flips
        if isinstance(source, ImageSource | TableSource):
            images = source.images if isinstance(source, ImageSource) else source.items
            fits = images.nbytes <= ON_DEVICE_BYTES
            home = self.device if fits else torch.device("cpu")
            labels = source.labels
            if subset is not None:
                images, labels = images[subset], None if labels is None else labels[subset]
            self._images = images.to(home)
            self._labels = None if labels is None else labels.to(home)
            self._order = _Order(len(self._images), batch_size, seed, lane, home)

    def next(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The next batch: ``(x, y)``.

        Images: x float32 (B, C, H, W) in [-1, 1], channels last in memory; y int64 (B,) or ``None`` without
        classes. Items of a table: as they are, in their kind's layout. Points: x float32 (B, 2) in data
        units, y ``None``.
        """
        if isinstance(self.source, PointSource):
            return self._next_points(self.source), None
        position, chosen = self.position, self._order.next()
        x = self._images[chosen].to(self.device, torch.float32, memory_format=self._layout)
        if self._flips:
            drawn = torch.rand(len(x), generator=_generator(self.seed, position, MIRRORS + self.lane))
            x = torch.where((drawn < 0.5).to(self.device)[:, None, None, None], x.flip(3), x)
            x = x.contiguous(memory_format=self._layout)
        y = None if self._labels is None else self._labels[chosen].to(self.device)
        return scaled_(x) if self._images.dtype == torch.uint8 else x, y

    def state_dict(self) -> dict[str, Any]:
        """The position, the number of images as a check, and the weights if there are any."""
        state: dict[str, Any] = {"position": self.position, "items": self._items()}
        if self._points is not None:
            return {**state, "points": self._points, "order": self._order.state()}
        return state if isinstance(self.source, PointSource) else {**state, **self._order.weights_state()}

    def reweigh(self, weights: torch.Tensor, points: torch.Tensor | None = None) -> None:
        """From now on each image comes as often as its weight (N,) asks for. Points, of which there is no
        end, come from these (N, 2) from then on. Raises ``ValueError`` for weights that are none.
        """
        if isinstance(self.source, PointSource):
            if points is None or points.shape != (len(weights), 2):
                raise ValueError("points are weighed by name: give as many points (N, 2) as weights")
            self._points = points.to(self.device)
            self._order = _Order(len(points), self.batch_size, self.seed, self.lane, self.device)
        self._order.reweigh(weights)

    @property
    def position(self) -> int:
        """Images, or batches of points, handed out so far."""
        return self._position if isinstance(self.source, PointSource) else self._order.position

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken. Raises ``Conflict`` if the data have changed since."""
        check_items(state["items"], self._items())
        if isinstance(self.source, PointSource):
            self._position, self._drawn_for = int(state["position"]), -1
            self._points = None
            if "points" in state:
                self.reweigh(state["order"]["weights"], state["points"])
                self._order.load_state(state["order"])
        else:
            self._order.load_state(state)

    def _items(self) -> int:
        return 0 if isinstance(self.source, PointSource) else len(self._images)

    def _next_points(self, source: PointSource) -> torch.Tensor:
        if self._points is not None:
            self._position += 1
            return self._points[self._order.next()]  # (B, 2)
        block, place = divmod(self._position, BLOCK)
        if block != self._drawn_for:
            self._block = source.sample(BLOCK * self.batch_size, _generator(self.seed, block, self.lane)).to(
                self.device
            )
            self._drawn_for = block
        self._position += 1
        return self._block[place * self.batch_size : (place + 1) * self.batch_size]  # (B, 2)


class _Order:
    """Numbers of items in shuffled epochs without replacement; where an epoch ends inside a batch, the next
    one fills it up. With ``weights`` each comes in an epoch as often as its weight asks for, rounded up or
    down by chance.
    """

    def __init__(
        self, items: int, batch_size: int, seed: int, lane: int, device: torch.device | str = "cpu"
    ) -> None:
        self.items, self.batch_size, self.seed, self.lane, self.device = items, batch_size, seed, lane, device
        self.position = 0  # items handed out so far
        self._drawn_for = -1  # the epoch whose order is at hand
        self._order = torch.empty(0)
        self.weights: torch.Tensor | None = None  # float64 (N,), their sum 1

    def reweigh(self, weights: torch.Tensor | None) -> None:
        """Draw by ``weights`` (N,), from the middle of this epoch on. Raises ``ValueError``."""
        if weights is not None:
            weights = weights.detach().cpu().double()
            total = float(weights.sum())
            if weights.shape != (self.items,) or not 0 < total < float("inf") or bool((weights < 0).any()):
                raise ValueError(f"{self.items} weights are needed, none below 0 and not all of them 0")
            weights = weights / total
        self.weights, self._drawn_for = weights, -1

    def weights_state(self) -> dict[str, Any]:
        return {} if self.weights is None else {"weights": self.weights}

    def state(self) -> dict[str, Any]:
        return {"position": self.position, **self.weights_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        self.position = int(state["position"])
        self.reweigh(state.get("weights"))

    def _epoch(self, epoch: int) -> torch.Tensor:
        """The numbers of an epoch's items in order: int64 (N,)."""
        generator = _generator(self.seed, epoch, self.lane)
        order = torch.randperm(self.items, generator=generator)
        if self.weights is None:
            return order
        begin = torch.rand(1, generator=generator, dtype=torch.float64)
        places = (torch.arange(self.items, dtype=torch.float64) + begin) / self.items  # one in each N-th
        chosen = torch.searchsorted(self.weights.cumsum(0), places, right=True)
        return chosen.clamp_max(self.items - 1)[order]

    def next(self) -> torch.Tensor:
        """Numbers of the next ``batch_size`` items: int64 (B,)."""
        parts: list[torch.Tensor] = []
        wanted = self.batch_size
        while wanted:
            epoch, place = divmod(self.position, self.items)
            if epoch != self._drawn_for:
                self._order, self._drawn_for = self._epoch(epoch).to(self.device), epoch
            parts.append(self._order[place : place + wanted])
            wanted -= len(parts[-1])
            self.position += len(parts[-1])
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def check_items(then: int, now: int) -> None:
    """Raises ``Conflict`` if the data have changed since a position in them was kept."""
    if then != now:
        raise Conflict(
            f"the data had {then} pictures when this was saved and have {now} now.",
            "data",
            "Put the data back as they were, or start a new run.",
        )


def _generator(seed: int, part: int, lane: int) -> torch.Generator:
    """The random stream of one block or epoch. SeedSequence keeps neighbouring seeds and parts unrelated."""
    mixed = np.random.SeedSequence((seed, part, lane) if lane else (seed, part)).generate_state(1, np.uint32)[
        0
    ]
    return torch.Generator().manual_seed(int(mixed))


class TranslationStream:
    """Batches of a ``TranslationSource``: "pairs" gives A and B that belong together, "a" or "b" one side.

    As in ``Stream``, all that is drawn follows from seed and position: the order, the windows where pictures
    have a margin, and the mirrors.
    """

    def __init__(
        self,
        name: str,
        source: TranslationSource,
        batch_size: int,
        seed: int,
        device: torch.device | str = "cpu",
        lane: int = 0,
        augment: bool = True,
    ) -> None:
        """``augment`` off takes every window from the middle, and mirrors nothing."""
        self.device, self.margin, self.lane, self.seed = torch.device(device), source.margin, lane, seed
        self.augment, self.flips = augment, augment and source.flips
        pictures = {"a": source.a, "b": source.b} if name == "pairs" else {name: getattr(source, name)}
        self._sides = list(pictures.values())
        self._margins = [source.margin if side == "a" else source.made_margin for side in pictures]
        self._order = _Order(len(self._sides[0]), batch_size, seed, lane)

    def next(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The next batch, float32 in [-1, 1], channels last in memory: (A, B) of "pairs", both (N, C, H, W);
        (one side, ``None``) otherwise.
        """
        drawn = _generator(self.seed, self._order.position, self.lane + 1_000)
        chosen = self._order.next().tolist()
        places = torch.full((len(chosen), 2), self.margin // 2)
        if self.augment and self.margin:
            places = torch.randint(self.margin + 1, (len(chosen), 2), generator=drawn)  # (N, 2): y, x
        mirrored = torch.rand(len(chosen), generator=drawn) < 0.5 if self.flips else [False] * len(chosen)
        cuts = [
            (number, *place, bool(flip))
            for number, place, flip in zip(chosen, places.tolist(), mirrored, strict=True)
        ]
        sides = [
            self._cut(side, margin, cuts) for side, margin in zip(self._sides, self._margins, strict=True)
        ]
        return sides[0], sides[1] if len(sides) > 1 else None

    def _cut(
        self, pictures: torch.Tensor, margin: int, cuts: list[tuple[int, int, int, bool]]
    ) -> torch.Tensor:
        height, width = (side - margin for side in pictures.shape[2:])
        windows = []
        for number, *place, flip in cuts:
            top, left = (at * margin // max(1, self.margin) for at in place)
            window = pictures[number, :, top : top + height, left : left + width]  # (C, H, W)
            windows.append(window.flip(2) if flip else window)
        batch = torch.stack(windows).to(self.device, torch.float32, memory_format=torch.channels_last)
        return scaled_(batch)  # (N, C, H, W)

    def state_dict(self) -> dict[str, Any]:
        """The position, the number of pictures as a check, and the weights if there are any."""
        return {"items": self._order.items, **self._order.state()}

    def reweigh(self, weights: torch.Tensor) -> None:
        """From now on each picture, or pair, comes as often as its weight (N,) asks for. Raises
        ``ValueError``.
        """
        self._order.reweigh(weights)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken. Raises ``Conflict`` if the data have changed since."""
        check_items(state["items"], self._order.items)
        self._order.load_state(state)


AnyStream = Stream | TranslationStream


def open_stream(
    name: str,
    source: Source,
    options: Any,
    seed: int,
    device: torch.device,
    subset: torch.Tensor | None,
    lane: int,
) -> AnyStream:
    """The stream called ``name`` of a run with these options."""
    if isinstance(source, TranslationSource):
        return TranslationStream(name, source, options.batch_size, seed, device, lane, options.augment)
    return Stream(source, options.batch_size, seed, device, subset, lane)
