"""Streams: every image once an epoch, and a saved position goes on exactly."""

import pytest
import torch

from engine import options
from engine.data import DATASETS, Stream
from engine.data.source import ImageSource, flips_knob
from engine.data.stream import BLOCK
from engine.options import Conflict

N = 50


class Numbered(ImageSource):
    """Image i has the value i everywhere and the label i."""

    shape = (3, 2, 2)
    classes = tuple(str(number) for number in range(N))
    images = torch.arange(N, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 2, 2)
    labels = torch.arange(N)


def batches(stream, count):
    return [stream.next() for _ in range(count)]


def same(first, second):
    return all(
        torch.equal(a, b) and (c is d or torch.equal(c, d))
        for (a, c), (b, d) in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("name", ["ring", "drawn", "spiral", "mnist"])
@pytest.mark.parametrize("before", [0, 3, BLOCK, BLOCK + 5])
def test_a_stream_goes_on_exactly_where_it_was_saved(name, before):
    source = DATASETS[name]()
    stream = Stream(source, 16, seed=7)
    batches(stream, before)
    state = stream.state_dict()
    expected = batches(stream, BLOCK + 2)
    assert all(isinstance(value, int) for value in state.values())
    resumed = Stream(source, 16, seed=7)
    batches(resumed, 2)  # wherever it was
    resumed.load_state_dict(state)
    assert same(batches(resumed, BLOCK + 2), expected)


def test_resuming_holds_over_the_end_of_an_epoch():
    stream = Stream(Numbered(), 16, seed=0)
    batches(stream, 3)  # 48 of 50: the next batch takes two of this epoch
    state = stream.state_dict()
    expected = batches(stream, 8)
    resumed = Stream(Numbered(), 16, seed=0)
    resumed.load_state_dict(state)
    assert same(batches(resumed, 8), expected)


@pytest.mark.parametrize("batch_size", [7, 16, 50, 64, 120])
def test_each_image_comes_once_an_epoch(batch_size):
    stream = Stream(Numbered(), batch_size, seed=3)
    labels = torch.cat([y for _, y in batches(stream, 60)])
    epochs = labels[: len(labels) // N * N].view(-1, N)
    assert len(epochs) >= 8
    assert torch.equal(epochs.sort(1).values, torch.arange(N).expand_as(epochs))
    assert not torch.equal(epochs[0], epochs[1])


def test_images_are_scaled_and_stay_with_their_labels():
    x, y = Stream(Numbered(), N, seed=0).next()
    assert x.dtype == torch.float32 and x.shape == (N, 3, 2, 2)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(x[:, 2, 1, 1], y / 127.5 - 1)
    everything, _ = Stream(DATASETS["mnist"](), 500, seed=0).next()
    assert (everything.min(), everything.max()) == (-1.0, 1.0)


def test_half_of_the_pictures_are_mirrored_where_that_is_asked_for():
    class Rising(Numbered):
        """Each row of image i rises from i."""

        class Options(options.Options):
            flips: bool = flips_knob()

        images = Numbered.images // 2 + torch.arange(2, dtype=torch.uint8)

    plain, stream = Stream(Rising(), 16, 7), Stream(Rising(Rising.Options(flips=True)), 16, 7)
    kept = batches(stream, 2) and stream.state_dict()
    again = Stream(Rising(Rising.Options(flips=True)), 16, 7)
    again.load_state_dict(kept)
    assert same(batches(stream, 20), batches(again, 20))  # a resumed run mirrors the same
    batches(plain, 22)
    mirrored = []
    for (x, labels), (y, others) in zip(batches(stream, 50), batches(plain, 50), strict=True):
        assert torch.equal(labels, others)  # the order is that without flips
        is_mirrored = (x == y.flip(3)).flatten(1).all(1)
        assert (is_mirrored | (x == y).flatten(1).all(1)).all()
        mirrored += is_mirrored.tolist()
    assert 0.45 < sum(mirrored) / len(mirrored) < 0.55  # 800 draws: within three standard deviations


@pytest.mark.parametrize("name", ["ring", "mnist"])
def test_seeds_give_different_batches(name):
    source = DATASETS[name]()
    first, second, again = (Stream(source, 8, seed).next()[0] for seed in (0, 1, 0))
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_points_do_not_repeat_from_block_to_block():
    stream = Stream(DATASETS["ring"](), 4, seed=0)
    points = torch.cat([x for x, _ in batches(stream, 3 * BLOCK)])
    assert len(points.unique(dim=0)) == len(points)


def test_a_changed_data_set_is_noticed():
    state = Stream(Numbered(), 8, seed=0).state_dict()
    fewer = Numbered()
    fewer.images, fewer.labels = fewer.images[:20], fewer.labels[:20]
    with pytest.raises(Conflict, match="had 50 pictures"):
        Stream(fewer, 8, seed=0).load_state_dict(state)


def test_with_weights_each_comes_as_often_as_its_weight_asks_for():
    stream = Stream(Numbered(), 10, seed=3)
    weights = torch.arange(N).double()
    stream.reweigh(weights)
    seen = torch.cat([y for _, y in batches(stream, 20 * N // 10)]).bincount(minlength=N)  # 20 epochs
    assert (seen / 20 - weights / weights.sum() * N).abs().max() < 1
    stream.reweigh(torch.ones(N))
    assert torch.cat([y for _, y in batches(stream, N // 10)]).sort().values.equal(torch.arange(N))


@pytest.mark.parametrize("name", ["ring", "mnist"])
def test_weights_are_part_of_the_state(name):
    source = DATASETS[name]()
    stream, other = Stream(source, 16, seed=7), Stream(source, 16, seed=7)
    batches(stream, 3)
    points = source.sample(500, torch.Generator().manual_seed(0)) if name == "ring" else None
    stream.reweigh(torch.rand(500 if name == "ring" else len(source.images)), points)
    batches(stream, 2)
    other.load_state_dict(stream.state_dict())
    assert same(batches(stream, 5), batches(other, 5))
    if name == "ring":
        assert all(bool((points == point).all(1).any()) for point in stream.next()[0])


@pytest.mark.parametrize("weights", [torch.zeros(N), torch.ones(N - 1), -torch.ones(N)])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weights are needed"):
        Stream(Numbered(), 10, seed=3).reweigh(weights)
