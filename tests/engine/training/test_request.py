"""Requests: sensible ones are taken, nonsense is refused by field, with a remedy."""

import itertools

import pytest

from engine.data import DATASETS
from engine.gans import GANS
from engine.models.assembly import options_model
from engine.objectives import OBJECTIVES
from engine.options import BadInput, describe
from engine.stabilisers import STABILISERS
from engine.training.catalogue import catalogue
from engine.training.request import assess, validate
from engine.training.trainer import Trainer
from tests.engine.conftest import SMALL_IMAGES, SMALL_POINTS

REFUSED = [
    ({"gan": "nope"}, "gan"),
    ({"gan": ["gan"]}, "gan"),
    ({"data": "../etc"}, "data"),
    ({"steps": 0}, "steps"),
    ({"steps": "many"}, "steps"),
    ({"steps": 10**30}, "steps"),
    ({"seed": -1}, "seed"),
    ({"surprise": 1}, "surprise"),
    ({"options": [1]}, "options"),
    ({"options": {"generator_lr": 0}}, "generator_lr"),
    ({"options": {"generator_lr": float("nan")}}, "generator_lr"),
    ({"options": {"generator_lr": "<script>" * 2000}}, "generator_lr"),
    ({"options": {"genrator_lr": 1e-3}}, "genrator_lr"),
    ({"options": {"objective": "win"}}, "objective"),
    ({"options": {"batch_size": 1}}, "batch_size"),
    ({"gan": "dcgan", "data": "ring"}, "data"),
    ({"options": {"objective": "wasserstein"}}, "objective"),
    ({"options": {"objective": "hinge", "label_smoothing": 0.1}}, "label_smoothing"),
    (
        {"options": {"objective": "wasserstein", "weight_clip": 0.1, "label_smoothing": 0.1}},
        "label_smoothing",
    ),
    ({"options": {"weight_clip": 0.1, "r1": 1.0}}, "weight_clip"),
    ({"options": {"weight_clip": 0.1, "gradient_penalty": 1.0}}, "weight_clip"),
    ({"options": {"weight_clip": 0.1, "spectral_norm": True}}, "weight_clip"),
    ({"gan": "dcgan", "data": "mnist", "options": {"r1": 1.0}}, "r1"),
    ({"gan": "dcgan", "data": "mnist", "options": {"gradient_penalty": 1.0}}, "gradient_penalty"),
    ({"gan": "dcgan", "data": "mnist", "options": {"spectral_norm": True}}, "spectral_norm"),
    ({"options": {"updates": "simultaneous", "critic_steps": 5}}, "critic_steps"),
    ({"options": {"weight_clip": 0.1, "dragan": 0.1}}, "weight_clip"),
    ({"options": {"weight_clip": 0.1, "r2": 0.1}}, "weight_clip"),
    ({"options": {"dragan": 0.1, "r1": 0.1}}, "dragan"),
    ({"gan": "dcgan", "data": "mnist", "options": {"dragan": 10.0}}, "dragan"),
    ({"gan": "dcgan", "data": "mnist", "options": {"r2": 1.0}}, "r2"),
    ({"options": {"r1": 1.0, "minibatch_discrimination": 8}}, "r1"),
    ({"options": {"r2": 1.0, "minibatch_discrimination": 8}}, "r2"),
    ({"options": {"dragan": 0.1, "minibatch_discrimination": 8}}, "dragan"),
    ({"options": {"gradient_penalty": 0.1, "minibatch_discrimination": 8}}, "gradient_penalty"),
    ({"options": {"spectral_norm": True, "minibatch_discrimination": 8}}, "minibatch_discrimination"),
    ({"gan": "bigan", "options": {"minibatch_discrimination": 8}}, "minibatch_discrimination"),
    ({"gan": "bigan", "options": {"feature_matching": 1.0}}, "feature_matching"),
    ({"gan": "aae", "data": "mnist", "options": {"feature_matching": 1.0}}, "feature_matching"),
    ({"gan": "aae", "data": "mnist", "options": {"diff_augment": True}}, "diff_augment"),
    ({"options": {"diff_augment": True}}, "diff_augment"),
    (
        {
            "gan": "dcgan",
            "data": "mnist",
            "options": {
                "diff_augment": True,
                "augment_colour": False,
                "augment_shift": 0.0,
                "augment_cutout": 0.0,
            },
        },
        "diff_augment",
    ),
    ({"options": {"virtual_batch_norm": 16}}, "virtual_batch_norm"),
    ({"gan": "gan", "data": "mnist", "options": {"virtual_batch_norm": 16}}, "virtual_batch_norm"),
    ({"gan": "infogan", "options": {"virtual_batch_norm": 16}}, "virtual_batch_norm"),
    ({"options": {"objective": "relativistic", "label_smoothing": 0.1}}, "label_smoothing"),
    ({"options": {"objective": "wasserstein", "dragan": 0.1}}, "objective"),
    ({"gan": "unrolled", "options": {"unroll": 0}}, "unroll"),
]


