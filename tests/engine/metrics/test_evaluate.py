"""Evaluation from end to end: generators of known quality must get the figures that they deserve."""

import copy
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from engine.data.pictures.mnist import Mnist
from engine.data.pictures.stacked import Stacked
from engine.data.points.grid import Grid
from engine.data.points.ring import Ring
from engine.data.source import ImageSource
from engine.game.recipe import Code, Recipe, Shape
from engine.metrics import measures
from engine.metrics.evaluate import applicable, as_text, evaluate_networks
from engine.metrics.features import as_input
from engine.metrics.network import load
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer
from engine.worker.session import train

N = 400


class Album(nn.Module):
    """Holds pictures or points, and a weight, as a generator does."""

    def __init__(self, items, labels=None):
        super().__init__()
        self.items, self.labels = items, labels
        self.weight = nn.Parameter(torch.zeros(1))


class Known(Recipe):
    """Draws item number latent[0] from an album: its samples are as good as that is."""

    title, sentence, paper = "Known", "", ""

    def __init__(self, shape):
        super().__init__(SimpleNamespace(latent_dim=1), Shape("images", shape))

    def networks(self):
        return {}

    def stages(self):
        return []

    def draw_latent(self, n, generator):
        return torch.rand(n, self.latent_dim, generator=generator)

    def generate(self, networks, z):
        generator = networks["generator"]
        chosen = (z[:, 0] * len(generator.items)).long()
        items = generator.items[chosen]
        return as_input(items)


class Told(Known):
    """Is given a class and draws it, but every fifth time the next one."""

    codes = (Code("class", "categorical", 10, 1, tuple("0123456789"), given=True),)

    def draw_latent(self, n, generator):
        return Recipe.draw_latent(self, n, generator)

    def generate(self, networks, z):
        generator = networks["generator"]
        asked = z[:, 1:].argmax(1)
        wrong = (z[:, 0] * 1000).floor().long() % 5 == 0
        drawn = torch.where(wrong, (asked + 1) % 10, asked)
        return as_input(
            torch.stack([generator.items[generator.labels == digit][0] for digit in drawn.tolist()])
        )


class Reader(Known):
    """Knows classes by the classifier that ships, under other numbers, and takes every 7 for a 1."""

    codes = (Code("category", "categorical", 10, 1),)
    reads_codes = has_classifier = has_encoder = True

    def classify(self, networks, x):
        logits = load("mnist-classifier")(x).clone()
        logits[:, 7] = -1e9
        return logits

    def read_codes(self, networks, x):
        return load("mnist-classifier")(x).roll(3, 1)

    def encode(self, networks, x):
        return torch.zeros(len(x), 1)

    def encoder_features(self, networks, x):
        return load("mnist-classifier").features(x)


class Flat(Known):
    """Encodes whatever it sees as 0, where the album's first picture lies."""

    has_encoder = True

    def encode(self, networks, x):
        return torch.zeros(len(x), 1)


ENCODERS = [  # with an encoder of their own, and how wide its last hidden layer is
    ("bigan", {"hidden": 48}, 48),
    ("bigan", {"networks": "convolutional", "width": 4}, 8 * 7 * 7),
    ("aae", {"hidden": 48}, 48),
]


def judge(album, source, metrics, recipe=Known, n=N, **how):
    networks = {"generator": album}
    return evaluate_networks(recipe(source.shape), networks, source, metrics, n, **how)


@pytest.fixture(scope="module")
def mnist():
    return Mnist()


