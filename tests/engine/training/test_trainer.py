"""The loop: what moves, what stays, and that a state taken is a state regained."""

import math

import pytest
import torch

from engine.game.phases import Phase
from engine.gans import GANS
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.training.turns import Divergence
from tests.engine.conftest import small


def weights(trainer, network):
    return [weight.detach().clone() for weight in trainer.networks[network].parameters()]


def moved(before, after):
    return any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("what", ["discriminator", "generator"])
def test_a_single_phase_moves_only_its_network(what):
    trainer = Trainer(small())
    other = {"discriminator": "generator", "generator": "discriminator"}[what]
    before = {name: weights(trainer, name) for name in (what, other)}
    trainer.single(what)
    assert moved(before[what], weights(trainer, what))
    assert not moved(before[other], weights(trainer, other))
    assert trainer.step == 0


def test_pretraining_moves_d_alone_then_both():
    trainer = Trainer(small(pretrain_discriminator=5))
    start = weights(trainer, "generator")
    for _ in range(5):
        trainer.iterate()
    assert not moved(start, weights(trainer, "generator"))
    trainer.iterate()
    assert moved(start, weights(trainer, "generator"))


def test_one_generated_batch_serves_both_players():
    """D sees what G is then judged on; with k critic steps only the last batch keeps its graph."""
    trainer = Trainer(small(critic_steps=3))
    seen = []
    generate = trainer.recipe.generate
    trainer.recipe.generate = lambda networks, z: seen.append(generate(networks, z)) or seen[-1]
    trainer.iterate()
    assert len(seen) == 3
    assert [batch.requires_grad for batch in seen] == [False, False, True]


def test_g_step_leaves_no_gradients_in_d():
    trainer = Trainer(small())
    trainer.iterate()
    discriminator = trainer.networks["discriminator"]
    kept = [weight.grad.clone() for weight in discriminator.parameters()]
    trainer.ctx.forget_fake()
    trainer.single("generator")
    for weight, grad in zip(discriminator.parameters(), kept, strict=True):
        assert torch.equal(weight.grad, grad)


def test_simultaneous_updates_step_from_the_same_point():
    """G's gradient is taken against the D before its step, not after."""
    together, alternating = Trainer(small(updates="simultaneous")), Trainer(small())
    together.iterate()
    alternating.iterate()
    for a, b in zip(weights(together, "discriminator"), weights(alternating, "discriminator"), strict=True):
        assert torch.equal(a, b)
    assert moved(weights(together, "generator"), weights(alternating, "generator"))


@pytest.mark.parametrize(("gan", "data"), [("gan", "ring"), ("gan", "mnist"), ("dcgan", "mnist")])
def test_same_seed_same_weights(gan, data):
    pair = [Trainer(small(gan, data, seed=3)) for _ in range(2)]
    for trainer in pair:
        for _ in range(4):
            trainer.iterate()
    assert not moved(weights(pair[0], "generator"), weights(pair[1], "generator"))
    assert moved(weights(pair[0], "generator"), weights(Trainer(small(gan, data, seed=4)), "generator"))


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
@pytest.mark.parametrize(("gan", "data"), [("gan", "grid"), ("dcgan", "mnist")])
def test_a_loaded_state_goes_on_bit_by_bit(gan, data, optimizer, tmp_path):
    from engine.models import checkpoint
    from engine.runs.folder import RunFolder

    options = {
        "generator_optimizer": optimizer,
        "discriminator_optimizer": optimizer,
        "instance_noise": 0.1,
        "ema": 0.9,
    }
    whole, first, second = (Trainer(small(gan, data, **options)) for _ in range(3))
    for _ in range(8):
        whole.iterate()
    for _ in range(5):
        first.iterate()
    folder = RunFolder(tmp_path)
    second.load_state(checkpoint.load(checkpoint.save(folder, 5, first.state())))
    for _ in range(3):
        second.iterate()
    assert second.step == 8
    for name in ("generator", "discriminator"):
        assert not moved(weights(whole, name), weights(second, name))
    assert whole.read() == second.read()
    average = zip(
        whole.averages["generator"].parameters(), second.averages["generator"].parameters(), strict=True
    )
    assert all(torch.equal(a, b) for a, b in average)


def test_live_options_act_at_once_and_others_are_refused():
    trainer = Trainer(small())
    trainer.set_options({"generator_lr": 0.5, "critic_steps": 3})
    assert trainer.optimizers["generator"].param_groups[0]["lr"] == 0.5
    assert trainer.stage().phases[0].repeat == 3
    for refused, field in (
        ({"hidden": 8}, "hidden"),
        ({"generator_lr": -1}, "generator_lr"),
        ({"x": 1}, "x"),
    ):
        with pytest.raises(BadInput) as refusal:
            trainer.set_options(refused)
        assert refusal.value.field == field
    assert trainer.options.generator_lr == 0.5


def explode(trainer, network):
    """Let the next update of ``network`` leave nothing but infinities."""
    step_once = trainer.steppers[network]

    def stepper():
        step_once()
        with torch.no_grad():
            for weight in trainer.networks[network].parameters():
                weight.fill_(float("inf"))

    trainer.steppers[network] = stepper


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("is_reported", [False, True], ids=["unread", "read in between"])
def test_divergence_names_the_update_that_broke(network, is_reported):
    trainer = Trainer(small())
    for _ in range(3):
        trainer.iterate()
    explode(trainer, network)
    trainer.iterate()
    before = trainer.read()[1] if is_reported else None
    trainer.iterate()
    broken = before or trainer.read()[1]
    assert broken.networks == (network,) and broken.step == 4
    assert broken.statistic in ("d_loss", "g_loss", "d_real", "d_fake", "d_logit_gap")


