"""The game drawn: what is found of each GAN's figure, what its turns hold, and that nothing moves."""

import json
import math
from itertools import pairwise

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn
from torch.nn.functional import softplus

from engine.game.phases import Phase
from engine.game.recipe import Stage, TwoPlayers
from engine.gans import GANS
from engine.options import Options
from engine.runs.drawn import Game, Turns
from engine.training.following import Following
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.gans.steps import weights

TRANSLATED = {"size": 64, "width": 4, "discriminator_width": 4, "batch_size": 1}
DIGITS = {"width": 4, "batch_size": 4}


class Point(nn.Module):
    """A network without a layer: one number that is learned, the same for every z."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.ones(1, 2))

    def forward(self, z):
        return self.place.expand(len(z), 2)


class Painted(TwoPlayers):
    """A GAN that a plugin might bring: two generators in a row, a bare weight in D, a term of its own."""

    title = sentence = paper = "a plugin's"
    kinds = ("points",)
    generators = ("sketcher", "generator")

    class Options(Options):
        latent_dim: int = 2

    def networks(self):
        judge = nn.Linear(2, 1)
        judge.extra = nn.Parameter(torch.ones(2))
        return {"sketcher": Point(), "generator": nn.Linear(2, 2), "discriminator": judge}

    def generate(self, networks, z):
        return networks["generator"](networks["sketcher"](z))

    def logits(self, networks, x):
        return networks["discriminator"](x * networks["discriminator"].extra)[:, 0]

    def stages(self):
        d = Phase("discriminator", ("discriminator",), self.judge_loss)
        return [Stage("play", (d, Phase("generator", ("sketcher", "generator"), self.paint_loss)))]

    def judge_loss(self, ctx):
        real, fake = self.logits(ctx.networks, ctx.real()), self.logits(ctx.networks, ctx.fake().detach())
        loss = softplus(-real).mean() + softplus(fake).mean()
        return loss, {"d_loss": loss.detach()}

    def paint_loss(self, ctx):
        stays = ctx.fake().square().mean()
        game = softplus(-self.logits(ctx.networks, ctx.fake())).mean()
        return game + 0.25 * stays, {"g_loss": game.detach(), "stays": stays.detach()}


def trainer_of(gan, data="ring", **options):
    config = {"gan": gan, "data": data, "steps": 9, "seed": 0, "device": "cpu", "options": options}
    return Trainer(validate(config))


def followed(trainer):
    following = Following(trainer)
    with following.iteration():
        trainer.iterate()
    return following.game(), following.turns()


D_LOSS, G_LOSS = "discriminator", "generator"
TWO = ["z -> G -> G(z) -> D -> D(G(z)) -> L_D", "x -> D -> D(x) -> L_D", "D(G(z)) -> L_G"]
FIGURES = {  # what each paper draws, and terms that are in its losses
    "gan": ({}, TWO, {D_LOSS: ["−log D(x)", "−log(1 − D(G(z)))"], G_LOSS: ["−log D(G(z))"]}),
    "wgan_gp": ({}, [*TWO, "D -> D(x̂) -> L_D"], {D_LOSS: ["D(x)", "(‖∇D(x̂)‖ − 1)²"]}),
    "dirac": ({"data": "point"}, TWO, {}),
    "unrolled": ({}, TWO, {G_LOSS: ["−log D(G(z))"]}),
    "infogan": (
        {},
        ["c1 -> G -> G(z, c) -> D -> Q -> Q(D(G(z, c))) -> L_G", "category -> L_D,Q"],
        {G_LOSS: ["−log D(G(z, c))", "−log p(category | Q(D(G(z, c))))", "(Q(D(G(z, c))) − c1)²"]},
    ),
    "conditional": (
        {"data": "mnist", **DIGITS},
        ["class -> G -> G(z, y) -> D -> D(G(z, y), y) -> L_G", "class -> D", "y -> D -> D(x, y) -> L_D"],
        {D_LOSS: ["−log D(x, y)"]},
    ),
    "acgan": (
        {"data": "mnist", **DIGITS},
        ["class -> G -> G(z, y) -> D -> D(G(z, y)) -> L_G", "class -> L_G", "y -> L_D"],
        {D_LOSS: ["−log D(x)", "−log p(y | D(x))"]},
    ),
    "bigan": (
        {},
        ["x -> E -> E(x) -> D -> D(x, E(x)) -> L_G,E", "z -> G -> G(z) -> D", "z -> D -> D(G(z), z)"],
        {D_LOSS: ["−log D(x, E(x))", "−log(1 − D(G(z), z))"]},
    ),
    "aae": (
        {"data": "mnist", "hidden": 8, "batch_size": 4},
        ["x -> E -> E(x) -> G -> G(E(x)) -> L_E,G", "z -> D -> D(z) -> L_D", "E(x) -> D -> D(E(x)) -> L_E"],
        {"reconstruction": ["(G(E(x)) − x)²"], "encoder": ["−log D(E(x))"]},
    ),
    "semi_supervised": (
        {"data": "mnist"},
        ["x labelled -> D -> D(x labelled) -> L_D", "x unlabelled -> D", "z -> G -> G(z) -> D", "y -> L_D"],
        {D_LOSS: ["−log p(y | D(x labelled))"]},
    ),
    "pix2pix": (
        {"data": "line_art", **TRANSLATED, "patch": "16"},
        ["A -> G -> G(A) -> D -> D(A, G(A)) -> L_G", "A -> D", "B -> D -> D(A, B) -> L_D", "B -> L_G"],
        {G_LOSS: ["−log D(A, G(A))", "|G(A) − B|"]},
    ),
    "cyclegan": (
        {"data": "drawing_styles", **TRANSLATED, "network": "resnet_6"},
        [
            "A -> G -> G(A) -> D -> D(G(A))", "G(A) -> G_back -> G_back(G(A)) -> L_G,G_back", "B -> D",
            "B -> G_back -> G_back(B) -> D_back", "G_back(B) -> G -> G(G_back(B)) -> L_G,G_back",
        ],
        {G_LOSS: ["|G_back(G(A)) − A|", "|G(G_back(B)) − B|", "|G(B) − B|"]},
    ),
    "painted": (
        {},
        ["z -> sketcher -> sketcher(z) -> G -> G(sketcher(z)) -> D", "x -> D -> D(x) -> L_D"],
        {G_LOSS: ["(G(sketcher(z)))²"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("gan", FIGURES)
def test_the_figure_of_each_paper_is_found(gan, monkeypatch):
    monkeypatch.setitem(GANS, "painted", Painted)
    options, paths, terms = FIGURES[gan]
    trainer = trainer_of(gan, **options)
    game, turns = followed(trainer)
    titles = {node["id"]: node["title"] for node in game["nodes"]}
    arrows = {(titles[edge["source"]], titles[edge["target"]]) for edge in game["edges"]}
    for path in paths:
        names = path.split(" -> ")
        assert not set(pairwise(names)) - arrows, path
    order = [node["id"] for node in game["nodes"]]
    assert all(order.index(edge["source"]) < order.index(edge["target"]) for edge in game["edges"])
    formulas = {phase["name"]: [term["formula"] for term in phase["terms"]] for phase in game["phases"]}
    for phase, wanted in terms.items():
        assert set(wanted) <= set(formulas[phase])
    for turn in turns["turns"]:  # the summands add up to what is minimised
        summed = sum(term["weight"] * (term["batch"] or 0) for term in turn["terms"].values())
        assert math.isclose(summed, turn["loss"] or 0, rel_tol=1e-4, abs_tol=1e-6), turn["phase"]
        assert all(moved["step"] for moved in turn["moved"].values())
        assert set(turn["values"]) <= set(titles) and turn["gradients"]
    for record, kind in ((game, Game), (turns, Turns)):
        TypeAdapter(kind).validate_json(json.dumps(record, allow_nan=False), strict=True)


def test_a_sample_is_followed_by_its_own_numbers():
    trainer = trainer_of("gan")
    following = Following(trainer)
    following.sample = 3
    with following.iteration():
        trainer.single("discriminator")
    (turn,) = following.turns()["turns"]
    logit, score = (turn["values"]["discriminator(real)"][name] for name in ("numbers", "score"))
    assert score == pytest.approx(1 / (1 + math.exp(-logit[0])), rel=1e-5)
    assert turn["terms"]["d_loss: −log D(x)"]["sample"] == pytest.approx(-math.log(score), rel=1e-4)


@pytest.mark.parametrize("gan", ["unrolled", "wgan_gp", "dcgan"])
def test_who_is_followed_learns_the_same_bit_by_bit(gan):
    options = {"data": "mnist", **DIGITS} if gan == "dcgan" else {}
    plain, other = trainer_of(gan, **options), trainer_of(gan, **options)
    following = Following(other)
    for _ in range(3):
        plain.iterate()
        with following.iteration():
            other.iterate()
    assert all(torch.equal(a, b) for a, b in zip(weights(plain), weights(other), strict=True))
    for name, generator in plain.random.items():
        assert torch.equal(generator.get_state(), other.random[name].get_state())
    for name, network in plain.networks.items():  # running statistics too
        for a, b in zip(network.buffers(), other.networks[name].buffers(), strict=True):
            assert torch.equal(a, b)
