"""Real data as the other side of a comparison, looked at once a process."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor

from engine.data.source import ImageSource, PointSource, Source
from engine.metrics.features import FeatureNetwork, Progress

KEPT = 32
_kept: OrderedDict[tuple[object, ...], object] = OrderedDict()
T = TypeVar("T")


@dataclass(frozen=True)
class Real:
    """Features (N, D) of ``reference``, which samples are compared with, and of ``other`` real items, as many
    and none of them the same: what those give in the samples' place is the floor.
    """

    reference: Tensor
    other: Tensor
    reference_is: str
    other_is: str


def once(key: tuple[object, ...], make: Callable[[], T]) -> T:
    """``make()``, or what it gave when ``key`` was asked for before; the oldest answers are forgotten."""
    if key not in _kept:
        _kept[key] = make()
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return cast(T, _kept[key])


def fingerprint(source: Source) -> tuple[object, ...]:
    """Names the data in ``source``: its options, and a checksum of 64 of its images, since a folder's
    contents may change under the same options.
    """
    named = (type(source).__name__, source.options.model_dump_json())
    if not isinstance(source, ImageSource):
        return named
    images = source.images
    some = images[:: max(1, len(images) // 64)].contiguous()
    return (*named, tuple(images.shape), zlib.crc32(some.numpy().tobytes()))


def comparable(source: Source, n: int) -> int:
    """How many items a comparison can have, at most ``n``: as many must be left over for its floor."""
    return n if isinstance(source, PointSource) else _halves(source, n)[0]


def real_features(source: Source, network: FeatureNetwork, n: int, progress: Progress | None = None) -> Real:
    """Features of ``comparable(source, n)`` real items, twice. Always the same ones, whatever was asked
    before.
    """
    return once(
        (*fingerprint(source), network.name, n, "features"), lambda: _look(source, network, n, progress)
    )


def _look(source: Source, network: FeatureNetwork, n: int, progress: Progress | None) -> Real:
    if isinstance(source, PointSource):
        both = [source.sample(n, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
        return Real(network.read(both[0]), network.read(both[1]), f"{n:,} real points", f"{n:,} others")
    assert isinstance(source, ImageSource)
    n, from_test = _halves(source, n)
    order = _shuffled(len(source.images))
    reference = network.read(source.images[order[:n]], progress)
    if from_test:
        test = source.test_images
        assert test is not None
        other = network.read(test[_shuffled(len(test))[:n]], progress)
        return Real(reference, other, f"{n:,} training images", f"{n:,} test images")
    other = network.read(source.images[order[n : 2 * n]], progress)
    return Real(reference, other, f"{n:,} training images", f"{n:,} other training images")


def _halves(source: Source, n: int) -> tuple[int, bool]:
    """How many images each side has, and whether the floor's are test images: whichever lets more in."""
    assert isinstance(source, ImageSource)
    total, test = len(source.images), 0 if source.test_images is None else len(source.test_images)
    with_test, without = min(n, total, test), min(n, total // 2)
    return max(with_test, without), with_test >= without


def _shuffled(count: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))
