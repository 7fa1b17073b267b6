"""Models in memory: kept, renewed, dropped, and refused when they are damaged."""

import json
import shutil

import pytest
import torch

from engine.models import loading
from engine.models.library import Library, load_safely
from engine.options import BadInput, NotFound
from engine.runs.folder import RunFolder
from tests.engine.explore.conftest import STEPS, go_on


@pytest.fixture
def copy(runs, tmp_path):
    """A copy of the InfoGAN that a test may harm."""
    shutil.copytree(runs / "infogan", tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


@pytest.fixture
def kept(runs, tmp_path):
    """The InfoGAN as a model of its own."""
    loading.keep(loading.load(runs / "infogan"), tmp_path / "kept")
    return tmp_path / "kept"


@pytest.fixture(autouse=True)
def look_always(monkeypatch):
    monkeypatch.setattr("engine.models.library.LOOK_EVERY_S", 0.0)


def test_a_model_is_loaded_once(copy):
    library = Library()
    assert library.get(copy.path) is library.get(copy.path)


def test_a_run_is_renewed_as_if_it_were_loaded_anew(copy):
    library = Library()
    before = library.get(copy.path)
    before.directions()
    old = before.model.generate(before.model.latents([1]))
    go_on(copy, STEPS + 3)
    now, fresh = library.get(copy.path), load_safely(copy.path)
    latents = fresh.latents(range(5))
    assert now.model.step == STEPS + 3 and torch.equal(now.model.generate(latents), fresh.generate(latents))
    assert not torch.equal(now.model.generate(now.model.latents([1])), old)
    assert "directions" not in now.found, "they are found from the new weights"


def test_the_least_recently_asked_for_is_dropped(runs, copy):
    library = Library(most_bytes=1)
    first = library.get(copy.path)
    library.get(runs / "ring")
    assert library.get(copy.path) is not first


def test_weights_that_are_cut_short_are_refused(kept):
    weights = kept / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(BadInput, match="damaged"):
        Library().get(kept)


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
def test_of_damaged_checkpoints_the_newest_whole_one_is_opened(copy, name):
    *older, newest = copy.checkpoint_steps()
    (copy.checkpoints / f"{newest:08d}" / name).write_bytes(b"\0" * 100)
    assert Library().get(copy.path).model.step == older[-1]
    for step in older:
        (copy.checkpoints / f"{step:08d}" / name).write_bytes(b"\0" * 100)
    with pytest.raises(BadInput, match="damaged"):
        Library().get(copy.path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gan": "hologan"}, "hologan"),
        ({"data": "imagenet"}, "imagenet"),
        ({"meta": {}}, "damaged"),
        ({"options": {"latent_dim": 7, "width": 4}}, "do not fit"),
    ],
)
def test_a_model_of_another_version_is_refused_with_the_reason(kept, change, says):
    config = json.loads((kept / "config.json").read_text())
    (kept / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(BadInput, match=says) as refused:
        Library().get(kept)
    assert refused.value.remedy


def test_a_folder_without_a_checkpoint_is_not_found(copy):
    shutil.rmtree(copy.checkpoints)
    with pytest.raises(NotFound):
        Library().get(copy.path)


def test_a_model_without_its_discriminator_says_so(runs, tmp_path):
    from engine.explore.scoring import histograms
    from engine.models.library import Loaded

    loading.keep(loading.load(runs / "infogan"), tmp_path / "half", only=["generator"])
    loaded = Loaded(load_safely(tmp_path / "half"), tmp_path / "half", (), 0.0)
    with pytest.raises(BadInput, match="without its discriminator"):
        histograms(loaded, {}, {})
