"""A kind of sample of one's own, as one folder: waves, (1, 64) numbers each. The line is ``KINDS[...]``."""

import io

import torch
from PIL import Image, ImageDraw

from engine.data.kinds import Kind
from engine.data.pixels import to_png
from engine.data.source import TableSource
from engine.game.showing import evaluating
from engine.live import frames
from engine.metrics.diversity import diversity
from engine.metrics.metric import SHARE, Figure, Metric, Need
from engine.metrics.subject import Outcome

LENGTH, SIDE = 64, 160


class Waves(TableSource):
    title = sentence = "Waves"
    kind = "signals"
    licence = "generated here"
    shape = (1, LENGTH)

    @property
    def items(self):
        turns = torch.rand(512, 1, 1, generator=torch.Generator().manual_seed(0))
        return (6.28 * (2 * torch.arange(LENGTH) / LENGTH + turns)).sin()  # (512, 1, 64)

    def thumbnail(self):
        return to_png(curves(self.items[:4]))


def curves(signals):
    """Signals (N, 1, L) as curves above each other."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    for signal in signals:
        line = [(x * SIDE / LENGTH, SIDE / 2 * (1 - float(y))) for x, y in enumerate(signal[0])]
        ImageDraw.Draw(picture).line(line, 0)
    return picture


class SignalsPicture:
    """The first few signals of fixed latents."""

    def __init__(self, shown, source):
        self.shown, self.source, self.z = shown, source, shown.latents(16)

    def samples(self):
        generators = self.shown.generators
        with evaluating(*generators.values()):
            return self.shown.recipe.generate(generators, self.z).float().cpu()

    def measure(self):
        return {"samples": 16, "diversity": diversity(self.samples()) / diversity(self.source.items[:16])}

    def frame(self, header):
        shown = {"kind": "images", "grid": [1, 1], "cell": [SIDE, SIDE], "exhibits": []}
        return frames.pack({**header, **shown}, {"samples": self.thumbnail()})

    def real(self):
        shown = {"kind": "images", "grid": [1, 1], "cell": [SIDE, SIDE]}
        return frames.pack(shown, {"samples": self.source.thumbnail()})

    def thumbnail(self):
        return to_png(curves(self.samples()))


def sheet(model, samples, seed, columns):
    return curves(samples)


SIGNALS = Kind(
    watch="Watch noise turn into waves.",
    picture="tests.engine.signals:SignalsPicture",
    sheet="tests.engine.signals:sheet",
    layout=torch.preserve_format,
    snapshot_every=10,
    evaluates=False,
)


def overtones(subject):
    """The share of the energy beside the two turns of a wave."""
    energy = torch.fft.rfft(subject.drawn(64)[1][:, 0]).abs().pow(2).mean(0)  # (L / 2 + 1,)
    return Outcome({"overtones": float(1 - energy[2] / energy.sum())}, {"overtones": 0.0})


OVERTONES = Metric(
    title="Overtones",
    sentence="the share of the energy that no wave of the data has.",
    kinds=("signals",),
    needs=(Need("signals", lambda _, source: source.kind == "signals"),),
    figures={
        "overtones": Figure("overtones", "the share of the energy that is not a wave's.", "lower", SHARE)
    },
    floor="the data's own",
    evaluate=overtones,
)


def opened(png):
    return Image.open(io.BytesIO(png))
