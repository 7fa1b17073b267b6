"""Feature networks: what looks at pictures when generated ones are compared with real ones.

A distance such as FID means something only together with the network whose features it compares, so each
carries its name and says what its figures may be compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.data.pictures.stacked import Stacked
from engine.data.pixels import to_floats
from engine.data.source import Source
from engine.data.translations.two_sides import TranslationSource
from engine.metrics import picture_network
from engine.metrics.network import load, ships
from engine.options import BadInput
from engine.requests.base import value_of
from engine.requests.evaluation import Looking

BATCH = 250
Progress = Callable[[str, int, int], None]  # what is being done, how much of it, out of how much


@dataclass(frozen=True)
class FeatureNetwork:
    """A network in eval mode and what its figures are worth. ``dimensions`` is D, the length of its features.

    ``head`` makes class logits (N, K) of features, where the network knows classes. ``inner`` makes of
    pictures the maps (N, C, H, W) of its layers, from edges to things, where it has any.
    """

    name: str
    title: str
    note: str
    dimensions: int
    trunk: Callable[[Tensor], Tensor]
    head: Callable[[Tensor], Tensor] | None
    device: str
    inner: Callable[[Tensor], list[Tensor]] | None = None

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Features (N, D) of pictures (N, C, H, W) in [-1, 1], or of points (N, 2)."""
        return self.trunk(x)

    @torch.no_grad()
    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """How differently two pictures (N, C, H, W) look: (N,), on the CPU, 0 where they are equal. Only
        where there are ``inner`` maps.

        As LPIPS without learned weights (Zhang et al. 2018, equation 1): at each place of each layer's maps
        the squared distance of the two directions, averaged over places, added up over layers.
        """
        assert self.inner is not None
        layers = zip(self.inner(x.to(self.device)), self.inner(y.to(self.device)), strict=True)
        apart = [(F.normalize(a) - F.normalize(b)).square().sum(1).mean((1, 2)) for a, b in layers]
        return torch.stack(apart).sum(0).cpu()

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """Class logits (N, K) for ``features`` (N, D), on the CPU. Only where there is a ``head``."""
        assert self.head is not None
        return torch.cat([self.head(part.to(self.device)).cpu() for part in features.split(BATCH)])  # (N, K)

    def probabilities(self, x: Tensor) -> Tensor:
        """Class probabilities (N, K) of pictures (N, C, H, W) in [-1, 1]."""
        return self.logits(self.features(x)).softmax(1)

    def read(self, images: Tensor, progress: Progress | None = None) -> Tensor:
        """Features float32 (N, D), on the CPU, of ``images`` uint8 (N, C, H, W) or points (N, 2), in
        batches.
        """
        parts = []
        for start in range(0, len(images), BATCH):
            if progress:
                progress(f"looking with {self.title}", start, len(images))
            x = images[start : start + BATCH].to(self.device)
            parts.append(self.features(as_input(x)).float().cpu())
        return torch.cat(parts)  # (N, D)


def as_input(images: Tensor) -> Tensor:
    """``images`` uint8 as float32 in [-1, 1]; points as they are."""
    return to_floats(images) if images.dtype == torch.uint8 else images


def pick(
    source: Source, wanted: Looking = "auto", device: str = "cpu", download: bool = False
) -> FeatureNetwork:
    """The network that looks at ``source``.

    ``auto`` takes the classifier that ships for the data; otherwise Inception v3 if its weights are on this
    machine; otherwise random convolutions. Nothing is fetched unless ``download``. Raises ``BadInput`` for a
    network that is not there.
    """
    wanted = value_of(Looking, wanted, "network")
    if source.kind == "points":
        return FeatureNetwork("coordinates", "the plane itself", "", 2, nn.Identity(), None, device)
    knows = "mnist-classifier" if isinstance(source, Stacked) else source.classifier
    if wanted in ("auto", "classifier") and isinstance(source, TranslationSource) and picture_network.ships():
        return _of_pictures(device)
    if wanted in ("auto", "classifier") and knows and ships(knows):
        return _of_classifier(knows, isinstance(source, Stacked), device)
    if wanted == "classifier":
        raise BadInput(
            f"no classifier ships for {source.title}.", "network", "Choose one of: inception, random."
        )
    if wanted == "inception" or (wanted == "auto" and inception_file().is_file()):
        return _inception(device, download)
    return _random(device)


def _of_pictures(device: str) -> FeatureNetwork:
    network = picture_network.load(device)
    note = "Not comparable with published FIDs, which use Inception; compare figures of this network only."
    title, size = "the picture classifier of this program", picture_network.FEATURES
    return FeatureNetwork(
        "picture-classifier", title, note, size, network.features, None, device, network.maps
    )


