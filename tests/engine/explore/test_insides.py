"""Feature maps and filters, trained beside untrained."""

import math

import pytest

from tests.engine.explore.conftest import ask, opened, pixels_of


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_each_layer_is_shown_beside_its_untrained_self(runs, network):
    result = ask(runs / "infogan", "features", {"place": {"seed": 2}, "network": network})[0]["result"]
    assert len(result["layers"]) == 4 if network == "generator" else 3
    for layer in result["layers"]:
        maps, before = opened(layer["maps"]), opened(layer["untrained"])
        assert maps.size == before.size and layer["maps"] != layer["untrained"]
        if len(layer["shape"]) == 3:
            columns = math.ceil(math.sqrt(min(layer["shape"][0], 64)))
            assert maps.width == columns * (layer["shape"][2] + 1)
    filters = result["filters"]
    assert opened(filters["trained"]).size == (10, 10), "four filters of 4 px with a line after each"
    assert filters["trained"] != filters["untrained"]


def test_the_maps_are_those_of_the_picture(runs, infogan):
    def first(**what):
        return ask(runs / "infogan", "features", what)[0]["result"]["layers"][0]["maps"]

    by_default = first(place={"seed": 3})
    assert first(image=pixels_of(infogan.model, 4)) != by_default == first(place={"seed": 3})


def test_fully_connected_layers_are_shown_too(runs):
    layers = ask(runs / "ring", "features", {"place": {"seed": 1}, "network": "generator"})[0]["result"]
    assert [layer["shape"] for layer in layers["layers"]] == [[16], [16]] and layers["filters"] is None
    assert opened(layers["layers"][0]["maps"]).size == (5, 5)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"network": "recogniser"}, "network"),
        ({"network": 1}, "network"),
        ({"place": 1}, "place"),
        ({"image": b"", "network": "generator"}, "place"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_questions_are_refused(runs, wrong, field):
    assert ask(runs / "infogan", "features", wrong)[0]["refused"]["field"] == field
