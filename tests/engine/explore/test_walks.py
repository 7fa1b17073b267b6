"""Walks, traversals, arithmetic, and films of walks."""

import io

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from engine.explore import walks
from engine.explore.places import latent_of
from tests.engine.explore.conftest import ask, opened

KEYS = [{"seed": 3}, {"seed": 8, "codes": {"category": 2}}, {"plane": [0.5, 0.25]}]


@pytest.mark.parametrize("mode", ["linear", "spherical"])
def test_a_walk_passes_its_keys_exactly(infogan, mode):
    plan = walks.walk(infogan, {"keys": KEYS, "steps": 5, "mode": mode})
    assert len(plan.latents) == 9
    for place, key in zip((0, 4, 8), KEYS, strict=True):
        assert torch.equal(plan.latents[place], latent_of(infogan, key))


def test_a_loop_comes_back(infogan):
    plan = walks.walk(infogan, {"keys": KEYS, "steps": 5, "loop": True})
    assert len(plan.latents) == 12
    step = (plan.latents[-1] - plan.latents[0]).norm()
    assert float(step) < float((plan.latents[0] - plan.latents[4]).norm())


def test_a_spherical_walk_keeps_the_norm_of_the_noise(infogan):
    noise = infogan.model.recipe.noise_dim
    a = latent_of(infogan, {"seed": 3})
    b = latent_of(infogan, {"seed": 8})
    b[:noise] *= a[:noise].norm() / b[:noise].norm()
    keys = [{"z": a.tolist()}, {"z": b.tolist()}]
    walked = walks.walk(infogan, {"keys": keys, "steps": 20, "mode": "spherical"}).latents
    norms = walked[:, :noise].norm(dim=1)
    assert torch.allclose(norms, norms[:1].expand(20), rtol=1e-5)
    straight = walks.walk(infogan, {"keys": keys, "steps": 20, "mode": "linear"}).latents
    assert float(straight[10, :noise].norm()) < 0.95 * float(norms[0])
    assert torch.allclose(walked[:, noise:], straight[:, noise:]), "codes always go straight"


def test_a_walk_gives_pictures_and_their_distances(runs):
    result = ask(runs / "infogan", "walk", {"keys": KEYS[:2], "steps": 6})[0]["result"]
    assert len(result["images"]) == 6
    pixel, feature = result["distances"]["pixel"], result["distances"]["feature"]
    assert len(pixel) == len(feature) == 5 and min(pixel) > 0
    first, second = (torch.from_numpy(np.array(opened(image))) / 127.5 for image in result["images"][:2])
    assert pixel[0] == pytest.approx(float((first - second).square().mean().sqrt()), abs=0.01)


def test_an_interpolation_is_a_walk_with_two_keys(runs):
    both = {"steps": 5, "mode": "linear"}
    walked = ask(runs / "infogan", "walk", {"keys": KEYS[:2], **both})[0]["result"]
    between = ask(runs / "infogan", "interpolate", {"from": KEYS[0], "to": KEYS[1], **both})[0]["result"]
    assert between == walked


def test_points_walk_too(runs):
    result = ask(runs / "ring", "walk", {"keys": [{"seed": 0}, {"seed": 1}], "steps": 4})[0]["result"]
    assert len(result["images"]) == 4 and len(result["distances"]["pixel"]) == 3
    assert result["distances"]["feature"] is None


@pytest.mark.parametrize("name", ["infogan", "ring"])
def test_films_have_all_frames(runs, name):
    walk = {"keys": [{"seed": 0}, {"seed": 1}], "steps": 7}
    gif, turns = ask(runs / name, "walk", {**walk, "format": "gif"})
    assert turns > 1, "it is made where nobody waits"
    assert len(list(ImageSequence.Iterator(Image.open(io.BytesIO(gif["result"]["file"]))))) == 7
    mp4 = ask(runs / name, "walk", {**walk, "format": "mp4"})[0]["result"]["file"]
    with av.open(io.BytesIO(mp4)) as container:
        [stream] = container.streams
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert len(list(container.decode(stream))) == 7
    strip = opened(ask(runs / name, "walk", {**walk, "format": "png"})[0]["result"]["file"])
    assert strip.width == 7 * strip.height


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"keys": [{"seed": 0}]}, "keys"),
        ({"keys": [{"seed": 0}] * 13}, "keys"),
        ({"keys": {"seed": 0}}, "keys"),
        ({"keys": KEYS, "steps": 1}, "steps"),
        ({"keys": KEYS, "steps": 61}, "steps"),
        ({"keys": KEYS, "steps": True}, "steps"),
        ({"keys": KEYS, "mode": "curved"}, "mode"),
        ({"keys": KEYS, "mode": None}, "mode"),
        ({"keys": KEYS, "loop": 1}, "loop"),
        ({"keys": KEYS, "format": "avi"}, "format"),
    ],
)
def test_a_wrong_walk_is_refused(runs, wrong, field):
    assert ask(runs / "infogan", "walk", wrong)[0]["refused"]["field"] == field


