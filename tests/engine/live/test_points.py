"""The picture of a run on points: the manifold, and what is special about its GAN."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from engine.game.codes import REACH
from engine.game.showing import evaluating
from engine.latent.encoding import class_colour
from engine.latent.traversals import latent_sheet
from engine.live import frames
from engine.live.picture import picture_of
from engine.live.points import RECONSTRUCTED, SHOWN
from engine.training.request import validate
from engine.training.trainer import Trainer

SIDE = 21


def trainer_of(gan, **options):
    width = {"width": 16} if gan == "infogan" else {"hidden": 16}
    options = {"batch_size": 32, **width, **options}
    return Trainer(validate({"gan": gan, "data": "ring", "steps": 50, "device": "cpu", "options": options}))


def framed(trainer):
    picture = picture_of(trainer.shown())
    return picture, *frames.unpack(picture.frame({"step": 0}))


@pytest.mark.parametrize("latent_dim", [2, 5])
def test_the_manifold_of_noise_is_a_sheet_in_its_first_two_numbers(latent_dim):
    sheet, is_sheet = latent_sheet(trainer_of("gan", latent_dim=latent_dim).recipe, SIDE)
    assert is_sheet and sheet.shape == (SIDE, SIDE, latent_dim)
    assert (sheet[:, :, 0] == sheet[0, :, 0]).all() and (sheet[:, :, 1] == sheet[:, :1, 1]).all()
    for steps in (sheet[0, :, 0], sheet[:, 0, 1]):
        assert steps.diff().std() < 1e-5 and steps[0] == pytest.approx(-1.96, abs=0.15)
        assert steps[-1] == pytest.approx(1.96, abs=0.15)
    assert (sheet[:, :, 2:] == 0).all()


def test_one_number_makes_a_curve():
    sheet, _ = latent_sheet(trainer_of("gan", latent_dim=1).recipe, SIDE)
    assert sheet.shape == (1, SIDE, 1)


def test_the_manifold_stays_where_the_prior_draws():
    sheet, _ = latent_sheet(trainer_of("bigan", prior="uniform").recipe, SIDE)
    assert sheet.abs().max() <= 1 and sheet.abs().max() > 0.9


def test_each_category_has_a_curve_of_its_own_along_the_first_code():
    recipe = trainer_of("infogan", categories=3, continuous_codes=2).recipe
    sheet, is_sheet = latent_sheet(recipe, SIDE)
    category, first, second = recipe.codes
    assert not is_sheet and sheet.shape == (3, SIDE, recipe.latent_dim)
    for value, row in enumerate(sheet):
        assert (category.of(row).argmax(1) == value).all() and (category.of(row).sum(1) == 1).all()
        along = first.of(row).squeeze(1)
        assert (along.diff() > 0).all() and 0.9 < along[-1] <= 1 and -1 <= along[0] < -0.9
        assert (second.of(row) == 0).all() and (row[:, : recipe.noise_dim] == 0).all()


def test_continuous_codes_alone_make_a_sheet():
    recipe = trainer_of("infogan", categories=0, continuous_codes=2, code_prior="gaussian").recipe
    sheet, is_sheet = latent_sheet(recipe, SIDE)
    assert is_sheet and (sheet[:, :, : recipe.noise_dim] == 0).all()
    assert sheet[0, -1, recipe.noise_dim] == pytest.approx(REACH, abs=0.2)


def test_a_frame_says_of_which_category_each_point_is():
    trainer = trainer_of("infogan")
    picture, header, arrays = framed(trainer)
    latents = trainer.shown().latents(picture.z.shape[0])[:SHOWN]
    category = trainer.recipe.codes[0]
    assert arrays["category"].shape == (SHOWN,)
    np.testing.assert_array_equal(arrays["category"], category.of(latents).argmax(1))
    generator = trainer.networks["generator"]
    with evaluating(generator):
        np.testing.assert_allclose(
            arrays["fake"], trainer.recipe.generate(trainer.networks, latents), atol=1e-6
        )
        curves = trainer.recipe.generate(trainer.networks, picture.sheet.flatten(0, 1)).view(8, SIDE, 2)
    np.testing.assert_allclose(arrays["manifold"], curves, atol=1e-6)
    assert header["sheet"] is False and "reconstructed" not in arrays


@pytest.mark.parametrize("variant", ["bigan", "ali", "alice"])
def test_a_frame_holds_what_becomes_of_the_first_real_points(variant):
    trainer = trainer_of("bigan", variant=variant)
    picture, _, arrays = framed(trainer)
    real = torch.tensor(frames.unpack(picture.real())[1]["real"])[:RECONSTRUCTED]
    networks = trainer.networks
    with evaluating(*networks.values()):
        back = trainer.recipe.generate(networks, trainer.recipe.encode(networks, real))
    assert arrays["reconstructed"].shape == (RECONSTRUCTED, 2)
    np.testing.assert_allclose(arrays["reconstructed"], back, atol=1e-6)
    assert "category" not in arrays


def test_a_plain_gan_has_nothing_special():
    _, header, arrays = framed(trainer_of("gan"))
    assert header["sheet"] is True and not arrays.keys() & {"category", "reconstructed"}


def test_the_thumbnail_has_the_colours_of_categories():
    pixels = {}
    for gan in ("infogan", "gan"):
        image = Image.open(io.BytesIO(picture_of(trainer_of(gan).shown()).thumbnail()))
        pixels[gan] = np.asarray(image).reshape(-1, 3).astype(int)
    orange = [np.abs(found - class_colour(1)).sum(1).min() for found in pixels.values()]
    assert orange[0] < 60 < 150 < orange[1]
