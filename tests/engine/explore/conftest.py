"""Models to explore: tiny runs that have taken a few steps."""

import io

import pytest
import torch
from PIL import Image

from engine.explore.calls import explore
from engine.models.library import Loaded, load_safely
from engine.models.loading import load
from engine.runs.folder import RunFolder
from engine.worker.session import train
from tests.engine.conftest import small

STEPS = 20
TINY = {
    "infogan": {"width": 4, "latent_dim": 6},
    "conditional": {"width": 4, "latent_dim": 6},
    "bigan": {"hidden": 16, "latent_dim": 6},
}
LIVELY = {"batch_size": 8, "generator_lr": 0.02}  # after so few steps samples differ, if they are large ones


def make_run(folder, name, gan, data="mnist", steps=STEPS, **options):
    """The folder of a run that has taken ``steps`` steps."""
    run = RunFolder(folder / name)
    run.create({"id": name, **small(gan, data, steps=steps, **options)}, "starting")
    assert train(run) == "done"
    return run


def go_on(run, steps):
    """Train a run that has ended up to ``steps`` in all."""
    run.write_status(**{**run.status(), "state": "starting", "steps": steps})
    assert train(run, resume=True) == "done"


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """A runs folder with the runs ``infogan``, ``conditional``, ``bigan`` (MNIST) and ``ring`` (points)."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs")
    for gan, options in TINY.items():
        make_run(folder, gan, gan, **LIVELY, **options)
    make_run(folder, "ring", "gan", "ring")
    for name in TINY:
        model = load(folder / name)
        assert len({pixels_of(model, seed) for seed in range(9)}) == 9, "or most tests could not fail"
    return folder


@pytest.fixture(scope="session")
def model_at(runs):
    """Load a model of ``runs`` anew: ``model_at("infogan")``."""

    def load_one(name):
        return Loaded(load_safely(runs / name), runs / name, (), 0.0)

    return load_one


@pytest.fixture(scope="session")
def infogan(model_at):
    return model_at("infogan")


@pytest.fixture(scope="session")
def ring(model_at):
    return model_at("ring")


def ask(folder, kind, arguments):
    """One request's answer, in as many turns as it takes, and how many those were."""
    state, parts, turns = {}, [], 0
    while True:
        turns += 1
        sent = [] if state.get("left") else parts
        [answer] = explore(
            str(folder), [{"kind": kind, "arguments": arguments, "state": state, "parts": sent}]
        )
        if "state" not in answer:
            return answer, turns
        state = answer["state"]
        parts = ([] if answer.get("fresh") else parts) + ([answer["part"]] if "part" in answer else [])


def opened(png):
    return Image.open(io.BytesIO(png))


def pixels_of(model, seed=0):
    """A model's own sample as the bytes that it would be sent as."""
    sample = model.generate(model.latents([seed]))[0]
    return ((sample.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy().tobytes()
