"""Presets: experiments that show one thing, each a card with one sentence on what to watch. No torch.

To add one, add an entry. ``options`` name only what differs from the defaults; ``expect`` is the diagnosis
that the first run should end with. Two runs are shown side by side: ``labels`` tell them apart, or else their
objectives. A picture ``engine/pictures/NAME.png`` is used if it is there.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

Request = dict[str, Any]  # {"gan", "data", "steps", "seed", "options"}


@dataclass(frozen=True)
class Preset:
    """One card of a ``group``: a sentence to ``watch``, a diagnosis (or ``healthy``) to ``expect``, one or
    two requests.
    """

    title: str
    watch: str
    expect: str
    runs: tuple[Request, ...]
    group: str = "first"
    labels: tuple[str, ...] = ()


def _run(gan: str, data: str, steps: int, **options: Any) -> Request:
    return {"gan": gan, "data": data, "steps": steps, "seed": 0, "options": options}


def _trick(title: str, watch: str, expect: str, without: Request, **options: Any) -> Preset:
    """``without`` beside the same with ``options``."""
    beside = {**without, "options": {**without["options"], **options}}
    return Preset(title, watch, expect, (without, beside), "tricks", ("without", "with"))


_COLLAPSING = _run("gan", "ring", 20_000, generator_lr=1e-3, discriminator_lr=5e-5)
_CIRCLING = _run(
    "gan", "ring", 20_000, generator_lr=1e-2, discriminator_lr=1e-2, generator_beta1=0.9,
    discriminator_beta1=0.9,
)  # fmt: skip
_OUT_OF_REACH = _run(
    "gan", "segments", 20_000, objective="minimax", generator_optimizer="sgd", generator_lr=1e-2,
    pretrain_discriminator=3000,
)  # fmt: skip
_OVERPOWERED = _run(
    "gan", "ring", 20_000, objective="minimax", critic_steps=5, discriminator_lr=1e-3,
    generator_optimizer="sgd", generator_lr=3e-4,
)  # fmt: skip
_ONE_GAUSSIAN: dict[str, Any] = {"affine": True, "modes": 3, "sd": 0.1, "generator_update": "minimax"}

PRESETS: dict[str, Preset] = {
    "ring_collapse": Preset(
        title="Mode collapse",
        watch="Watch G sit on one mode of the ring, and jump to the next as soon as D has noticed.",
        expect="mode_collapse",
        runs=(_COLLAPSING,),
    ),
    "ring_cured": Preset(
        title="Collapse, cured",
        watch="Watch all eight modes fill up: the same ring, with D learning as fast as G.",
        expect="healthy",
        runs=(_run("gan", "ring", 20_000, generator_lr=1e-3, discriminator_lr=1e-3),),
    ),
    "vanishing_gradient": Preset(
        title="Vanishing gradient",
        watch="Watch G stand still: D is so sure of itself that log(1 - D) is flat wherever G looks.",
        expect="vanishing_gradient",
        runs=(_OUT_OF_REACH,),
    ),
    "oscillation": Preset(
        title="Oscillation",
        watch="Watch the two chase each other in circles: each answers the other's last move.",
        expect="oscillation",
        runs=(
            _run(
                "gan", "ring", 20_000, objective="wasserstein", weight_clip=0.1, generator_lr=1e-3,
                discriminator_lr=1e-3,
                generator_beta1=0.9, discriminator_beta1=0.9,
            ),
        ),
    ),
    "overpowering": Preset(
        title="D overpowers G",
        watch="Watch D's accuracy stay near 1 while G hardly moves: five steps of D for each of G, whose "
        "loss is flat where D is sure.",
        expect="discriminator_overpowering",
        runs=(_OVERPOWERED,),
    ),
    "wasserstein": Preset(
        title="Wasserstein beside GAN",
        watch="Watch the left one stand still and the right one walk over: a critic's slope spans the gap.",
        expect="vanishing_gradient",
        runs=(
            _OUT_OF_REACH,
            _run(
                "gan", "segments", 20_000, objective="wasserstein", gradient_penalty=0.1, critic_steps=5,
                generator_optimizer="sgd", generator_lr=1e-2, pretrain_discriminator=3000,
            ),
        ),
    ),
    "dcgan_mnist": Preset(
        title="Digits",
        watch="Watch strokes, then digits, come out of noise: a convolutional GAN in good health.",
        expect="healthy",
        runs=(_run("dcgan", "mnist", 5_000),),
    ),
    "conditional_digits": Preset(
        title="The digit you ask for",
        watch="Watch each row become one digit: G is told which to draw, and D checks it.",
        expect="healthy",
        runs=(_run("conditional", "mnist", 4_000, ema=0.999),),
    ),
    "infogan_digits": Preset(
        title="InfoGAN",
        watch="Watch ten rows sort themselves into kinds of digit, though nobody has named one.",
        expect="healthy",
        runs=(_run("infogan", "mnist", 5_000, width=32),),
    ),
    "line_art": Preset(
        title="Colour in drawings",
        watch="Watch pix2pix colour outlines that it has never seen: first grey, then bold, edge to edge.",
        expect="healthy",
        runs=(
            _run(
                "pix2pix", "line_art", 3_000, size=64, width=16, discriminator_width=16, batch_size=8,
                patch="34",
            ),
        ),
    ),
    "drawing_styles": Preset(
        title="Without a single pair",
        watch="Watch CycleGAN redraw flat emoji with outlines, and back, though nobody showed it how.",
        expect="healthy",
        runs=(
            _run(
                "cyclegan", "drawing_styles", 3_000, network="resnet_6", width=16, discriminator_width=16,
                patch="34",
            ),
        ),
    ),
    "minibatch": _trick(
        "Minibatch discrimination",
        "Watch all eight modes fill where D compares the samples of a batch; without it G hides in one.",
        "mode_collapse",
        _COLLAPSING,
        minibatch_discrimination=8,
    ),
    "unrolled": Preset(
        title="Unrolled GAN",
        watch="Watch G spread out where it answers the D of five steps ahead, and hop where it does not.",
        expect="mode_collapse",
        runs=(_COLLAPSING, {**_COLLAPSING, "gan": "unrolled"}),
        group="tricks",
        labels=("plain", "unrolled"),
    ),
    "feature_matching": _trick(
        "Feature matching",
        "Watch G keep to all modes, if loosely: it matches what D sees on average, not D's verdict.",
        "mode_collapse",
        _COLLAPSING,
        feature_matching=1.0,
    ),
    "historical_averaging": _trick(
        "Historical averaging",
        "Watch the chase slow down, and from some seeds come to rest: weights held to the mean of all that "
        "they were circle less. G's points spread over the ring, if not onto its modes.",
        "oscillation",
        _CIRCLING,
        historical_averaging=1.0,
    ),
    "instance_noise": _trick(
        "Instance noise",
        "Watch G find the way: noise on all that D sees makes the two lines overlap, and fades later.",
        "vanishing_gradient",
        _OUT_OF_REACH,
        instance_noise=1.0,
        instance_noise_steps=10_000,
    ),
    "label_smoothing": _trick(
        "One-sided label smoothing",
        "Watch D's colour around the real points: taught to answer 0.75 there, it is never quite sure. G's "
        "gradient vanishes all the same.",
        "vanishing_gradient",
        _OUT_OF_REACH,
        label_smoothing=0.25,
    ),
    "virtual_batch_norm": _trick(
        "Virtual batch norm",
        "Watch the background: with four pictures in a batch they leave grey traces in each other, unless "
        "all are normalised by a reference batch.",
        "healthy",
        _run("dcgan", "mnist", 4_000, batch_size=4, width=16),
        virtual_batch_norm=64,
    ),
    "mutual_information": _trick(
        "Mutual information",
        "Watch each colour, a category of InfoGAN's code, take a cluster for itself; without the information "
        "in the loss the colours stay mixed: a code that G may ignore means nothing.",
        "healthy",
        _run("infogan", "ring", 20_000, ema=0.99, info_weight=0.0),
        info_weight=1.0,
    ),
    "least_squares": Preset(
        title="Least squares beside GAN",
        watch="Watch the losses, not their height: least squares counts in other units, and 0.25 is its D "
        "undecided. The digits tell, drawn by the same networks from the same seed.",
        expect="healthy",
        runs=tuple(
            _run("gan", "mnist", 10_000, objective=objective)
            for objective in ("non_saturating", "least_squares")
        ),
        group="tricks",
        labels=("cross-entropy", "least squares"),
    ),
    "mode_seeking": Preset(
        title="Covering or seeking modes",
        watch="Watch one Gaussian learn three: KL spreads it over all, reverse KL draws it onto one, or now "
        "and then leaves it between two, which is a minimum of reverse KL too.",
        expect="learning",
        runs=tuple(
            {**_run("gan", "ring", 20_000, objective=objective, **_ONE_GAUSSIAN), "seed": 1}
            for objective in ("f_kl", "f_reverse_kl")
        ),
        group="tricks",
        labels=("KL", "reverse KL"),
    ),
}  # fmt: skip


def describe(name: str) -> dict[str, Any]:
    """A preset as plain data, for the catalogue."""
    preset = PRESETS[name]
    return {
        "name": name,
        "title": preset.title,
        "watch": preset.watch,
        "expect": preset.expect,
        "group": preset.group,
        "runs": copy.deepcopy(list(preset.runs)),
        "picture": f"/api/presets/{name}.png",
    }


def requests(name: str, seed: int | None = None) -> list[Request]:
    """The requests that start a preset, with another seed if one is given."""
    preset = PRESETS[name]
    several = len(preset.runs) > 1
    made = []
    for number, run in enumerate(copy.deepcopy(preset.runs)):
        label = run["options"].get("objective", "non-saturating")
        if preset.labels:
            label = preset.labels[number]
        title = f"{preset.title}: {label}" if several else preset.title
        made.append({**run, "name": title, "preset": name, **({} if seed is None else {"seed": seed})})
    return made
