"""The models that ship: how each is made, measured and described.

python -m engine.tools.pretraining                             what there is to make
python -m engine.tools.pretraining infogan-mnist               trains or goes on, measures, keeps it
python -m engine.tools.pretraining infogan-mnist --run runs/X  the same from a run that is there already
python -m engine.tools.pretraining infogan-mnist --measure     only measures what ships again

An interrupted training goes on where it stopped when the command is given again.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine import PRETRAINED
from engine.data.reading.split import SPLIT, Split
from engine.metrics import METRICS
from engine.metrics.evaluate import evaluate
from engine.models import loading
from engine.models.model import Model
from engine.runs.folder import RunFolder
from engine.training.request import validate
from engine.worker.session import train


@dataclass(frozen=True)
class Plan:
    """How a model is made: the run, the networks that are kept, the measures, and what it cannot do."""

    title: str
    sentence: str
    request: dict[str, Any]
    limits: str
    keeps: tuple[str, ...] | None = None  # of its networks; None: all
    metrics: tuple[str, ...] | None = None  # None: all that apply
    tried: str = ""  # what else was tried, so that one good seed does not pass for the rule
    beside: dict[str, Any] | None = None  # options of another run, measured to compare with
    polish: dict[str, Any] | None = None  # options of a second run, which begins with the first one's weights
    polish_steps: int = 0


PARTS: dict[Split, str] = {
    "families": "the test part",
    "names": "the test part",
    "unseen": "what of the test part resembles nothing that was learned from",
}
EMOJI = ("openmoji", "line_art", "drawing_styles")
POLISHED = "-polished"  # ends the name of a second run
PAIRS = {"discriminator_width": 24, "batch_size": 8, "report_every": 25}


def _request(gan: str, data: str, steps: int, seed: int = 0, **options: Any) -> dict[str, Any]:
    return {"gan": gan, "data": data, "steps": steps, "seed": seed, "options": options}


PLANS: dict[str, Plan] = {
    "infogan-mnist": Plan(
        title="InfoGAN, MNIST digits",
        sentence="Ten categories that it found by itself, and two sliders that turn and thicken.",
        request=_request("infogan", "mnist", 24_000, ema=0.999, lr_decay="linear", precision="bfloat16"),
        tried="Seed 0 alone with these options; the first 4,564 steps are those of a run of 12,000, whose "
        "rates fell from step 6,000: code error 4.0 %, FID 0.16. Seed 0 in float32 at constant rates: 6.6 % "
        "at step 5,000 (8.2 % by averages of Q, which lag), 4.7 % at 6,000, FID 0.56. Digits moved before D "
        "sees them (diff_augment, shift alone): 7.6 % at 4,200 on 500 digits, 15 % at 8,000, given up. Half "
        "the width, seed 1: 45 % at step 800, given up.",
        limits="28 px digits only; which category is which digit was found without labels; what it mistakes "
        "most are 7s for 4s. At the ends of the sliders digits break up.",
    ),
    "dcgan-fashion": Plan(
        title="DCGAN, Fashion-MNIST",
        sentence="Shirts, shoes and bags from plain noise.",
        request=_request("dcgan", "fashion", 12_000, size=32, width=32, ema=0.999, lr_decay="linear"),
        limits="32 px, grey; classes cannot be chosen; fine texture is blurred or noisy.",
    ),
    "acgan-fashion": Plan(
        title="ACGAN, Fashion-MNIST",
        sentence="Choose one of ten garments, and let the noise design it.",
        request=_request("acgan", "fashion", 5000, size=32, width=32, ema=0.999, lr_decay="linear"),
        limits="32 px, grey; variety within a class is less than in the data.",
    ),
    "acgan-mnist": Plan(
        title="ACGAN, MNIST digits",
        sentence="Choose the digit: D names it as well as judging it.",
        request=_request(
            "acgan", "mnist", 8000, width=32, ema=0.999, lr_decay="linear", precision="bfloat16"
        ),
        limits="28 px digits only.",
    ),
    "conditional-mnist": Plan(
        title="Conditional GAN, MNIST digits",
        sentence="Choose the digit, and let the noise choose the hand.",
        request=_request("conditional", "mnist", 4000, width=32, ema=0.999, lr_decay="linear"),
        limits="28 px digits only.",
    ),
    "dcgan-openmoji": Plan(
        title="DCGAN, OpenMoji 64 px",
        sentence="Emoji that nobody has drawn, from 1,900 that somebody has: shapes come before sense.",
        request=_request(
            "dcgan",
            "openmoji",
            20_000,
            size=64,
            width=32,
            batch_size=32,
            ema=0.999,
            lr_decay="linear",
            diff_augment=True,
            precision="bfloat16",
        ),
        tried="Seed 0 alone. After 6,000 steps in float32: FID 0.36, recall 0.56, and a ladder of specks at "
        "the right edge of some.",
        limits="Few drawings of many kinds: outlines and fills are right, what they show is fantasy; faint "
        "specks in the white.",
    ),
    "bigan-mnist": Plan(
        title="BiGAN, MNIST digits",
        sentence="Its encoder finds the latent of any digit that you draw.",
        request=_request("bigan", "mnist", 24_000, hidden=800, precision="bfloat16"),
        keeps=("generator", "encoder"),
        limits="28 px digits only; a reconstruction keeps the kind of digit better than its exact shape; "
        "samples carry specks; its codes tell digits apart a little worse than their pixels do, the layer "
        "before them better.",
    ),
    "aae-mnist": Plan(
        title="Adversarial autoencoder, MNIST digits",
        sentence="A plane to walk on: two numbers hold all digits.",
        request=_request("aae", "mnist", 8000, hidden=512),
        beside={"adversary": False},
        keeps=("generator", "encoder"),
        limits="28 px digits only; two numbers cannot hold every detail, so reconstructions are smooth.",
    ),
    "line-art-to-colour": Plan(
        title="Line art to colour",
        sentence="Draw outlines, and it colours them in as OpenMoji would.",
        request=_request("pix2pix", "line_art", 4500, **PAIRS, width=24),
        polish={"patch": "16", "l1_weight": 400.0, "ema": 0.99},
        polish_steps=600,
        beside={"adversary": False},
        limits="Learned from 1,896 emoji at 128 px: it knows faces, hands, signs and simple things; which "
        "colour a thing has that it never saw is a guess, often a pale one.",
        tried="The second run began with the first one's weights in half precision. Feature distances of "
        "other recipes: the first run alone 0.887 (with feature_weight=25 0.894); a second run with D's "
        "patch of 70 px and l1_weight=400 0.851, 1000 0.841, of 34 px and 400 0.827, of 16 px and 100 0.829, "
        "by L1 alone 0.809; one run of 4,500 steps with 16 px and 400 0.845.",
    ),
    "satellite-to-map": Plan(
        title="Satellite photograph to map",
        sentence="Makes a shaded relief map of the Earth seen from above.",
        request=_request("pix2pix", "earth", 3000, **PAIRS, width=24),
        beside={"adversary": False},
        limits="One scale only, 15 pixels a degree; natural colours without clouds. Learned from 692 tiles.",
    ),
    "map-to-satellite": Plan(
        title="Map to satellite photograph",
        sentence="Paint sea, plains and mountains, and see them from orbit.",
        request=_request(
            "pix2pix",
            "earth",
            3000,
            **PAIRS,
            width=20,
            direction="map_to_satellite",
            feature_weight=10.0,
        ),
        beside={"adversary": False, "feature_weight": 0.0},
        tried="The same with feature_weight=0: feature distance 0.824, L1 0.173, FID of windows 0.96.",
        limits="One scale only, 15 pixels a degree; the map's own colours (blue sea, green to brown land); a "
        "fine regular grain lies over flat areas.",
    ),
    "drawing-styles": Plan(
        title="Twemoji to OpenMoji and back",
        sentence="Redraws flat emoji with outlines, and outlined ones flat, learned without a single pair.",
        request=_request(
            "cyclegan",
            "drawing_styles",
            4800,
            network="resnet_6",
            width=24,
            discriminator_width=24,
            report_every=25,
        ),
        limits="64 px; shapes stay as they are, only the way of drawing changes; fills come out blotchy, and "
        "pale colours are often lost. Pixel by pixel Twemoji to OpenMoji is no nearer to the truth than the "
        "input.",
        tried="One run, seed 0. It was planned for 2,200 steps and lengthened to 4,800 at step 1,326: from "
        "step 1,100 to there its rates were up to a fifth lower than the command above makes them.",
    ),
}


def make(name: str, run: Path | None = None) -> Path:
    """Train, measure and keep one of ``PLANS``; returns its folder."""
    plan = PLANS[name]
    metrics = list(plan.metrics) if plan.metrics else None
    path = run or Path("runs") / f"pretraining-{name}"
    folder = _run(plan, path, {}, plan.title)
    model, place = loading.load_run(folder), PRETRAINED / name
    model.title = plan.title
    model.step = plan.request["steps"] + plan.polish_steps
    loading.keep(model, place, only=plan.keeps)
    found = evaluate(loading.load(place), metrics)  # what ships, in half precision
    found["split"] = _split(model)
    if plan.beside:
        other = _run(plan, path.with_name(f"{path.name}-beside"), plan.beside, f"{plan.title}, beside")
        found["beside"] = evaluate(loading.load_run(other), metrics)["figures"]
    figures = {key: round(value, 4) for key, value in found["figures"].items()}
    more = {"sentence": plan.sentence, "licence": "MIT", "figures": figures}
    loading.keep(model, place, only=plan.keeps, **more)
    (place / "evaluation.json").write_text(json.dumps(found, indent=1), "utf-8")
    (place / "card.md").write_text(card(name, plan, model, found, folder), "utf-8")
    return place


def measure(name: str) -> Path:
    """Measure what ships of ``PLANS`` again, and write its figures, and the table of its card, anew; what
    stood beside them stays, where it is of the same neighbours. Returns its folder.
    """
    plan, place = PLANS[name], PRETRAINED / name
    model, before = loading.load(place), json.loads((place / "evaluation.json").read_text("utf-8"))
    found = evaluate(model, list(plan.metrics) if plan.metrics else None)
    found["split"] = _split(model)
    if beside := before.get("beside"):
        found["beside"] = {key: value for key, value in beside.items() if key not in ("precision", "recall")}
        found["beside_is"] = before.get("beside_is") or _changed_part(before, found)
    config = json.loads((place / "config.json").read_text("utf-8"))
    config["figures"] = {key: round(value, 4) for key, value in found["figures"].items()}
    (place / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
    (place / "evaluation.json").write_text(json.dumps(found, indent=1), "utf-8")
    words = (place / "card.md").read_text("utf-8").partition("Measured by ")[0]
    (place / "card.md").write_text(words + "\n".join(_figures(found, plan)) + "\n", "utf-8")
    return place


def _split(model: Model) -> Split:
    """By which rule what it is tested on was held out: of emoji alone there are several."""
    return model.source().split if model.config["data"] in EMOJI else SPLIT


def _changed_part(before: dict[str, Any], found: dict[str, Any]) -> str:
    """What else the figures beside are of, where the part that is tested on has become another."""
    n, now = (one["metrics"].get("differences", {}).get("n") for one in (before, found))
    return "" if n == now else f", on all {n}"


def _run(plan: Plan, path: Path, changes: dict[str, Any], title: str) -> RunFolder:
    """The run at ``path``, trained, or the one that polishes it; its options are the plan's, changed."""
    folder, request = RunFolder(path), plan.request
    options = {**request["options"], **changes}
    _train(folder, {**request, "options": options, "name": title})
    if plan.polish is None:
        return folder
    last = RunFolder(path.with_name(path.name + POLISHED))
    options = {**options, **plan.polish, **changes}
    begin = {"start_from": str(path), "steps": plan.polish_steps}
    _train(last, {**request, "options": options, "name": title, **begin})
    return last