# --- traversals


def test_a_traversal_sets_codes_by_row_and_column(runs, infogan):
    request = {
        "place": {"seed": 4},
        "across": "c1",
        "down": "category",
        "columns": 5,
        "rows": 16,
        "reach": 1.5,
    }
    result = ask(runs / "infogan", "traverse", request)[0]["result"]
    assert result["values"] == {"across": [-1.5, -0.75, 0.0, 0.75, 1.5], "down": list(range(10))}
    assert len(result["images"]) == len(result["places"]) == 50
    cell = latent_of(infogan, result["places"][3 * 5 + 4])
    assert torch.equal(cell, latent_of(infogan, {"seed": 4, "codes": {"category": 3, "c1": 1.5}}))
    alone = ask(runs / "infogan", "render", {"place": result["places"][19]})[0]["result"]["png"]
    assert alone == result["images"][19]


def test_a_traversal_moves_along_directions(runs, infogan):
    result = ask(runs / "infogan", "traverse", {"across": "d2", "columns": 3, "reach": 2})[0]["result"]
    assert result["values"] == {"across": [-2.0, 0.0, 2.0], "down": []}
    right = latent_of(infogan, {"seed": 0, "directions": {"d2": 2.0}})
    assert torch.allclose(latent_of(infogan, result["places"][2]), right, atol=1e-6)
    assert torch.equal(latent_of(infogan, result["places"][1]), latent_of(infogan, {"seed": 0}))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "across"),
        ({"across": "c9"}, "across"),
        ({"across": 1}, "across"),
        ({"across": ["c1"]}, "across"),
        ({"across": "c1", "down": "c1"}, "down"),
        ({"across": "c1", "down": "nothing"}, "down"),
        ({"across": "c1", "columns": 1}, "columns"),
        ({"across": "c1", "columns": 17}, "columns"),
        ({"across": "c1", "down": "c2", "rows": 0}, "rows"),
        ({"across": "c1", "reach": -1}, "reach"),
        ({"across": "c1", "reach": float("nan")}, "reach"),
        ({"across": "c1", "place": 1}, "place"),
    ],
)
def test_a_wrong_traversal_is_refused(runs, wrong, field):
    assert ask(runs / "infogan", "traverse", wrong)[0]["refused"]["field"] == field


# --- arithmetic


def test_arithmetic_is_on_means_of_three(runs, infogan):
    terms = {name: [{"seed": seed + k} for k in range(3)] for name, seed in (("a", 0), ("b", 10), ("c", 20))}
    result = ask(runs / "infogan", "arithmetic", {**terms, "neighbours": 4})[0]["result"]
    means = {
        name: torch.stack([latent_of(infogan, place) for place in places]).mean(0)
        for name, places in terms.items()
    }
    wanted = means["a"] - means["b"] + means["c"]
    found = latent_of(infogan, result["result"])
    assert torch.allclose(found, wanted, atol=1e-6)
    assert result["image"] == ask(runs / "infogan", "render", {"place": result["result"]})[0]["result"]["png"]
    mean = {"z": means["b"].tolist()}
    assert result["terms"]["b"] == ask(runs / "infogan", "render", {"place": mean})[0]["result"]["png"]
    noise = infogan.model.recipe.noise_dim
    near = torch.stack([latent_of(infogan, one["place"]) for one in result["around"]])
    assert near.shape[0] == 4 and torch.equal(near[:, noise:], found[noise:].expand(4, -1))
    assert not torch.equal(near[0], near[1])


def test_terms_may_be_missing(runs):
    result = ask(runs / "infogan", "arithmetic", {"a": [{"seed": 1}], "neighbours": 0})[0]["result"]
    assert result["image"] == ask(runs / "infogan", "render", {"place": {"seed": 1}})[0]["result"]["png"]
    assert set(result["terms"]) == {"a"} and result["around"] == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"a": []}, "a"),
        ({"b": [{"seed": 1}]}, "a"),
        ({"a": {"seed": 1}}, "a"),
        ({"a": [{"seed": 1}] * 17}, "a"),
        ({"a": [{"seed": 1}], "c": [3]}, "c"),
        ({"a": [{"seed": 1}], "neighbours": 25}, "neighbours"),
        ({"a": [{"seed": 1}], "spread": -0.1}, "spread"),
        ({"a": [{"seed": 1}], "seed": -1}, "seed"),
    ],
)
def test_wrong_arithmetic_is_refused(runs, wrong, field):
    assert ask(runs / "infogan", "arithmetic", wrong)[0]["refused"]["field"] == field
