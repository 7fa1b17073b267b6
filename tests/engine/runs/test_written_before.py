"""Run folders and model folders that version 0.1.0 wrote, before the engine's modules moved, still open.

``written_before.zip`` was made by commit 7bb3963: a run of each kind of data and the model kept of it. It is
not made anew; a change that cannot read it has to say how such folders are brought over.
"""

import zipfile
from pathlib import Path

import pytest
import torch

from engine.api import Engine
from engine.models import loading
from engine.runs.files import Tail, read_json
from engine.runs.folder import RunFolder
from engine.worker.session import train

FILE = Path(__file__).with_name("written_before.zip")
RUNS = {"points": 40, "images": 6, "pairs": 4}  # with the step that each ended at


@pytest.fixture
def folders(tmp_path):
    with zipfile.ZipFile(FILE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on(folders, name):
    run = RunFolder(folders / name)
    status = read_json(run.path / "status.json")
    rows = Tail(run.metrics).read()
    assert (status["state"], status["step"]) == ("done", RUNS[name])
    run.write_status(**{**status, "state": "starting", "steps": RUNS[name] + 10})
    assert train(run, resume=True) == "done"
    after = Tail(run.metrics).read()
    assert after[: len(rows)] == rows
    assert after[-1]["step"] == RUNS[name] + 10
    assert after[-1]["attempt"] == status["attempt"] + 1


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_listed_with_its_history(folders, name):
    with Engine(folders) as engine:
        card = engine.run(name)
        assert card["config"]["name"] == f"Old {name}"
        assert engine.metrics(name)[-1]["step"] == RUNS[name]
        assert name in [run["id"] for run in engine.runs()]


@pytest.mark.parametrize("place", [f"{name}{kept}" for name in RUNS for kept in ("", "-kept")])
def test_a_model_draws_or_translates(folders, place):
    model = loading.load(folders / place)
    assert model.step == RUNS[place.removesuffix("-kept")]
    if model.recipe.directions:
        network = model.recipe.translator(model.networks, model.recipe.directions[0])
        made = network(torch.zeros(1, *model.shape.given))
    else:
        made = model.generate(model.latents([1]))
    assert made.shape == (1, *model.shape.shape)
    assert made.isfinite().all()


def test_a_kept_model_says_what_it_said(folders):
    config = read_json(folders / "images-kept" / "config.json")
    assert (config["title"], config["licence"], config["figures"]) == ("Kept images", "MIT", {"fid": 1.5})
