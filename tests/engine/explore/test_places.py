"""Places as JSON, and the latents that they stand for."""

import json

import pytest
import torch

from engine.explore.places import latent_of, latents_of, place_of
from engine.gans import GANS
from engine.latent import moving
from engine.options import BadInput

WRONG = [
    (3, "place"),
    ([], "place"),
    ({"sead": 1}, "sead"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**53 + 1}, "seed"),
    ({"seed": True}, "seed"),
    ({"seed": 1.0}, "seed"),
    ({"seed": "1"}, "seed"),
    ({"seed": None}, "seed"),
    ({"seed": 1, "z": [0.0] * 18}, "place"),
    ({"seed": 1, "plane": [0, 0]}, "place"),
    ({"seed": 1, "plane_seed": 0}, "plane_seed"),
    ({"z": []}, "z"),
    ({"z": [0.0] * 17}, "z"),
    ({"z": [True] + [0.0] * 17}, "z"),
    ({"z": ["0"] + [0.0] * 17}, "z"),
    ({"z": [float("nan")] + [0.0] * 17}, "z"),
    ({"z": [float("inf")] + [0.0] * 17}, "z"),
    ({"z": [10**400] + [0.0] * 17}, "z"),
    ({"z": "0"}, "z"),
    ({"z": [0.0] * 18, "truncation": 1}, "truncation"),
    ({"plane": [0]}, "plane"),
    ({"plane": [0, float("nan")]}, "plane"),
    ({"plane": [0, 10**400]}, "plane"),
    ({"plane": [0, 1], "plane_seed": 0.5}, "plane_seed"),
    ({"codes": []}, "codes"),
    ({"codes": {"c9": 1}}, "codes"),
    ({"codes": {"c1": "1"}}, "codes"),
    ({"codes": {"c1": True}}, "codes"),
    ({"codes": {"c1": float("nan")}}, "codes"),
    ({"codes": {"c1": 10**400}}, "codes"),
    ({"codes": {"category": 10}}, "codes"),
    ({"codes": {"category": 1.5}}, "codes"),
    ({"label": 1}, "label"),
    ({"truncation": -1}, "truncation"),
    ({"truncation": float("nan")}, "truncation"),
    ({"truncation": True}, "truncation"),
    ({"directions": 1}, "directions"),
    ({"directions": {"d99": 1}}, "directions"),
    ({"directions": {"d1": float("inf")}}, "directions"),
    ({"directions": {"d1": None}}, "directions"),
]


@pytest.mark.parametrize(("place", "field"), WRONG)
def test_what_is_no_place_is_refused_by_field_and_remedy(infogan, place, field):
    with pytest.raises(BadInput) as refused:
        latent_of(infogan, place)
    assert refused.value.field == field and refused.value.remedy and len(str(refused.value)) < 400


@pytest.mark.parametrize("places", [None, {}, [], [{"seed": 0}] * 257, "seed"])
def test_there_are_1_to_256_places(infogan, places):
    with pytest.raises(BadInput) as refused:
        latents_of(infogan, places)
    assert refused.value.field == "places"


def test_a_seed_is_what_the_model_draws_for_it(infogan):
    assert torch.equal(latent_of(infogan, {"seed": 2**53}), infogan.model.latents([2**53])[0])
    given = {"seed": 7, "codes": {"category": 3, "c2": -1.5}, "truncation": 0.5}
    wanted = infogan.model.latents([7], {"category": 3, "c2": -1.5}, 0.5)[0]
    assert torch.equal(latent_of(infogan, given), wanted)


def test_a_latent_survives_json(infogan):
    z = latent_of(infogan, {"seed": 11, "directions": {"d1": 0.7}})
    assert torch.equal(latent_of(infogan, json.loads(json.dumps(place_of(z)))), z)


def test_a_label_is_the_given_class(model_at):
    model = model_at("conditional")
    by_number, by_name = (latent_of(model, {"seed": 1, "label": label}) for label in (4, "4"))
    assert torch.equal(by_number, by_name) and torch.equal(
        by_number, latent_of(model, {"codes": {"class": 4}, "seed": 1})
    )
    assert int(model.model.recipe.codes[0].of(by_number[None]).argmax()) == 4


def test_the_planes_lattice_points_are_seeds(infogan):
    for i, j in ((0, 0), (-3, 12)):
        seed = moving.lattice_seed(5, i, j)
        assert torch.equal(
            latent_of(infogan, {"plane": [i, j], "plane_seed": 5}), infogan.model.latents([seed])[0]
        )


def test_codes_on_the_plane_stay_codes(infogan):
    category, c1, _ = infogan.model.recipe.codes
    between = torch.stack([latent_of(infogan, {"plane": [x / 10, 0.3]}) for x in range(30)])
    assert torch.equal(category.of(between).sum(1), torch.ones(30))
    assert set(category.of(between).flatten().tolist()) == {0.0, 1.0}
    assert float(c1.of(between).abs().max()) <= 1


def test_a_bounded_prior_keeps_its_bounds_on_the_plane(model_at):
    model = model_at("bigan")
    assert not model.is_spherical()
    between = torch.stack([latent_of(model, {"plane": [x / 10, 0.3]}) for x in range(30)])
    assert float(between.abs().max()) <= 1


def test_directions_move_the_noise_alone(infogan):
    base = latent_of(infogan, {"seed": 1})
    moved = latent_of(infogan, {"seed": 1, "directions": {"d1": 2.0, "d2": -1.0}})
    noise = infogan.model.recipe.noise_dim
    assert torch.equal(moved[noise:], base[noise:]) and not torch.equal(moved[:noise], base[:noise])
    found = infogan.directions().vectors
    assert torch.allclose(moved - base, 2 * found[0] - found[1], atol=1e-5)


def test_every_gan_says_whether_it_has_codes():
    """A list of models is made without loading them: by the class."""
    from engine.explore.calls import abilities

    assert abilities().keys() == GANS.keys()
    assert abilities()["infogan"]["has_codes"] and not abilities()["dcgan"]["has_codes"]
    assert abilities()["bigan"]["has_encoder"] and abilities()["acgan"]["has_classifier"]
