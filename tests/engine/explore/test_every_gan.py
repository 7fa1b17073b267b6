"""Whatever a GAN declares, its models can be explored."""

import pytest
import torch

from engine.explore.calls import PLANS, TASKS
from engine.gans import GANS
from engine.models.loading import load
from tests.engine.explore.conftest import ask, make_run, pixels_of

ELSEWHERE = {
    "examples",
    "translate",
    "translations",
    "exported",
    "for_browser",
    "latents",
}  # tested with those
SIZES = {"width": 4, "hidden": 16, "latent_dim": 6}


PICTURES = [name for name, recipe in GANS.items() if "images" in recipe.kinds and not recipe.directions]


@pytest.mark.parametrize("gan", PICTURES)
def test_a_model_of_every_gan_can_be_explored(gan, tmp_path):
    sizes = {name: size for name, size in SIZES.items() if name in GANS[gan].Options.model_fields}
    run = make_run(tmp_path, "run", gan, "mnist", steps=1, batch_size=8, **sizes)
    model = load(run.path)
    keys = [{"seed": 0}, {"seed": 1}]
    pixels = pixels_of(model)
    asked = {
        "render": {"places": keys},
        "draw": {"place": keys[0]},
        "strip": {},
        "walk": {"keys": keys, "steps": 3},
        "interpolate": {"from": keys[0], "to": keys[1], "steps": 3},
        "traverse": {"across": "d1", "columns": 2},
        "arithmetic": {"a": keys[:1], "b": keys[1:], "neighbours": 1},
        "score": {"places": keys},
        "about": {},
        "weights": {"out": str(tmp_path / "out")},
        "read": {"image": ask(run.path, "render", {"place": {"plane": [0.5, 0.5]}})[0]["result"]["png"]},
        "histograms": {},
        "features": {"place": keys[0], "network": "discriminator"},
        "check": {"image": pixels},
        "project": {"image": pixels, "steps": 2, "restarts": 2},
    }
    assert asked.keys() == (PLANS.keys() | TASKS.keys()) - ELSEWHERE
    for kind, arguments in asked.items():
        answer, _ = ask(run.path, kind, arguments)
        assert "result" in answer, (kind, answer)
    about = ask(run.path, "about", {})[0]["result"]
    assert (
        about["latent_dim"]
        == model.recipe.latent_dim
        == about["noise_dim"] + sum(code["size"] for code in about["codes"])
    )
    kept = load(tmp_path / "out").networks["generator"].state_dict()
    for name, value in model.networks["generator"].state_dict().items():
        assert torch.equal(kept[name], value), name