@pytest.mark.parametrize(
    ("request_", "field"), REFUSED, ids=[f"{field}-{i}" for i, (_, field) in enumerate(REFUSED)]
)
def test_nonsense_is_refused_by_field_with_a_remedy(request_, field):
    with pytest.raises(BadInput) as refusal:
        validate({"gan": "gan", "data": "ring", **request_})
    assert refusal.value.field == field
    assert refusal.value.remedy
    assert len(str(refusal.value)) < 600


def test_all_that_is_wrong_is_said_at_once():
    options = {"objective": "wasserstein", "batch_size": 1, "diff_augment": True, "updates": "simultaneous"}
    options |= {"critic_steps": 3, "evaluate_every": 5}
    with pytest.raises(BadInput) as refusal:
        validate({"gan": "gan", "data": "ring", "options": options})
    said = [problem.field for problem in (refusal.value, *refusal.value.others)]
    assert said == ["batch_size", "diff_augment", "objective", "critic_steps", "evaluate_every"]
    wrong = {"steps": 0, "seed": "x", "options": {"generator_lr": 0, "hidden": "x", "surprise": 1}}
    found = assess({"gan": "gan", "data": "ring", **wrong})
    fields = {problem["field"] for problem in found["refusals"]}
    assert fields == {"steps", "seed", "generator_lr", "hidden", "surprise"} and found["config"] is None
    assert all(problem["error"] and problem["remedy"] for problem in found["refusals"])


@pytest.mark.parametrize(("gan", "data"), [("gan", "ring"), ("dcgan", "mnist"), ("aae", "mnist")])
def test_what_is_ruled_out_would_be_refused_and_nothing_else(gan, data):
    request = {"gan": gan, "data": data, "options": {"r1": 1.0, "discriminator_norm": "none"}}
    if gan != "dcgan":
        del request["options"]["discriminator_norm"]
    answer = assess(request)
    assert answer["config"]["options"]["r1"] == 1.0
    for piece in STABILISERS.values():
        if piece.switch != "r1":
            on = {**request["options"], piece.switch: piece.on_value(answer["config"]["kind"])}
            fields = {one["field"] for one in assess({**request, "options": on})["refusals"]}
            assert (piece.switch in fields) == (piece.switch in answer["ruled_out"]), piece.switch


def test_viewers_may_not_name_files_of_this_machine():
    for data in ("folder", "own_pairs", "own_domains"):
        gan = {"images": "dcgan", "pairs": "pix2pix", "domains": "cyclegan"}[DATASETS[data].kind]
        request = {"gan": gan, "data": data, "options": {"folder": "/etc"}}
        [problem] = assess(request, reads_files=False)["refusals"]
        assert problem["field"] == "folder" and "viewers" in problem["error"]
        assert "viewers" not in str(assess(request)["refusals"])


def test_the_misspelt_option_is_told_its_neighbour():
    with pytest.raises(BadInput, match="generator_lr"):
        validate({"gan": "gan", "data": "ring", "options": {"genrator_lr": 1e-3}})


