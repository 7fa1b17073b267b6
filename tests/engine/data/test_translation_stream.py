"""Batches of two sides: windows, mirrors, and a position that can be kept."""

import pytest
import torch

from engine.data import DATASETS
from engine.data.stream import TranslationStream
from engine.options import Conflict


@pytest.fixture(scope="module")
def source():
    return DATASETS["line_art"](DATASETS["line_art"].Options(size=64))


def test_both_sides_of_a_pair_are_cut_alike(source):
    """The outlines of A are black in B, too, wherever the window lies and whether it is mirrored."""
    a, b = TranslationStream("pairs", source, 16, seed=0).next()
    assert a.shape == b.shape == (16, 3, 64, 64) and a.dtype == torch.float32
    dark = a.mean(1) < -0.9
    assert dark.any() and (b.mean(1)[dark] < 0).float().mean() > 0.8  # some outlines are coloured


def test_windows_differ_and_stay_inside(source):
    still = TranslationStream("a", source, 8, seed=0, augment=False)
    moved = TranslationStream("a", source, 8, seed=0)
    (one, none), (other, _) = still.next(), moved.next()
    assert none is None and not torch.equal(one, other)
    edge = source.margin // 2
    number = int(TranslationStream("a", source, 8, seed=0)._order.next()[0])
    middle = source.a[number, :, edge : edge + 64, edge : edge + 64]
    assert torch.equal(((one[0] + 1) * 127.5).round().to(torch.uint8), middle)


def test_half_are_mirrored_where_that_is_right(source):
    """Each is a window of its picture, either as it is or mirrored; which, is found out by trying all."""
    moved, _ = TranslationStream("a", source, 24, seed=3).next()
    numbers = TranslationStream("a", source, 24, seed=3)._order.next().tolist()
    mirrored = []
    for x, number in zip(((moved + 1) * 127.5).round().to(torch.uint8), numbers, strict=True):
        windows = source.a[number].unfold(1, 64, 1).unfold(2, 64, 1)  # (3, M + 1, M + 1, 64, 64)
        fits = [bool((windows == one[:, None, None]).all((0, 3, 4)).any()) for one in (x, x.flip(2))]
        assert any(fits)
        mirrored += [fits[1]] * (fits[0] != fits[1])  # a symmetric drawing tells nothing
    assert len(mirrored) >= 8 and 0.15 < sum(mirrored) / len(mirrored) < 0.85


def test_a_position_is_all_there_is_to_keep(source):
    stream = TranslationStream("pairs", source, 5, seed=1)
    for _ in range(3):
        stream.next()
    kept = stream.state_dict()
    following = [stream.next() for _ in range(2)]
    again = TranslationStream("pairs", source, 5, seed=1)
    again.load_state_dict(kept)
    for a, b in following:
        x, y = again.next()
        assert torch.equal(a, x) and torch.equal(b, y)


def test_an_epoch_shows_each_picture_once(source):
    stream = TranslationStream("b", source, 919, seed=0)  # 2 x 919 = 1,838
    seen = torch.cat([stream._order.next() for _ in range(2)])
    assert torch.equal(seen.sort().values, torch.arange(len(source.b)))


def test_other_data_are_noticed(source):
    stream = TranslationStream("a", source, 5, seed=1)
    with pytest.raises(Conflict, match="had 3 pictures"):
        stream.load_state_dict({"position": 10, "items": 3})
