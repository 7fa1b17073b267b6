"""What a GAN may be made of: several generators, shared parts, players that see each other's gradients,
stages that change networks and data. Each is a small game of its own.
"""

from typing import ClassVar

import pytest
import torch
from torch import nn

from engine.game.recipe import Phase, Stage, TwoPlayers
from engine.gans import GANS
from engine.gans.gan import GAN
from engine.models import loading
from engine.models.loading import load_run
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.runs.folder import RunFolder
from engine.stabilisers.averages import YOUNG
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.worker.session import train
from tests.engine.gans.steps import five_steps, goes_on_bit_by_bit, weights

SMALL = {"hidden": 8, "batch_size": 16}
SEEN = []  # entries into stages


def request(gan, monkeypatch, recipe, steps=20, **options):
    monkeypatch.setitem(GANS, gan, recipe)
    wanted = {"gan": gan, "data": "ring", "steps": steps, "seed": 1, "device": "cpu"}
    return validate({**wanted, "options": {**SMALL, **options}})


class Mixture(GAN):
    """Half of each batch comes from each of two generators."""

    generators = averaged = ("generator", "second")

    def networks(self):
        second = MLPGenerator(self.options.latent_dim, 4, 1, self.data.shape)
        return {**super().networks(), "second": second}

    def generate(self, networks, z):
        half = len(z) // 2
        return torch.cat([networks["generator"](z[:half]), networks["second"](z[half:])])

    def stages(self):
        (play,) = super().stages()
        critic, generator = play.phases
        return [Stage("play", (critic, Phase("generator", self.generators, generator.loss)))]


def test_a_sample_may_pass_through_several_networks(monkeypatch, tmp_path):
    config = request("mixture", monkeypatch, Mixture, ema=0.9)
    trainer = Trainer(config)
    five_steps(trainer)
    assert set(trainer.averages) == {"generator", "second"}
    folder = RunFolder(tmp_path / "mixture")
    folder.create({"id": "mixture", **config}, "starting")
    assert train(folder) == "done"
    model = load_run(folder)
    latents = model.latents(range(4))
    loading.keep(model, tmp_path / "kept", half=False)
    assert torch.equal(loading.load(tmp_path / "kept").generate(latents), model.generate(latents))
    with torch.no_grad():
        assert torch.allclose(model.generate(latents[:1]), model.networks["second"](latents[:1]))


class Shared(GAN):
    """Two discriminators on one trunk; the second one's turn moves its head alone."""

    turns: ClassVar[tuple] = (("discriminator",), ("second.head",))
    discriminators = ("discriminator", "second")

    def networks(self):
        networks = super().networks()
        second = MLPDiscriminator(self.options.hidden, self.options.layers, self.data.shape)
        second.trunk = networks["discriminator"].trunk
        return {**networks, "second": second}

    def stages(self):
        phases = [Phase(f"turn {number}", names, self.loss) for number, names in enumerate(self.turns)]
        return [Stage("play", tuple(phases))]

    def loss(self, ctx):
        real = ctx.real()
        loss = (ctx.networks["discriminator"](real) + ctx.networks["second"](real)).mean()
        return loss, {"d_loss": loss.detach()}


def parts(trainer):
    first, second = trainer.networks["discriminator"], trainer.networks["second"]
    found = {"trunk": first.trunk, "head": first.head, "second": second.head}
    return {
        name: torch.cat([w.detach().flatten() for w in part.parameters()]) for name, part in found.items()
    }


def moved(trainer, turn):
    before = parts(trainer)
    trainer._turn(trainer.stage().phases[turn], 0, keeps_graph=False, steps=True)
    return {name for name, part in parts(trainer).items() if not torch.equal(part, before[name])}


def test_a_phase_moves_the_parts_that_it_names(monkeypatch):
    trainer = Trainer(request("shared", monkeypatch, Shared))
    assert moved(trainer, 0) == {"trunk", "head"}
    assert moved(trainer, 1) == {"second"}


