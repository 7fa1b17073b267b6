"""Weight files of the reference implementation as a model's folder: what each file is, and what it is for."""

from __future__ import annotations

import hashlib
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch

import engine
from engine.game.recipe import Shape
from engine.gans import GANS
from engine.models import finding, loading
from engine.models.assembly import options_model
from engine.models.model import Model
from engine.networks.translators import BLOCKS, LAYERS, UNET_SIZES
from engine.options import BadInput, Conflict, Options, validate
from engine.runs.files import appearing
from engine.runs.names import check_name
from engine.runs.records import RunConfig
from engine.weights.reading import State, read
from engine.weights.recognise import Architecture, recognise

Gan = Literal["pix2pix", "cyclegan"]
Mode = Literal["auto", "train", "eval"]
GANS_TO_BE: tuple[Gan, ...] = ("pix2pix", "cyclegan")
MODES: tuple[Mode, ...] = ("auto", "train", "eval")
DATA = "imported"
SIZE = 256  # px of the official models' pictures
MOST_FILES = 4
MADE_BY = "networks in the layout of the reference implementation of pix2pix and CycleGAN"
# latest_net_G_A.pth, 200_net_D.pth, netG_B.safetensors
ROLE = re.compile(r"(?:^|[_.-])(?:net_?)?([GD])(?:_([AB]))?$")


@dataclass(frozen=True)
class Network:
    """One file, read and recognised."""

    file: str
    sha256: str
    bytes: int
    is_half: bool
    architecture: Architecture
    state: State

    @property
    def side(self) -> str | None:
        """ "A" or "B" where the file's name says so."""
        found = ROLE.search(Path(self.file).stem)
        return found[2] if found else None


def open_network(path: Path) -> Network:
    """The network in a file. Raises ``BadInput`` with the reason if there is none that is known here."""
    tensors = read(path)
    try:
        architecture, state = recognise(tensors)
    except BadInput as error:
        raise BadInput(f"{path.name[:80]}: {error.error}", error.field, error.remedy) from None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    is_half = all(value.element_size() <= 2 for value in state.values() if value.is_floating_point())
    return Network(path.name, digest, path.stat().st_size, is_half, architecture, state)