SWITCHES = [None, *STABILISERS]
ALONE = ("gradient_penalty", "dragan", "r1", "r2", "spectral_norm")  # these want D without batch norm
BOUNDS = ("weight_clipping", "gradient_penalty", "r1", "spectral_norm")  # one of them holds a critic


def is_refused(gan, data, objective, piece):
    """Whether a combination makes no sense."""
    return (
        (objective == "wasserstein" and piece not in BOUNDS)
        or (piece == "label_smoothing" and not OBJECTIVES[objective].smoothing)
        or (piece == "virtual_batch_norm" and gan == "gan")
        or (piece in ("diff_augment", "adaptive_augment") and data == "ring")
        or (piece == "adaptive_augment" and OBJECTIVES[objective].threshold is None)
    )


PLACES = (("gan", "ring"), ("gan", "mnist"), ("dcgan", "mnist"))


@pytest.mark.parametrize(("turn", "objective", "piece"), [
    (first + second, objective, piece)
    for (first, objective), (second, piece) in itertools.product(enumerate(OBJECTIVES), enumerate(SWITCHES))
], ids=str)  # fmt: skip
def test_any_sensible_combination_takes_steps(turn, objective, piece):
    """GAN x objective x stabiliser: a refusal that names a field; or else, in one of the places that take
    both, three steps with finite weights. The next pair takes them in the next place.
    """
    taken = []
    for gan, data in PLACES:
        base = SMALL_POINTS if data == "ring" else SMALL_IMAGES
        options = {
            name: value for name, value in base.items() if name in options_model(gan, data).model_fields
        }
        options["objective"] = objective
        if gan == "dcgan" and piece in ALONE:
            options["discriminator_norm"] = "none"
        if piece:
            options[STABILISERS[piece].switch] = STABILISERS[piece].on
        request = {"gan": gan, "data": data, "device": "cpu", "options": options}
        if is_refused(gan, data, objective, piece):
            with pytest.raises(BadInput) as refusal:
                validate(request)
            assert refusal.value.field in ("objective", piece) and refusal.value.remedy
        else:
            taken.append(validate(request))
    if taken:
        takes_steps(taken[turn % len(taken)])


def takes_steps(config):
    trainer = Trainer(config)
    for _ in range(3):
        trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and trainer.is_finite()
    assert {"d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "g_grad", "d_grad"} <= set(values)


@pytest.mark.parametrize("gan", GANS)
@pytest.mark.parametrize("data", DATASETS)
def test_every_option_is_described_and_its_default_permitted(gan, data):
    model = options_model(gan, data)
    for field in describe(model):
        assert field["label"] and field["help"], field["name"]
        assert field["type"] in ("bool", "int", "float", "choice", "text")
    assert model().model_dump()


def test_the_catalogue_is_plain_data():
    import json

    listed = json.loads(json.dumps(catalogue()))
    offered = {name for name, source in DATASETS.items() if source.offered}
    assert set(listed["gans"]) == set(GANS) and set(listed["datasets"]) == offered


@pytest.mark.parametrize(("data", "knows"), [("ring", False), ("mnist", True)])
def test_a_knob_that_could_only_be_refused_is_not_offered_live(data, knows):
    names = {field["name"] for field in validate({"gan": "gan", "data": data})["meta"]["live"]}
    assert ("evaluate_every" in names) == knows and {"generator_lr", "dragan", "instance_noise"} <= names
    assert ({"diff_augment", "augment_shift"} <= names) == knows


def test_a_device_is_named_with_or_without_its_number():
    run = {"gan": "gan", "data": "ring"}
    assert validate({**run, "device": "cuda:1"})["device"] == "cuda:1" and validate(run)["device"] == "auto"
    for device in ("quantum", 5):
        with pytest.raises(BadInput) as refusal:
            validate({**run, "device": device})
        assert refusal.value.field == "device"
