"""Which emoji are one family, since their drawings are all but the same: the blue and the green book, the
black cat and the cat, the clocks, the keycaps. A family is never on two sides of a split.

N drawings, H = W = 64 px, and 32 where 2 x 2 pixels are one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.data.pictures import openmoji
from engine.data.translations import twemoji
from engine.data.translations.line_art import drawings

STEP = 0.04  # of 0 to 1, in any channel, from one pixel to the next: an edge, whatever the colours
# Root mean square distances, of 0 to 1, below which two drawings are near, chosen by looking at pairs in
# the order of their distance. Black lines: up to 0.12 it is one outline with another sign (C++ and C#
# 0.09, keycaps 0.10 to 0.12); from 0.125 on faces differ in more than a mouth. Edges of colour: up to 0.15
# hearts, clocks, banknotes and nests in other colours; from 0.165 on boys who pout and who frown. As they
# are: 0.1, which is 0.2 on -1 to 1.
LINES, EDGES, COLOURS = 0.12, 0.15, 0.1


def views() -> list[tuple[float, list[int], Tensor]]:
    """How drawings are compared: below which distance two are near, their places in ``openmoji.index()``, and
    the drawings (N, features).
    """
    everything = list(range(len(openmoji.index())))
    place = {one.hexcode: number for number, one in enumerate(openmoji.index())}
    both = [place[code] for code in twemoji.codes()]
    ours, theirs = _floats(drawings("colour", openmoji.SIDE)), _floats(twemoji.drawings(openmoji.SIDE))
    lines = F.avg_pool2d(_floats(drawings("line", openmoji.SIDE)), 2)
    found = [(LINES, everything, lines)]
    for places, pictures in ((everything, ours), (both, theirs)):
        found += [(EDGES, places, edges(pictures)), (COLOURS, places, pictures)]
    return [(near, places, pictures.flatten(1)) for near, places, pictures in found]


def _floats(pictures: Tensor) -> Tensor:
    return pictures.float() / 255


def edges(pictures: Tensor) -> Tensor:
    """Where a picture (N, 3, 64, 64) changes in any channel, whatever from and to: (N, 32, 32)."""
    across = (pictures[..., 1:] - pictures[..., :-1]).abs().amax(1)
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().amax(1)
    changes = torch.maximum(F.pad(across, (0, 1)), F.pad(down, (0, 0, 0, 1)))  # (N, 64, 64)
    return F.avg_pool2d((changes > STEP).float()[:, None], 2)[:, 0]


def distances(features: Tensor, others: Tensor) -> Tensor:
    """Root mean square distance of every one of ``features`` (N, D) from every one of ``others`` (M, D)."""
    return torch.cdist(features, others) / features.shape[1] ** 0.5  # (N, M)


def families() -> list[list[str]]:
    """The codes of each family of more than one base, in the order of the sheets: what is near is one, and so
    is what is near to that.
    """
    emoji = openmoji.index()
    above = list(range(len(emoji)))

    def first(number: int) -> int:
        while above[number] != number:
            above[number] = number = above[above[number]]
        return number

    def join(one: int, other: int) -> None:
        one, other = sorted((first(one), first(other)))
        above[other] = one

    seen: dict[str, int] = {}
    for number, one in enumerate(emoji):
        join(number, seen.setdefault(one.base, number))
    for near, places, features in views():
        for one, other in (distances(features, features) < near).nonzero().tolist():
            join(places[one], places[other])
    members: dict[int, list[int]] = {}
    for number in range(len(emoji)):
        members.setdefault(first(number), []).append(number)
    several = [found for found in members.values() if len({emoji[number].base for number in found}) > 1]
    return [[emoji[number].hexcode for number in found] for found in several]


def write_families() -> None:
    """Write ``openmoji.FAMILIES``: one family a line."""
    openmoji.FAMILIES.write_text("".join(" ".join(family) + "\n" for family in families()), "utf-8")
