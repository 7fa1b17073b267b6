"""Files become a model's folder: what they are for is found out, or asked for, and kept as it came."""

import json
import warnings

import pytest
import torch

from engine.__main__ import main
from engine.models import loading
from engine.options import BadInput, Conflict
from engine.weights.adding import add
from tests.engine.weights.reference_networks import resnet, unet, weights

G_A = ("latest_net_G_A.pth", "resnet", "instance", 6)
G_B = ("latest_net_G_B.pth", "resnet", "instance", 6)
D_A = ("latest_net_D_A.pth", "patch", "instance", 3, 3, 1)
D_B = ("latest_net_D_B.pth", "patch", "instance", 3, 3, 1)
UNET = ("latest_net_G.pth", "unet", "batch", 6)
D = ("latest_net_D.pth", "patch", "batch", 3, 6, 1)


def test_all_four_files_of_a_cyclegan_find_their_places(save, tmp_path):
    files = [save(*one) for one in (D_B, G_B, D_A, G_A)]
    changed = weights("resnet", "instance", 4, 6)
    changed["model.1.bias"] += 1
    torch.save(changed, files[1])
    card = add(files, tmp_path / "both", "Two ways", names=("horse", "zebra"))
    model = loading.load(tmp_path / "both")
    assert card["gan"] == "cyclegan" and card["kind"] == "pairs" and model.title == "Two ways"
    assert list(model.networks) == ["generator", "generator_back", "discriminator", "discriminator_back"]
    assert torch.equal(model.networks["generator_back"].state_dict()["model.1.bias"], changed["model.1.bias"])
    text = (tmp_path / "both" / "card.md").read_text()
    assert "resnet_6blocks, instance norm" in text and "horse to zebra, there and back" in text


def test_a_model_answers_as_its_file_does(save, tmp_path):
    add([save(*G_A)], tmp_path / "one")
    model = loading.load(tmp_path / "one")
    x = torch.rand(1, 3, 24, 36) * 2 - 1
    wanted = resnet(weights("resnet", "instance", 4, 6), x, "instance", 6)
    torch.testing.assert_close(model.networks["generator"](x), wanted, atol=1e-5, rtol=0)


def test_a_unet_is_a_pix2pix_with_dropout_and_either_mode(save, tmp_path):
    file = save(*UNET)
    state, x = weights("unet", "batch", 4, 6), torch.rand(1, 3, 64, 64) * 2 - 1
    for mode in ("train", "eval"):
        card = add([file, save(*D)], tmp_path / mode, chosen=dict(test_mode=mode))
        model = loading.load(tmp_path / mode)
        assert card["gan"] == "pix2pix" and model.options.dropout and model.options.test_mode == mode
        generator = model.networks["generator"]
        for layer in generator.modules():
            layer.train(mode == "train" and not isinstance(layer, torch.nn.Dropout))
        wanted = unet(state, x, "batch", 6, train=mode == "train")
        torch.testing.assert_close(generator(x), wanted, atol=1e-5, rtol=0)


def test_half_precision_stays_half(save, tmp_path):
    file = save(*UNET)
    torch.save(
        {
            name: value.half() if value.is_floating_point() else value
            for name, value in torch.load(file).items()
        },
        file,
    )
    half = add([file], tmp_path / "half")["bytes"]
    assert half < 0.6 * add([save(*UNET)], tmp_path / "full")["bytes"]


WRONG = {
    "no generator": ([D_A], None, "none of the files is a generator"),
    "two for pix2pix": ([G_A, G_B], "pix2pix", "2 of the files are generators"),
    "three": ([G_A, G_B, ("third.pth", *G_A[1:])], None, "3 of the files are generators"),
    "D of pix2pix": ([G_A, ("latest_net_D_A.pth", "patch", "instance", 3, 6, 1)], "cyclegan", "6 channels"),
    "another norm": ([UNET, ("latest_net_D.pth", "patch", "instance", 3, 6, 1)], None, "not of one model"),
    "another depth": ([G_A, ("latest_net_G_B.pth", "resnet", "instance", 9)], None, "not of one model"),
    "seven blocks": ([("latest_net_G.pth", "resnet", "instance", 7)], None, "resnet_7blocks"),
    "unet_512": ([("latest_net_G.pth", "unet", "batch", 9, 3, 3, 2)], None, "unet_512|is a unet"),
}


@pytest.mark.parametrize("what", WRONG)
def test_files_that_do_not_go_together_are_refused(what, save, tmp_path):
    files, gan, said = WRONG[what]
    with pytest.raises(BadInput, match=said):
        add([save(*one) for one in files], tmp_path / "models" / "new", chosen={"as": gan})
    assert not (tmp_path / "models").exists()


def test_a_name_is_taken_once(save, tmp_path):
    file = save(*G_A)
    add([file], tmp_path / "one")
    with pytest.raises(Conflict, match="already"):
        add([file], tmp_path / "one")


