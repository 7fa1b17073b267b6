"""What the folders around pictures say: which class each is of, and what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from engine.data.reading.split import Part
from engine.options import BadInput

PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
STRAYS = 0.1  # share of pictures that may lie beside the folders of all others, and are left out then
MOST_CLASSES = 256


@dataclass
class Sorted:
    """Pictures by number: the ``folder`` that names the class of each (none without classes), the ``parts``
    they belong to, why some are ``left_out``, and ``notes`` on what was understood.
    """

    parts: list[Part]
    folder: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str] | None:
        """The folders that name classes; digits sort as numbers. ``None`` without classes."""

        def place(name: str) -> tuple[bool, int, str]:
            return not name.isdecimal(), len(name) * name.isdecimal(), name

        return sorted(set(self.folder.values()), key=place) or None


def sort_pictures(names: Sequence[str]) -> Sorted:
    """The pictures at the paths ``names`` by the folders around them.

    Folders around all pictures are looked through, and so are train, val and test, which say what is held
    out. Below them the topmost folder is the class, if there are two or more; single pictures beside such
    folders are left out. Raises ``BadInput`` if nothing is left to learn from.
    """
    found = Sorted(["train"] * len(names))
    _look_into({number: PurePosixPath(name).parts[:-1] for number, name in enumerate(names)}, found)
    learned = {found.folder.get(number) for number, part in enumerate(found.parts) if part == "train"}
    for number in [number for number, folder in found.folder.items() if folder not in learned]:
        found.left_out[number] = f"there is no class {found.folder.pop(number)!r} in train"
    if names and not learned:
        raise BadInput("all pictures lie in test or val.", "files", "Put those to learn from into train.")
    return found


def _look_into(folders: dict[int, tuple[str, ...]], found: Sorted, is_split: bool = False) -> None:
    inside = {number: parts for number, parts in folders.items() if parts}
    beside = folders.keys() - inside
    tops = {parts[0] for parts in inside.values()}
    if not tops:
        return
    rest = {number: parts[1:] for number, parts in inside.items()}
    strays_are_few = len(beside) <= STRAYS * len(folders)
    words = {PARTS.get(top.lower()) for top in tops}
    if not is_split and None not in words and len(tops) > 1 and strays_are_few:
        for number, parts in inside.items():
            found.parts[number] = PARTS[parts[0].lower()]
        _leave_out(beside, "it lies beside the folders train, val and test", found)
        _look_into(rest, found, True)
    elif len(tops) == 1:
        before = dict(found.folder), list(found.parts)
        _look_into(rest, found, is_split)
        if strays_are_few and (dict(found.folder), found.parts) != before:
            _leave_out(beside, "it lies beside the folders of all others", found)
        elif beside:  # no folder has anything to say of them
            found.folder, found.parts = before
    elif not strays_are_few:
        found.notes.append(f"The folders are not classes, since {len(beside)} pictures lie beside them.")
    elif len(tops) > MOST_CLASSES:
        found.notes.append(f"{len(tops)} folders are too many to be classes: {MOST_CLASSES} can be.")
    else:
        found.folder |= {number: parts[0] for number, parts in inside.items()}
        _leave_out(beside, "it lies beside the folders that are the classes", found)


def _leave_out(numbers: set[int], why: str, found: Sorted) -> None:
    found.left_out |= dict.fromkeys(numbers, why)
