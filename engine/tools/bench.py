"""How fast training is, as ratios measured side by side: interleaved pairs in one run, and the median of
their ratios.

The plain loop runs in a process of its own, as its user would run it: a training process here also tells the
C library to keep freed memory (``engine.worker.memory``), which would help the loop too.

Where a DCGAN step's time goes at 32 px, batch 64, on a CPU: G once forward (1), D on real and on fake (2),
back through D (2 x 2), D once more for G (1), back through D's inputs alone and through G (1 + 2). The plain
loop also computes D's weight gradients in G's phase and throws them away, and runs in the contiguous layout
that the CPU's convolution kernels first have to reorder. The floor is those convolutions: what is left around
them (norms, optimizer, batches, statistics) is a few percent.
"""

from __future__ import annotations

import gc
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from engine.networks.maps import ConvTransposeToGrey
from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.training.trainer import Trainer, use_threads
from engine.worker import memory
from engine.worker.session import Session

Timed = Callable[[int], float]  # the seconds that so many steps take

ROUNDS = 7
GAN_LAB_STEPS_PER_S = 60  # Kahng et al. 2018: one iteration a painted frame in the browser


def plain_loop(trainer: Trainer, networks: dict[str, nn.Module] | None = None) -> Callable[[], None]:
    """One iteration of the usual tutorial loop on ``networks``, or on fresh ones like the trainer's:
    contiguous layout, unfused Adam, BCELoss on a sigmoid, D's gradients left on in G's step, and losses read
    back every iteration.
    """
    networks = networks or trainer.recipe.networks()
    for part in (part for network in networks.values() for part in network.modules()):
        if isinstance(part, ConvTransposeToGrey):
            part.__class__ = nn.ConvTranspose2d  # type: ignore[assignment]  # torch's own kernel
    generator, discriminator = networks["generator"], networks["discriminator"]
    options = trainer.options
    criterion = nn.BCELoss()
    betas = (options.generator_beta1, options.generator_beta2)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=options.generator_lr, betas=betas)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=options.discriminator_lr, betas=betas)
    stream = trainer.streams["real"]

    def step() -> None:
        discriminator.zero_grad()
        real = stream.next()[0].contiguous()
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        output = discriminator(real).sigmoid()
        loss_real = criterion(output, ones)
        loss_real.backward()
        output.mean().item()
        fake = generator(torch.randn(len(real), trainer.recipe.latent_dim))
        output = discriminator(fake.detach()).sigmoid()
        loss_fake = criterion(output, zeros)
        loss_fake.backward()
        output.mean().item()
        optimizer_d.step()
        generator.zero_grad()
        output = discriminator(fake).sigmoid()
        loss = criterion(output, ones)
        loss.backward()
        output.mean().item()
        optimizer_g.step()
        (loss_real + loss_fake).item()
        loss.item()

    return step


def interleaved(ours: Timed, theirs: Timed, rounds: int, steps: int) -> dict[str, float]:
    """Run both in turn ``rounds`` times, ``steps`` steps each. ``ratio`` is the median of theirs' time over
    ours; rates are steps a second.
    """
    for timed in (ours, theirs):
        timed(2)
    ratios, rates = [], {"ours": [], "theirs": []}
    for index in range(rounds):
        seconds = {}
        pair = [("ours", ours), ("theirs", theirs)]
        for name, timed in pair if index % 2 else reversed(pair):
            seconds[name] = timed(steps)
            rates[name].append(steps / seconds[name])
        ratios.append(seconds["theirs"] / seconds["ours"])
    return {"ratio": median(ratios), **{f"{name}_per_s": median(values) for name, values in rates.items()}}


