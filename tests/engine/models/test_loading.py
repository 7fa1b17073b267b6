"""Models and runs are loaded alike, and a sample's bytes depend on nothing but model, seed and codes."""

import shutil

import pytest
import torch

from engine.explore.sample import sample_grid
from engine.metrics.features import as_input
from engine.models import checkpoint, finding, loading
from engine.options import BadInput, NotFound
from engine.runs.files import Tail
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.worker.session import train

INFO = {"gan": "infogan", "data": "mnist", "width": 4, "batch_size": 8, "latent_dim": 6, "ema": 0.9}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of an InfoGAN that has taken three steps."""
    from engine.runs.folder import RunFolder
    from tests.engine.conftest import small

    folder = RunFolder(tmp_path_factory.mktemp("runs") / "info")
    options = {name: value for name, value in INFO.items() if name not in ("gan", "data")}
    config = small("infogan", "mnist", steps=3, **options)
    folder.create({"id": "info", **config}, "starting")
    assert train(folder) == "done"
    return folder


@pytest.fixture
def model(run):
    return loading.load(run.path)


def test_a_run_is_loaded_with_its_averages_in_place(run, model):
    state = checkpoint.load(checkpoint.newest(run))["trainer"]
    kept = model.networks["generator"].state_dict()
    for name, value in state["averages"]["generator"].items():
        assert torch.equal(kept[name], value), name
    assert model.step == 3
    assert not any(weight.requires_grad for weight in model.networks["generator"].parameters())


def test_a_sample_is_the_same_in_any_company(model):
    latents = model.latents(range(11))
    together = model.generate(latents)
    alone = torch.cat([model.generate(latent[None]) for latent in latents])
    turned = model.generate(latents.flip(0)).flip(0)
    assert torch.equal(together, alone) and torch.equal(together, turned)


def test_a_seed_gives_its_latent_in_any_company(model):
    assert torch.equal(model.latents([3, 9])[1:], model.latents([9]))


def test_codes_override_what_the_seed_has_drawn(model):
    category, c1 = model.recipe.codes[0], model.recipe.codes[1]
    latents = model.latents([5, 6], {"category": 3, "c1": -1.5})
    assert category.of(latents).argmax(1).tolist() == [3, 3]
    assert c1.of(latents).flatten().tolist() == [-1.5, -1.5]
    assert torch.equal(
        latents[:, : model.recipe.noise_dim], model.latents([5, 6])[:, : model.recipe.noise_dim]
    )


def test_truncation_scales_the_noise_alone(model):
    noise = model.recipe.noise_dim
    full, half = model.latents([5]), model.latents([5], truncation=0.5)
    assert torch.allclose(half[:, :noise], full[:, :noise] / 2)
    assert torch.equal(half[:, noise:], full[:, noise:])


@pytest.mark.parametrize(
    ("codes", "field"),
    [
        ({"category": 10}, "codes"),
        ({"category": -1}, "codes"),
        ({"category": True}, "codes"),
        ({"category": "ten"}, "codes"),
        ({"c1": float("nan")}, "codes"),
        ({"c1": [1, 2]}, "codes"),
        ({"c1": "wide"}, "codes"),
        ({"slant": 1}, "codes"),
    ],
)
def test_codes_that_cannot_be_used_are_refused(model, codes, field):
    with pytest.raises(BadInput) as refusal:
        model.latents([0], codes)
    assert refusal.value.field == field and refusal.value.remedy


@pytest.mark.parametrize("seed", [-1, 2**53 + 1])
def test_seeds_that_cannot_be_used_are_refused(model, seed):
    with pytest.raises(BadInput):
        model.latents([seed])


def test_a_kept_model_draws_what_the_run_draws(model, tmp_path):
    loading.keep(model, tmp_path / "kept", licence="as the program's", figures={})
    kept = loading.load(tmp_path / "kept")
    latents = model.latents(range(4))
    # half precision: 11 bits of each weight
    assert torch.allclose(kept.generate(latents), model.generate(latents), atol=0.02)
    assert finding.describe(tmp_path / "kept")["gan"] == "infogan"


def test_a_model_may_be_kept_without_all_of_its_networks(model, tmp_path):
    loading.keep(model, tmp_path / "kept", only=("generator",))
    kept = loading.load(tmp_path / "kept")
    assert set(kept.networks) == {"generator"}
    assert kept.generate(kept.latents([0])).shape == (1, 1, 28, 28)


def test_damaged_weights_are_refused(model, tmp_path):
    loading.keep(model, tmp_path / "kept")
    config = (tmp_path / "kept" / "config.json").read_text()
    (tmp_path / "kept" / "config.json").write_text(config.replace('"width": 4', '"width": 8'))
    with pytest.raises(BadInput, match="do not fit"):
        loading.load(tmp_path / "kept")


@pytest.mark.parametrize("name", ["nothing-like-it", "../escape", "", "."])
def test_what_is_no_model_is_not_found(name, tmp_path):
    with pytest.raises(NotFound):
        loading.load(name, tmp_path)


def test_a_run_without_a_checkpoint_says_so(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "empty", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(NotFound, match=r"(not a|no) checkpoint"):
        loading.load(tmp_path / "empty")


def test_the_command_lines_picture_is_made_of_the_same_samples(run):
    one = sample_grid(run.path, 1, 7)
    assert one == sample_grid(run.path, 1, 7)
    assert one != sample_grid(run.path, 1, 7, codes={"c1": 100}, truncation=9.0)


@pytest.mark.parametrize("name", [folder.name for folder in finding.folders()])
def test_every_model_that_ships_draws(name):
    model = loading.load(name)
    if model.recipe.directions:
        given = as_input(model.source().test_a[:3])
        with torch.inference_mode():
            samples = model.recipe.translator(model.networks, "a_to_b")(given)
        with pytest.raises(BadInput, match="translates pictures"):
            model.latents([0])
    else:
        samples = model.generate(model.latents(range(3)))
    assert samples.shape[1:] == model.shape.shape
    assert float(samples.std()) > 0.1
    folder = finding.find(name)
    card = (folder / "card.md").read_text()
    for word in ("Licence", "Made by", "Seed", "Limits", "| figure |"):
        assert word in card, word


def test_the_models_that_were_asked_for_are_small():
    """Six of them, in less than 40 MB."""
    names = ("infogan-mnist", "dcgan-fashion", "acgan-fashion", "dcgan-openmoji", "bigan-mnist", "aae-mnist")
    sizes = [(finding.find(name) / "weights.safetensors").stat().st_size for name in names]
    assert sum(sizes) < 40_000_000


# beginning with a model's weights


def test_a_run_begins_with_the_weights_of_a_model(run, model):
    config = validate({**_request(run), "start_from": str(run.path)})
    trainer = Trainer(config)
    for name, network in trainer.networks.items():
        for key, value in network.state_dict().items():
            assert torch.equal(value, model.networks[name].state_dict()[key]), key


def _request(run):
    config = run.config()
    return {key: config[key] for key in ("gan", "data", "steps", "seed", "options")}


@pytest.mark.parametrize(
    "change", [{"options": {"width": 8}}, {"gan": "dcgan", "options": {}}, {"start_from": "nothing"}]
)
def test_weights_that_do_not_fit_are_refused(run, change):
    request = {**_request(run), "start_from": str(run.path)}
    options = {**request["options"], **change.get("options", {})} if change.get("options") != {} else {}
    with pytest.raises(BadInput) as refusal:
        validate({**request, **change, "options": options})
    assert refusal.value.field in ("start_from", "model")


def test_a_discriminator_of_another_kind_begins_anew(new_run):
    folder = new_run(gan="dcgan", data="mnist", steps=2, discriminator_norm="batch")
    train(folder)
    first, request = loading.load_run(folder), _request(folder)
    request["options"] = {**request["options"], "discriminator_norm": "none"}
    begun = Trainer(validate({**request, "start_from": str(folder.path)})).networks
    anew = Trainer(validate(request)).networks
    for name, source in (("generator", first.networks), ("discriminator", anew)):
        wanted = source[name].state_dict()
        assert all(torch.equal(value, wanted[key]) for key, value in begun[name].state_dict().items()), name


# evaluation while training


def test_the_best_checkpoint_is_kept_by_an_evaluation(new_run):
    folder = new_run(
        gan="dcgan", data="mnist", steps=4, evaluate_every=2, evaluate_samples=64, keep_best="fid"
    )
    assert train(folder) == "done"
    events = Tail(folder.events).read()
    evaluated = {event["step"]: event["figures"]["fid"] for event in events if event["type"] == "evaluation"}
    assert list(evaluated) == [2, 4]
    best = [event for event in events if event["type"] == "best"]
    assert best[-1]["value"] == min(evaluated.values())
    kept = checkpoint.load(folder.checkpoints / checkpoint.BEST)
    assert kept["trainer"]["step"] == best[-1]["step"]
    rows = [row for row in Tail(folder.metrics).read() if "fid" in row]
    assert [row["step"] for row in rows] == [2, 4]


def test_an_evaluation_changes_no_number(new_run):
    watched = new_run("with", gan="dcgan", data="mnist", steps=4, evaluate_every=2, evaluate_samples=64)
    plain = new_run("without", gan="dcgan", data="mnist", steps=4)
    assert train(watched) == train(plain) == "done"
    names = ("d_loss", "g_loss", "d_grad", "g_grad")
    for a, b in zip(Tail(watched.metrics).read(), Tail(plain.metrics).read(), strict=True):
        assert [a.get(name) for name in names] == [b.get(name) for name in names]


@pytest.mark.parametrize(
    ("gan", "data", "options", "field"),
    [
        ("dcgan", "mnist", {"keep_best": "fid"}, "keep_best"),
        ("gan", "ring", {"evaluate_every": 10}, "evaluate_every"),
    ],
)
def test_evaluations_that_make_no_sense_are_refused(gan, data, options, field):
    with pytest.raises(BadInput) as refusal:
        validate({"gan": gan, "data": data, "options": options})
    assert refusal.value.field == field
