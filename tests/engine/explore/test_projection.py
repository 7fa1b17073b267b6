"""Pictures found again in the latent space."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from engine import PRETRAINED
from engine.explore import projection
from engine.explore.calls import explore
from engine.explore.places import latent_of
from engine.models.library import Loaded, load_safely
from tests.engine.explore.conftest import ask, opened, pixels_of


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def random_pixels(seed=0):
    return np.random.default_rng(seed).integers(0, 255, (1, 28, 28), np.uint8).tobytes()


@pytest.mark.parametrize("name", ["infogan-mnist", "dcgan-fashion", "conditional-mnist"])
def test_a_models_own_sample_is_found_again(name):
    """To a mean squared error below 0.01 on [-1, 1], as no other sample comes."""
    loaded = Loaded(load_safely(PRETRAINED / name), PRETRAINED / name, (), 0.0)
    model = loaded.model
    target = model.generate(model.latents([1000]))
    others = model.generate(model.latents(range(64)))
    assert float((others - target).square().flatten(1).mean(1).min()) > 0.02
    best = ask(PRETRAINED / name, "project", {"image": pixels_of(model, 1000)})[0]["result"]["best"]
    assert best["error"] < 0.01
    found = model.generate(latent_of(loaded, best["place"])[None])
    assert float((found - target).square().mean()) < 0.01
    assert opened(best["image"]).size == model.shape.shape[:0:-1]


def test_the_category_that_the_recogniser_reads_is_tried_first():
    place = PRETRAINED / "infogan-mnist"
    loaded = Loaded(load_safely(place), place, (), 0.0)
    model, category = loaded.model, loaded.model.recipe.codes[0]
    for seed in range(8):
        z = model.latents([seed])
        with torch.no_grad():
            target = model.recipe.generate(model.networks, z).float()
            read = int(model.recipe.read_codes(model.networks, target).argmax())
        whole = torch.ones(1, 1, 28, 28)
        task = projection.Task(target, whole, None, "optimise", 4, 1, 0, 0.01)
        starts = category.of(projection._promising(loaded, task)).argmax(1).tolist()
        assert starts[0] == read and starts[1] != read and starts[2:] == [read, read]
        painted = replace(task, mask=torch.cat([whole[:, :, :14], torch.zeros(1, 1, 14, 28)], 2))
        kept = dict(model.networks)
        del model.networks["recogniser"]
        for other in (task, painted):
            assert projection._promising(loaded, other).shape == (4, model.recipe.latent_dim)
        model.networks.update(kept)


def test_the_descent_comes_nearer(runs):
    """In many turns, to the same end as in one."""
    request = {"image": random_pixels(), "restarts": 3, "steps": 40, "seed": 4}
    answer, turns = ask(runs / "infogan", "project", request)
    [begun] = explore(
        str(runs / "infogan"),
        [{"kind": "project", "arguments": {**request, "steps": 1}, "state": {}, "parts": []}],
    )
    assert answer["result"]["best"]["error"] < begun["result"]["best"]["error"]
    patient = pytest.MonkeyPatch()
    patient.setattr(projection, "TURN_S", 0.0)
    slow, many = ask(runs / "infogan", "project", request)
    patient.undo()
    assert many == 40 > turns and slow["result"]["best"] == answer["result"]["best"]


def test_progress_is_shown_on_the_way(runs, monkeypatch):
    monkeypatch.setattr(projection, "TURN_S", 0.0)
    request = {"image": random_pixels(), "restarts": 2, "steps": 10}
    [answer] = explore(
        str(runs / "infogan"), [{"kind": "project", "arguments": request, "state": {}, "parts": []}]
    )
    shown = answer["state"]["shown"]
    assert shown["progress"] == 0.1 and shown["rate"] > 0 and opened(shown["best"]["map"]).size == (28, 28)


def test_every_category_may_be_the_right_one(infogan):
    task = projection.check(infogan, {"image": random_pixels(), "restarts": 10})
    starts = projection._promising(infogan, task)
    category = infogan.model.recipe.codes[0]
    assert starts.shape == (10, infogan.model.recipe.latent_dim)
    assert len(set(category.of(starts).argmax(1).tolist())) >= 5
    result = ask(infogan.folder, "project", {"image": random_pixels(), "restarts": 10, "steps": 3})[0][
        "result"
    ]
    z = latent_of(infogan, result["best"]["place"])[None]
    assert category.of(z).sort().values.tolist() == [[0.0] * 9 + [1.0]], "a category is not a mixture"
    assert float(infogan.model.recipe.codes[1].of(z).abs()) <= 1


def test_an_encoder_answers_beside_the_descent(runs, model_at):
    bigan = model_at("bigan")
    pixels = pixels_of(bigan.model, 3)
    both = ask(runs / "bigan", "project", {"image": pixels, "steps": 5})[0]["result"]
    assert both["best"]["error"] <= both["encoder"]["error"], "the encoder's answer is one of the starts"
    alone, turns = ask(runs / "bigan", "project", {"image": pixels, "method": "encoder"})
    assert turns == 1 and alone["result"]["best"] == alone["result"]["encoder"] == both["encoder"]
    assert float(latent_of(bigan, both["best"]["place"]).abs().max()) <= 1, "a uniform prior keeps its bounds"


def test_an_edit_agrees_where_the_mask_is_white(runs, infogan):
    """A dark left half is asked for; what happens to the right is the model's affair."""
    target = np.zeros((1, 28, 28), np.uint8)
    mask = np.zeros((28, 28), np.uint8)
    mask[:, :14] = 255
    start = {"seed": 2}
    request = {"image": target.tobytes(), "mask": png(mask), "start": start, "steps": 30, "restarts": 1}
    before = infogan.model.generate(latent_of(infogan, start)[None])[0, 0, :, :14]
    best = ask(runs / "infogan", "project", request)[0]["result"]["best"]
    assert best["error"] < float((before + 1).square().mean())
    assert not np.array(opened(best["map"]))[:, 14:].any(), "only what is masked counts"


def test_the_nearest_training_images_are_found(infogan):
    source = infogan.model.source()
    target = source.images[1234:1235].float() / 127.5 - 1
    found = projection.nearest(infogan, target, torch.ones(1, 1, 28, 28))
    assert found[0]["distance"] == 0 and found[0]["label"] == str(int(source.labels[1234]))
    assert [one["distance"] for one in found] == sorted(one["distance"] for one in found)
    assert np.array_equal(np.array(opened(found[0]["image"])), source.images[1234, 0].numpy())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"method": "encoder"}, "method"),
        ({"method": "magic"}, "method"),
        ({"restarts": 0}, "restarts"),
        ({"restarts": 17}, "restarts"),
        ({"steps": 1001}, "steps"),
        ({"steps": True}, "steps"),
        ({"seed": -1}, "seed"),
        ({"mask": b"none"}, "image"),
        ({"mask": png(np.zeros((28, 28), np.uint8))}, "mask"),
        ({"start": {"seed": -1}}, "seed"),
        ({"start": 3}, "start"),
        ({"prior_weight": float("nan")}, "prior_weight"),
        ({"prior_weight": -1}, "prior_weight"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_projections_are_refused(runs, wrong, field):
    answer, _ = ask(runs / "infogan", "project", {"image": random_pixels(), **wrong})
    assert answer["refused"]["field"] == field


def test_points_are_not_projected(runs):
    assert "points" in ask(runs / "ring", "project", {"image": b""})[0]["refused"]["error"]