class TestImages:
    METRICS = ["fid", "kid", "inception_score", "prdc"]

    def test_real_images_reach_the_floor_and_noise_does_not(self, mnist):
        real = judge(Album(mnist.test_images[N:]), mnist, self.METRICS)
        noise = torch.randint(0, 256, (N, 1, 28, 28), dtype=torch.uint8)
        bad = judge(Album(noise), mnist, self.METRICS)
        figures, floors = real["figures"], real["floors"]
        assert floors == bad["floors"] and set(figures) == set(floors)
        assert figures["fid"] < 2 * floors["fid"] and bad["figures"]["fid"] > 50 * floors["fid"]
        assert bad["figures"]["kid"] > 100 * abs(figures["kid"])
        assert figures["inception_score"] == pytest.approx(floors["inception_score"], rel=0.1)
        for name in ("precision", "recall", "density", "coverage"):
            assert figures[name] == pytest.approx(floors[name], abs=0.12) and figures[name] > 0.75
            assert bad["figures"][name] < 0.2

    def test_a_missing_digit_costs_recall_not_precision(self, mnist):
        chosen = mnist.test_images[mnist.test_labels < 5]
        found = judge(Album(chosen), mnist, ["recall", "fid"])
        assert found["figures"]["precision"] > 0.8 and found["figures"]["coverage"] < 0.6
        assert found["figures"]["fid"] > 5 * found["floors"]["fid"]

    def test_all_is_said_that_a_figure_needs(self, mnist):
        found = judge(Album(mnist.test_images), mnist, ["fid"], seed=3)
        assert found["network"]["name"] == "mnist-classifier" and "Not comparable" in found["network"]["note"]
        assert found["seed"] == 3 and found["n"] == N and found["metrics"]["fid"]["n"] == N
        assert found["metrics"]["fid"]["against"] == f"{N} training images"
        assert found["metrics"]["fid"]["floor"] == f"{N} test images"
        json.dumps(found, allow_nan=False)

    def test_the_same_seed_gives_the_same_figures_and_leaves_the_global_state(self, mnist):
        album = Album(mnist.test_images)
        before = torch.get_rng_state()
        first = judge(album, mnist, ["fid", "kid", "inception_score"], n=100, seed=1)
        assert torch.equal(torch.get_rng_state(), before)
        torch.rand(5)
        again = judge(album, mnist, ["fid", "kid", "inception_score"], n=100, seed=1)
        assert first["figures"] == again["figures"]
        other = judge(album, mnist, ["fid"], n=100, seed=2)
        assert other["figures"]["fid"] != first["figures"]["fid"]
        assert other["floors"]["fid"] == first["floors"]["fid"]

    def test_a_measure_does_not_depend_on_its_company(self, mnist):
        album = Album(mnist.test_images)
        alone = judge(album, mnist, ["kid"], n=100)
        assert (
            judge(album, mnist, ["memorisation", "kid"], n=100)["figures"]["kid"] == alone["figures"]["kid"]
        )

    def test_samples_that_are_no_numbers_are_refused(self, mnist):
        album = Album(torch.full((5, 1, 28, 28), torch.nan))
        with pytest.raises(BadInput, match="not finite numbers"):
            judge(album, mnist, ["fid"], n=100)


