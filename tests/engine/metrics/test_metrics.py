"""The table of measures: whole, and read by whoever has words or charts of them."""

import dataclasses

import pytest

from engine.data import DATASETS
from engine.metrics import METRICS
from engine.metrics.best import CHOICES
from engine.metrics.metric import Figure, Metric, charts
from engine.training.catalogue import catalogue


@pytest.mark.parametrize("name", METRICS)
def test_each_measure_is_said_whole(name):
    metric = METRICS[name]
    assert metric.title and metric.sentence.endswith((".", "?")) and metric.needs
    assert metric.figures or metric.fields
    assert metric.kinds and set(metric.kinds) <= {source.kind for source in DATASETS.values()}
    assert metric.evaluate or all(figure.live for figure in metric.figures.values())
    for figure in metric.figures.values():
        assert figure.title and figure.sentence.endswith(".") and figure.better in ("lower", "higher")
    assert all(sentence.endswith(".") for sentence in metric.fields.values())


def test_every_figure_is_drawn_in_one_chart():
    drawn = [line["key"] for chart in charts(METRICS).values() for line in chart["lines"]]
    assert len(drawn) == len(set(drawn))
    figures = {key.removesuffix("_back") for metric in METRICS.values() for key in metric.figures}
    assert figures <= set(drawn)
    elsewhere = {name for metric in METRICS.values() for name in metric.fields}
    assert {key.removesuffix("_back") for key in drawn} - figures - elsewhere == {"identity_a", "identity_b"}


def test_a_figure_without_a_chart_of_its_own_gets_one():
    figure = Figure("sharpness", "How sharp samples are, from 0.", "lower", (0, None))
    chart = charts({"sharpness": Metric("Sharpness", "How sharp?", ("images",), (), {"sharpness": figure})})
    sentence = "How sharp samples are, from 0. Lower is better."
    assert chart["sharpness"]["lines"] == [{"key": "sharpness", "label": "sharpness", "colour": "fake"}]
    assert (chart["sharpness"]["axis"], chart["sharpness"]["sentence"]) == ([0, None], sentence)


def test_catalogue_and_best_checkpoint_read_it():
    found = catalogue()
    assert found["metrics"].keys() == METRICS.keys()
    fid = found["metrics"]["fid"]["figures"]["fid"]
    assert fid == {**dataclasses.asdict(METRICS["fid"].figures["fid"]), "title": "FID", "better": "lower"}
    assert found["charts"]["fid"]["sentence"].startswith(fid["sentence"])
    (keep,) = (option for option in found["training"] if option["name"] == "keep_best")
    assert {choice["value"] for choice in keep["choices"]} == set(CHOICES) and "fid" in CHOICES
