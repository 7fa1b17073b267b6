"""What names say about pictures of two sides: on which side each is, to which part it belongs, and which name
its partner shares.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from engine.data.reading.classes import PARTS, STRAYS
from engine.data.reading.split import Part

_PART = "|".join(sorted(PARTS, key=len, reverse=True))
_BEFORE = re.compile(rf"({_PART})(?:[ _-](.+)|([ab]))")  # train_img, trainA
_BEHIND = re.compile(rf"(.+?)[ _-]({_PART})")  # A_train
_SIDE = re.compile(r"(?:(?:img|images?|pics?|pictures?|photos?|side|domain|set|folder)[ _-]?)?([ab])")
_GIVEN = ("a", "input", "inputs", "source", "sources", "src", "before", "x", "given", "lr", "low", "noisy")
_MADE = (
    "b",
    "target",
    "targets",
    "output",
    "outputs",
    "dst",
    "after",
    "y",
    "gt",
    "truth",
    "hr",
    "high",
    "clean",
)
_ROLES: dict[str, str] = {**dict.fromkeys(_GIVEN, "a"), **dict.fromkeys(_MADE, "b")}
_SUFFIX = re.compile(rf"(.+)[ _.-]({'|'.join(_ROLES)})", re.IGNORECASE)
_PREFIX = re.compile(rf"({'|'.join(_ROLES)})[ _.-](.+)", re.IGNORECASE)
NO_PICTURES = {
    ".txt",
    ".md",
    ".json",
    ".csv",
    ".xml",
    ".yaml",
    ".yml",
    ".html",
    ".pdf",
    ".log",
    ".db",
    ".ini",
}
SHARED = 0.5  # of the smaller of two folders' names, if the folders are the sides of pairs


class Place(NamedTuple):
    """Where a picture belongs: its side ("a", "b"; ``None`` if its path does not say), its part if a folder
    says so, and the name that its partner shares.
    """

    side: str | None
    part: Part | None
    key: str


@dataclass
class Plan:
    """The place of each file by its path, and ``notes`` on what was understood."""

    places: dict[str, Place]
    notes: list[str] = field(default_factory=list)

    @property
    def sided(self) -> bool:
        """Whether paths say on which side pictures are."""
        return any(place.side for place in self.places.values())


def plan(names: Sequence[str], by_names: bool) -> Plan:
    """The places of the pictures at the paths ``names``.

    Folders called A and B (trainA, train_A, img_A, A/train ...) are the sides; else two folders with equal
    names in them, whatever they are called; else files ``1_A`` and ``1_B`` (or ``1_input`` and
    ``1_target``). ``by_names``: two folders are sides only if at least half of the names in them are equal.
    """
    places = {name: place_of(name) for name in names}
    if any(place.side for place in places.values()):
        return Plan(places)
    may = [name for name in names if PurePosixPath(name).suffix.lower() not in NO_PICTURES]
    found = _two_folders(may, by_names) or _two_endings(may) or Plan({})
    return Plan(places | found.places, found.notes)


def place_of(name: str) -> Place:
    """Where the file at the path ``name`` belongs, by the folders around it. The innermost that names a side
    or a part counts.
    """
    side = part = None
    rest = []
    *folders, file = PurePosixPath(name).parts
    for folder in folders:
        found, word = read_word(folder)
        part = found or part
        if sided := _SIDE.fullmatch(word):
            side = sided[1]
        elif word and found:
            rest.append(word)
        elif word:
            rest.append(folder)
    stem = PurePosixPath(file).stem
    key = re.sub(r"[_-][AB]$", "", stem) if side else stem  # 12_A.jpg and 12_B.jpg belong together
    return Place(side, part, "/".join([*rest, key]))


def read_word(folder: str) -> tuple[Part | None, str]:
    """The part that the name of a folder says, and what is left of the name, in small letters."""
    word = folder.lower()
    if word in PARTS:
        return PARTS[word], ""
    if found := _BEFORE.fullmatch(word):
        return PARTS[found[1]], found[2] or found[3]
    if found := _BEHIND.fullmatch(word):
        return PARTS[found[2]], found[1]
    return None, word


def _two_folders(names: Sequence[str], by_names: bool) -> Plan | None:
    """Two folders, at one depth, that hold all pictures (but single ones beside them)."""
    found = {name: place_of(name) for name in names}
    folders = {name: place.key.split("/")[:-1] for name, place in found.items()}
    for depth in range(max(map(len, folders.values()), default=0)):
        words = {name: parts[depth] for name, parts in folders.items() if len(parts) > depth}
        kinds = sorted(set(words.values()), key=str.lower)
        if len(kinds) != 2 or len(names) - len(words) > STRAYS * len(names):
            continue
        sides = _in_order(kinds)
        places = dict(found)
        for name, word in words.items():
            key = [part for at, part in enumerate(found[name].key.split("/")) if at != depth]
            places[name] = found[name]._replace(side=sides[word], key="/".join(key))
        named = all(word.lower() in _ROLES for word in kinds)
        if not by_names or named or _shared(places) >= SHARED:
            return Plan(places, [_told(sides, "folder")])
    return None


def _two_endings(names: Sequence[str]) -> Plan | None:
    """Files whose names differ in an ending or a beginning alone."""
    found = {name: place_of(name) for name in names}
    for pattern, ending, key in ((_SUFFIX, 2, 1), (_PREFIX, 1, 2)):
        places = dict(found)
        for name in names:
            if match := pattern.fullmatch(PurePosixPath(name).stem):
                around = found[name].key.split("/")[:-1]
                side = _ROLES[match[ending].lower()]
                places[name] = found[name]._replace(side=side, key="/".join([*around, match[key]]))
        whole = Counter(place._replace(side=None) for place in set(places.values()) if place.side)
        if 2 * sum(count == 2 for count in whole.values()) >= (1 - STRAYS) * len(names):
            return Plan(places, ["A and B are told apart by the names of the files."])
    return None


def _in_order(kinds: list[str]) -> dict[str, str]:
    """The two folders as sides: by what they are called, else in the order of the alphabet."""
    first, second = kinds
    roles = [_ROLES.get(kind.lower()) for kind in kinds]
    return {first: "b", second: "a"} if roles[0] == "b" or roles[1] == "a" else {first: "a", second: "b"}


def _shared(places: dict[str, Place]) -> float:
    """The share of the smaller side's names that the other side has too."""
    keys: dict[str | None, set[Place]] = {"a": set(), "b": set(), None: set()}
    for place in places.values():
        keys[place.side].add(place._replace(side=None))
    fewest = min(len(keys["a"]), len(keys["b"]))
    return len(keys["a"] & keys["b"]) / fewest if fewest else 0.0


def _told(sides: dict[str, str], what: str) -> str:
    names = {side: word for word, side in sides.items()}
    return f"A is the {what} {names['a']!r}, B is {names['b']!r}."
