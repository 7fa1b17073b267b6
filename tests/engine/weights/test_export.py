"""Exported files, run by other programs, draw and translate as the model does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from engine.models import loading
from engine.options import BadInput
from engine.weights.adding import add
from engine.weights.export import FORMATS, SUFFIXES, export

CLOSE = 1e-4
ROOT = Path(__file__).parents[3]


@pytest.fixture
def translators(save, tmp_path):
    """A CycleGAN of both ways, and a pix2pix that takes the batch's statistics."""
    ways = [save(f"latest_net_G_{side}.pth", "resnet", "instance", 6) for side in "AB"]
    add(ways, tmp_path / "both")
    add([save("latest_net_G.pth", "unet", "batch", 6)], tmp_path / "unet", chosen=dict(test_mode="train"))
    return {name: loading.load(tmp_path / name) for name in ("both", "unet")}


def run(file, value):
    """What the file makes of an input, in the program that it is for."""
    if file.suffix == ".onnx":
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: value.numpy()})[0]
    return torch.jit.load(str(file))(value).detach().numpy()


@pytest.mark.parametrize("to", ["onnx", "torchscript"])
def test_translators_are_the_same_at_any_size(to, translators, tmp_path):
    for name, direction, network, sizes in (
        ("both", "b_to_a", "generator_back", [(1, 20, 44), (3, 32, 32)]),
        ("unet", None, "generator", [(1, 64, 192), (2, 128, 64)]),
    ):
        model, file = translators[name], tmp_path / f"{name}{SUFFIXES[to]}"
        written = export(model, to, file, direction)
        assert written["difference"] < CLOSE and (tmp_path / f"{file.name}.md").is_file()
        wanted = model.networks[network]
        for layer in wanted.modules():
            layer.train(name == "unet" and not isinstance(layer, torch.nn.Dropout))
        for n, height, width in sizes:
            x = torch.rand(n, 3, height, width) * 2 - 1
            assert np.abs(run(file, x) - wanted(x).numpy()).max() < CLOSE


@pytest.mark.parametrize("name", ["infogan-mnist", "conditional-mnist", "aae-mnist"])
@pytest.mark.parametrize("to", ["onnx", "torchscript"])
def test_generators_draw_the_same_of_any_number_of_latents(name, to, tmp_path):
    model, file = loading.load(name), tmp_path / f"drawn{SUFFIXES[to]}"
    assert export(model, to, file)["difference"] < CLOSE
    for count in (1, 5):
        latents = model.latents(range(10, 10 + count))
        assert np.abs(run(file, latents) - model.generate(latents).numpy()).max() < CLOSE
    card = file.with_name(f"{file.name}.md").read_text()
    assert f"(n, {model.recipe.latent_dim})" in card and model.config["licence"] in card
    for code in model.recipe.codes:
        assert code.name in card


def test_safetensors_hold_the_networks_own_names(translators, tmp_path):
    file = tmp_path / "back.safetensors"
    export(translators["both"], "safetensors", file, "b_to_a")
    with safe_open(file, "pt") as opened:
        about = json.loads(opened.metadata()["ganscope"])
        assert set(opened.keys()) == set(translators["both"].networks["generator_back"].state_dict())
    assert about["network"] == "generator_back" and about["gan"] == "cyclegan"


def test_files_describe_themselves_and_bare_scripts_use_them(tmp_path):
    """The scripts of pretrained/README.md, run where nothing of ours can be imported."""
    text = (ROOT / "pretrained" / "README.md").read_text()
    scripts = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for name, to, file in (
        ("conditional-mnist", "onnx", "digits.onnx"),
        ("conditional-mnist", "torchscript", "digits.pt"),
        ("aae-mnist", "safetensors", "plane.safetensors"),
    ):
        export(loading.load(name), to, tmp_path / file)
    for script, to in zip(scripts, ("onnx", "torchscript", "safetensors"), strict=True):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [sys.executable, "-P", "-c", script]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        drawn = np.asarray(Image.open(tmp_path / f"{to}.png"))
        count = 8 if to == "safetensors" else 10
        assert drawn.shape == (28, 28 * count) and drawn[:3].mean() < 20 and drawn.max() > 200
    plane = loading.load("aae-mnist")
    line = torch.stack([torch.linspace(-2, 2, 8), torch.zeros(8)], 1)
    own = ((plane.generate(line)[:, 0] + 1) * 127.5).round()
    assert np.abs(drawn - np.hstack(own.numpy())).max() <= 1
    onnx = onnxruntime.InferenceSession(str(tmp_path / "digits.onnx")).get_modelmeta().custom_metadata_map
    about = json.loads(onnx["ganscope"])
    assert about["input"]["layout"]["codes"][0]["labels"] == list("0123456789")
    assert about["output"] == {
        "name": "sample", "type": "float32", "shape": ["n", 1, 28, 28], "range": [-1, 1],
        "classes": list("0123456789"),
    }  # fmt: skip
    assert "columns 64 to 73 are class (one-hot)" in onnx["card"] and about["licence"] in onnx["card"]


def test_a_translators_file_says_what_it_shows(translators, tmp_path):
    for to in sorted(FORMATS.keys() - {"html"}):
        file = tmp_path / f"both{SUFFIXES[to]}"
        export(translators["both"], to, file, "b_to_a")
        if to == "onnx":
            told = onnxruntime.InferenceSession(str(file)).get_modelmeta().custom_metadata_map["ganscope"]
        elif to == "torchscript":
            extra = {"ganscope.txt": ""}
            torch.jit.load(str(file), _extra_files=extra)
            told = extra["ganscope.txt"]
        else:
            with safe_open(file, "pt") as opened:
                told = opened.metadata()["ganscope"]
        about = json.loads(told)
        assert about["direction"] == "b_to_a" and about["gan"] == "cyclegan"
        assert (about["input"]["shows"], about["output"]["shows"]) == ("B", "A")
        assert about["input"]["shape"] == ["n", 3, "height", "width"] and about["input"]["range"] == [-1, 1]


def test_what_cannot_be_exported_is_refused(translators, tmp_path):
    for name, to, direction, field in (
        ("both", "keras", None, "to"),
        ("unet", "onnx", "b_to_a", "direction"),
        ("both", "onnx", "sideways", "direction"),
        ("both", "html", None, "to"),
    ):
        with pytest.raises(BadInput) as refusal:
            export(translators[name], to, tmp_path / "file", direction)
        assert refusal.value.field == field
    with pytest.raises(BadInput, match="no direction"):
        export(loading.load("aae-mnist"), "onnx", tmp_path / "file", "a_to_b")
    assert sorted(FORMATS) == ["html", "onnx", "safetensors", "torchscript"]
    assert not (tmp_path / "file").exists()
