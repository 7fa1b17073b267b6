"""Which networks translate pictures, and which judge the patches of what comes out, by name."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from engine.networks.norms import Norm
from engine.networks.patchgan import PatchDiscriminator, PixelDiscriminator
from engine.networks.resnet import ResnetGenerator
from engine.networks.unet import UnetGenerator
from engine.options import BadInput, knob

Network = Literal["unet", "resnet_6", "resnet_9"]
Patch = Literal["pixel", "16", "34", "70", "142", "286", "image"]
NETWORKS = {"unet": "U-Net", "resnet_6": "ResNet, 6 blocks", "resnet_9": "ResNet, 9 blocks"}
PATCHES = {
    "pixel": "1 x 1",
    "16": "16 x 16",
    "34": "34 x 34",
    "70": "70 x 70",
    "142": "142 x 142",
    "286": "286 x 286",
    "image": "the whole picture",
}
Used = Literal["auto", "train", "eval"]
Drops = Literal["auto", "on", "off"]
USED = {
    "auto": "as it was trained",
    "train": "by the picture's own statistics",
    "eval": "by running averages",
}
DROPS = {"auto": "as batch norm", "on": "on", "off": "off"}
BLOCKS = {"resnet_6": 6, "resnet_9": 9}
LAYERS = {"16": 1, "34": 2, "70": 3, "142": 4, "286": 5}  # of a PatchGAN by what one logit sees, in px
UNET_SIZES = (64, 128, 256)
SMALLEST_MAP = 4  # px before D's last two convolutions, each of which takes one away


def norm_when_used(default: Used) -> Any:
    """The option that says how batch norm acts in a translator that is used."""
    return knob(
        default,
        "Batch norm at test time",
        "Whether batch norm acts as in training; auto: it does after training with batches of one.",
        group="networks",
        choices=USED,
    )


def dropout_when_used() -> Any:
    """The option that says whether a translator that is used leaves out features."""
    return knob(
        "auto",
        "Dropout at test time",
        "Whether dropout stays on; auto: where batch norm acts as in training.",
        group="networks",
        choices=DROPS,
    )


def build_generator(
    network: Network, given: tuple[int, ...], made: tuple[int, ...], width: int, norm: Norm, dropout: bool
) -> nn.Module:
    """A translator of pictures shaped ``given`` (C, H, W) into pictures shaped ``made``."""
    if network == "unet":
        return UnetGenerator(given[0], made[0], made[1].bit_length() - 1, width, norm, dropout)
    return ResnetGenerator(given[0], made[0], width, BLOCKS[network], norm, dropout)


def build_discriminator(patch: Patch, channels: int, size: int, width: int, norm: Norm) -> nn.Module:
    """A judge of patches of pictures (N, channels, size, size)."""
    if patch == "pixel":
        return PixelDiscriminator(channels, width, norm)
    return PatchDiscriminator(channels, width, layers_for(patch, size), norm)


def layers_for(patch: Patch, size: int) -> int:
    """Strided layers of a PatchGAN; for "image" as many as a picture of ``size`` px allows."""
    return LAYERS.get(patch, max(1, (size // SMALLEST_MAP).bit_length() - 1))


def smallest_side(patch: str) -> int:
    """The least pixels high and wide that a picture needs for ``patch``."""
    return SMALLEST_MAP * 2 ** LAYERS[patch] if patch in LAYERS else SMALLEST_MAP


def check_sizes(options: Any, given: tuple[int, ...], made: tuple[int, ...]) -> None:
    """Refuse networks that do not fit pictures of these shapes, (C, H, W). Raises ``BadInput``."""
    height, width = made[1:]
    if given[1:] != made[1:]:
        raise BadInput(
            f"these networks make pictures as large as they are given: not {width}x{height} "
            f"of {given[2]}x{given[1]}.",
            "data",
            "Choose data whose two sides are equally large.",
        )
    if options.network == "unet" and (height != width or height not in UNET_SIZES):
        raise BadInput(
            f"a U-Net halves a picture down to one pixel: it takes 64, 128 or 256 px, not {width}x{height}.",
            "network",
            "Choose one of these sizes, or a ResNet.",
        )
    least = smallest_side(options.patch)
    if min(height, width) < least:
        fitting = [words for name, words in PATCHES.items() if smallest_side(name) <= min(height, width)]
        raise BadInput(
            f"D's patch of {PATCHES[options.patch]} takes pictures of {least} px or more.",
            "patch",
            f"Choose one of: {', '.join(fitting)}.",
        )