def add(
    files: Sequence[Path],
    out: Path,
    title: str = "",
    gan: Gan | None = None,
    test_mode: Mode = "auto",
    names: tuple[str, str] = ("A", "B"),
    origin: str = "",
    licence: str = "",
) -> dict[str, Any]:
    """Make the model folder ``out`` of weight files: one or two generators, and their discriminators if they
    are there. Returns the model's card.

    ``gan`` is what they were trained as; without it, two generators or a ResNet are a CycleGAN, a U-Net is a
    pix2pix. ``names`` say what the two sides show, ``origin`` where the files are from. Raises ``BadInput``
    with the reason, ``Conflict`` if there is such a model; then nothing is kept.
    """
    title = check_name(title or out.name)
    if gan not in (None, *GANS_TO_BE):
        raise BadInput(
            f"there is no {str(gan)[:40]!r} among them.", "as", f"Choose one of: {', '.join(GANS_TO_BE)}."
        )
    if test_mode not in MODES:
        raise BadInput("there is no such mode.", "test_mode", f"Choose one of: {', '.join(MODES)}.")
    if out.exists():
        raise Conflict(f"there is a model called {out.name} already.", "name", "Choose another name.")
    if not 1 <= len(files) <= MOST_FILES:
        raise BadInput(
            f"{len(files)} files are not one to four.", "files", "Give G and, if at hand, D of each side."
        )
    networks = [open_network(file) for file in files]
    gan = gan or _likely(networks)
    roles = _roles(networks, gan)
    config = _config(roles, gan, test_mode, names)
    config |= {"id": out.name, "name": title}
    more = {
        "title": title,
        "sentence": _sentence(roles, gan, names),
        "licence": licence or "as their makers state",
        "figures": {},
        "files": [{"file": one.file, "sha256": one.sha256, "bytes": one.bytes} for one in networks],
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


def _roles(networks: Sequence[Network], gan: Gan) -> dict[str, Network]:
    """The networks by the names that they have in the GAN. Raises ``BadInput`` if they do not go together."""
    kinds = {"generator": True, "discriminator": False}
    roles: dict[str, Network] = {}
    for name, is_generator in kinds.items():
        these = [one for one in networks if one.architecture.is_generator == is_generator]
        places = [name] if gan == "pix2pix" else [name, f"{name}_back"]
        if len(these) > len(places):
            raise BadInput(
                f"{len(these)} of the files are {name}s, and {GANS[gan].title} has {len(places)}.",
                "files",
                "Import them one by one, or two of them as cyclegan.",
            )
        these.sort(
            key=lambda one: {"A": 0, "B": 2}.get(one.side or "", 1)
        )  # as they came, if names say nothing
        if len(these) == 1 and len(places) == 2 and these[0].side == "B" and name == "discriminator":
            places.reverse()  # D_B alone
        roles |= dict(zip(places, these, strict=False))
    if "generator" not in roles:
        raise BadInput("none of the files is a generator.", "files", "Give the file of G, of G_A or of G_B.")
    _check_together(roles, gan)
    return roles


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
                f"{network.file[:80]} takes {one.inputs} channels and gives {one.outputs}, but beside "
                f"{roles['generator'].file[:80]} it should be {wanted[0]} and {wanted[1]}.",
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
        built = "; ".join(f"{one.file[:60]} is {one.architecture.sentence}" for one in roles.values())
        raise BadInput(
            f"these files are not of one model: {built}.",
            "files",
            "Import each generator as a model of its own.",
        )


# --- what is written


def _config(roles: dict[str, Network], gan: Gan, test_mode: Mode, names: tuple[str, str]) -> dict[str, Any]:
    """The model's ``config.json``, as a run of it would have. Raises ``BadInput`` for what no option says."""
    first, recipe = roles["generator"].architecture, GANS[gan]
    options = _options(roles, gan, test_mode)
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


def _options(roles: dict[str, Network], gan: Gan, test_mode: Mode) -> Options:
    first = roles["generator"].architecture
    network = {f"resnet{count}": name for name, count in BLOCKS.items()}.get(f"{first.family}{first.depth}")
    if first.family == "unet" and 2**first.depth in UNET_SIZES:
        network = "unet"
    if network is None:
        sizes = ", ".join(f"unet_{size}" for size in UNET_SIZES)
        raise BadInput(
            f"{roles['generator'].file[:80]} is a {first.title}.",
            "files",
            f"Known are {', '.join(BLOCKS)}, {sizes}.",
        )
    drops = first.dropout or (first.family == "unet" and gan == "pix2pix")  # names show only a resnet's
    given: dict[str, Any] = {"network": network, "width": first.width, "norm": first.norm, "dropout": drops}
    judge = next((one for name, one in roles.items() if name.startswith("discriminator")), None)
    if judge is not None:
        patches = {layers: patch for patch, layers in LAYERS.items()}
        seen = judge.architecture
        if seen.family == "patch" and seen.depth not in patches:
            raise BadInput(
                f"{judge.file[:80]} is a {seen.title}.",
                "files",
                f"Known are {', '.join(map(str, patches))} layers.",
            )
        given |= {
            "discriminator_width": seen.width,
            "patch": "pixel" if seen.family == "pixel" else patches[seen.depth],
        }
    model = options_model(gan, DATA)
    if "test_mode" in model.model_fields:
        given["test_mode"] = test_mode
    return validate(model, given)


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
        file = re.sub(r"[|\n`]", " ", one.file)
        lines.append(f"| {name} | `{file}` | {one.architecture.sentence} | {count:,} | `{one.sha256[:16]}` |")
    mode = config["options"].get("test_mode")
    said = {
        "auto": "When it is used, batch norm and dropout act as in training, as the reference does.",
        "train": "When it is used, batch norm and dropout act as in training.",
        "eval": "When it is used, batch norm takes the statistics of training, and nothing is dropped.",
    }
    if mode in said and roles["generator"].architecture.norm == "batch":
        lines += ["", said[mode]]
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