def _of_classifier(name: str, each_channel: bool, device: str) -> FeatureNetwork:
    classifier = load(name, device)
    note = "Not comparable with published FIDs, which use Inception; compare figures of this network only."
    title, size = f"the {name.replace('-', ' ')} of this program", classifier.head.in_features
    if not each_channel:
        return FeatureNetwork(name, title, note, size, classifier.features, classifier.head, device)

    def trunk(x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        features = classifier.features(x.reshape(n * channels, 1, height, width))  # (N C, D)
        return features.view(n, channels * size)  # (N, C D)

    return FeatureNetwork(
        f"{name}-by-channel", f"{title}, channel by channel", note, 3 * size, trunk, None, device
    )


def digits_of(network: FeatureNetwork, features: Tensor) -> Tensor:
    """The digit in each channel, int64 (N, 3), by ``features`` (N, 3 D) of a network "by channel"."""
    head = load(network.name.removesuffix("-by-channel"), network.device).head
    parts = features.view(len(features), 3, -1).to(network.device)  # (N, 3, D)
    with torch.no_grad():
        return head(parts).argmax(2).cpu()  # (N, 3)


# Inception
INCEPTION_MAPS = ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")


def inception_file() -> Path:
    """Where torch.hub keeps, or would keep, the weights of torchvision's Inception v3."""
    from torchvision.models import Inception_V3_Weights

    return (
        Path(torch.hub.get_dir()) / "checkpoints" / Inception_V3_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
    )


def _inception(device: str, download: bool) -> FeatureNetwork:
    from torchvision.models import Inception_V3_Weights, inception_v3

    weights, file = Inception_V3_Weights.IMAGENET1K_V1, inception_file()
    if not (file.is_file() or download):
        raise _no_inception("are not on this machine", file, weights.url)
    network = inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)
    try:
        network.load_state_dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except OSError as problem:
        raise _no_inception(f"could not be fetched ({problem})", file, weights.url) from None
    except RuntimeError:  # another hash, or other weights
        raise _no_inception("are damaged", file, weights.url) from None
    head = network.fc.to(device)
    network.register_module("fc", nn.Identity())
    network = network.to(device).eval().requires_grad_(False)

    def trunk(x: Tensor) -> Tensor:
        x = x.expand(-1, 3, -1, -1)
        return network(F.interpolate(x, (299, 299), mode="bilinear", antialias=True, align_corners=False))

    def inner(x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        layers = [network.get_submodule(name) for name in INCEPTION_MAPS]
        hooks = [layer.register_forward_hook(lambda *seen: maps.append(seen[-1])) for layer in layers]
        try:
            trunk(x)
        finally:
            for hook in hooks:
                hook.remove()
        return maps

    note = (
        "Torchvision's ImageNet weights: near to published FIDs, which use Google's of 2015 and 50,000 "
        "samples, but not the same figure."
    )
    head = head.eval().requires_grad_(False)
    title = "torchvision's Inception v3"
    return FeatureNetwork("inception-v3", title, note, 2048, trunk, head, device, inner)


def _no_inception(what: str, file: Path, url: str) -> BadInput:
    return BadInput(
        f"the weights of Inception v3 {what}.",
        "network",
        "Either: with a connection, evaluate with --network inception, which fetches them once (104 MB). "
        f"Or: put the file of {url} at {file}. "
        "Or: do without, with --network random, and compare only figures that were made so.",
    )


# random convolutions
class RandomConvolutions(nn.Module):
    """Three untrained convolutions and a random projection to 128 numbers; the same on every machine.

    Random features tell distributions of pictures apart where no trained network suits the data (Naeem et al.
    2020, section 5), but they weigh textures and layouts, not things. Any size and C = 1 or 3: all are
    scaled to 64 px in colour.
    """

    widths = (3, 16, 32, 64)
    dimensions = 128
    side = 64

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.filters = nn.ParameterList()
        for inputs, outputs in zip(self.widths, self.widths[1:], strict=False):
            weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
            self.filters.append(weight * (2 / (9 * inputs)) ** 0.5)  # He et al. 2015: the scale is kept
        flat = self.widths[-1] * 16
        self.projection = nn.Parameter(torch.randn(flat, self.dimensions, generator=generator) / flat**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, 128) of pictures (N, C, H, W) in [-1, 1]."""
        x = x.expand(-1, 3, -1, -1)
        if x.shape[-1] != self.side:
            x = F.interpolate(
                x, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False
            )  # (N, 3, 64, 64)
        return F.adaptive_avg_pool2d(self.maps(x)[-1], 4).flatten(1) @ self.projection  # (N, 128)

    def maps(self, x: Tensor) -> list[Tensor]:
        """What each convolution makes of pictures of three channels."""
        found = []
        for weight in self.filters:
            x = F.avg_pool2d(F.relu(F.conv2d(x, weight, padding=1)), 2)
            found.append(x)
        return found


@cache
def _random(device: str) -> FeatureNetwork:
    network = RandomConvolutions().to(device).eval().requires_grad_(False)
    note = "Untrained: not comparable with published figures, only with others of this network."
    return FeatureNetwork(
        "random-convolutions",
        "random convolutions (untrained)",
        note,
        network.dimensions,
        network,
        None,
        device,
        lambda x: network.maps(x.expand(-1, 3, -1, -1)),
    )