def test_a_trunk_that_two_share_is_stepped_once(monkeypatch):
    class Together(Shared):
        turns: ClassVar[tuple] = (("discriminator", "second"),)

    sgd = {"discriminator_optimizer": "sgd", "discriminator_beta1": 0.0, "discriminator_lr": 0.01}
    trainer = Trainer(request("together", monkeypatch, Together, **sgd))
    assert set(trainer.optimizers) == {"generator", "discriminator", "discriminator+second", "second"}
    trunk = list(trainer.networks["second"].trunk.parameters())
    before = [weight.detach().clone() for weight in trunk]
    assert moved(trainer, 0) == {"trunk", "head", "second"}
    for weight, old in zip(trunk, before, strict=True):
        assert torch.allclose(weight.detach(), old - 0.01 * weight.grad)


class Number(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x):
        return x * self.value


class Dirac(TwoPlayers):
    """The smallest game (Mescheder et al. 2018): G is one number t, D the slope s of a line, the loss s t.
    Consensus optimisation (Mescheder et al. 2017) adds half the squared gradient of both to both losses.
    """

    title = sentence = paper = "Dirac-GAN"
    kinds = ("points",)
    weight = 0.0

    class Options(GAN.Options):
        pass

    def networks(self):
        return {"generator": Number(1.0), "discriminator": Number(0.5)}

    def stages(self):
        return [Stage("both", (Phase("both", ("discriminator", "generator"), self.loss),))]

    def loss(self, ctx):
        t, s = ctx.networks["generator"].value, ctx.networks["discriminator"].value
        d_loss, g_loss = -s * t, s * t
        field = [*ctx.gradients(d_loss, "discriminator"), *ctx.gradients(g_loss, "generator")]
        together = self.weight * sum(gradient.square() for gradient in field) / 2
        losses = {"discriminator": d_loss + together, "generator": g_loss + together}
        return losses, {"d_loss": d_loss.detach()}


class Consensus(Dirac):
    weight = 0.5


@pytest.mark.parametrize("recipe", [Dirac, Consensus])
def test_both_players_may_answer_both_gradients(monkeypatch, recipe):
    """Each step, t loses h (s + w t) and s gains h (t - w s): without w they circle outwards, with it they
    meet at 0.
    """
    rate = {f"{player}_{name}": value for player in ("generator", "discriminator")
            for name, value in (("optimizer", "sgd"), ("lr", 0.1), ("beta1", 0.0))}  # fmt: skip
    trainer = Trainer(request(recipe.__name__, monkeypatch, recipe, steps=200, **rate))
    t, s = 1.0, 0.5
    for _ in range(200):
        trainer.iterate()
        t, s = t - 0.1 * (s + recipe.weight * t), s + 0.1 * (t - recipe.weight * s)
    found = [float(trainer.networks[name].value.detach()) for name in ("generator", "discriminator")]
    assert found == pytest.approx([t, s], abs=1e-3 * max(abs(t), abs(s)) + 1e-6)
    distance = (t**2 + s**2) ** 0.5
    assert distance < 1e-3 if recipe is Consensus else distance > 2


class Deeper(nn.Module):
    """A discriminator that can be given another layer."""

    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(0.2))
        self.head = nn.Linear(hidden, 1)

    def features(self, x):
        return self.layers(x)

    def forward(self, x):
        return self.head(self.layers(x)).squeeze(1)


class Growing(GAN):
    """After 3 steps D grows a layer and moves slowly, after 5 there is a fresh G."""

    averaged = ("generator", "discriminator")

    def networks(self):
        return {**super().networks(), "discriminator": Deeper(self.options.hidden)}

    def stages(self):
        (play,) = super().stages()
        grown = Stage("grown", play.phases, 2, build=self.grow, options={"discriminator_lr": 1e-5})
        return [
            Stage("small", play.phases, 3),
            grown,
            Stage("new", play.phases, None, self.renew, SEEN.append),
        ]

    def grow(self, networks):
        hidden = self.options.hidden
        networks["discriminator"].layers.extend([nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)])

    def renew(self, networks):
        networks["generator"] = MLPGenerator(self.options.latent_dim, 4, 1, self.data.shape)


