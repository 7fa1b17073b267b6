"""The reference is current, and holds what is declared."""

import pytest

from engine.__main__ import parser
from engine.gans import GANS
from engine.tools import reference


def test_it_is_current():
    assert reference.FILE.read_text("utf-8") == reference.render(), "run python -m engine.tools.reference"


def test_commands_and_options_stand_in_it_as_they_are_typed():
    text = reference.render()
    for line in (
        "| `--n N` | `64` | how many samples |",
        "| `--seed SEED` | `0` | of the latents |",
        "| `--as pix2pix\\|cyclegan` |  | what it was trained as |",
        "| `--to onnx\\|safetensors\\|torchscript\\|html` (required) |  | format |",
        "| `--sides NAME NAME` |  | what is on them |",
        "| `affine` | `false` | `true`, `false` | G has no hidden layer",
    ):
        assert f"\n{line}" in text
    assert all(f"\n### `{name}`\n" in text for name in GANS)
    assert parser().parse_args(["list"]).run


def test_what_is_out_of_date_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FILE", tmp_path / "REFERENCE.md")
    monkeypatch.setattr("sys.argv", ["reference", "--check"])
    with pytest.raises(SystemExit, match="not current"):
        reference.main()
    monkeypatch.setattr("sys.argv", ["reference"])
    reference.main()
    monkeypatch.setattr("sys.argv", ["reference", "--check"])
    reference.main()
