"""Codes that a GAN found by itself, named after the classes that they turn out to mean."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.data.pixels import to_floats
from engine.data.source import ImageSource

READ = 500  # pictures of each part that a quick look takes


def count_pairs(codes: Tensor, labels: Tensor, values: int, classes: int) -> Tensor:
    """How often each code value goes with each class: int64 (values, classes), of ``codes`` and ``labels``
    (N,).
    """
    return torch.bincount(codes * classes + labels, minlength=values * classes).view(values, classes)


def match_codes(counts: Tensor) -> tuple[Tensor, str]:
    """The class of each code value by ``counts`` (values, classes): int64 (values,), and how it was chosen.

    As many values as classes: one to one, so that most items come out right. Otherwise each value takes the
    class that it most often goes with, and several may take the same.
    """
    if counts.shape[0] == counts.shape[1]:
        from scipy.optimize import linear_sum_assignment  # it takes a while to import

        return torch.from_numpy(linear_sum_assignment(counts.numpy(), maximize=True)[1]), "one to one"
    return counts.argmax(1), "majority"


def category_error(read: Callable[[Tensor], Tensor], values: int, source: ImageSource) -> dict[str, float]:
    """``code_error``: the share of test pictures whose code is another class's, each code named after a class
    by training pictures; a quick look at every n-th picture of both parts. Empty without labels or test part,
    and where an answer is no finite number.

    ``read`` gives logits (N, values) for pictures (N, C, H, W) in [-1, 1].
    """
    if source.labels is None or source.test_images is None or source.test_labels is None:
        return {}
    codes, classes = [], []
    for images, labels in ((source.images, source.labels), (source.test_images, source.test_labels)):
        every = -(-len(images) // READ)
        answers = read(to_floats(images[::every]))
        if not bool(torch.isfinite(answers).all()):
            return {}
        codes.append(answers.argmax(1).cpu())
        classes.append(labels[::every])
    means, _ = match_codes(count_pairs(codes[0], classes[0], values, len(source.classes or ())))
    return {"code_error": float((means[codes[1]] != classes[1]).float().mean())}
