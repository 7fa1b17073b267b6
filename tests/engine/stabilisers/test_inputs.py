"""DiffAugment: what each of its changes does to a picture, and that G's gradient passes."""

import pytest
import torch

from engine.stabilisers import STABILISERS
from engine.stabilisers.inputs import cut_out, recoloured, shifted
from engine.training.trainer import Trainer
from tests.engine.conftest import small

HALF = torch.full((1,), 0.5)


def draws(n, number, seed=0):
    return torch.rand(number, n, generator=torch.Generator().manual_seed(seed)).unbind()


def test_colours_change_within_their_ranges_and_not_at_the_middle_of_them():
    x = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    torch.testing.assert_close(recoloured(x, HALF, HALF, HALF), x)
    changed = recoloured(x, *draws(64, 3))
    moved = changed.mean((1, 2, 3)) - x.mean((1, 2, 3))
    assert 0.4 < float(moved.abs().max()) <= 0.5 + 1e-5  # only brightness moves the mean
    spread = changed.mean(1).std((1, 2)) / x.mean(1).std((1, 2))  # only contrast changes the greys' spread
    assert 0.5 - 1e-4 <= float(spread.min()) < 0.6 and 1.4 < float(spread.max()) <= 1.5 + 1e-4
    grey = recoloured(x, HALF, torch.zeros(1), HALF)
    torch.testing.assert_close(grey[:, 0], grey[:, 1])


def test_a_shift_moves_the_whole_picture_by_up_to_its_share():
    x = torch.zeros(400, 1, 16, 16)
    x[:, :, 8, 8] = 1
    moved = shifted(x, 0.125, *draws(400, 2))
    assert torch.equal(moved.sum((1, 2, 3)), torch.ones(400))
    places = moved[:, 0].nonzero()[:, 1:] - 8
    assert {tuple(place) for place in places.tolist()} == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}
    picture = torch.rand(1, 2, 6, 6)
    right = shifted(picture, 0.125, torch.zeros(1), HALF)  # one pixel
    torch.testing.assert_close(right[..., :, 1:], picture[..., :, :-1])
    assert torch.equal(right[..., :, 0], torch.zeros(1, 2, 6))


def test_cutout_greys_one_square_anywhere():
    cut = cut_out(torch.ones(500, 1, 16, 16), 0.5, *draws(500, 2))
    sizes = (cut == 0).sum((1, 2, 3))
    assert int(sizes.max()) == 64 and int(sizes.min()) >= 16  # 8 x 8 inside, a quarter of it in a corner
    assert (cut.mean(0) < 1).all()
    assert set(cut.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_change_can_be_differentiated(number):
    change, count = [
        (recoloured, 3),
        (lambda x, *by: shifted(x, 0.25, *by), 2),
        (lambda x, *by: cut_out(x, 0.5, *by), 2),
    ][number]
    x = torch.rand(3, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: change(x, *(d.double() for d in draws(3, count))), x)


def test_d_sees_both_sides_changed_and_penalties_see_them_as_they_are():
    trainer = Trainer(small("dcgan", "mnist", diff_augment=True, discriminator_norm="none", r1=1.0))
    ctx, shown = trainer.ctx, []
    trainer.networks["discriminator"].register_forward_pre_hook(lambda _, given: shown.append(given[0]))
    trainer.single("discriminator")
    both, asked = shown
    real = both.detach()[:8]
    assert real.shape == asked.shape and torch.isfinite(both).all()
    assert not torch.equal(real, asked.detach())
    assert float(both.detach().abs().max()) <= 2.5  # 1, brighter by a half, with more contrast
    trainer.single("generator")
    assert all(weight.grad.abs().sum() > 0 for weight in ctx.weights["generator"])


def test_it_draws_from_the_noise_stream_alone():
    plain, changed = (Trainer(small("dcgan", "mnist", diff_augment=on)) for on in (False, True))
    for trainer in (plain, changed):
        trainer.iterate()
    same = {
        name: torch.equal(plain.random[name].get_state(), changed.random[name].get_state())
        for name in plain.random
    }
    assert same == {"data": True, "z": True, "noise": False, "display": True}


@pytest.mark.parametrize("part", ["augment_colour", "augment_shift", "augment_cutout"])
def test_each_part_works_alone(part):
    options = {"augment_colour": False, "augment_shift": 0.0, "augment_cutout": 0.0}
    options[part] = {"augment_colour": True, "augment_shift": 0.25, "augment_cutout": 0.5}[part]
    trainer = Trainer(small("dcgan", "mnist", diff_augment=True, **options))
    x = trainer.ctx.real()
    assert not torch.equal(STABILISERS["diff_augment"].inputs(trainer.ctx, x), x)
