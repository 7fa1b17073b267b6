"""The table of sources: complete, described, and each entry keeps what pages and trainer rely on."""

import importlib
import io
import pkgutil

import pytest
import torch
from PIL import Image

import engine.data
from engine.data import DATASETS, ImageSource, PointSource, Source
from engine.data.pictures.upload import datasets_folder, ingest_upload
from engine.data.translations.two_sides import TranslationSource
from engine.options import BadInput, describe, validate
from tests.engine.data.made_files import write_pictures

HERE = [name for name, source in DATASETS.items() if source.offered]  # or can be brought


@pytest.fixture
def make(idx_folder, tmp_path):
    """Makes a source by name, with data of its own where none ship."""

    def make_source(name):
        options = {}
        if name == "fashion":
            options = {"folder": str(idx_folder)}
        if name == "folder":
            write_pictures(tmp_path / "own" / "a")
            options = {"folder": str(write_pictures(tmp_path / "own" / "b", 20).parent), "size": 28}
        if name == "upload":
            files = sorted(write_pictures(tmp_path / "loose", 17).iterdir())
            ingest_upload(files, 32, True, datasets_folder() / "mine")
            options = {"upload": "mine"}
        if name in ("own_pairs", "own_domains", "derived_pairs"):
            for side in "AB":
                write_pictures(tmp_path / "sides" / side)
            options = {"folder": str(tmp_path / "sides"), "size": 64}
        kind = DATASETS[name]
        return kind(validate(kind.Options, options))

    return make_source


def all_sources():
    for module in pkgutil.walk_packages(engine.data.__path__, "engine.data."):
        for item in vars(importlib.import_module(module.name)).values():
            if isinstance(item, type) and issubclass(item, Source) and "name" in vars(item):
                yield item


def test_every_source_is_in_the_table_under_its_name():
    assert {source.name: source for source in all_sources()} == DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_a_source_describes_itself(name):
    source = DATASETS[name]
    assert source.kind in ("points", "images", "pairs", "domains")
    assert all((source.title, source.sentence, source.licence))
    for field in describe(source.Options):
        assert field["label"] and field["help"] and field["group"] == "data", field["name"]


@pytest.mark.parametrize("name", [name for name, source in DATASETS.items() if source.offered])
def test_a_source_has_a_thumbnail(name, make):
    with Image.open(io.BytesIO(make(name).thumbnail())) as picture:
        assert (picture.format, picture.size) == ("PNG", (160, 160))
        assert len(picture.convert("RGBA").getcolors(160 * 160)) > 2


@pytest.mark.parametrize("name", [name for name, source in DATASETS.items() if source.kind == "images"])
def test_images_fit_their_shape_and_classes(name, make):
    source = make(name)
    assert isinstance(source, ImageSource)
    assert source.images.dtype == torch.uint8
    assert tuple(source.images.shape[1:]) == source.shape
    assert len(source.images) >= 12
    assert source.images.float().std() > 20  # something is on them
    if source.classes is None:
        assert source.labels is None
    else:
        assert source.labels is not None and source.labels.dtype == torch.int64
        assert source.labels.unique().tolist() == list(range(len(source.classes)))
        assert len(source.labels) == len(source.images)


IMAGES = [name for name in HERE if DATASETS[name].kind == "images"]


@pytest.mark.parametrize("name", IMAGES)
def test_three_parts_share_nothing_and_old_runs_learn_from_what_they_did(name, make):
    source = make(name)
    assert source.split == "families"
    parts = {part: source.held(part) for part in ("train", "val", "test")}
    assert all(len(held.images) >= 2 for held in parts.values())
    if name not in ("fashion", "folder"):  # their stand-ins repeat themselves
        seen = [{image.numpy().tobytes() for image in held.images[:3000]} for held in parts.values()]
        assert len(set.union(*seen)) == sum(map(len, seen))
    source = type(source)(source.options)
    source.split = "names"
    assert source.held("val") is None and len(source.images) > len(parts["train"].images)


TRANSLATIONS = [name for name in HERE if DATASETS[name].kind in ("pairs", "domains")]


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_sides_fit_each_other(name, make):
    source = make(name)
    assert isinstance(source, TranslationSource) and len(source.names) == 2
    for train, test, shape in (
        (source.a, source.test_a, source.given),
        (source.a, source.val_a, source.given),
        (source.b, source.test_b, source.shape),
        (source.b, source.val_b, source.shape),
    ):
        assert train.dtype == test.dtype == torch.uint8 and len(test) >= 1
        assert (
            tuple(test.shape[1:]) == shape == (shape[0], *(side - source.margin for side in train.shape[2:]))
        )
        assert train.float().std() > 20 and len(train) >= 12
    if source.kind == "pairs":
        assert len(source.a) == len(source.b)
    if source.test_is_paired:
        assert len(source.test_a) == len(source.test_b)


@pytest.mark.parametrize("name", HERE)
def test_what_is_missing_is_said_with_a_remedy(name, make):
    kind = DATASETS[name]
    problem = kind.missing()
    if problem is None:
        kind()  # so it can be made from its defaults
    else:
        assert isinstance(problem, BadInput) and problem.error and problem.remedy
        with pytest.raises(BadInput, match=problem.error[:20]):
            kind()
    if kind.offered:
        assert isinstance(make(name), PointSource | ImageSource | TranslationSource)