def test_the_command_line_imports_and_exports(save, tmp_path, capsys):
    runs, out = tmp_path / "runs", tmp_path / "out" / "back.safetensors"
    files = [str(save(*one)) for one in (G_A, G_B)]
    assert main(["import", *files, "--as", "cyclegan", "--name", "two-ways", "--runs", str(runs)]) == 0
    assert json.loads((runs / ".models" / "two-ways" / "config.json").read_text())["gan"] == "cyclegan"
    model = str(runs / ".models" / "two-ways")
    arguments = ["--to", "safetensors", "--out", str(out), "--direction", "b_to_a", "--runs", str(runs)]
    assert main(["export", model, *arguments]) == 0
    assert "generator_back" in out.with_name("back.safetensors.md").read_text()
    again = ["import", str(out), "--name", "again", "--runs", str(runs)]  # what is exported can come back
    assert main(again) == 0
    assert main([*again[:2], "--name", "../up", "--runs", str(runs)]) == 2
    assert main(["import", __file__, "--name", "text", "--runs", str(runs)]) == 2
    assert "test_adding.py cannot be used" in capsys.readouterr().err
    assert sorted(path.name for path in (runs / ".models").iterdir()) == ["again", "two-ways"]


@pytest.mark.parametrize(
    "names",
    [
        ("latest_net_G_A (1).pth", "latest_net_G_B (1).pth"),
        ("G_A - Copy (2).pth", "G_B-final.pth"),
        ("200_netG_A_ema.pth", "other.pth"),  # where one is known, the other is too
        ("horse_A2B.pth", "horse_B2A.pth"),
        ("gen_AB 3.pth", "gen_BA 3.pth"),
    ],
)
def test_directions_are_not_swapped_whatever_the_order(names, save, tmp_path):
    there, back = (save(name, *G_A[1:]) for name in names)
    changed = weights("resnet", "instance", 4, 6)
    changed["model.1.bias"] += 1
    torch.save(changed, back)
    add([back, there], tmp_path / "both")
    model = loading.load(tmp_path / "both")
    assert torch.equal(model.networks["generator_back"].state_dict()["model.1.bias"], changed["model.1.bias"])


def test_doubt_which_is_which_is_asked_about_and_can_be_answered(save, tmp_path):
    files = [save(name, *G_A[1:]) for name in ("first.pth", "second.pth")]
    with pytest.raises(BadInput, match=r"which of these is G_A.*first.pth; second.pth") as doubt:
        add(files, tmp_path / "both")
    assert doubt.value.field == "places" and "G_A,G_B" in doubt.value.remedy
    card = add(files, tmp_path / "both", chosen=dict(places="G_B,G_A"))
    names = json.loads((tmp_path / "both" / "config.json").read_text())["files"]
    assert [one["file"] for one in names] == ["second.pth", "first.pth"] and "there and back" in card[
        "sentence"
    ]
    with pytest.raises(BadInput, match="does not fit"):
        add(files, tmp_path / "three", chosen=dict(places="G_A,D_A"))
    add(files, tmp_path / "one", chosen=dict(places="-,G"))
    assert add([save(*G_B)], tmp_path / "back")["sentence"].startswith("B to A, one way")


WRAPPED = {
    "compiled": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "compiled and parallel": lambda state: {f"module._orig_mod.{name}": v for name, v in state.items()},
    "inside": lambda state: {name.replace("model.", "model._orig_mod.", 1): v for name, v in state.items()},
    "Lightning": lambda state: {
        "epoch": 3,
        "state_dict": {
            **{f"netG.{name}": value for name, value in state.items()},
            "criterionGAN.real_label": torch.tensor(1.0),
        },
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3)}}}],
    },
    "with D": lambda state: {
        "netG": state,
        "netD": weights(*D_A[1:3], 4, *D_A[3:]),
        "optimizer": {"count": torch.tensor([3])},
    },
}


@pytest.mark.parametrize("how", [*WRAPPED, "protocol 4", "protocol 4 legacy", "protocol 5"])
def test_what_wraps_a_network_does_not_hide_it(how, tmp_path):
    state, file = weights("resnet", "instance", 4, 6), tmp_path / "weights.pth"
    is_plain = how in WRAPPED
    protocol = {} if is_plain else {"pickle_protocol": 5 if how.endswith("5") else 4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = WRAPPED[how](state) if is_plain else {"epoch": 3, "name": "x", "again": "x", "model": state}
        torch.save(value, file, _use_new_zipfile_serialization="legacy" not in how, **protocol)
    add([file], tmp_path / "one")
    networks = loading.load(tmp_path / "one").networks
    assert set(networks) == ({"generator", "discriminator"} if how == "with D" else {"generator"})
    for name, value in networks["generator"].state_dict().items():
        assert torch.equal(value, state[name]), name


def test_pictures_have_one_three_or_four_channels(save, tmp_path):
    add([save("rgba.pth", "unet", "batch", 6, 4, 3)], tmp_path / "rgba")
    for ins, outs in ((2, 3), (6, 3), (3, 2)):
        with pytest.raises(BadInput, match=f"takes {ins} channels and gives {outs}"):
            add([save("G.pth", "unet", "batch", 6, ins, outs)], tmp_path / "other")


def test_a_unets_dropout_is_what_it_was_trained_with(save, tmp_path):
    file = save(*UNET)
    for how, drops in (("auto", True), ("on", True), ("off", False)):
        add([file], tmp_path / how, chosen=dict(dropout=how, test_mode="train"))
        options = loading.load(tmp_path / how).options
        assert (options.dropout, options.test_dropout, options.test_mode) == (drops, how, "train")
