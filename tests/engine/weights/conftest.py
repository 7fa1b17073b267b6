"""Weight files as the reference implementation names them."""

import pytest
import torch

from tests.engine.weights.reference_networks import weights


@pytest.fixture
def save(tmp_path):
    """Saves made-up weights under a file's name; returns its path."""

    def save_weights(name, family, norm, depth, ins=3, outs=3, width=4):
        path = tmp_path / name
        torch.save(weights(family, norm, width, depth, ins, outs), path)
        return path

    return save_weights