def _train(folder: RunFolder, request: dict[str, Any]) -> None:
    """Train what ``request`` asks for in ``folder``, or go on with it, to its end."""
    if not (folder.path / "config.json").exists():
        folder.create({"id": folder.id, **validate(request)}, "starting")
    if folder.status()["state"] != "done" and train(folder, resume=folder.status()["step"] > 0) != "done":
        raise SystemExit(f"{folder.path} did not end: {folder.status().get('error')}")


def card(name: str, plan: Plan, model: Model, found: dict[str, Any], folder: RunFolder) -> str:
    """What a reader needs to know of a model, as Markdown."""
    source, status, config = model.source(), folder.status(), model.config
    told = " ".join(f"{key}={value}" for key, value in plan.request["options"].items())
    steps, minutes = plan.request["steps"], status.get("elapsed", 0.0) / 60
    if plan.polish is not None:
        first = RunFolder(folder.path.with_name(folder.id.removesuffix(POLISHED)))
        minutes += first.status().get("elapsed", 0.0) / 60
    lines = [
        f"# {plan.title}",
        "",
        plan.sentence,
        "",
        f"- GAN: {model.recipe.title} ({model.recipe.paper}); "
        + ", ".join(
            f"{part} {sum(w.numel() for w in network.parameters()):,}"
            for part, network in model.networks.items()
            if plan.keeps is None or part in plan.keeps
        )
        + " parameters.",
        f"- Data: {source.title}, training part. Licence of the data: {source.licence}.",
        f"- Made by: `python -m engine.tools.pretraining {name}`, that is `python -m engine train "
        f"--gan {config['gan']} --data {config['data']} --steps {steps} --seed {config['seed']}"
        + (f" --set {told}`" if told else "`")
        + _polishing(plan)
        + ".",
        f"- Seed {config['seed']}, {steps + plan.polish_steps:,} steps of batch {model.options.batch_size}, "
        f"{minutes:.0f} minutes on {status.get('device')} ({platform.machine()}, a thread, shared "
        f"with other work), torch {torch.__version__}.",
        "- Weights: averages over training where there are any, in half precision.",
        f"- Limits: {plan.limits}",
        *([f"- Tried: {plan.tried}"] if plan.tried else []),
        "- Licence of the weights: MIT.",
        "",
        *_figures(found, plan),
    ]
    return "\n".join(lines) + "\n"


