"""1-NN accuracy of BiGAN's encoder on MNIST, beside pixels, principal components and an autoencoder.

python -m tests.benchmarks.encoders [--only pixels ...] [--runs runs] [--table]

Donahue et al. 2017, table 1: BiGAN 97.39 %, an autoencoder 97.58 % (squared error), after 187,500 steps. It
is the figure of the encoder's last hidden layer: the log in the README of their code, jeffdonahue/bigan on
GitHub, has 97.35 % for it and 92.10 % for the output. All 60,000 training digits are the neighbours, all
10,000 test digits are asked. The autoencoder has BiGAN's own encoder and generator, and no adversary. An
encoder is measured by both layers. A run goes on where it was interrupted; one that is measured already is
not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from engine.data import ImageSource, Mnist
from engine.metrics.evaluate import evaluate
from engine.metrics.measures import given_to, last_linear
from engine.metrics.neighbours import neighbour_accuracy
from engine.models import loading
from engine.networks.pairs import DenseEncoder, DenseGenerator
from tests.benchmarks.trials import Trials, trained

OUT = Path(__file__).with_name("encoders.jsonl")
SIZE, HIDDEN, BATCH, STEPS = 50, 1024, 128, 6000  # the paper's networks and batch
RUNS: dict[str, tuple[int, dict[str, Any]]] = {  # steps and options beyond the paper's networks
    "bigan": (STEPS, {}),
    "bigan, longer": (4 * STEPS, {}),
    "alice": (STEPS, {"variant": "alice"}),
}


def scaled(images: Tensor) -> Tensor:
    """Pictures uint8 (N, 1, 28, 28) as rows (N, 784) in [-1, 1]."""
    return images.flatten(1).float() / 127.5 - 1


def components(source: ImageSource, whitened: bool) -> Callable[[Tensor], Tensor]:
    """The first ``SIZE`` principal components (N, SIZE), of variance 1 if ``whitened``."""
    rows = scaled(source.images)
    mean = rows.mean(0)
    variances, directions = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    kept = directions[:, -SIZE:] / (variances[-SIZE:].sqrt() if whitened else 1)
    return lambda images: (scaled(images) - mean) @ kept


def untrained(source: ImageSource) -> nn.Module:
    """BiGAN's encoder as it begins, with the statistics of the data in its batch norm."""
    torch.manual_seed(0)
    encoder = DenseEncoder(SIZE, HIDDEN, (1, 28, 28))
    with torch.no_grad():
        for part in source.images.split(1000):
            encoder(scaled(part))
    return encoder


def autoencoder(source: ImageSource) -> nn.Module:
    """BiGAN's encoder, trained here with BiGAN's generator to give every picture back."""
    torch.manual_seed(0)
    encoder = DenseEncoder(SIZE, HIDDEN, (1, 28, 28))
    decoder = DenseGenerator(SIZE, HIDDEN, (1, 28, 28))
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(weights, 2e-4, betas=(0.5, 0.999), weight_decay=2.5e-5)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        x = scaled(source.images[torch.randint(len(source.images), (BATCH,))])
        loss = mse_loss(decoder((encoder(x) / 2).tanh()).flatten(1), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return encoder


FEATURES: dict[str, Callable[[ImageSource], Callable[[Tensor], Tensor]]] = {
    "pixels": lambda source: scaled,
    "components": partial(components, whitened=False),
    "components, whitened": partial(components, whitened=True),
}
ENCODERS: dict[str, Callable[[ImageSource], nn.Module]] = {
    "encoder, untrained": untrained,
    "autoencoder": autoencoder,
}


@torch.no_grad()
def accuracy(source: ImageSource, features: Callable[[Tensor], Tensor]) -> float:
    """How many test pictures have the class of their nearest training picture, by ``features``."""
    assert source.labels is not None and source.test_images is not None and source.test_labels is not None
    train_rows, test_rows = (
        torch.cat([features(part) for part in images.split(1000)])
        for images in (source.images, source.test_images)
    )
    return neighbour_accuracy(train_rows, source.labels, test_rows, source.test_labels)


def of_features(name: str) -> dict[str, Any]:
    """Measure features that no GAN has learned."""
    torch.set_num_threads(1)
    source = Mnist()
    if name in FEATURES:
        return {"features": name, "accuracy": accuracy(source, FEATURES[name](source))}
    encoder = ENCODERS[name](source).eval()
    last = last_linear(encoder)
    assert last is not None
    hidden = accuracy(source, lambda images: given_to(last, encoder, scaled(images)))
    return {"features": name, "accuracy": accuracy(source, lambda x: encoder(scaled(x))), "hidden": hidden}


def of_run(name: str, runs: Path) -> dict[str, Any]:
    """Train BiGAN or ALICE, or go on with it, and measure its encoder."""
    torch.set_num_threads(1)
    steps, options = RUNS[name]
    options = {"hidden": HIDDEN, "latent_dim": SIZE, "precision": "bfloat16", **options}
    request = {"gan": "bigan", "data": "mnist", "steps": steps, "seed": 0, "options": options}
    folder = trained(runs / f"encoder-{name.replace(', ', '-')}", request)
    figures = evaluate(loading.load_run(folder), ["encoder_1nn", "fid"])["figures"]
    minutes = round(folder.status()["elapsed"] / 60, 1)
    return {
        "features": name,
        "accuracy": figures["encoder_1nn"],
        "hidden": figures["encoder_hidden_1nn"],
        "steps": steps,
        "fid": round(figures["fid"], 2),
        "minutes": minutes,
    }


def table(lines: list[dict[str, Any]]) -> str:
    """One row for each kind of features, as Markdown."""
    rows = [
        "| features | 1-NN accuracy | last hidden layer | steps | FID | minutes |",
        "|---|---|---|---|---|---|",
    ]
    for line in lines:
        more = " | ".join(str(line.get(key, "")) for key in ("steps", "fid", "minutes"))
        hidden = f"{line['hidden']:.2%}" if "hidden" in line else ""
        rows.append(f"| {line['features']} | {line['accuracy']:.2%} | {hidden} | {more} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [*FEATURES, *ENCODERS, *RUNS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    given = parser.parse_args()
    trials = Trials(given.out, "features")
    for name in [] if given.table else given.only:
        make = partial(of_run, name, given.runs) if name in RUNS else partial(of_features, name)
        trials.add((name,), make)
    print(table(trials.lines))


if __name__ == "__main__":
    main()
