import gzip

import numpy as np
import pytest

from tests.engine.data.made_files import idx_bytes


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Cache and uploads of a test stay with the test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GANSCOPE_CACHE", str(home / "cache"))
    monkeypatch.setenv("GANSCOPE_DATASETS", str(home / "datasets"))
    monkeypatch.delenv("GANSCOPE_FASHION_MNIST", raising=False)
    return home


@pytest.fixture
def idx_folder(tmp_path):
    """Forty training and twenty test images in the files and layout of Fashion-MNIST."""
    folder = tmp_path / "idx"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for part, count in (("train", 40), ("t10k", 20)):
        images = draw.integers(0, 256, (count, 28, 28), np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder
