"""The discriminator's word on samples and pictures, and what it rests on."""

import numpy as np
import pytest
import torch

from engine.explore.scoring import COMPARED, histograms, overlay, scored
from engine.live.drawing import FAKE, REAL
from tests.engine.explore.conftest import ask, opened, pixels_of


def test_a_score_is_the_probability_that_d_gives(runs, infogan):
    result = ask(runs / "infogan", "score", {"places": [{"seed": 1}, {"seed": 2}]})[0]["result"]
    model = infogan.model
    with torch.no_grad():
        wanted = model.recipe.logits(model.networks, model.generate(model.latents([1, 2]))).sigmoid()
    assert result["scores"] == pytest.approx(wanted.tolist(), abs=1e-5)
    assert (result["label"], result["midpoint"], result["classes"]) == ("D(x)", 0.5, None)
    assert [opened(image).size for image in result["images"]] == [(28, 28)] * 2
    assert [opened(layer).mode for layer in result["saliency"]] == ["RGBA"] * 2


def test_a_picture_is_scored_as_it_is_sent(runs, infogan):
    sent = ask(runs / "infogan", "score", {"image": pixels_of(infogan.model, 1)})[0]["result"]
    drawn = ask(runs / "infogan", "score", {"places": [{"seed": 1}]})[0]["result"]
    assert sent["images"] == drawn["images"]
    assert sent["scores"] == pytest.approx(drawn["scores"], abs=0.02), "but for the rounding of its pixels"


def test_points_are_scored(runs):
    result = ask(runs / "ring", "score", {"places": [{"seed": 1}]})[0]["result"]
    assert len(result["points"][0]) == 2 and 0 < result["scores"][0] < 1 and result["images"] == []


@pytest.mark.parametrize(
    ("objective", "smoothing", "undecided"),
    [("non_saturating", 0.25, 0.375), ("least_squares", 0.25, 0.375), ("hinge", 0.0, 0.0)],
)
def test_undecided_is_what_the_best_d_says_under_the_targets_of_the_run(
    model_at, objective, smoothing, undecided
):
    loaded = model_at("ring")
    options = {"objective": objective, "label_smoothing": smoothing}
    recipe = loaded.model.recipe
    recipe.options = recipe.options.model_copy(update=options)
    assert scored(loaded, torch.zeros(1, 2))["midpoint"] == undecided


def test_the_overlay_says_where_light_would_help():
    gradient = torch.zeros(1, 4, 4)
    gradient[0, 0, 0], gradient[0, 3, 3] = 2.0, -2.0
    layer = np.array(opened(overlay(gradient)))
    assert tuple(layer[0, 0, :3]) == REAL and tuple(layer[3, 3, :3]) == FAKE
    assert layer[0, 0, 3] == layer[3, 3, 3] == 230 and layer[1, 1, 3] == 0


def test_the_overlay_follows_the_score(infogan):
    """A step along the gradient raises the score."""
    model = infogan.model
    x = model.generate(model.latents([1])).requires_grad_()
    logit = model.recipe.logits(model.networks, x)
    (gradient,) = torch.autograd.grad(logit.sum(), x)
    with torch.no_grad():
        stepped = model.recipe.logits(model.networks, x + 0.01 * gradient / gradient.norm())
    assert float(stepped) > float(logit.detach())


@pytest.mark.parametrize("name", ["infogan", "ring"])
def test_histograms_count_real_and_generated_samples(model_at, name):
    found = histograms(model_at(name), {}, {})["result"]
    for kind in ("real", "fake"):
        assert sum(found[kind]["counts"]) == COMPARED
        assert found[kind]["edges"][0] == 0 and found[kind]["edges"][-1] == 1
    assert found["real"] != found["fake"]
    assert ("batch norm" in found["note"]) == (name == "infogan")


def test_histograms_do_without_data_that_are_missing(infogan, monkeypatch):
    from engine.options import BadInput

    def missing():
        raise BadInput("MNIST is not on this machine.", "data", "Fetch it.")

    infogan.found.pop("histograms", None)
    monkeypatch.setattr(infogan.model, "source", missing)
    found = histograms(infogan, {}, {})["result"]
    infogan.found.pop("histograms")
    assert found["real"] is None and "not on this machine" in found["note"]
    assert sum(found["fake"]["counts"]) == COMPARED


@pytest.mark.parametrize("wrong", [{}, {"places": []}, {"places": [{"seed": 0}] * 65}, {"places": [1]}])
def test_wrong_scores_are_refused(runs, wrong):
    assert ask(runs / "infogan", "score", wrong)[0]["refused"]["remedy"]