def _timed(step: Callable[[], None]) -> Timed:
    def run(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            step()
        return time.perf_counter() - started

    return run


def _trainer(gan: str, data: str, **options: Any) -> Trainer:
    request = {"gan": gan, "data": data, "device": "cpu", "options": options}
    return Trainer(validate(request))


def _dcgan() -> Trainer:
    return _trainer("dcgan", "mnist", size=32, batch_size=64)


def _serve_plain_loop(orders: Connection) -> None:
    """In a process of its own: for each number of steps that is sent, the seconds that they took."""
    use_threads("images")
    timed = _timed(plain_loop(_dcgan()))
    while steps := orders.recv():
        orders.send(timed(steps))


def bench_dcgan(rounds: int = 9, steps: int = 4) -> dict[str, float]:
    """DCGAN at 32 px, batch 64, against the plain loop: same networks, same batches."""
    spawn = multiprocessing.get_context("spawn")
    orders, far_end = spawn.Pipe()
    process = spawn.Process(target=_serve_plain_loop, args=(far_end,), daemon=True)
    process.start()
    trainer = _dcgan()
    use_threads("images")
    memory.keep_freed()

    def ours() -> None:
        trainer.iterate()
        if trainer.step % trainer.report_every == 0:
            trainer.read()

    def theirs(steps: int) -> float:
        orders.send(steps)
        return orders.recv()

    figures = interleaved(_timed(ours), theirs, rounds, steps)
    orders.send(0)
    process.join()
    return {**figures, "images_per_s": figures["ours_per_s"] * 64}


def bench_points(seconds: float = 4.0) -> dict[str, float]:
    """The 2-D step (two hidden layers of 64, batch 128) of one real run in a folder: with nothing recorded,
    as it is, and with a viewer.
    """
    figures: dict[str, list[float]] = {"off": [], "recorded": [], "watched": []}
    with tempfile.TemporaryDirectory() as runs:
        folder = RunFolder(Path(runs) / "run")
        config = validate({"gan": "gan", "data": "ring", "steps": 10_000_000, "device": "cpu"})
        folder.create({"id": "run", **config}, "starting")
        session = Session(folder, False, None)
        session.begin()
        gc.collect()
        gc.freeze()  # as in a worker, whose collections pass over what was there before the run
        for _ in range(ROUNDS):
            for how, rates in figures.items():
                session.trainer.records = how != "off"
                step = session.trainer.iterate if how == "off" else partial(_session_step, session)
                touch = folder.watching.touch if how == "watched" else lambda: None
                rates.append(_rate(step, seconds / ROUNDS, touch))
                folder.watching.unlink(missing_ok=True)
    off = figures["off"]
    return {
        "steps_per_s": median(figures["recorded"]),
        "watched_steps_per_s": median(figures["watched"]),
        "times_gan_lab": median(figures["watched"]) / GAN_LAB_STEPS_PER_S,
        "recording_ratio": median(a / b for a, b in zip(figures["recorded"], off, strict=True)),
        "watched_ratio": median(a / b for a, b in zip(figures["watched"], figures["recorded"], strict=True)),
    }


def _session_step(session: Session) -> None:
    session.commands.obey()
    session.advance()


def _rate(step: Callable[[], None], seconds: float, touch: Callable[[], None]) -> float:
    touch()
    started = time.perf_counter()
    count = 0
    while (now := time.perf_counter()) - started < seconds:
        for _ in range(20):
            step()
        count += 20
        if count % 200 == 0:
            touch()
    return count / (now - started)


def bench() -> dict[str, Any]:
    """All figures, with the machine they were taken on."""
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    figures: dict[str, Any] = {"dcgan_32": bench_dcgan()}
    use_threads("points")
    return {"machine": machine, **figures, "points": bench_points()}


def table(figures: dict[str, Any]) -> str:
    """The figures as lines of text."""
    lines = []
    for name, values in figures.items():
        lines.append(f"{name}:")
        lines += [
            f"  {key:<22} {value:.3f}" if isinstance(value, float) else f"  {key:<22} {value}"
            for key, value in values.items()
        ]
    return "\n".join(lines)
