"""Small runs for the engine's tests."""

import pytest
import torch

from engine.api import Engine
from engine.runs.folder import RunFolder
from engine.training.request import validate
from tests.engine.serving import clear


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


SMALL_POINTS = {"hidden": 16, "batch_size": 32, "report_every": 5, "measure_every": 20}
SMALL_IMAGES = {"width": 4, "batch_size": 8, "report_every": 2, "measure_every": 4}


def small(gan="gan", data="ring", steps=40, seed=0, **options):
    """A validated configuration of a tiny run."""
    base = (
        SMALL_POINTS
        if data != "mnist"
        else {k: v for k, v in SMALL_IMAGES.items() if gan == "dcgan" or k != "width"}
    )
    return validate(
        {
            "gan": gan,
            "data": data,
            "steps": steps,
            "seed": seed,
            "device": "cpu",
            "options": {**base, **options},
        }
    )


@pytest.fixture
def new_run(tmp_path):
    """Make a run folder: ``new_run("name", steps=40, critic_steps=2)``."""

    def make(name="run", **how):
        folder = RunFolder(tmp_path / name)
        folder.create({"id": name, **small(**how)}, "starting")
        return folder

    return make


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The engine of a module's tests."""
    with Engine(tmp_path_factory.mktemp("engine") / "runs", device="cpu", limit=2) as opened:
        yield opened


@pytest.fixture
def engine(shared):
    """The same, without the runs of the test before."""
    yield shared
    clear(shared)
