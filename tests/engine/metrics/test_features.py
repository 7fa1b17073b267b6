"""Networks that look at pictures: which one is picked, that it is named, and that it sees what matters."""

import json

import pytest
import torch
import torch.nn.functional as F
from torchvision.models import Inception_V3_Weights, inception_v3

from engine import PRETRAINED
from engine.data.pictures.fashion import Fashion
from engine.data.pictures.mnist import DigitsOptions, Mnist
from engine.data.pictures.openmoji import OpenMoji
from engine.data.pictures.stacked import Stacked
from engine.data.pixels import to_pixels
from engine.data.points.ring import Ring
from engine.data.source import ImageSource
from engine.metrics.features import RandomConvolutions, as_input, digits_of, inception_file, pick
from engine.metrics.frechet import frechet_distance
from engine.metrics.real import comparable, fingerprint, real_features
from engine.options import BadInput


@pytest.fixture
def hub(tmp_path):
    """An empty cache of torch.hub: what is in the user's own must not change what is picked."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


class Few(ImageSource):
    """200 small colour pictures without classes."""

    title = "Few"
    shape = (3, 32, 32)
    images = torch.randint(
        0, 256, (200, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )


@pytest.mark.parametrize("size", [28, 32])
def test_mnist_is_looked_at_by_its_classifier(size):
    source = Mnist(DigitsOptions(size=size))
    network = pick(source)
    assert network.name == "mnist-classifier" and "Not comparable with published" in network.note
    x = as_input(source.test_images[:300])
    features = network.features(x)
    assert features.shape == (300, network.dimensions) and features.dtype == torch.float32
    chances = network.probabilities(x)
    assert torch.allclose(chances.sum(1), torch.ones(300), atol=1e-5)
    stated = json.loads((PRETRAINED / "mnist-classifier" / "config.json").read_text())["test_accuracy"]
    right = (chances.argmax(1) == source.test_labels[:300]).double().mean()
    assert right == pytest.approx(stated, abs=0.02)
    assert torch.allclose(network.read(source.test_images[:300]), features, atol=1e-4)


@pytest.mark.skipif(Fashion.missing() is not None, reason="Fashion-MNIST is not on this machine")
def test_fashion_is_looked_at_by_its_own():
    assert pick(Fashion()).name == "fashion-classifier"


def test_stacked_mnist_is_looked_at_channel_by_channel():
    source = Stacked()
    network = pick(source)
    assert network.name == "mnist-classifier-by-channel" and network.dimensions == 384
    features = network.read(source.test_images[:200])
    digits = digits_of(network, features)
    labels = source.test_labels[:200]
    truth = torch.stack([labels // 100, labels // 10 % 10, labels % 10], 1)
    assert (digits == truth).double().mean() > 0.98
    alone = pick(Mnist()).features(as_input(source.test_images[:200, 1:2]))
    assert torch.allclose(features[:, 128:256], alone, atol=1e-4)


def test_points_are_their_own_features():
    network = pick(Ring())
    points = torch.randn(7, 2)
    assert torch.equal(network.read(points), points) and network.dimensions == 2


class TestInception:
    def test_without_its_weights_other_data_get_random_convolutions(self, hub):
        assert pick(OpenMoji()).name == "random-convolutions"

    def test_asked_for_without_weights_it_is_refused_with_three_remedies(self, hub):
        with pytest.raises(BadInput, match="not on this machine") as refusal:
            pick(Few(), "inception")
        assert refusal.value.remedy.count("Or:") == 2 and str(inception_file()) in refusal.value.remedy

    def test_a_failed_fetch_says_so(self, hub, monkeypatch):
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
        with pytest.raises(BadInput, match="could not be fetched"):
            pick(Few(), "inception", download=True)

    def test_damaged_weights_are_refused(self, hub):
        hub.mkdir()
        torch.save({"fc.weight": torch.zeros(1)}, inception_file())
        with pytest.raises(BadInput, match="damaged"):
            pick(Few(), "inception")

    def test_with_weights_it_looks_in_colour_at_299_pixels(self, hub):
        hub.mkdir()
        torch.manual_seed(0)
        reference = inception_v3(weights=None, init_weights=False).eval()
        torch.save(reference.state_dict(), inception_file())
        network = pick(Few())
        assert network.name == "inception-v3" and network.dimensions == 2048
        x = as_input(Few.images[:2])
        large = F.interpolate(x, (299, 299), mode="bilinear", antialias=True, align_corners=False)
        with torch.no_grad():
            expected = reference(
                large
            )  # its weights want [-1, 1]; ImageNet's scale is undone by transform_input
        features = network.features(x)
        assert features.shape == (2, 2048) and torch.allclose(network.logits(features), expected, atol=1e-4)
        assert network.features(x[:, :1]).shape == (2, 2048)  # grey too
        apart = network.distance(x, x + 0.1 * torch.randn_like(x))
        assert network.distance(x, x).abs().max() < 1e-6 and (apart > 0).all()
        assert len(network.inner(x)) == 5 and not any(part._forward_hooks for part in reference.modules())

    def test_where_torch_hub_keeps_it(self, hub):
        assert inception_file().parent == hub
        assert Inception_V3_Weights.IMAGENET1K_V1.url.endswith(inception_file().name)


FIRST = [-0.44563, 0.25480, 0.30696, -0.20655]


class TestRandomConvolutions:
    def test_the_same_every_time_whatever_was_drawn_before(self):
        x = as_input(Few.images[:5])
        torch.manual_seed(1)
        first = RandomConvolutions()(x)
        torch.manual_seed(2)
        assert torch.equal(RandomConvolutions()(x), first) and first.shape == (5, 128)

    def test_the_first_features_of_a_fixed_picture(self):
        """They are named in results: other weights would be another network under the same name."""
        ramp = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
        assert RandomConvolutions()(ramp)[0, :4].tolist() == pytest.approx(FIRST, abs=1e-4)

    def test_worse_pictures_are_farther_away(self, hub):
        source = OpenMoji()
        network = pick(source)
        images = source.images[:600]
        real, other = network.read(images[:300]), network.read(images[300:])
        blurred = F.avg_pool2d(images[300:].float(), 5, 1, 2).byte()
        noise = torch.randint(0, 256, (300, *images.shape[1:]), dtype=torch.uint8)
        distances = [
            frechet_distance(real, other),
            frechet_distance(real, network.read(blurred)),
            frechet_distance(real, network.read(noise)),
        ]
        assert distances == sorted(distances) and distances[1] > 2 * distances[0]
        assert distances[2] > 10 * distances[1]


class TestRefusals:
    def test_no_classifier(self):
        with pytest.raises(BadInput, match="no classifier ships"):
            pick(Few(), "classifier")

    def test_an_unknown_network(self):
        with pytest.raises(BadInput, match="'inception' or 'random', but 'vgg' was given") as refusal:
            pick(Few(), "vgg")
        assert refusal.value.field == "network"


class TestReal:
    def test_reference_and_floor_share_no_image(self):
        source, network = Few(), pick(Few(), "random")
        found = real_features(source, network, 5000)
        assert comparable(source, 5000) == len(found.reference) == len(found.other) == 100
        assert torch.cdist(found.reference, found.other).min() > 1e-3
        assert found.other_is == "100 other training images"

    def test_test_images_are_the_floor_where_there_are_enough(self):
        found = real_features(Mnist(), pick(Mnist()), 200)
        assert found.other_is == "200 test images" and len(found.other) == 200

    def test_looked_at_once(self):
        source, network = Few(), pick(Few(), "random")
        assert real_features(source, network, 60) is real_features(Few(), network, 60)

    def test_other_images_under_the_same_options_are_other_data(self):
        class Changed(Few):
            images = Few.images.clone()

        Changed.__name__ = "Few"
        before = fingerprint(Few())
        assert fingerprint(Changed()) == before
        Changed.images[0] += 1
        assert fingerprint(Changed()) != before


def test_bytes_and_back():
    images = Few.images[:3]
    assert torch.equal(to_pixels(as_input(images)), images)
    assert to_pixels(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