def test_stages_grow_networks_renew_players_and_have_options_of_their_own(monkeypatch):
    trainer = Trainer(request("growing", monkeypatch, Growing, ema=0.9))
    first = trainer.networks["generator"]
    for _ in range(3):
        trainer.iterate()
    old = weights(trainer, "discriminator")
    moments = trainer.optimizers["discriminator"].state[trainer.networks["discriminator"].head.weight]
    average = trainer.averages["discriminator"].head.weight.clone()
    trainer.iterate()
    assert len(weights(trainer, "discriminator")) == len(old) + 2
    assert len(trainer.averages["discriminator"].layers) == 4
    assert trainer.optimizers["discriminator"].param_groups[0]["lr"] == 1e-5
    assert int(moments["step"]) == 4  # they went on
    decay = min(0.9, (1 + 3) / (1 + YOUNG + 3))  # of a young average, after three steps
    expected = average.lerp(trainer.networks["discriminator"].head.weight, 1 - decay)
    assert torch.allclose(trainer.averages["discriminator"].head.weight, expected)
    SEEN.clear()
    trainer.iterate(), trainer.iterate()
    assert trainer.networks["generator"] is not first and [trainer.ctx] == SEEN
    assert trainer.optimizers["discriminator"].param_groups[0]["lr"] == trainer.options.discriminator_lr
    assert not trainer.read()[1] and trainer.is_finite()


def test_stabilisers_reach_what_stages_build_and_leave_the_rest(monkeypatch):
    normed = Trainer(request("growing_normed", monkeypatch, Growing, spectral_norm=True))
    compared = Trainer(request("growing_compared", monkeypatch, Growing, minibatch_discrimination=2))
    head = compared.networks["discriminator"].head
    for trainer in (normed, compared):
        for _ in range(4):
            trainer.iterate()
        assert trainer.is_finite() and trainer.stage().name == "grown"
    layers = [part for part in normed.networks["discriminator"].modules() if isinstance(part, nn.Linear)]
    assert [len(layer.parametrizations.weight) for layer in layers] == [1, 1, 1]
    assert compared.networks["discriminator"].head is head


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_checkpoint_knows_its_stage(monkeypatch, tmp_path, ema):
    config = request(f"growing_{ema}", monkeypatch, Growing, ema=ema)
    goes_on_bit_by_bit(*(Trainer(config) for _ in range(3)), tmp_path)


def test_an_earlier_checkpoint_opens_in_a_later_stage(monkeypatch):
    trainer, other = (Trainer(request("growing_back", monkeypatch, Growing)) for _ in range(2))
    trainer.iterate()
    state = trainer.state()
    state["networks"] = {
        name: {k: v.clone() for k, v in one.items()} for name, one in state["networks"].items()
    }
    for _ in range(6):
        other.iterate()
    other.load_state(state)
    assert all(torch.equal(a, b) for a, b in zip(weights(trainer), weights(other), strict=True))


def test_a_model_is_opened_as_its_stage_built_it(monkeypatch, tmp_path):
    config = request("growing_kept", monkeypatch, Growing, steps=8)
    folder = RunFolder(tmp_path / "grown")
    folder.create({"id": "grown", **config}, "starting")
    assert train(folder) == "done"
    model = load_run(folder)
    assert model.stage == 2 and len(model.networks["discriminator"].layers) == 4
    loading.keep(model, tmp_path / "kept", half=False)
    again, latents = loading.load(tmp_path / "kept"), model.latents([1, 2])
    assert again.stage == 2 and torch.equal(again.generate(latents), model.generate(latents))
    assert len(loading.untrained(again)["discriminator"].layers) == 4


class Reweighted(GAN):
    """From the fourth step on, only the first hundred pictures are drawn."""

    kinds = ("points", "images")

    def stages(self):
        (play,) = super().stages()
        return [Stage("all", play.phases, 3), Stage("some", play.phases, None, enter=self.reweigh)]

    def reweigh(self, ctx):
        ctx.streams["real"].reweigh((torch.arange(55_000) < 100).float())


def test_a_stage_may_weigh_the_data_anew(monkeypatch, tmp_path):
    monkeypatch.setitem(GANS, "reweighted", Reweighted)
    wanted = {"gan": "reweighted", "data": "mnist", "steps": 20, "device": "cpu"}
    config = validate({**wanted, "options": {"hidden": 8, "batch_size": 8}})
    trainer = Trainer(config)
    some = trainer.source.images[:100].float() / 127.5 - 1
    for _ in range(4):
        trainer.iterate()
    assert all((some == picture).flatten(1).all(1).any() for picture in trainer.ctx.real())
    goes_on_bit_by_bit(*(Trainer(config) for _ in range(3)), tmp_path)
