"""What is given may be smaller than what is made: a GAN of one's own that enlarges."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import interpolate

from engine.data import DATASETS
from engine.data.stream import TranslationStream
from engine.data.translations.two_sides import TranslationSource
from engine.gans import GANS
from engine.gans.pix2pix import Pix2Pix, pair
from engine.live import frames
from engine.metrics.evaluate import evaluate
from engine.models import loading
from engine.models.library import Loaded
from engine.options import BadInput, Options
from engine.requests.translation import Translate
from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.translation.translating import translate_picture
from engine.weights.export import export
from engine.worker.session import train


class Halved(TranslationSource):
    """Digits and the same at half their size, with a margin."""

    kind = "pairs"
    name = "halved"
    title = sentence = licence = "Digits at half their size."
    margin, flips = 4, False

    class Options(Options):
        pass

    @property
    def b(self):
        return torch.nn.functional.pad(DATASETS["mnist"]().images[:64], (2,) * 4)  # 32 px

    @property
    def a(self):
        return interpolate(self.b.float(), scale_factor=0.5, mode="area").round().to(torch.uint8)

    @property
    def test_b(self):
        return DATASETS["mnist"]().test_images[:24, :, 2:26, 2:26]  # 24 px

    @property
    def test_a(self):
        return interpolate(self.test_b.float(), scale_factor=0.5, mode="area").round().to(torch.uint8)


class Enlarge(nn.Module):
    """Each cell becomes two by two."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 4, 3, padding=1),
            nn.PixelShuffle(2), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)  # (N, 1, 2 H, 2 W)


class Enlarger(Pix2Pix):
    """Its D sees the picture alone."""

    class Options(Options):
        l1_weight: float = 10.0
        feature_weight: float = 0.0
        adversary: bool = True
        augment: bool = True
        test_mode: str = "auto"

    @classmethod
    def check(cls, options, data):
        pass

    def networks(self):
        judge = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, padding=1))
        return {"generator": Enlarge(), "discriminator": judge}

    def discriminator_loss(self, ctx):
        real, fake = ctx.judge_both(pair(ctx)[1], ctx.fake().detach())
        loss = ctx.objective.discriminator_loss(real, fake, ctx.real_target)
        return loss, {"d_loss": loss.detach(), **ctx.judgement(real, fake)}

    def generator_loss(self, ctx):
        fake = ctx.fake()
        distance = (fake - pair(ctx)[1]).abs().mean()
        logits = ctx.judge(fake)
        loss = ctx.objective.generator_loss(logits, logits) + self.options.l1_weight * distance
        return loss, {"g_loss": loss.detach(), "l1": distance.detach()}

    def patches(self, networks, direction, x, y):
        return networks["discriminator"](y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "halved", Halved)
        patch.setitem(GANS, "enlarger", Enlarger)
        options = {"batch_size": 4, "report_every": 20, "measure_every": 40}
        config = validate(
            {"gan": "enlarger", "data": "halved", "steps": 80, "seed": 0, "device": "cpu", "options": options}
        )
        run = RunFolder(tmp_path_factory.mktemp("runs") / "enlarger")
        run.create({"id": "enlarger", **config}, "starting")
        assert train(run) == "done", run.status()
        yield run


def test_it_trains_and_is_shown_with_its_input_enlarged(folder):
    header, arrays = frames.unpack(folder.live.read_bytes())
    assert header["cell"] == [3, 24, 24]
    shown = Image.open(io.BytesIO(bytes(arrays["samples"])))
    assert shown.size == (3 * 24, 4 * 24)


def test_windows_of_both_sides_show_the_same():
    source = Halved()
    a, b = TranslationStream("pairs", source, 16, seed=3).next()
    assert a.shape == (16, 1, 12, 12) and b.shape == (16, 1, 24, 24)
    assert (interpolate(b, scale_factor=0.5, mode="area") - a).abs().max() <= 1.01 / 127.5  # A was rounded


def test_it_is_measured_beside_the_plain_enlargement(folder):
    found = evaluate(loading.load_run(folder), metrics=["differences"])
    assert 0 < found["figures"]["l1"] < 1 and 0 < found["floors"]["l1"] < 1


def opened(run):
    return Loaded(loading.load_run(run), run.path, None, 0.0)


def encoded(size, mode="L"):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    raw = io.BytesIO()
    Image.fromarray(noise[..., 0] if mode == "L" else noise, mode).resize(size).save(raw, "PNG")
    return raw.getvalue()


def translated(loaded, raw, folder, **options):
    work = translate_picture(loaded, raw, Translate.read({"scale": "full", **options}), folder)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_picture_of_any_size_becomes_one_twice_as_large(folder, tmp_path):
    loaded = opened(folder)
    raw = encoded((37, 21), "RGBA")
    answer = translated(loaded, raw, tmp_path, patches=True)
    made = Image.open(io.BytesIO(answer["png"]))
    assert made.size == (74, 42) == (answer["width"], answer["height"]) and made.mode == "LA"
    assert answer["tiles"] > 1 and answer["patches"]
    small = encoded((12, 12))
    whole = np.asarray(Image.open(io.BytesIO(translated(loaded, small, tmp_path)["png"])), np.float32)
    x = torch.from_numpy(np.asarray(Image.open(io.BytesIO(small)), np.float32) / 127.5 - 1)[None, None]
    with torch.no_grad():
        plain = loaded.model.networks["generator"].eval()(x)[0, 0].numpy()
    assert np.abs((plain + 1) * 127.5 - whole).max() <= 0.51


def test_what_would_become_too_large_is_refused_before_the_work(folder, tmp_path):
    raw = io.BytesIO()
    Image.new("L", (5000, 3300)).save(raw, "PNG")  # 16.5 million pixels
    with pytest.raises(BadInput, match="10000 x 6600 px") as refused:
        translated(opened(folder), raw.getvalue(), tmp_path)
    assert refused.value.field == "longest"


def test_it_is_exported_for_others(folder, tmp_path):
    written = export(loading.load_run(folder), "torchscript", tmp_path / "enlarger.pt")
    made = torch.jit.load(written["file"])(torch.zeros(1, 1, 12, 12))
    assert made.shape == (1, 1, 24, 24)


def test_networks_that_keep_the_size_say_so(monkeypatch):
    monkeypatch.setitem(DATASETS, "halved", Halved)
    with pytest.raises(BadInput, match="not 24x24 of 12x12"):
        validate({"gan": "pix2pix", "data": "halved", "steps": 1, "device": "cpu", "options": {}})
