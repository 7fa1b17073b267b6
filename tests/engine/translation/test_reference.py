"""Results of the reference implementation, had again to 1 of 255: its networks, options and pictures, defined
once more and independently.
"""

import numpy as np
import pytest
import torch
from PIL import Image

from engine.models.library import Library
from engine.options import BadInput
from engine.weights.adding import add
from tests.engine.made_translators import file_of, opened, photograph
from tests.engine.translation.test_translating import translated
from tests.engine.weights.reference_networks import resnet, unet, weights

SIZE = 64


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Imported files of a U-Net trained with --no_dropout, one that takes RGBA, and a ResNet, loaded."""
    folder, library = tmp_path_factory.mktemp("models"), Library()
    for name, family, norm, ins in (
        ("unet", "unet", "batch", 3),
        ("grey", "unet", "batch", 1),
        ("rgba", "unet", "batch", 4),
        ("resnet", "resnet", "instance", 3),
    ):
        file = folder / f"{name}.pth"
        torch.save(weights(family, norm, 6, 6, ins, 3), file)
        add([file], folder / name, chosen=dict(dropout="off"))
    return {path.name: library.get(path) for path in folder.iterdir() if path.is_dir()}


def network(name, pixels):
    """What the reference's network makes of uint8 (H, W, C), without --eval, as numbers in 0..255."""
    channels = pixels.shape[2]
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255 * 2 - 1
    if name == "resnet":
        y = resnet(weights("resnet", "instance", 6, 6), x, "instance", 6)
    else:
        y = unet(weights("unet", "batch", 6, 6, channels, 3), x, "batch", 6, train=True)
    return ((y[0].permute(1, 2, 0) + 1) / 2 * 255).numpy()


def reference(name, picture, preprocess):
    """test.py: open as RGB, resize by bicubic, translate, and cut to uint8."""
    picture = picture.convert("RGB")
    if name == "grey":
        picture = picture.convert("L")
    width, height = picture.size
    if preprocess == "resize_and_crop":
        picture = picture.resize((SIZE, SIZE), Image.BICUBIC)
    elif preprocess == "none":
        picture = picture.resize((round(width / 4) * 4, round(height / 4) * 4), Image.BICUBIC)
    pixels = np.asarray(picture)
    return network(name, pixels[..., None] if name == "grey" else pixels).astype(np.uint8)


def off(made, wanted):
    return int(np.abs(np.asarray(opened(made["png"])).astype(int) - wanted.round().astype(int)).max())


@pytest.mark.parametrize(
    ("name", "preprocess", "shape"),
    [
        ("unet", "resize_and_crop", (90, 131)),
        ("grey", "resize_and_crop", (90, 131)),
        ("unet", "none", (128, 192)),  # larger than its own size: whole
        ("resnet", "none", (66, 101)),
    ],
)
def test_a_result_of_the_reference_is_had_again(models, name, preprocess, shape, tmp_path):
    photo = Image.fromarray(photograph(*shape))
    made = translated(models[name], file_of(photo), tmp_path, preprocess=preprocess)
    wanted = reference(name, photo, preprocess)
    assert off(made, wanted) <= 1 and wanted.std() > 3
    exact = np.asarray(opened(made["png"])) == wanted
    assert exact.mean() > 0.99  # cut as it is there; rounded, half of the numbers would differ


def test_a_unet_may_take_a_larger_picture_whole(models, tmp_path):
    photo = photograph(128, 192)
    made = translated(models["unet"], file_of(photo), tmp_path, scale="whole")
    wanted = network("unet", photo)
    assert off(made, wanted) <= 1 and made["tiles"] == 1 and made["scale"] == "whole"
    tiled = translated(models["unet"], file_of(photo), tmp_path, scale="full")
    assert off(tiled, wanted) > 8 and tiled["tiles"] > 1
    odd = translated(models["unet"], file_of(photo[:100, :150]), tmp_path, scale="whole")
    assert opened(odd["png"]).size == (150, 100)


def test_norm_and_dropout_are_two_settings(models, tmp_path):
    """A file trained without dropout gives one result, whatever the seed, by the picture's own statistics."""
    raw = file_of(photograph(SIZE, SIZE))
    made = [translated(models["unet"], raw, tmp_path, seed=seed) for seed in (0, 1)]
    assert made[0]["png"] == made[1]["png"] and made[0]["test_mode"] == "train" and not made[0]["dropout"]
    assert off(made[0], network("unet", photograph(SIZE, SIZE))) <= 1
    file = tmp_path / "G.pth"
    torch.save(weights("unet", "batch", 6, 6), file)
    add([file], tmp_path / "drops")
    drops = Library().get(tmp_path / "drops")
    for mode, dropout in (("train", "off"), ("eval", "on"), ("train", "on"), ("eval", "off")):
        both = [
            translated(drops, raw, tmp_path, test_mode=mode, dropout=dropout, seed=seed) for seed in (0, 1)
        ]
        assert (both[0]["png"] != both[1]["png"]) == (dropout == "on") == both[0]["dropout"]
    plain = translated(drops, raw, tmp_path, test_mode="train", dropout="off")
    assert plain["png"] == made[0]["png"]


def test_what_the_reference_cannot_do_is_refused(models, tmp_path):
    raw = file_of(photograph(70, 90))
    with pytest.raises(BadInput, match="88 x 72 px, and this network takes multiples of 64"):
        translated(models["unet"], raw, tmp_path, preprocess="none")
    with pytest.raises(BadInput, match="sets the size"):
        translated(models["unet"], raw, tmp_path, preprocess="none", scale="full")
    with pytest.raises(BadInput, match="RGB and grey"):
        translated(models["rgba"], raw, tmp_path, preprocess="none")


def test_a_network_that_takes_rgba_is_given_it(models, tmp_path):
    photo = photograph(SIZE, SIZE)
    alpha = np.tile(np.linspace(1, 255, SIZE).astype(np.uint8), (SIZE, 1))
    raw = file_of(np.dstack([photo, alpha]))
    made = translated(models["rgba"], raw, tmp_path, alpha="white", given=True)
    assert off(made, network("rgba", np.dstack([photo, alpha]))) <= 1
    assert opened(made["given"]).mode == "RGBA"
    opaque = translated(models["rgba"], file_of(photo), tmp_path)
    assert off(opaque, network("rgba", np.dstack([photo, np.full_like(alpha, 255)]))) <= 1
