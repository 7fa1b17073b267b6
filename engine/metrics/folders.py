"""Measure one folder of pictures against another: samples of any program, without its generator."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.data.pictures.folder import Folder, FolderOptions
from engine.data.source import ImageSource
from engine.metrics.evaluate import report, resolve
from engine.metrics.features import Progress, pick
from engine.metrics.real import comparable
from engine.metrics.subject import USUAL, Subject
from engine.options import BadInput
from engine.requests.base import value_of
from engine.requests.evaluation import Looking, Samples

MEASURES = ("fid", "kid", "prdc", "memorisation")  # of pictures alone
SIZE = 64  # px that they are read at


class _Drawn(Subject):
    """Pictures that lie there, in the place of a generator's samples."""

    def __init__(
        self, source: ImageSource, fake: Tensor, network: Looking, n: int | None, seed: int,
        progress: Progress | None, download: bool, device: str,
    ) -> None:  # fmt: skip
        self.source, self.seed, self.progress = source, seed, progress
        self.n = min(n or USUAL, len(fake))  # real ones are taken as few
        self._look = lambda: pick(source, network, device, download)
        self.device = torch.device(device)
        order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(seed))
        self._fake = fake[order]

    def drawn(self, count: int) -> tuple[Tensor, Tensor]:
        """The first ``count`` pictures, uint8 (N, C, H, W), or all; there are no latents."""
        some = self._fake[:count]
        return torch.zeros(len(some), 0), some

    @property
    def size(self) -> int:
        """How many of them are compared with as many real ones."""
        assert self.n is not None
        return comparable(self.source, self.n)


def evaluate_folders(
    real: Path,
    fake: Path,
    metrics: list[str] | None = None,
    n: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    network: Looking = "auto",
    download: bool = False,
    device: str = "cpu",
) -> dict[str, Any]:
    """``engine.metrics.evaluate.evaluate`` for the pictures in ``fake`` beside those in ``real``, both read
    at ``SIZE`` px after a centre crop; floors are of real ones beside others. Raises ``BadInput``.
    """
    value_of(Samples | None, n, "n")
    names = resolve(metrics, list(MEASURES), lambda name: "it takes more than pictures")
    began = time.perf_counter()
    sources = []
    for folder, field in ((real, "real"), (fake, "fake")):
        try:
            sources.append(Folder(FolderOptions(folder=str(folder), size=SIZE)))
            sources[-1].split = "names"  # they are compared whole, but for what folders call test
        except BadInput as problem:
            raise BadInput(problem.error, field, problem.remedy) from None
    images = [
        torch.cat([one.images, *([one.test_images] if one.test_images is not None else [])])
        for one in sources
    ]
    subject = _Drawn(sources[0], images[1], network, n, seed, progress, download, device)
    found = report(subject, names, began)
    skipped = [
        f"{len(one.skipped)} files of {path} are left out."
        for one, path in zip(sources, (real, fake), strict=True)
        if one.skipped
    ]
    title = f"{fake} beside {real}, {subject.size:,} of each at {SIZE} px"
    return {
        "real": str(real),
        "fake": str(fake),
        "title": title,
        **found,
        "warnings": [*skipped, *found["warnings"]],
    }
