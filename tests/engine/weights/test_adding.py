"""Files become a model's folder: what they are for is found out, or asked for, and kept as it came."""

import json

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
        card = add([file, save(*D)], tmp_path / mode, test_mode=mode)
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
        add([save(*one) for one in files], tmp_path / "models" / "new", gan=gan)
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
