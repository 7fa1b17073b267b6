"""Tiny translation models in folders, and photographs to translate."""

import functools
import io
import json

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from engine.game.recipe import Shape
from engine.models import loading
from engine.models.assembly import options_model
from engine.models.model import Model

TINY = {"width": 4, "discriminator_width": 4, "patch": "16"}


def make_translator(
    folder, gan="cyclegan", size=64, given=3, made=3, seed=0, spread=2.5, only=None, **options
):
    """A model folder with random weights, ``spread`` times as far from zero as usual."""
    chosen = options_model(gan, "imported")(**{**TINY, **options})
    shape = Shape("pairs", (made, size, size), given=(given, size, size))
    recipe, networks = loading.build(gan, chosen, shape, seed)
    for network in networks.values():
        network.eval().requires_grad_(False)
        torch.manual_seed(seed)
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                layer.weight.mul_(spread)
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
    described = {"title": "A and B", "kind": "pairs", "classes": None, "names": ["A", "B"]}
    described |= {"shape": list(shape.shape), "given": list(shape.given)}
    config = {
        "name": folder.name, "gan": gan, "data": "imported", "kind": "pairs", "seed": seed, "steps": 0,
        "device": "cpu", "preset": None, "parent": None, "versions": {}, "created": 1.0,
        "options": chosen.model_dump(),
        "meta": {"data": described, "gan": {"title": gan, "sentence": ""}, "live": [], "sentence": ""},
    }  # fmt: skip
    model = Model(folder.name, folder.name, config, recipe, networks, 7)
    loading.keep(model, folder, half=False, only=only)
    assert json.loads((folder / "config.json").read_text())["step"] == 7
    return folder


def reference_file(folder):
    """The weights of a tiny generator, named and laid out as the reference implementation does."""
    made = make_translator(folder / "made", "pix2pix", network="unet", norm="batch")
    file = folder / "latest_net_G.pth"
    torch.save(loading.load(made).networks["generator"].state_dict(), file)
    return file


@functools.cache
def photograph(height, width, name="china.jpg"):
    """uint8 (height, width, 3): a part of a photograph of 427 x 640, mirrored where it is too small."""
    whole = load_sample_image(name)
    more = ((0, max(0, height - whole.shape[0])), (0, max(0, width - whole.shape[1])), (0, 0))
    return np.ascontiguousarray(np.pad(whole, more, mode="reflect")[:height, :width])


def file_of(pixels, kind="PNG", **how):
    """An array, or a picture, as a file's bytes."""
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, kind, **how)
    return file.getvalue()


def opened(raw):
    return Image.open(io.BytesIO(raw))