def test_divergence_of_simultaneous_updates_names_both():
    trainer = Trainer(small(updates="simultaneous"))
    trainer.iterate()
    explode(trainer, "generator")
    trainer.iterate()
    assert trainer.read()[1] is None
    trainer.iterate()
    assert trainer.read()[1] == Divergence(2, ("discriminator", "generator"), "d_loss")


def test_a_gradient_that_is_none_breaks_the_update_along_it():
    trainer = Trainer(small(report_every=5, critic_steps=2))
    for _ in range(4):
        trainer.iterate()
    weight = next(trainer.networks["generator"].parameters())
    weight.register_hook(lambda gradient: gradient * float("nan"))
    trainer.iterate()
    assert trainer.read()[1] == Divergence(5, ("generator",), "g_grad")


def test_a_turn_is_recorded():
    trainer = Trainer(validate({"gan": "aae", "data": "mnist", "steps": 9, "options": {"hidden": 8}}))
    trainer.iterate()
    told = [(turn.step, turn.phase, turn.networks, list(turn.gradients)) for turn in trainer.trail.turns]
    assert told == [
        (1, "reconstruction", ("encoder", "generator"), ["reconstruction_grad"]),
        (1, "discriminator", ("discriminator",), ["d_grad"]),
        (1, "encoder", ("encoder",), ["encoder_grad"]),
    ]


@pytest.mark.parametrize(
    ("name", "networks", "names"),
    [
        ("discriminator", ("recogniser", "discriminator"), ["recogniser_grad", "d_grad"]),
        ("discriminator", ("discriminator", "discriminator_back"), ["d_grad"]),
        ("generator", ("encoder", "generator"), ["encoder_grad", "g_grad"]),
        ("denoising", ("decoder",), ["decoder_grad"]),
        ("reconstruction", ("encoder", "decoder"), ["reconstruction_grad"]),
    ],
)
def test_a_gradient_is_called_after_whose_it_is(name, networks, names):
    phase = Phase(name, networks, lambda ctx: None)
    assert list(phase.gradients) == names
    assert {network for group in phase.gradients.values() for network in group} == set(networks)


def test_a_trail_written_before_is_read():
    """As checkpoints held it: finished steps, network and statistic of each value."""
    old = [
        [2, "discriminator", "d_loss"], [2, "discriminator", "d_grad"], [2, "discriminator", "d_loss"],
        [2, "generator", "g_loss"], [3, "discriminator", "d_loss"],
    ]  # fmt: skip
    trainer = Trainer(small())
    state = {**trainer.state(), "trail": old, "trail_values": torch.tensor([1.0, 2.0, 3.0, 4.0, math.nan])}
    del state["trail_earlier"]
    trainer.load_state(state)
    values, broken = trainer.read()
    assert values["g_loss"] == 4 and values["d_grad"] == 2
    assert broken == Divergence(3, ("generator",), "d_loss")


def test_every_gan_file_is_in_its_table():
    from pathlib import Path

    import engine.gans

    files = {path.stem for path in Path(engine.gans.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {recipe.__module__.rsplit(".", 1)[1] for recipe in GANS.values()}


def test_a_state_that_does_not_fit_is_refused_with_a_remedy():
    state = Trainer(small()).state()
    with pytest.raises(BadInput, match="do not fit"):
        Trainer(small(hidden=8)).load_state(state)


def test_an_average_may_begin_with_a_loaded_state():
    plain, averaged = Trainer(small()), Trainer(small(ema=0.9))
    plain.iterate()
    averaged.load_state({**plain.state(), "options": averaged.options.model_dump()})
    for kept, weight in zip(
        averaged.averages["generator"].parameters(), weights(plain, "generator"), strict=True
    ):
        assert torch.equal(kept, weight)


def test_the_bare_step_is_the_optimizers_own():
    """``stepper`` goes round a wrapper of torch's; what it calls must move the weights as ``step`` would."""
    pair = [Trainer(small()) for _ in range(2)]
    pair[1].steppers = {name: optimizer.step for name, optimizer in pair[1].optimizers.items()}
    for trainer in pair:
        for _ in range(5):
            trainer.iterate()
    assert not moved(weights(pair[0], "generator"), weights(pair[1], "generator"))


def test_the_short_way_through_adam_is_adam():
    from engine.training.steppers import stepper

    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(3, 4), torch.nn.Linear(3, 4)
    theirs.load_state_dict(ours.state_dict())
    settings = {"lr": 1e-2, "betas": (0.5, 0.9), "weight_decay": 1e-3, "fused": True}
    ours_adam = torch.optim.Adam(ours.parameters(), **settings)
    theirs_adam = torch.optim.Adam(theirs.parameters(), **settings)
    step = stepper(ours_adam)
    for number in range(6):
        x = torch.randn(5, 3)
        for network, optimizer in ((ours, ours_adam), (theirs, theirs_adam)):
            optimizer.zero_grad()
            loss = network(x).square().mean() if number != 3 else network.bias.square().sum()
            loss.backward()  # the fourth step leaves the matrix without a gradient
            optimizer.param_groups[0]["lr"] = 1e-2 / (number + 1)
        step()
        theirs_adam.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)
    assert ours_adam.state_dict()["state"][0]["step"] == 5