def _polishing(plan: Plan) -> str:
    """How the second run differs from the first, for the card."""
    if plan.polish is None:
        return ""
    told = " ".join(f"{key}={value}" for key, value in plan.polish.items())
    return f", and {plan.polish_steps:,} more that begin with its weights, with `{told}`"


def _figures(found: dict[str, Any], plan: Plan) -> list[str]:
    network, beside = found["network"], found.get("beside")
    changed = ", ".join(f"{name}={value}" for name, value in (plan.beside or {}).items())
    lines = [
        f"Measured by `python -m engine evaluate`, seed {found['seed']}"
        + (f", features of {network['title']}" if network else "")
        + _of_which(found)
        + ":",
        "",
        "| figure | value | real data, or what stands beside it |"
        + (f" the same with {changed}{found.get('beside_is', '')} |" if beside else "")
        + " N |",
        "|---|---|---|" + ("---|" if beside else "") + "---|",
    ]
    for name, measure in METRICS.items():
        n = _count(found["metrics"].get(name, {}))
        for key, figure in measure.figures.items():
            if key in found["figures"]:
                floor = found["floors"].get(key)
                spread = found["spreads"].get(key)
                chance = "" if spread is None else f" ± {spread:.2g}"
                line = f"| {figure.heading} | {found['figures'][key]:.4g} | {_short(floor)}{chance} |"
                lines.append(line + (f" {_short(beside.get(key))} |" if beside else "") + f" {n} |")
    return [*lines, "", *(f"- {warning}" for warning in found["warnings"])]


def _of_which(found: dict[str, Any]) -> str:
    """Which pictures the figures are of: those that were translated, or that samples were compared with."""
    if "differences" in found["metrics"]:
        return f", on {PARTS[found['split']]}"
    of = found["metrics"].get("fid", {})
    return f", samples against {of['against']}, and {of['floor']} beside them" if of else ""


def _count(details: dict[str, Any]) -> str:
    """How many samples, or test images, a measure looked at."""
    if "n" in details:
        return f"{details['n']:,}"
    images = details.get("test_images", details.get("images", ""))
    return f"{images:,} test images" if isinstance(images, int) else images


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=PLANS)
    parser.add_argument("--run", type=Path, help="a run's folder to go on with, or to take as it is")
    parser.add_argument("--measure", action="store_true", help="only measure what ships again")
    given = parser.parse_args()
    if given.name:
        print(measure(given.name) if given.measure else make(given.name, given.run))
        return
    for name, plan in PLANS.items():
        there = "ships" if (PRETRAINED / name / "weights.safetensors").exists() else "not made yet"
        print(f"{name:<18} {plan.sentence} ({there})")


if __name__ == "__main__":
    main()
