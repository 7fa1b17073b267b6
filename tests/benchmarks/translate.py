"""How fast pictures are translated, and in how much memory: ``python -m tests.benchmarks.translate``.

``speed``: the networks of the reference implementation at 256 px against the plain modules in eager
float32: the median ratio of interleaved pairs, and the largest difference of 255. ``memory``: the most that a
picture of some megapixels takes over the idle process.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from engine.networks.resnet import ResnetGenerator
from engine.networks.unet import UnetGenerator
from engine.translation.bands import Bands, as_input, as_pixels, steps_of
from engine.translation.levels import Levels
from engine.translation.tiles import Tiled
from tests.engine.made_translators import photograph

NETWORKS = {
    "resnet_9blocks": lambda width: ResnetGenerator(3, 3, width, 9, "instance"),
    "unet_256": lambda width: UnetGenerator(3, 3, 8, width, "batch"),
}


def worker(network: torch.nn.Module, picture: np.ndarray, folder: Path):
    """A function that translates ``picture`` as the engine does."""
    if isinstance(network, ResnetGenerator):
        steps = steps_of(network.to(memory_format=torch.channels_last))
        make = lambda: Bands(steps, picture, "eval", None, folder)  # noqa: E731
    else:
        levels = Levels(network)
        make = lambda: Tiled(levels, picture, "eval", None)  # noqa: E731

    def run() -> np.ndarray:
        out = np.empty_like(picture)
        for _ in make().run(out):
            pass
        return out

    return run


@torch.inference_mode()
def speed(name: str, pairs: int) -> None:
    torch.manual_seed(0)
    plain = NETWORKS[name](64).eval()
    torch.manual_seed(0)
    run = worker(NETWORKS[name](64).eval(), photograph(256, 256), Path(tempfile.gettempdir()))
    x = as_input(photograph(256, 256)[None]).contiguous()
    ratios, ours, theirs = [], [], []
    for number in range(pairs + 1):
        began = time.perf_counter()
        expected = as_pixels(plain(x))[0]
        between = time.perf_counter()
        made = run()
        end = time.perf_counter()
        if number:
            theirs.append(between - began)
            ours.append(end - between)
            ratios.append(theirs[-1] / ours[-1])
    far = np.abs(made.astype(int) - expected).max()
    print(
        f"{name}: {statistics.median(ratios):.2f}x ({statistics.median(theirs):.3f} s plain, "
        f"{statistics.median(ours):.3f} s here; {pairs} pairs), differs by {far}/255",
        flush=True,
    )


@torch.inference_mode()
def memory(name: str, width: int, megapixels: float) -> None:
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    picture = np.tile(photograph(427, 640), (height // 427 + 1, height * 3 // 2 // 640 + 1, 1))
    picture = np.ascontiguousarray(picture[:height, : height * 3 // 2 // 4 * 4])[: height // 4 * 4]
    network = NETWORKS[name](width).eval()
    worker(network, photograph(256, 256), Path("."))()
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        worker(network, picture, Path(folder))()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{name}, width {width}, {picture.shape[1]} x {picture.shape[0]}: {(most - idle) / 1e6:.2f} GB over "
        f"{idle / 1e6:.2f} GB idle, {time.perf_counter() - began:.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "memory"))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--megapixels", type=float, default=24.0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for name in given.networks:
        if given.what == "speed":
            speed(name, given.pairs)
        else:
            memory(name, given.width, given.megapixels)


if __name__ == "__main__":
    main()
