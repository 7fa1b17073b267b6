"""Train the classifier that tells which classes a generator's samples belong to.

    python -m engine.metrics.classifier --data mnist

trains it on the training part, measures it once on the test part and writes ``pretrained/mnist-classifier/``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from engine import PRETRAINED
from engine.data import DATASETS
from engine.data.pixels import to_floats
from engine.data.source import ImageSource
from engine.metrics.network import Classifier
from engine.options import validate


def train(
    source: ImageSource, epochs: int, seed: int, batch_size: int = 128, peak_rate: float = 4e-3
) -> Classifier:
    """A classifier of ``source``'s training part: AdamW, one learning-rate cycle, shifted and turned copies.

    Same seed, same thread count: same weights.
    """
    torch.manual_seed(seed)
    images, labels = source.images, source.labels
    assert labels is not None and source.classes
    classifier = Classifier(len(source.classes)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=peak_rate, weight_decay=0.02, fused=True)
    steps = len(images) // batch_size
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak_rate, total_steps=epochs * steps, pct_start=0.2
    )
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        total = 0.0
        for step in range(steps):
            chosen = order[step * batch_size : (step + 1) * batch_size]
            x = jitter(to_floats(images[chosen]))
            loss = F.cross_entropy(classifier(x), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            total += loss.item()
        print(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}", flush=True)
    return classifier.eval()


def jitter(images: Tensor, turn: float = 0.17, scale: float = 0.1, shift: float = 0.14) -> Tensor:
    """``images`` (N, 1, H, W), each turned by up to ``turn`` radians, scaled and shifted.

    Draws from torch's global generator: training owns its process.
    """
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * turn
    factor = 1 + (torch.rand(n) * 2 - 1) * scale
    offset = (torch.rand(n, 2) * 2 - 1) * shift
    cos, sin = angle.cos() * factor, angle.sin() * factor
    rows = [torch.stack([cos, -sin, offset[:, 0]], 1), torch.stack([sin, cos, offset[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)  # (N, H, W, 2)
    return F.grid_sample(images + 1, grid, align_corners=False) - 1  # what comes in from outside is black


@torch.no_grad()
def accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of ``images`` (uint8 (N, 1, H, W)) whose class is named rightly."""
    parts = zip(images.split(500), labels.split(500), strict=True)
    right = sum(int((classifier(to_floats(x)).argmax(1) == y).sum()) for x, y in parts)
    return right / len(images)


def save(classifier: Classifier, folder: Path, card: str, figures: dict[str, Any]) -> None:
    """Write ``config.json``, ``weights.safetensors`` (float32) and ``card.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in classifier.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    network = {"classes": classifier.head.out_features, "width": classifier.trunk[0].out_channels}
    config = {"kind": "classifier", "network": network, **figures}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    (folder / "card.md").write_text(card, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["mnist", "fashion"], default="mnist")
    parser.add_argument(
        "--folder", default="", help="where Fashion-MNIST's files are, if not found by themselves"
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="default: pretrained/DATA-classifier")
    arguments = parser.parse_args()
    kind = DATASETS[arguments.data]
    source = kind(validate(kind.Options, {"folder": arguments.folder} if arguments.folder else {}))
    assert isinstance(source, ImageSource)
    assert source.test_images is not None and source.test_labels is not None
    start = time.monotonic()
    classifier = train(source, arguments.epochs, arguments.seed)
    seconds = time.monotonic() - start
    share = accuracy(classifier, source.test_images, source.test_labels)
    figures = {
        "data": arguments.data,
        "test_accuracy": share,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
    }
    folder = arguments.out or PRETRAINED / f"{arguments.data}-classifier"
    save(classifier, folder, _card(classifier, source, figures, seconds), figures)
    print(f"{folder}: {share:.2%} of the test images right, {seconds:.0f} s")


def _card(classifier: Classifier, source: ImageSource, figures: dict[str, Any], seconds: float) -> str:
    assert source.test_images is not None
    parameters = sum(parameter.numel() for parameter in classifier.parameters())
    wrong = round((1 - figures["test_accuracy"]) * len(source.test_images))
    return f"""# Classifier for {source.title}

Tells which class a generated image belongs to: class histograms while a GAN trains, features for evaluation.

- Network: four convolutions with batch norm, one hidden layer of 128, {parameters:,} parameters
  (`engine/metrics/network.py`). Input 28 x 28 grey in [-1, 1]; larger images lose their border.
- Data: {source.title}, {len(source.images):,} training images, shifted, turned, scaled at random.
  Licence of the data: {source.licence}.
  The test part was used once, for the figure below.
- Figure: {figures["test_accuracy"]:.2%} of the {len(source.test_images):,} test images right ({wrong} wrong).
- Made by: `python -m engine.metrics.classifier --data {figures["data"]} --seed {figures["seed"]}`
  ({figures["epochs"]} epochs) in {seconds:.0f} s on {torch.get_num_threads()} CPU thread(s),
  torch {torch.__version__}.
- Licence of the weights: MIT.
- Not for photographs: it has seen only small, centred, cleaned images.
"""


if __name__ == "__main__":
    main()
