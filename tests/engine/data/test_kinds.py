"""A kind of sample is one declared thing: another one trains, is shown, kept and loaded."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.data import DATASETS
from engine.data.kinds import KINDS
from engine.data.source import TableSource
from engine.explore.sample import sample_grid
from engine.game.recipe import TwoPlayers
from engine.gans import GANS
from engine.gans.gan import GAN
from engine.live import frames
from engine.metrics import METRICS
from engine.metrics.evaluate import evaluate
from engine.models import loading
from engine.options import BadInput, Options
from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.weights.export import export
from engine.worker.session import train
from tests.engine.signals import OVERTONES, SIDE, SIGNALS, Waves, opened


class SignalGAN(GAN):
    kinds = ("signals",)


@pytest.fixture
def signals(monkeypatch):
    monkeypatch.setitem(KINDS, "signals", SIGNALS)
    monkeypatch.setitem(DATASETS, "waves", Waves)
    monkeypatch.setitem(GANS, "signal_gan", SignalGAN)
    monkeypatch.setitem(METRICS, "overtones", OVERTONES)
    return {"gan": "signal_gan", "data": "waves", "steps": 30, "device": "cpu"}


def test_another_kind_of_sample_trains_is_shown_kept_and_loaded(signals, tmp_path):
    options = {"hidden": 16, "batch_size": 16, "report_every": 5, "measure_every": 10}
    config = validate({**signals, "options": options})
    assert config["kind"] == "signals" and "noise turn into waves" in config["meta"]["sentence"]
    folder = RunFolder(tmp_path / "waves")
    folder.create({"id": "waves", **config}, "starting")
    assert train(folder) == "done"
    header, arrays = frames.unpack(folder.live.read_bytes())
    assert header["step"] == 30 and opened(arrays["samples"]).size == (SIDE, SIDE)
    assert folder.snapshot_steps()[-1] == 30
    model = loading.load_run(folder)
    loading.keep(model, tmp_path / "kept", half=False)
    again, latents = loading.load(tmp_path / "kept"), model.latents([1, 2])
    assert torch.equal(again.generate(latents), model.generate(latents))
    assert again.generate(latents).shape == (2, 1, 64)
    assert opened(sample_grid(tmp_path / "kept", 3, 0)).size == (SIDE, SIDE)


def test_another_kind_is_measured_and_exported_as_its_folder_says(signals, tmp_path):
    config = validate({**signals, "steps": 1, "options": {"hidden": 16, "batch_size": 16}})
    folder = RunFolder(tmp_path / "waves")
    folder.create({"id": "waves", **config}, "starting")
    assert train(folder) == "done"
    model = loading.load_run(folder)
    found = evaluate(model, n=64)
    assert list(found["metrics"]) == ["overtones"] and found["network"] is None
    assert 0.1 < found["figures"]["overtones"] < 1  # noise as yet
    written = export(model, "torchscript", tmp_path / "waves.pt")
    again, latents = torch.jit.load(written["file"]), model.latents([3, 4])
    assert torch.allclose(again(latents), model.generate(latents), atol=1e-5)


def test_what_is_for_pictures_is_refused(signals):
    with pytest.raises(BadInput, match="evaluation is for pictures") as refused:
        validate({**signals, "options": {"evaluate_every": 10}})
    assert refused.value.field == "evaluate_every"


class Blobs(TableSource):
    title = sentence = licence = "Blobs"
    kind = "blobs"
    shape = (2, 4, 4, 4)
    items = torch.rand(32, 2, 4, 4, 4, generator=torch.Generator().manual_seed(0))


class Solid(nn.Module):
    """A discriminator of (N, 2, 4, 4, 4)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(2, 4, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


class VolumeGAN(TwoPlayers):
    title = sentence = paper = "Volumes"
    kinds = ("blobs",)

    class Options(Options):
        latent_dim: int = 4

    def networks(self):
        generator = nn.Sequential(nn.Unflatten(1, (4, 1, 1, 1)), nn.ConvTranspose3d(4, 2, 4))
        return {"generator": generator, "discriminator": Solid()}


def test_a_kind_says_how_its_samples_lie_in_memory(monkeypatch):
    monkeypatch.setitem(KINDS, "blobs", replace(SIGNALS, layout=torch.channels_last_3d))
    monkeypatch.setitem(DATASETS, "blobs", Blobs)
    monkeypatch.setitem(GANS, "volumes", VolumeGAN)
    wanted = {"gan": "volumes", "data": "blobs", "device": "cpu", "options": {"batch_size": 8}}
    trainer = Trainer(validate(wanted))
    trainer.iterate()
    assert trainer.ctx.real().is_contiguous(memory_format=torch.channels_last_3d)
    weight = trainer.networks["discriminator"].layers[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert trainer.is_finite()
