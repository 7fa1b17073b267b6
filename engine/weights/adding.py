"""Weight files of the reference implementation as a model's folder: what each file is, and what it is for."""

from __future__ import annotations

import hashlib
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

import engine
from engine.game.recipe import Shape
from engine.gans import GANS
from engine.models import finding, loading
from engine.models.assembly import options_model
from engine.models.model import Model
from engine.networks.translators import BLOCKS, LAYERS, UNET_SIZES
from engine.options import BadInput, Conflict, Options, validate
from engine.requests.models import OfWeights, Weights
from engine.runs.files import appearing
from engine.runs.names import check_name
from engine.runs.records import RunConfig
from engine.weights.reading import State, check_numbers, read
from engine.weights.recognise import Architecture, networks_in, recognise

Gan = OfWeights
GANS_TO_BE: tuple[Gan, ...] = ("pix2pix", "cyclegan")
PICTURES = {1: "grey", 3: "RGB", 4: "RGBA"}  # by channels
DATA = "imported"
SIZE = 256  # px of the official models' pictures
MOST_FILES = 4
NORM_USED = {
    "auto": "When it is used, batch norm acts as in training, as in the reference without --eval.",
    "train": "When it is used, batch norm acts as in training.",
    "eval": "When it is used, batch norm takes the statistics of training.",
}
DROPOUT_USED = {
    "auto": "When it is used, dropout acts where the norm acts as in training.",
    "on": "When it is used, dropout acts as in training.",
    "off": "When it is used, nothing is dropped.",
}
MADE_BY = "networks in the layout of the reference implementation of pix2pix and CycleGAN"
# latest_net_G_A.pth, 200_net_D.pth, netG_B (1).safetensors, G_AB-final.pth, horse_A2B.pth
ROLE = re.compile(
    r"(?:^|[^a-z0-9])(?:(?:net[_-]?)?(?:g|d|gen|dis|disc|generator|discriminator)[_\-. ]?(a2b|b2a|ab|ba|a|b)"
    r"|(a2b|b2a|atob|btoa))(?![a-z0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Network:
    """One network of a file, read and recognised. ``name`` is what it has there, if it is not alone in it;
    ``place`` what a user says that it is.
    """

    file: str
    name: str
    sha256: str
    bytes: int
    is_half: bool
    architecture: Architecture
    state: State
    place: str = ""

    @property
    def label(self) -> str:
        """As it is spoken of."""
        return f"{self.file[:80]} ({self.name[:40]})" if self.name else self.file[:80]

    @property
    def _said(self) -> set[str]:
        """What its own name says of sides, or else its file's: "A", "AB"; more than one is doubtful."""
        for text in (self.place, self.name, Path(self.file).stem):
            found = {(one[1] or one[2]).upper() for one in ROLE.finditer(text)}
            if found:
                return {word.replace("2", "").replace("TO", "") for word in found}
        return set()

    @property
    def side(self) -> str | None:
        """ "A" or "B" where names say so and agree; ``None`` where they do not."""
        sides = {word[0] for word in self._said}
        return sides.pop() if len(sides) == 1 else None

    @property
    def names_both(self) -> bool:
        """Whether it is called by where it leads from and to (``G_AB``), not by where it leads from."""
        return any(len(word) == 2 for word in self._said)


def open_network(path: Path) -> Network:
    """The network in a file. Raises ``BadInput`` with the reason if there is none that is known here, or
    another besides.
    """
    network, *others = open_networks(path)
    if others:
        raise BadInput(f"{path.name[:80]} holds {len(others) + 1} networks.", "files", "Name one of them.")
    return network


def open_networks(path: Path) -> list[Network]:
    """The networks in a file. Raises ``BadInput`` with the reason if one is none that is known here."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return [_network(path, digest, name, tensors) for name, tensors in networks_in(read(path)).items()]


def _network(path: Path, digest: str, name: str, tensors: State) -> Network:
    check_numbers(path, tensors)
    try:
        architecture, state = recognise(tensors)
    except BadInput as error:
        where = f"{path.name[:80]}, {name[:40]}" if name else path.name[:80]
        raise BadInput(f"{where}: {error.error}", error.field, error.remedy) from None
    is_half = all(value.element_size() <= 2 for value in state.values() if value.is_floating_point())
    network = Network(path.name, name, digest, path.stat().st_size, is_half, architecture, state)
    ends = (architecture.inputs, architecture.outputs)
    if architecture.is_generator and not set(ends) <= set(PICTURES):
        known = ", ".join(f"{channels} ({kind})" for channels, kind in PICTURES.items())
        raise BadInput(
            f"{network.label} takes {ends[0]} channels and gives {ends[1]}.",
            "files",
            f"The pictures that can be given to it and shown have {known}.",
        )
    return network


def add(
    files: Sequence[Path],
    out: Path,
    title: str = "",
    chosen: dict[str, Any] | None = None,
    names: tuple[str, str] | None = None,
    origin: str = "",
    licence: str = "",
) -> dict[str, Any]:
    """Make the model folder ``out`` of weight files: one or two generators, and their discriminators if they
    are there. Returns the model's card.

    ``chosen`` (``engine.requests.models.Weights``) says what files do not; without it, two generators or a
    ResNet are a CycleGAN, a U-Net is a pix2pix. ``names`` say what the two sides show, ``origin`` where the
    files are from. Raises ``BadInput`` with the reason, also where it is in doubt which network is which,
    ``Conflict`` if there is such a model; then nothing is kept.
    """
    title, asked = check_name(title or out.name), Weights.read(chosen or {})
    if out.exists():
        raise Conflict(f"there is a model called {out.name} already.", "name", "Choose another name.")
    if not 1 <= len(files) <= MOST_FILES:
        raise BadInput(
            f"{len(files)} files are not one to four.", "files", "Give G and, if at hand, D of each side."
        )
    networks = _placed([one for file in files for one in open_networks(file)], asked.each())
    gan = asked.as_ or _likely(networks)
    roles = _roles(networks, gan)
    if names is None:
        names = ("B", "A") if _first(networks) == "B" and gan == "cyclegan" else ("A", "B")
    config = _config(roles, gan, asked, names)
    config |= {"id": out.name, "name": title}
    kept = {one.file: {"file": one.file, "sha256": one.sha256, "bytes": one.bytes} for one in roles.values()}
    more = {
        "title": title,
        "sentence": _sentence(roles, gan, names),
        "licence": licence or "as their makers state",
        "figures": {},
        "files": list(kept.values()),
    }
    text = _card_text(title, roles, {**config, **more}, origin)
    _write(out, roles, cast(RunConfig, config), more, text)
    return finding.describe(out)


# --- what is what


def _likely(networks: Sequence[Network]) -> Gan:
    generators = [one.architecture for one in networks if one.architecture.is_generator]
    judges = [one.architecture for one in networks if not one.architecture.is_generator]
    if len(generators) == 1 and judges:
        both = generators[0].inputs + generators[0].outputs
        return "pix2pix" if judges[0].inputs == both else "cyclegan"
    return "pix2pix" if len(generators) == 1 and generators[0].family == "unet" else "cyclegan"


def _placed(networks: Sequence[Network], places: Sequence[str]) -> list[Network]:
    """The networks with what a user says that they are, if anything. Raises ``BadInput``."""
    if not places:
        return list(networks)
    kinds = ["G" if one.architecture.is_generator else "D" for one in networks]
    fits = len(places) == len(networks) and all(
        place == "-" or place[0] == kind for place, kind in zip(places, kinds, strict=False)
    )
    if not fits or len({place for place in places if place != "-"}) < len(places) - places.count("-"):
        there = "; ".join(f"{kind}: {one.label}" for kind, one in zip(kinds, networks, strict=True))
        raise BadInput(
            f"{', '.join(places)} does not fit the networks, which are in turn: {there}.",
            "places",
            "Give one for each: G_A, G_B, D_A, D_B, G or D, or - to leave it out.",
        )
    both = zip(networks, places, strict=True)
    return [replace(one, place=place) for one, place in both if place != "-"]


def _first(networks: Sequence[Network]) -> str:
    """The side that is translated first: A, unless all there is is the way back."""
    sides = [one.side for one in networks if one.architecture.is_generator]
    return "B" if sides == ["B"] else "A"


def _roles(networks: Sequence[Network], gan: Gan) -> dict[str, Network]:
    """The networks by the names that they have in the GAN. Raises ``BadInput`` if they do not go together, or
    if it is in doubt which is which.
    """
    kinds = {"generator": True, "discriminator": False}
    roles: dict[str, Network] = {}
    first = _first(networks)
    for name, is_generator in kinds.items():
        these = [one for one in networks if one.architecture.is_generator == is_generator]
        places = [name] if gan == "pix2pix" else [name, f"{name}_back"]
        if len(these) > len(places):
            raise BadInput(
                f"{len(these)} of the files are {name}s, and {GANS[gan].title} has {len(places)}: "
                f"{'; '.join(one.label for one in these)}.",
                "files",
                "Import them one by one, two of them as cyclegan, or leave some out with places.",
            )
        if gan == "pix2pix" or (len(these) == 1 and (is_generator or "generator_back" not in roles)):
            if len(these) == 1 and not is_generator and gan == "cyclegan":
                place = name if _judged(these[0], roles) in (first, None) else f"{name}_back"
                roles[place] = these[0]
            else:
                roles |= dict(zip(places, these, strict=False))
            continue
        roles |= _by_sides(these, places, roles, first)
    if "generator" not in roles:
        raise BadInput("none of the files is a generator.", "files", "Give the file of G, of G_A or of G_B.")
    _check_together(roles, gan)
    return roles


def _judged(one: Network, roles: dict[str, Network]) -> str | None:
    """The side of D beside G's: as the reference has it, D_A judges what G_A makes, and that is B. Where
    generators are called by both sides (G_AB), D_A judges A.
    """
    if one.side is None or not any(other.names_both for other in roles.values()):
        return one.side
    return "B" if one.side == "A" else "A"


def _by_sides(
    these: Sequence[Network], places: Sequence[str], roles: dict[str, Network], first: str
) -> dict[str, Network]:
    """Networks of one kind by their sides, where one of two that is known tells the other. Raises
    ``BadInput`` where names leave a doubt: a wrong order would swap the directions.
    """
    sides = [_judged(one, roles) for one in these]
    if len(these) == 2 and sides.count(None) == 1:
        known = next(side for side in sides if side)
        sides = [side or ("B" if known == "A" else "A") for side in sides]
    if None in sides or len(set(sides)) < len(sides):
        kind = "G" if these[0].architecture.is_generator else "D"
        does = "translates A to B" if kind == "G" else "judges what G_A makes"
        raise BadInput(
            f"which of these is {kind}_A, which {does}: {'; '.join(one.label for one in these)}?",
            "places",
            f"Say what each network is, in turn, e.g. --places {kind}_A,{kind}_B (- leaves one out), or name "
            "the files like latest_net_G_A.pth.",
        )
    order = [first, "A" if first == "B" else "B"]
    return {places[order.index(side)]: these[sides.index(side)] for side in order if side in sides}


def _check_together(roles: dict[str, Network], gan: Gan) -> None:
    first = roles["generator"].architecture
    ends = {  # channels in and out that each must have
        "generator": (first.inputs, first.outputs),
        "generator_back": (first.outputs, first.inputs),
        "discriminator": (first.outputs + (first.inputs if gan == "pix2pix" else 0), 1),
        "discriminator_back": (first.inputs, 1),
    }
    for name, network in roles.items():
        one, wanted = network.architecture, ends[name]
        if (one.inputs, one.outputs) != wanted:
            raise BadInput(
                f"{network.label} takes {one.inputs} channels and gives {one.outputs}, but beside "
                f"{roles['generator'].label} it should be {wanted[0]} and {wanted[1]}.",
                "files",
                "Give files of one model, and --as what it was trained as.",
            )
    kinds: dict[str, set[tuple[Any, ...]]] = {}
    for name, network in roles.items():
        one = network.architecture
        own = (one.family, one.width, one.depth, one.norm, one.dropout)
        kinds.setdefault(name.removesuffix("_back"), set()).add(own)
    if (
        any(len(kind) > 1 for kind in kinds.values())
        or len({one.architecture.norm for one in roles.values()}) > 1
    ):
        built = "; ".join(f"{one.label} is {one.architecture.sentence}" for one in roles.values())
        raise BadInput(
            f"these files are not of one model: {built}.",
            "files",
            "Import each generator as a model of its own.",
        )


# --- what is written


def _config(roles: dict[str, Network], gan: Gan, chosen: Weights, names: tuple[str, str]) -> dict[str, Any]:
    """The model's ``config.json``, as a run of it would have. Raises ``BadInput`` for what no option says."""
    first, recipe = roles["generator"].architecture, GANS[gan]
    options = _options(roles, gan, chosen)
    side = 2**first.depth if first.family == "unet" else SIZE
    described = {
        "title": "Imported weights",
        "kind": "pairs",
        "shape": [first.outputs, side, side],
        "given": [first.inputs, side, side],
        "names": list(names),
        "classes": None,
    }
    return {
        "gan": gan,
        "data": DATA,
        "steps": 0,
        "seed": 0,
        "options": options.model_dump(),
        "kind": "pairs",
        "preset": None,
        "parent": None,
        "device": "auto",
        "versions": {
            "ganscope": engine.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "created": time.time(),
        "meta": {
            "data": described,
            "gan": {"title": recipe.title, "sentence": recipe.sentence},
            "live": [],
            "sentence": _sentence(roles, gan, names),
        },
    }


def _options(roles: dict[str, Network], gan: Gan, chosen: Weights) -> Options:
    first = roles["generator"].architecture
    network = {f"resnet{count}": name for name, count in BLOCKS.items()}.get(f"{first.family}{first.depth}")
    if first.family == "unet" and 2**first.depth in UNET_SIZES:
        network = "unet"
    if network is None:
        sizes = ", ".join(f"unet_{size}" for size in UNET_SIZES)
        raise BadInput(
            f"{roles['generator'].label} is a {first.title}.",
            "files",
            f"Known are {', '.join(BLOCKS)}, {sizes}.",
        )
    drops = first.dropout  # names show only a resnet's
    if first.family == "unet":
        drops = chosen.dropout == "on" or (chosen.dropout == "auto" and gan == "pix2pix")
    given: dict[str, Any] = {"network": network, "width": first.width, "norm": first.norm, "dropout": drops}
    judge = next((one for name, one in roles.items() if name.startswith("discriminator")), None)
    if judge is not None:
        patches = {layers: patch for patch, layers in LAYERS.items()}
        seen = judge.architecture
        if seen.family == "patch" and seen.depth not in patches:
            raise BadInput(
                f"{judge.label} is a {seen.title}.",
                "files",
                f"Known are {', '.join(map(str, patches))} layers.",
            )
        given |= {
            "discriminator_width": seen.width,
            "patch": "pixel" if seen.family == "pixel" else patches[seen.depth],
        }
    given |= {"test_mode": chosen.test_mode, "test_dropout": chosen.dropout}
    return validate(options_model(gan, DATA), given)


def _sentence(roles: dict[str, Network], gan: Gan, names: tuple[str, str]) -> str:
    ways = "there and back" if "generator_back" in roles else "one way"
    return f"{names[0]} to {names[1]}, {ways}. Imported: {roles['generator'].architecture.title}."


def _card_text(title: str, roles: dict[str, Network], config: dict[str, Any], origin: str) -> str:
    lines = [
        f"# {title}",
        "",
        config["sentence"],
        "",
        f"From {origin}." if origin else f"From files: {MADE_BY}.",
    ]
    lines += ["", "| network | file | what it is | parameters | sha256 |", "|---|---|---|---:|---|"]
    for name, one in roles.items():
        with torch.device("meta"):
            count = sum(weight.numel() for weight in one.architecture.build().parameters())
        file = re.sub(r"[|\n`]", " ", f"{one.file}: {one.name}" if one.name else one.file)
        lines.append(f"| {name} | `{file}` | {one.architecture.sentence} | {count:,} | `{one.sha256[:16]}` |")
    if roles["generator"].architecture.norm == "batch":
        lines += ["", NORM_USED[config["options"]["test_mode"]]]
    if config["options"]["dropout"]:
        lines += ["", DROPOUT_USED[config["options"]["test_dropout"]]]
    lines += ["", f"Licence: {config['licence']}.", ""]
    return "\n".join(lines)


def _write(out: Path, roles: dict[str, Network], config: RunConfig, more: dict[str, Any], text: str) -> None:
    """The folder, there whole or not at all. Raises ``BadInput``, ``Conflict``."""
    data = config["meta"]["data"]
    shape = Shape("pairs", tuple(data["shape"]), given=tuple(data.get("given", ())))
    options = options_model(config["gan"], DATA)(**config["options"])
    recipe, networks = loading.build(config["gan"], options, shape, seed=0)
    for name, one in roles.items():
        networks[name].load_state_dict(one.state)
    model = Model(out.name, more["title"], config, recipe, networks, step=0)
    with appearing(out) as beside:
        is_half = all(one.is_half for one in roles.values())
        loading.keep(model, beside, half=is_half, only=roles, **more)
        (beside / "card.md").write_text(text, "utf-8")
        if out.exists():
            raise Conflict(f"there is a model called {out.name} already.", "name", "Choose another name.")
