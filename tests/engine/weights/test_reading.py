"""Files that hold no weights known here are refused with the reason, and nothing in them is run or kept."""

import collections
import io
import os
import pickle
import re
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.options import BadInput
from engine.weights.adding import add, open_network
from engine.weights.reading import read
from tests.engine.weights.reference_networks import weights


def small(norm="instance"):
    return weights("resnet", norm, 4, 6)


def saved(value, **how):
    file = io.BytesIO()
    torch.save(value, file, **how)
    return file.getvalue()


class Writes:
    """What a pickle with code in it does: it writes a file."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (Path.write_text, (self.canary, "run"))


class System:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (os.system, (f"touch {self.canary}",))


def zipped(compression, **files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, value in files.items():
            archive.writestr(f"archive/{name.replace('_', '.')}", value)
    return file.getvalue()


def resnet50():
    state = {"conv1.weight": torch.randn(64, 3, 7, 7), "bn1.weight": torch.ones(64)}
    return {**state, "layer1.0.conv1.weight": torch.randn(64, 64, 1, 1), "fc.bias": torch.zeros(1000)}


def changed(**how):
    """A good state with one tensor changed: shape, removed, added, dtype or value."""
    state = small()
    name = "model.13.conv_block.5.weight"
    if "shape" in how:
        state[name] = torch.randn(*how["shape"])
    elif how.get("gone"):
        del state[name]
    elif "more" in how:
        state[how["more"]] = torch.zeros(3)
    elif "dtype" in how:
        state = {key: value.to(how["dtype"]) for key, value in state.items()}
    else:
        state[name][0, 0, 0, 0] = how["value"]
    return saved(state)


def shown_as_many():
    state = small()
    state["model.1.weight"] = torch.zeros(1).expand(50_000, 50_000)
    return saved(state)


REFUSED = {  # what is in the file, and what is said of it
    "text": (b"<html>404 not found</html>", "neither"),
    "empty": (b"", "empty"),
    "old pickle": (b"cos\nsystem\n(S'true'\ntR.", "neither"),
    "text as zip": (b"PK\x03\x04 and no more", "damaged|no zip"),
    "text as pickle": (b"\x80\x02 and no more", "damaged|cut short"),
    "noise": (bytes(range(256)) * 40, "neither"),
    "cut zip": (saved(small())[:-5000], "damaged|cut short"),
    "cut legacy": (saved(small(), _use_new_zipfile_serialization=False)[:-5000], "damaged|cut short"),
    "plain pickle": (pickle.dumps({"a": [1.0, 2.0]}, 2), "damaged|cut short"),
    "compressed": (zipped(zipfile.ZIP_DEFLATED, data_pkl=b"\0" * 5_000_000), "compressed"),
    "zip of pictures": (zipped(zipfile.ZIP_STORED, a_png=b"png"), "none of torch.save"),
    "list": (saved([torch.zeros(3)]), "not tensors by name"),
    "module": (saved(torch.nn.Linear(2, 2)), "run code|more than tensors"),
    "nested foreign": (saved({"epoch": 3, "state_dict": resnet50()}), "no network known here"),
    "nested deep": (saved({"a": {"b": {"c": torch.zeros(2)}}}), "no network known here"),
    "resnet50": (saved(resnet50()), "no network known here.*conv1.weight"),
    "another shape": (changed(shape=(16, 16, 5, 5)), "13.conv_block.5.weight is 16x16x5x5"),
    "one missing": (changed(gone=True), "without its model.13.conv_block.5.weight"),
    "one more": (changed(more="model.13.attention"), "has model.13.attention too"),
    "whole numbers": (changed(dtype=torch.int32), "int32, not float"),
    "complex": (changed(dtype=torch.complex64), "complex64, not float"),
    "nan": (changed(value=float("nan")), "infinite or none"),
    "infinite": (changed(value=float("inf")), "infinite or none"),
    "one number shown as many": (shown_as_many(), "10,000,125,404 bytes"),
    "too shallow": (saved(weights("unet", "batch", 4, 4)), "no network known here"),
    "too wide": (saved(weights("pixel", "batch", 300, 1)), "300 channels wide"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_weights_is_refused_with_the_reason(what, tmp_path):
    content, said = REFUSED[what]
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        add([file], tmp_path / "models" / "new")
    assert re.search(said, refusal.value.error), refusal.value
    assert "weights.pth" in refusal.value.error and refusal.value.remedy
    assert [path.name for path in tmp_path.rglob("*")] == ["weights.pth"]  # nothing is kept


@pytest.mark.parametrize("evil", [Writes, System])
@pytest.mark.parametrize("how", ["zip", "legacy", "nested", "pickle", "pickle 4"])
def test_code_in_a_pickle_is_never_run(how, evil, tmp_path):
    canary, file = tmp_path / "canary", tmp_path / "weights.pth"
    state = {**small(), "model.99": evil(canary)}
    content = {
        "zip": lambda: saved(state),
        "legacy": lambda: saved(state, _use_new_zipfile_serialization=False),
        "nested": lambda: saved({"state_dict": state}),
        "pickle": lambda: pickle.dumps(evil(canary), 2),
        "pickle 4": lambda: pickle.dumps(evil(canary), 4),
    }[how]()
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"code|objects|more than tensors"):
        read(file)
    assert not canary.exists()
    pickle.loads(pickle.dumps(evil(canary)))  # the canary does sing where pickles are obeyed
    assert canary.exists()


def test_a_header_of_safetensors_that_lies_is_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    header = b'{"a":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,399999999996]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(BadInput, match="damaged"):
        read(file)


def test_a_file_of_safetensors_may_begin_as_a_pickle_does(tmp_path):
    file = tmp_path / "weights.safetensors"
    header = b'{"model.1.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(0x80)
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    assert file.read_bytes()[:1] == b"\x80"
    assert list(read(file)["model.1.weight"]) == [0, 0]


def test_huge_sizes_in_a_legacy_file_are_refused_before_they_are_asked_for(tmp_path):
    content = saved({"a": torch.zeros(300_000)}, _use_new_zipfile_serialization=False)
    count = (300_000).to_bytes(4, "little")
    assert content.count(b"J" + count) >= 1
    file = tmp_path / "weights.pth"
    file.write_bytes(content.replace(b"J" + count, b"J" + (2_000_000_000).to_bytes(4, "little")))
    with pytest.raises(BadInput, match="2,000,000,000"):
        read(file)


@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors", "nested", "metadata", "half", "double"])
def test_every_kind_of_file_gives_the_same_tensors(how, tmp_path):
    state, file = small(), tmp_path / "weights.pth"
    ordered = collections.OrderedDict(state)
    ordered._metadata = {"": {"version": 1}}
    if how == "safetensors":
        save_file(state, file)
    else:
        value = {
            "nested": {"epoch": 3, "state_dict": state},
            "metadata": ordered,
            "half": {name: tensor.half() for name, tensor in state.items()},
            "double": {name: tensor.double() for name, tensor in state.items()},
        }.get(how, state)
        file.write_bytes(saved(value, _use_new_zipfile_serialization=how != "legacy"))
    network = open_network(file)
    assert network.architecture.title == "resnet_6blocks" and network.is_half == (how == "half")
    exact = 0.002 if how == "half" else 0
    for name, tensor in state.items():
        torch.testing.assert_close(network.state[name].float(), tensor, atol=exact, rtol=0)