class TestMemorisation:
    def test_a_generator_that_replays_is_flagged(self, mnist):
        found = judge(Album(mnist.images), mnist, ["memorisation"], n=6000 // 12)
        # it searches 6,000 of the 60,000 training images, so that one copy in ten is found
        assert found["metrics"]["memorisation"]["training_images"] == 6000
        assert found["figures"]["memorised"] > 0.06 and found["warnings"]

    def test_one_that_draws_unseen_images_is_not(self, mnist):
        found = judge(Album(mnist.test_images), mnist, ["memorisation"], n=500)
        assert found["figures"]["memorised"] < 0.03 and not found["warnings"]
        assert found["floors"]["memorised"] == pytest.approx(0.01, abs=0.002)

    def test_small_data_of_ones_own(self, mnist):
        class Upload(ImageSource):
            title, shape = "Upload", (1, 28, 28)
            images = mnist.images[:300]

        replay = judge(Album(Upload.images), Upload(), ["memorisation"])
        assert replay["figures"]["memorised"] == 1 and len(replay["warnings"]) == 2
        fresh = judge(Album(mnist.test_images), Upload(), ["memorisation"])
        assert fresh["figures"]["memorised"] < 0.05
        assert len(fresh["warnings"]) == 1 and "300 training pictures" in fresh["warnings"][0]


class TestPromises:
    def test_class_agreement(self, mnist):
        album = Album(mnist.test_images[:500], mnist.test_labels[:500])
        found = judge(album, mnist, ["class_agreement"], Told)
        assert found["figures"]["class_agreement"] == pytest.approx(
            0.8, abs=0.06
        )  # three standard deviations
        assert found["floors"]["class_agreement"] > 0.98
        assert set(found["metrics"]["class_agreement"]["by_class"]) == set("0123456789")

    def test_code_error_is_that_of_the_reader_once_codes_are_named(self, mnist):
        found = judge(Album(mnist.images), mnist, ["code_error"], Reader)
        assert found["figures"]["code_error"] < 0.02
        details = found["metrics"]["code_error"]
        assert details["classes_of_codes"] == [(code - 3) % 10 for code in range(10)]
        assert details["matching"] == "one to one" and details["test_images"] == 2 * N

    def test_classifier_error(self, mnist):
        found = judge(Album(mnist.images), mnist, ["classifier_error"], Reader)
        sevens = (mnist.test_labels == 7).double().mean().item()
        assert found["figures"]["classifier_error"] == pytest.approx(sevens, abs=0.04)

    def test_encoder_neighbour_takes_the_features_that_are_offered(self, mnist):
        found = judge(Album(mnist.images), mnist, ["encoder_1nn"], Reader, n=150)
        assert found["figures"]["encoder_1nn"] > 0.97
        assert 0.82 < found["floors"]["encoder_1nn"] < 0.94  # raw pixels of 1,800 digits
        assert found["metrics"]["encoder_1nn"]["dimensions"] == 128
        assert "encoder_hidden_1nn" not in found["figures"]  # it has no network of its own

    def test_encoding(self, mnist):
        found = judge(Album(mnist.images), mnist, ["encoding"], Flat, n=150)
        x = as_input(mnist.test_images[:150])
        figures, floors = found["figures"], found["floors"]
        assert figures["reconstruction_error"] == pytest.approx(
            float((as_input(mnist.images[0]) - x).square().mean()), rel=1e-4
        )
        mean = as_input(mnist.images[:2000]).mean(0)
        assert (
            0 < floors["reconstruction_error"] < float((x - mean).square().mean())
        )  # one component does more
        assert figures["prior_distance"] == pytest.approx(2 / 2 - 1 / 3, abs=0.06)  # 0 against U(0, 1)
        assert 0 < floors["prior_distance"] < 0.02

    @pytest.mark.parametrize(("gan", "options", "width"), ENCODERS)
    def test_encoder_neighbour_of_the_last_hidden_layer(self, mnist, gan, options, width):
        options = {"batch_size": 16, **options}
        config = validate({"gan": gan, "data": "mnist", "steps": 1, "seed": 0, "options": options})
        trainer = Trainer({**config, "device": "cpu"})
        encoder = trainer.networks["encoder"].eval()
        networks = {"generator": trainer.networks["generator"], "encoder": encoder}
        found = evaluate_networks(trainer.recipe, networks, mnist, ["encoder_1nn"], 150)
        assert found["metrics"]["encoder_1nn"]["hidden_dimensions"] == width
        assert found["figures"]["encoder_hidden_1nn"] > 0.6  # untrained, they are random projections
        assert found["floors"]["encoder_hidden_1nn"] == found["floors"]["encoder_1nn"]

    def test_what_the_last_layer_is_given(self):
        network = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
        last, x = measures.last_linear(network), torch.randn(5, 1, 2, 3)
        assert last is network[3]
        assert measures.given_to(last, network, x).equal(network[:3](x))
        assert not last._forward_pre_hooks  # nothing is left behind
        assert measures.last_linear(nn.Sequential(nn.Flatten(), nn.Linear(6, 2))) is None
        assert measures.last_linear(nn.Sequential(nn.Linear(6, 2), nn.ReLU(), nn.Tanh())) is None


class TestModes:
    def test_all_thousand_and_one(self):
        source = Stacked()
        found = judge(Album(source.test_images), source, ["stacked_modes"], n=1000)
        hit = found["figures"]["modes_hit"]
        assert (
            hit == pytest.approx(found["floors"]["modes_hit"], abs=50) and 550 < hit < 700
        )  # 1000 (1 - 1/e)
        one = judge(Album(source.test_images[:1]), source, ["stacked_modes"], n=200)
        assert one["figures"] == {"modes_hit": 1, "modes_kl": pytest.approx(6.908, abs=1e-3)}

    def test_points(self):
        source = Grid()
        points = source.sample(4000, torch.Generator().manual_seed(7))
        found = judge(Album(points), source, None)
        assert found["figures"]["modes_hit"] == 25 and found["figures"]["share"] > 0.97
        assert found["figures"]["jsd"] < 2 * found["floors"]["jsd"] and found["network"] is None
        assert found["figures"]["transport"] < 1.5 * found["floors"]["transport"]
        half = judge(Album(points[points[:, 0] > 0]), source, ["modes", "prdc", "transport"])
        assert half["figures"]["transport"] > 3 * half["floors"]["transport"]
        assert half["figures"]["modes_hit"] < 16 and half["figures"]["recall"] < 0.6
        assert half["figures"]["precision"] > 0.85


class TestChoice:
    def test_what_applies(self, mnist):
        pictures = ["fid", "kid", "inception_score", "prdc", "memorisation"]
        assert applicable(Known((1, 28, 28)), mnist) == pictures
        assert applicable(Told((1, 28, 28)), mnist) == [*pictures, "class_agreement"]
        assert applicable(Reader((1, 28, 28)), mnist)[5:] == [
            "code_error",
            "encoding",
            "encoder_1nn",
            "classifier_error",
        ]
        assert applicable(Known((2,)), Ring()) == ["prdc", "modes", "divergence", "transport"]
        stacked = applicable(Known((3, 28, 28)), Stacked())
        assert "stacked_modes" in stacked and "inception_score" not in stacked

    @pytest.mark.parametrize(
        ("metrics", "n", "field", "words"),
        [
            (["fidd"], N, "metrics", "no measure called"),
            (["modes"], N, "metrics", "does not apply: it needs 2-D data"),
            (["class_agreement"], N, "metrics", "told the class"),
            ([], N, "metrics", "no measure is named"),
            (["fid"], 3, "n", "at least 16"),
            (["fid"], 10**7, "n", "at most 100000"),
        ],
    )
    def test_refusals(self, mnist, metrics, n, field, words):
        with pytest.raises(BadInput, match=words) as refusal:
            judge(Album(mnist.images), mnist, metrics, n=n)
        assert refusal.value.field == field and refusal.value.remedy


def test_training_mode_and_running_statistics_come_through(mnist):
    album = Album(mnist.images)
    album.norm = nn.BatchNorm1d(3)
    album.train()
    kept = copy.deepcopy(album.state_dict())
    judge(album, mnist, ["fid"], n=100)
    assert album.training and album.norm.training
    assert all(torch.equal(kept[name], value) for name, value in album.state_dict().items())


class TestCommand:
    def run(self, *arguments):
        command = [sys.executable, "-m", "engine", "evaluate", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def test_a_run_as_json_and_as_a_table(self, new_run):
        folder = new_run(steps=30)
        assert train(folder) == "done"
        done = self.run(folder.path, "--n", 300, "--metrics", "modes_hit,prdc", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert (
            found["model"] == folder.id and found["step"] == 30 and set(found["metrics"]) == {"modes", "prdc"}
        )
        text = as_text(found)
        assert "Mode coverage" in text and "beside: as many real points" in text and "step 30" in text

    def test_refusals_name_what_there_is(self, new_run):
        folder = new_run(steps=5)
        train(folder)
        done = self.run(folder.path, "--metrics", "fid")
        assert done.returncode == 2 and "it needs pictures" in done.stderr and "modes" in done.stderr
        assert "Traceback" not in done.stderr
        done = self.run("nothing-here")
        assert done.returncode == 2 and "no model or run" in done.stderr
