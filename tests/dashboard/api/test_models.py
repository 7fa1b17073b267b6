"""Models over HTTP: weights uploaded, refused, renamed, exported and deleted."""

import os
import pickle

import pytest

from dashboard.api import schemas
from dashboard.guard import BODY_LIMIT
from tests.dashboard.api.test_application import is_problem
from tests.engine.made_translators import reference_file


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The bytes of a tiny generator's file."""
    return reference_file(tmp_path_factory.mktemp("weights")).read_bytes()


def upload(http, content, name="Mine", **fields):
    files = {"files": ("latest_net_G.pth", content)}
    return http.post("/api/models", data={"name": name, **fields}, files=files)


def refused(answer, status):
    assert is_problem(answer), answer.text
    return answer.status_code == status


@pytest.fixture
def model(server, weights):
    """The id of a model that has been uploaded, which is deleted in the end."""
    answer = upload(server.http, weights)
    assert answer.status_code == 201, answer.text
    card = schemas.Model.model_validate(answer.json())
    yield card.id
    server.http.delete(f"/api/models/{card.id}")


def test_uploaded_weights_become_a_model_with_a_card_and_a_strip(server, model):
    listed = {card["id"]: card for card in server.http.get("/api/models").json()}
    assert listed[model]["source"] == "added" and listed[model]["kind"] == "pairs"
    details = schemas.ModelDetails.model_validate(server.http.get(f"/api/models/{model}").json())
    assert details.latent_dim == 0 and details.networks["generator"] > 1000 and "unet_64" in details.card
    strip = server.http.get(f"/api/models/{model}/strip.png")
    assert strip.headers["content-type"] == "image/png" and len(strip.content) > 1000
    drawn = server.http.post(f"/api/models/{model}/render", json={"places": [{"seed": 1}]})
    assert refused(drawn, 400) and "Translate page" in drawn.json()["remedy"]


def test_a_model_is_renamed_and_deleted(server, model):
    before = server.http.get(f"/api/models/{model}").json()
    assert server.http.patch(f"/api/models/{model}", json={"name": "Facades"}).json() == {"ok": True}
    renamed = server.http.get(f"/api/models/{model}").json()
    assert renamed["title"] == "Facades" and renamed["card"].startswith("# Facades\n\n")
    assert renamed["card"].split("\n")[1:] == before["card"].split("\n")[1:]
    assert refused(server.http.patch(f"/api/models/{model}", json={"name": "<b>"}), 422)
    assert refused(server.http.patch("/api/models/infogan-mnist", json={"name": "no"}), 409)
    assert server.http.delete(f"/api/models/{model}").json() == {"ok": True}
    assert refused(server.http.get(f"/api/models/{model}/export?to=onnx"), 404)


def test_a_generator_is_exported_with_a_card(server, model):
    for to in ("onnx", "safetensors", "torchscript"):
        exported = server.http.get(f"/api/models/{model}/export?to={to}")
        assert exported.status_code == 200 and len(exported.content) > 1000
        card = server.http.get(f"/api/models/{model}/export?to={to}&part=card")
        assert to in card.text and "differs from the model by" in card.text
    assert refused(server.http.get(f"/api/models/{model}/export?to=keras"), 422)
    assert refused(server.http.get(f"/api/models/{model}/export?to=onnx&direction=b_to_a"), 400)


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


def test_what_is_no_weights_is_refused_and_leaves_nothing(server, weights, tmp_path):
    canary = tmp_path / "canary"
    for content, said in (
        (pickle.dumps(Touch(canary), 2), "code"),
        (weights[:-3000], "damaged"),
        (b"hello", "neither"),
        (b"", "empty"),
    ):
        answer = upload(server.http, content)
        assert refused(answer, 400) and said in answer.json()["error"], answer.text
    assert not canary.exists()
    assert refused(upload(server.http, weights, name=""), 400)
    assert refused(upload(server.http, weights, **{"as": "stylegan"}), 400)
    assert refused(upload(server.http, weights, colour="true"), 422)
    assert refused(server.http.post("/api/models", data={"name": "none"}), 415)
    assert refused(server.http.post("/api/models", json={"name": "none"}), 415)
    added = server.runs / ".models"
    assert not added.exists() or not [
        path for path in added.iterdir() if path.name.startswith((".m", "mine"))
    ]


def test_only_the_presenter_adds_models(lan_server, weights):
    assert refused(upload(lan_server.http, weights), 403)
    assert refused(lan_server.http.patch("/api/models/x", json={"name": "no"}), 403)
    large = b"x" * (2 * BODY_LIMIT)
    assert refused(upload(lan_server.http, large), 413)  # for others the usual limit holds


def test_files_may_be_large(server):
    assert refused(upload(server.http, b"x" * (2 * BODY_LIMIT)), 400)
