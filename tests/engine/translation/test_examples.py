"""Pictures to try a translator on."""

import io

import numpy as np
import torch
from PIL import Image

from engine import PRETRAINED
from engine.metrics.features import as_input
from engine.models.library import Library
from engine.translation.examples import SHOWN, examples
from tests.engine.made_translators import make_translator


def test_they_are_held_out_and_what_it_does_best_comes_first():
    loaded = Library().get(PRETRAINED / "line-art-to-colour")
    source = loaded.model.source()
    found = examples(loaded, {}, {})["result"]
    assert len(found["a"]) == len(found["b"]) == SHOWN
    errors = []
    for raw in found["a"]:
        picture = np.array(Image.open(io.BytesIO(raw)).convert("RGB")).transpose(2, 0, 1)
        rows = (source.test_a == torch.from_numpy(picture)).all((1, 2, 3)).nonzero().flatten().tolist()
        assert rows
        if len(rows) > 1:  # emoji that differ in colour alone
            continue
        row = rows[0]
        with torch.inference_mode():
            made = loaded.model.networks["generator"](as_input(source.test_a[row : row + 1]))
        errors.append(float((made - as_input(source.test_b[row : row + 1])).abs().mean()))
    assert len(errors) > SHOWN // 2 and errors == sorted(errors)


def test_a_model_whose_data_are_not_here_has_none(tmp_path):
    make_translator(tmp_path / "tiny", network="resnet_6")
    assert examples(Library().get(tmp_path / "tiny"), {}, {})["result"]["b"] == []
