"""MNIST as it ships, Fashion-MNIST as it is found, and how both are built and read."""

import gzip
import socket
import tarfile

import numpy as np
import pytest
import torch

from engine.data.building import digits
from engine.data.pictures import fashion
from engine.data.pictures.fashion import Fashion, FashionOptions
from engine.data.pictures.mnist import DigitsOptions, Mnist
from engine.data.reading import idx
from engine.options import BadInput
from tests.engine.data.made_files import idx_bytes


def test_mnist_is_complete():
    source = Mnist()
    assert source.images.shape == (55_000, 1, 28, 28) and source.test_images.shape == (10_000, 1, 28, 28)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # as published
    assert torch.cat([source.labels, source.val_labels]).bincount().tolist() == counts
    assert source.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert source.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert source.images.float().mean() / 255 == pytest.approx(0.1307, abs=1e-4)  # the well-known mean


def test_32_pixels_are_28_with_a_border():
    small, large = Mnist(), Mnist(DigitsOptions(size=32))
    assert large.shape == (1, 32, 32)
    assert torch.equal(large.test_images[:50, :, 2:-2, 2:-2], small.test_images[:50])
    assert large.test_images[:50].sum() == small.test_images[:50].sum()
    assert small.images is Mnist().images  # one copy a process


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine without Debian's package."""
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "not installed")


@pytest.mark.parametrize("where", ["option", "variable", "installed"])
def test_fashion_is_found(where, idx_folder, monkeypatch, nowhere):
    options = FashionOptions()
    if where == "option":
        options = FashionOptions(folder=str(idx_folder))
    elif where == "variable":
        monkeypatch.setenv("GANSCOPE_FASHION_MNIST", str(idx_folder))
    else:
        monkeypatch.setattr(fashion, "DEBIAN", idx_folder)
    assert Fashion.missing(options) is None
    source = Fashion(options)
    assert source.images.shape == (37, 1, 28, 28) and source.test_images.shape == (20, 1, 28, 28)
    assert len(source.classes) == 10 and source.test_labels.tolist() == [*range(10)] * 2


def test_missing_fashion_says_all_three_ways(nowhere, tmp_path):
    for options in (
        None,
        FashionOptions(),
        FashionOptions(folder=str(tmp_path)),
        FashionOptions(folder="\0"),
    ):
        problem = Fashion.missing(options)
        for way in ("apt install dataset-fashion-mnist", "folder", "GANSCOPE_FASHION_MNIST", "download"):
            assert way in problem.remedy
        with pytest.raises(BadInput):
            Fashion(options)


def test_a_download_that_fails_says_all_three_ways(nowhere, monkeypatch, own_folders):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses connections
        monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{closed.getsockname()[1]}/"])
        with pytest.raises(BadInput, match="could not be downloaded") as refused:
            Fashion(FashionOptions(download=True))
    assert "apt install" in refused.value.remedy and refused.value.field == "download"


@pytest.mark.parametrize(
    ("part", "raw"),
    [
        ("train-images-idx3-ubyte.gz", b"no gzip"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"\0\0\x08\x03 cut short", mtime=0)),
        ("train-labels-idx1-ubyte", b""),
        ("train-labels-idx1-ubyte", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0"),  # floats
        ("train-labels-idx1-ubyte", idx_bytes(np.zeros(39, np.uint8))),  # one label short
        ("train-labels-idx1-ubyte", idx_bytes(np.full(40, 10, np.uint8))),  # an eleventh class
        ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(np.zeros((40, 20, 20), np.uint8)), mtime=0)),
    ],
)
def test_damaged_files_are_refused(idx_folder, part, raw):
    (idx_folder / part).write_bytes(raw)
    with pytest.raises(BadInput) as refused:
        _ = Fashion(FashionOptions(folder=str(idx_folder))).images
    assert refused.value.field == "folder"


def test_the_build_reproduces_itself_and_loses_nothing(tmp_path):
    arrays = {
        "images": np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28),
        "labels": np.zeros(2, np.uint8),
    }
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    digits.write_npz(first, arrays)
    digits.write_npz(second, arrays)
    assert first.read_bytes() == second.read_bytes()
    with np.load(first) as read:
        assert all(np.array_equal(read[name], array) for name, array in arrays.items())


def test_the_build_refuses_files_that_were_not_published(tmp_path):
    package = tmp_path / "package.tgz"
    other = tmp_path / "other"
    other.write_bytes(idx_bytes(np.zeros((1, 28, 28), np.uint8)))
    with tarfile.open(package, "w:gz") as archive:
        for name in idx.FILES.values():
            archive.add(other, f"package/data/{name}")
    with pytest.raises(ValueError, match="not the published file"):
        digits.read_package(package)
