"""The semi-supervised GAN: its losses by hand, its draws of labels, its noise, and an error that falls."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.data import DATASETS
from engine.game.recipe import Show
from engine.game.showing import evaluating
from engine.models import checkpoint
from engine.networks.weight_norm import NoisyClassifier, WeightNormLinear
from engine.options import BadInput
from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.conftest import small
from tests.engine.data.made_files import write_pictures

SETTINGS = {
    "default": {},
    "20 labels": {"labels": 20},
    "32 px": {"size": 32},
    "without the GAN": {"supervised_only": True},
    "pretrained D": {"pretrain_discriminator": 2},
    "r1 and noise": {"r1": 1.0, "instance_noise": 0.1, "critic_steps": 2},
}


def trainer_of(**options):
    return Trainer(small("semi_supervised", "mnist", **options))


def weights(trainer):
    return [
        weight.detach().clone() for network in trainer.networks.values() for weight in network.parameters()
    ]


def draw(h):
    return torch.randn(h.shape, generator=torch.Generator().manual_seed(h.shape[1]))


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_takes_five_steps(options):
    trainer = trainer_of(**options)
    before = {name: network.weight.detach().clone() for name, network in last_layers(trainer).items()}
    for _ in range(5):
        trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and trainer.is_finite()
    moved = {name for name, network in last_layers(trainer).items() if not network.weight.equal(before[name])}
    alone = options.get("supervised_only", False)
    assert moved == ({"discriminator"} if alone else {"generator", "discriminator"})
    assert "class_loss" in values and ("g_loss" in values) is not alone


def last_layers(trainer):
    return {
        "generator": trainer.networks["generator"].layers[-1],
        "discriminator": trainer.networks["discriminator"].head,
    }


@pytest.mark.parametrize("stop", [0, 3])
def test_a_loaded_state_goes_on_bit_by_bit(stop, tmp_path):
    """Noise between the layers and the scales that the first batch sets are part of the state."""
    whole, first, second = (trainer_of(instance_noise=0.1) for _ in range(3))
    for _ in range(5):
        whole.iterate()
    for _ in range(stop):
        first.iterate()
    second.load_state(checkpoint.load(checkpoint.save(RunFolder(tmp_path), stop, first.state())))
    for _ in range(5 - stop):
        second.iterate()
    assert whole.read() == second.read()
    for kind in ("networks", "averages"):
        for name, network in getattr(whole, kind).items():
            other = getattr(second, kind)[name].state_dict()
            assert all(torch.equal(value, other[key]) for key, value in network.state_dict().items())


def test_noise_is_the_runs_own_and_only_in_training():
    discriminator = NoisyClassifier((1, 28, 28), 10)
    x = torch.rand(8, 1, 28, 28) * 2 - 1
    assert torch.equal(discriminator(x), discriminator(x))  # in training mode too: nobody draws
    assert torch.equal(discriminator(x, draw), discriminator(x, draw))
    assert not torch.equal(discriminator(x, draw), discriminator(x))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    trainer = trainer_of()
    trainer.iterate()
    assert torch.equal(torch.get_rng_state(), before)


def test_pictures_are_seen_from_0_to_1_under_the_papers_noise():
    discriminator, drawn = NoisyClassifier((1, 28, 28), 10), []

    def record(h):
        drawn.append(h)
        return torch.ones_like(h)

    seen = []
    for layer in [*discriminator.trunk, discriminator.head]:
        layer.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    discriminator.classes(torch.cat([-torch.ones(1, 1, 28, 28), torch.ones(1, 1, 28, 28)]), record)
    assert [h.shape[1] for h in drawn] == [784, 1000, 500, 250, 250, 250]
    assert drawn[0][0].eq(0).all() and drawn[0][1].eq(1).all()
    for number, (before, after) in enumerate(zip(drawn, seen, strict=True)):
        assert torch.allclose(after - before, torch.tensor(0.5 if number else 0.3), atol=1e-5)


def test_losses_are_the_papers():
    """Both losses against section 5 written with K + 1 softmax outputs, the last logit 0."""
    trainer = trainer_of(unlabelled_weight=2.0)
    recipe, ctx = trainer.recipe, trainer.ctx
    discriminator = trainer.networks["discriminator"]
    discriminator.settled.fill_(True)
    ctx.normal_like = torch.zeros_like  # noise of no size: the same logits by hand
    ctx.begin_turn(("discriminator",), keeps_graph=True)
    loss = recipe.discriminator_loss(ctx)[0].detach()
    (x, labels), real, fake = ctx.batch("labelled"), ctx.batch("unlabelled")[0], ctx.fake()

    def outputs(x):
        logits = discriminator.classes(x)
        return F.pad(logits, (0, 1)).log_softmax(1)  # (N, K + 1), the last for "generated"

    named, of_real, of_fake = outputs(x), outputs(real), outputs(fake)
    within = named[:, :-1].logsumexp(1)
    supervised = -(named.gather(1, labels[:, None])[:, 0] - within).mean()  # -E log p(y | x, y <= K)
    unsupervised = -of_real[:, :-1].logsumexp(1).mean() - of_fake[:, -1].mean()
    assert float(loss) == pytest.approx(float((supervised + 2 * unsupervised / 2).detach()), rel=1e-4)
    distance = discriminator.features(fake).mean(0) - discriminator.features(real).mean(0)
    assert float(recipe.generator_loss(ctx)[0].detach()) == pytest.approx(
        float(distance.square().mean().detach()), rel=1e-4
    )


def test_a_settled_layer_has_outputs_of_mean_0_and_variance_1():
    layer, x = WeightNormLinear(20, 7), torch.randn(64, 20) * 3 + 1
    layer.settle(x)
    deviation, mean = torch.std_mean(layer(x), 0)
    assert torch.allclose(mean, torch.zeros(7), atol=1e-4)
    assert torch.allclose(deviation, torch.ones(7), atol=1e-3)


def test_each_units_weights_have_the_length_of_its_scale():
    """Outputs and gradients against weights that are normalised openly."""
    layer, x = WeightNormLinear(20, 7, learns_scale=True).double(), torch.randn(64, 20).double()
    nn.init.uniform_(layer.scale, 0.5, 2.0)
    openly = F.normalize(layer.weight, dim=1) * layer.scale[:, None]  # (7, 20)
    expected = F.linear(x, openly, layer.bias)
    assert torch.allclose(layer(x), expected)
    weights = list(layer.parameters())
    pairs = zip(
        torch.autograd.grad(layer(x).square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    )
    assert all(torch.allclose(a, b) for a, b in pairs)


def test_labels_are_balanced_and_follow_their_own_seed():
    source = DATASETS["mnist"]()

    def labelled(**options):
        return trainer_of(**options).recipe.subsets(source, seed=0)["labelled"]

    chosen = labelled(labels=30)
    assert torch.bincount(source.labels[chosen]).tolist() == [3] * 10
    assert len(chosen.unique()) == 30
    assert torch.equal(chosen, labelled(labels=30, batch_size=4))
    assert not torch.equal(chosen, labelled(labels=30, label_seed=1))


def test_d_is_told_no_other_labels():
    trainer = trainer_of(labels=10, batch_size=20)
    chosen = trainer.recipe.labelled(trainer.source)
    told = {image.numpy().tobytes() for image in trainer.source.images[chosen].float() / 127.5 - 1}
    for _ in range(3):
        x, _ = trainer.ctx.streams["labelled"].next()
        assert {image.contiguous().numpy().tobytes() for image in x} == told


def test_the_error_falls_and_is_measured_on_test_data():
    trainer = trainer_of(batch_size=25, ema=0.9)
    recipe, source = trainer.recipe, trainer.source

    def figures():
        with evaluating(*trainer.averages.values()):
            return recipe.figures(trainer.averages, source)

    before = figures()
    for _ in range(80):
        trainer.iterate()
    after = figures()
    assert before["test_error"] > 0.7 and before["labelled_error"] > 0.6
    assert after["labelled_error"] < 0.1
    assert after["labelled_error"] < after["test_error"] < 0.45
    with evaluating(*trainer.averages.values()):
        x = source.test_images[::5].float() / 127.5 - 1
        named = recipe.classify(trainer.averages, x).argmax(1)
    assert after["test_error"] == pytest.approx(float((named != source.test_labels[::5]).float().mean()))


def test_data_without_a_test_part_have_the_labelled_error_alone(tmp_path):
    for number in range(10):  # of three alike none is held out
        write_pictures(tmp_path / "pictures" / f"{number}", 3, first=3 * number)
    options = {"folder": str(tmp_path / "pictures"), "labels": 10, "batch_size": 8, "size": 28}
    request = {"gan": "semi_supervised", "data": "folder", "device": "cpu", "options": options}
    trainer = Trainer(validate(request))
    trainer.iterate()
    with evaluating(*trainer.networks.values()):
        assert set(trainer.recipe.figures(trainer.networks, trainer.source)) == {"labelled_error"}
    with pytest.raises(BadInput) as refusal:
        validate(request | {"options": options | {"labels": 42}})
    assert refusal.value.field == "labels" and "multiple of 10" in refusal.value.remedy


def test_the_exhibit_sorts_real_pictures_by_the_class_that_d_gives_them():
    trainer = trainer_of()
    recipe = trainer.recipe
    real = trainer.source.test_images[:64].float() / 127.5 - 1
    with evaluating(*trainer.networks.values()):
        (shown,) = recipe.exhibits(Show(trainer.networks, torch.zeros(1, 100), real, None))
        named = recipe.classify(trainer.networks, real).argmax(1)
    cells = shown.pictures.view(shown.rows, shown.columns, 1, 28, 28)
    for row in range(10):
        own = real[named == row][: shown.columns]
        assert torch.equal(cells[row, : len(own)], own)
        assert (cells[row, len(own) :] == -1).all()


REFUSED = [
    ({"objective": "hinge"}, "objective"),
    ({"generator_update": "minimax"}, "generator_update"),
    ({"labels": 105}, "labels"),
    ({"labels": 5}, "labels"),
    ({"labels": 60_000}, "labels"),  # the smallest class has 5,421
    ({"label_seed": -1}, "label_seed"),
    ({"label_smoothing": 0.1}, "label_smoothing"),
    ({"spectral_norm": True}, "spectral_norm"),
    ({"weight_clip": 0.1}, "weight_clip"),
    ({"feature_matching": 1.0}, "feature_matching"),
    ({"minibatch_discrimination": 4}, "minibatch_discrimination"),
    ({"supervised_only": True, "r1": 1.0}, "r1"),
    ({"supervised_only": True, "critic_steps": 2}, "critic_steps"),
    ({"supervised_only": True, "pretrain_discriminator": 5}, "pretrain_discriminator"),
    ({"supervised_only": True, "unlabelled_weight": 2.0}, "unlabelled_weight"),
]


@pytest.mark.parametrize("options", [{"diff_augment": True}, {"instance_noise": 0.1}, {"ema": 0.9}])
def test_the_classifier_alone_keeps_what_changes_d(options):
    trainer = trainer_of(supervised_only=True, **options)
    trainer.iterate()
    values, _ = trainer.read()
    assert values["class_loss"] == values["d_loss"] > 0


@pytest.mark.parametrize(("options", "field"), REFUSED, ids=[f"{f}-{i}" for i, (_, f) in enumerate(REFUSED)])
def test_nonsense_is_refused_by_field_with_a_remedy(options, field):
    with pytest.raises(BadInput) as refusal:
        trainer_of(**options)
    assert refusal.value.field == field and refusal.value.remedy
