"""Exploring over HTTP: what each route answers, and what it makes of bad input."""

import base64
import concurrent.futures
import io
import json
import shlex
import time

import httpx
import numpy as np
import onnxruntime
import pytest
from PIL import Image

from dashboard.api import schemas
from dashboard.guard import BODY_LIMIT, PICTURE_LIMIT
from engine.explore.rendering import picture
from engine.live.frames import unpack
from tests.dashboard.api.test_application import BODIES, IDS, is_problem
from tests.engine.explore.conftest import LIVELY, STEPS, TINY, make_run

PLACE = {"seed": 5, "codes": {"category": 3, "c1": 0.5}, "truncation": 0.8, "directions": {"d1": 1.0}}


@pytest.fixture(scope="session")
def models(server):
    """The server's runs folder with the runs ``info`` (InfoGAN), ``bigan`` and ``dots`` (points)."""
    make_run(server.runs, "info", "infogan", **LIVELY, **TINY["infogan"])
    make_run(server.runs, "bigan", "bigan", **LIVELY, **TINY["bigan"])
    make_run(server.runs, "dots", "gan", "ring", steps=2)
    return server.runs


@pytest.fixture
def http(server, models):
    return server.http


def at(path, model="info"):
    return f"/api/models/{model}/{path}"


def png(array, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


def digit(seed=0):
    array = np.zeros((28, 28), np.uint8)
    array[5:23, 12:16] = np.random.default_rng(seed).integers(100, 255, (18, 4))
    return array


def opened(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def ended(http, job, model="info"):
    end = time.monotonic() + 120
    while True:
        status = http.get(at(f"project/{job}", model)).json()
        schemas.Projection.model_validate(status)
        if status["state"] not in ("queued", "running"):
            return status
        assert time.monotonic() < end, status
        time.sleep(0.05)


# --- models


def test_models_have_cards_details_strips_and_weights(http):
    cards = {card["id"]: schemas.Model.model_validate(card) for card in http.get("/api/models").json()}
    assert cards["info"].has_codes and cards["bigan"].has_encoder and cards["dots"].shape == [2]
    details = schemas.ModelDetails.model_validate(http.get("/api/models/info").json())
    assert details.latent_dim == 18 and details.step == STEPS
    strip = http.get(at("strip.png"))
    assert Image.open(io.BytesIO(strip.content)).size == (8 * 28, 28)
    again = http.get(at("strip.png"), headers={"if-none-match": strip.headers["etag"]})
    assert again.status_code == 304
    assert Image.open(io.BytesIO(http.get(at("strip.png", "dots")).content)).size == (512, 512)
    weights = http.get(at("weights"))
    assert int.from_bytes(weights.content[:8], "little") < len(weights.content)
    assert http.patch(at("directions"), json={"d1": "slant"}).json() == {"d1": "slant"}
    assert http.get("/api/models/info").json()["directions"][0]["title"] == "slant"
    assert http.delete("/api/models/info").status_code == 409


def test_viewers_explore_but_change_nothing(lan_server):
    make_run(lan_server.runs, "info", "infogan", **LIVELY, **TINY["infogan"])
    http = lan_server.http
    assert http.post(at("render"), json={"seed": 1}).status_code == 200
    assert http.post(at("project"), files={"file": png(digit())}, data={"steps": "1"}).status_code == 202
    for refused in (
        http.delete("/api/models/info"),
        http.patch(at("directions"), json={"d1": "slant"}),
    ):
        assert refused.status_code == 403 and is_problem(refused)


# --- drawing


def test_a_picture_is_the_same_by_every_way(http, models, tmp_path, python):
    """Page and API draw alike; the snippets make the same bytes from Python, with curl's body, on the command
    line.
    """
    drawn = http.post(at("render"), json=PLACE)
    assert drawn.headers["content-type"] == "image/png" and drawn.headers["x-step"] == str(STEPS)
    assert drawn.content == http.post(at("render"), json={"places": [PLACE]}).content
    assert drawn.content == picture("info", [PLACE], runs=models)
    as_json = http.post(at("render"), json={**PLACE, "format": "json"}).json()
    assert base64.b64decode(as_json["images"][0]) == drawn.content

    def snippet(kind):
        return http.get(at("snippet"), params={"place": json.dumps(PLACE), "as": kind}).text

    curl = shlex.split(snippet("curl"))
    body, address = curl[curl.index("-d") + 1], curl[2]
    assert (
        httpx.post(address, content=body, headers={"content-type": "application/json"}).content
        == drawn.content
    )
    code = snippet("python").replace("picture('info'", f"picture({str(models / 'info')!r}")
    (tmp_path / "as_shown.py").write_text(code)
    cli = shlex.split(snippet("cli"))[2:]
    for command in (["as_shown"], [*cli, "--runs", str(models)]):
        done = python.run(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "sample.png").read_bytes() == drawn.content
        (tmp_path / "sample.png").unlink()


def test_a_generator_for_browsers_draws_the_models_pictures(http, models):
    """The file by itself, on latents that the server tells: within a grey level; and what is not for it."""
    answer = http.get(at("browser"))
    header, arrays = unpack(answer.content)
    places = [PLACE, {"seed": 1}]
    told = unpack(http.post(at("latents"), json={"places": places}).content)[1]["latents"]
    drawn = http.post(at("render"), json={"places": places, "format": "json"}).json()
    assert np.allclose(told, drawn["z"]) and header["latent_dim"] == told.shape[1]
    [sample] = onnxruntime.InferenceSession(arrays["onnx"].tobytes()).run(None, {"z": told})
    here = np.rint((sample.clip(-1, 1) + 1) * 127.5)[:, 0]
    there = np.stack([np.asarray(opened(image), float) for image in drawn["images"]])
    assert abs(here - there).max() <= 1 and header["difference"] < 2 / 255
    unit = unpack(http.post(at("latents"), json={"places": [{**PLACE, "directions": {}}]}).content)[1]
    assert np.allclose(told[0], unit["latents"][0] + arrays["directions"][0], atol=1e-6)
    again = http.get(at("browser"), headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert is_problem(http.get(at("browser", "dots")))
    assert is_problem(http.post(at("latents"), json={"places": []}))


def test_walks_traversals_and_arithmetic(http):
    keys = [{"seed": 0}, {"seed": 1}]
    walk = http.post(at("walk"), json={"keys": keys, "steps": 4, "loop": True}).json()
    assert len(walk["images"]) == 6 and opened(walk["images"][0]).size == (28, 28)
    between = http.post(at("interpolate"), json={"from": keys[0], "to": keys[1], "steps": 4}).json()
    assert between["images"][0] == walk["images"][0] and between["images"][3] == walk["images"][3]
    for kind, begins in (("gif", b"GIF8"), ("mp4", b"\0\0\0"), ("png", b"\x89PNG")):
        film = http.post(at("walk"), json={"keys": keys, "steps": 4, "format": kind})
        assert film.content.startswith(begins) and f"walk.{kind}" in film.headers["content-disposition"]
    grid = http.post(at("traverse"), json={"across": "c1", "down": "d1", "columns": 3, "rows": 2}).json()
    assert len(grid["images"]) == 6 and grid["values"]["down"] == [-2.0, 2.0]
    cell = http.post(at("render"), json={"places": [grid["places"][5]]}).content
    assert base64.b64decode(grid["images"][5]) == cell
    sums = http.post(at("arithmetic"), json={"a": keys, "b": keys, "c": keys, "neighbours": 2}).json()
    assert len(sums["around"]) == 2 and set(sums["terms"]) == {"a", "b", "c"}


def test_of_a_drag_only_the_newest_waits(http, server):
    """Forty moves at once: each is drawn or superseded, and the last is drawn."""

    def move(number):
        headers = {"X-Viewer": "me", "X-Control": "c1", "X-Sequence": str(number)}
        body = {"places": [{"seed": 1, "codes": {"c1": number / 40}}] * 64}
        return httpx.post(f"{server.url}{at('render')}", json=body, headers=headers, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(move, range(40)))
    assert answers[-1].status_code == 200
    for answer in answers:
        assert answer.status_code == 200 or (answer.status_code, answer.json()["error"]) == (
            409,
            "superseded",
        )
    alone = http.post(at("render"), json={"places": [{"seed": 1, "codes": {"c1": 39 / 40}}] * 64})
    assert answers[-1].content == alone.content


def test_a_crowd_is_served_and_nobody_refused(server, models):
    def drag(viewer):
        with httpx.Client(base_url=server.url, timeout=60) as mine:
            for number in range(5):
                headers = {"X-Viewer": f"v{viewer}", "X-Control": "c1", "X-Sequence": str(number)}
                body = {"seed": viewer, "codes": {"c1": number / 5}}
                yield mine.post(at("render"), json=body, headers=headers).status_code

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert {
            code for codes in pool.map(lambda viewer: list(drag(viewer)), range(20)) for code in codes
        } == {200}


def test_one_viewer_may_not_ask_for_everything(server, models):
    body = {"places": [{"seed": seed} for seed in range(128)]}

    def ask(body, viewer):
        return client.post(at("render"), json=body, headers={"X-Viewer": viewer})

    many = httpx.Limits(max_connections=None)
    with (
        httpx.Client(base_url=server.url, timeout=60, limits=many) as client,
        concurrent.futures.ThreadPoolExecutor(70) as pool,
    ):
        futures = [pool.submit(ask, body, "greedy") for _ in range(70)]
        other = ask({"seed": 1}, "modest")
        assert other.status_code == 200
        codes = []
        for future in concurrent.futures.as_completed(futures):
            answer = future.result()
            codes.append(answer.status_code)
            assert answer.status_code == 200 or is_problem(answer)
    assert 429 in codes and set(codes) <= {200, 429}


# --- pictures that are sent


def test_a_picture_is_scored_with_the_scores_of_others(http):
    by_form = http.post(at("score"), files={"file": ("x.png", png(digit()), "image/png")}).json()
    by_json = http.post(at("score"), json={"image": base64.b64encode(png(digit())).decode()}).json()
    by_url = http.post(
        at("score"), json={"image": "data:image/png;base64," + base64.b64encode(png(digit())).decode()}
    )
    assert by_form == by_json == by_url.json()
    assert len(by_form["scores"]) == 1 and by_form["label"] == "D(x)"
    assert sum(by_form["real"]["counts"]) == sum(by_form["fake"]["counts"]) == 512
    assert opened(by_form["saliency"][0]).mode == "RGBA"
    assert np.array_equal(np.array(opened(by_form["images"][0])), digit())
    drawn = http.post(at("score"), json={"places": [{"seed": 1}, {"seed": 2}]}).json()
    assert len(drawn["scores"]) == 2
    assert len(http.post(at("score", "dots"), json={"places": [{"seed": 1}]}).json()["points"]) == 1


def test_dark_ink_is_inverted_and_that_is_said(http):
    sent = {"file": ("x.png", png(255 - digit()))}
    answer = http.post(at("score"), files=sent).json()
    assert "Inverted" in answer["note"] and np.array(opened(answer["images"][0])).max() > 100
    as_it_is = http.post(at("score"), files=sent, data={"invert": "false"}).json()
    assert "Inverted" not in as_it_is["note"] and np.array(opened(as_it_is["images"][0])).min() < 9


def test_features_are_shown(http):
    for sent in (
        {"json": {"place": {"seed": 1}}},
        {"files": {"file": png(digit())}, "data": {"network": "discriminator"}},
    ):
        layers = http.post(at("features"), **sent).json()["layers"]
        assert layers[0]["shape"] == [4, 14, 14] and opened(layers[0]["untrained"])


def test_a_picture_is_projected_and_edited(http):
    begun = http.post(
        at("project", "bigan"), files={"file": png(digit())}, data={"steps": "4", "method": "both"}
    )
    assert begun.status_code == 202
    done = ended(http, begun.json()["job"], "bigan")
    assert done["state"] == "done" and done["best"]["error"] <= done["encoder"]["error"]
    assert np.array_equal(np.array(opened(done["original"])), digit()) and len(done["nearest"]) == 4
    image = http.post(at("render", "bigan"), json={"places": [done["best"]["place"]]}).content
    assert base64.b64decode(done["best"]["image"]) == image
    mask = np.zeros((28, 28), np.uint8)
    mask[:14] = 255
    files = {"file": png(digit()), "mask": png(mask)}
    begun = http.post(at("edit"), files=files, data={"start": json.dumps({"seed": 3}), "steps": "3"})
    assert ended(http, begun.json()["job"])["state"] == "done"


def test_a_projection_can_be_cancelled_and_is_one_a_viewer(http):
    headers = {"X-Viewer": "patient"}
    sent = {"files": {"file": png(digit())}, "data": {"steps": "1000", "restarts": "16"}, "headers": headers}
    job = http.post(at("project"), **sent).json()["job"]
    second = http.post(at("project"), **sent)
    assert second.status_code == 429 and is_problem(second)
    assert http.delete(at(f"project/{job}")).json() == {"ok": True}
    assert http.get(at(f"project/{job}")).json()["state"] == "cancelled"
    assert http.get(at("project/none")).status_code == 404


@pytest.mark.parametrize("route", ["score", "features", "project", "edit"])
def test_what_is_no_picture_is_refused_with_the_reason(http, route):
    large = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(large, "PNG")
    for raw, says in (
        (b"", "empty"),
        (b"hello", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (png(digit())[:50], "cannot be read"),
        (large.getvalue(), "million pixels"),
    ):
        answer = http.post(at(route), files={"file": ("x.png", raw)})
        assert is_problem(answer) and answer.status_code == 400 and says in answer.json()["error"], (
            answer.text
        )
        assert answer.json()["field"] == "image"


@pytest.mark.parametrize(
    ("route", "sent", "status"),
    [
        ("score", {"json": {"image": "not base64!"}}, 422),
        ("score", {"json": {"image": 3}}, 422),
        ("score", {"json": {"pixels": "x"}}, 422),
        ("score", {"json": []}, 400),
        ("score", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ("score", {"files": {"other": b"x"}}, 422),
        ("score", {"files": {"file": b"x"}, "data": {"invert": "perhaps"}}, 422),
        ("score", {"files": {"file": b"x"}, "data": {"invert": "3"}}, 400),
        ("score", {"files": [("file", b"x"), ("image", b"y")]}, 422),
        ("score", {"data": {"places": "[{}]"}, "files": {"mask": b"x"}}, 422),
        ("project", {"json": {}}, 400),
        ("features", {"json": {"network": "nothing"}}, 400),
        ("features", {"json": {"network": 1}}, 400),
    ],
)
def test_wrong_forms_are_refused(http, route, sent, status):
    answer = http.post(at(route), **sent)
    assert answer.status_code == status and is_problem(answer), answer.text


def test_a_projection_asked_for_wrongly_says_so_when_it_is_asked_for(http):
    for data in ({"steps": "0"}, {"method": "encoder"}, {"start": '{"seed": -1}'}):
        begun = http.post(at("project"), files={"file": png(digit())}, data=data)
        assert begun.status_code == 400 and is_problem(begun), begun.text


def test_pictures_may_be_larger_than_other_bodies_but_not_endless(http):
    noise = np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)
    raw = png(noise, "BMP")
    assert BODY_LIMIT < len(raw) < PICTURE_LIMIT
    assert http.post(at("score"), files={"file": raw}).status_code == 200
    assert http.post(at("render"), files={"file": raw}).status_code == 413
    assert http.post(at("score"), files={"file": bytes(PICTURE_LIMIT)}).status_code == 413


# --- bad input


@pytest.mark.parametrize("name", IDS)
def test_no_name_gets_anywhere(http, name):
    from urllib.parse import quote

    here = f"/api/models/{quote(name, safe='')}"
    for answer in (
        http.get(here),
        http.get(f"{here}/strip.png"),
        http.get(f"{here}/weights"),
        http.get(f"{here}/snippet"),
        http.get(f"{here}/project/x"),
        http.post(f"{here}/render", json={"seed": 1}),
        http.post(f"{here}/score", json={"places": [{"seed": 1}]}),
        http.delete(here),
    ):
        assert is_problem(answer) or answer.status_code in (307, 200), (name, answer.status_code)
        assert (
            answer.status_code != 200
            or "swagger" in answer.text.lower()
            or answer.json() == []
            or name in "?#."
        )


@pytest.mark.parametrize(
    "route", ["render", "walk", "interpolate", "arithmetic", "traverse", "score", "features", "project"]
)
def test_no_body_breaks_a_route(http, route):
    for content, headers in BODIES:
        answer = http.post(at(route), content=content, headers=headers)
        assert answer.status_code in (200, 202) or is_problem(answer), (content[:100], answer.text)


@pytest.mark.parametrize(
    "headers",
    [{"X-Sequence": "x"}, {"X-Sequence": "-1"}, {"X-Sequence": "9" * 30}, {"X-Viewer": "x" * 1000}],
)
def test_wrong_headers_are_refused(http, headers):
    answer = http.post(at("render"), json={"seed": 1}, headers=headers)
    assert answer.status_code == 422 and is_problem(answer)


@pytest.mark.parametrize(
    "params", [{"place": "{"}, {"place": "3"}, {"place": "NaN"}, {"as": "perl"}, {"as": ""}]
)
def test_wrong_snippets_are_refused(http, params):
    assert is_problem(http.get(at("snippet"), params=params))


def test_quotes_in_a_place_stay_in_the_snippet(http):
    hostile = {"codes": {"'; rm -rf / #\n$(x)`y`\"": 1}}
    for kind in ("python", "curl", "cli"):
        text = http.get(at("snippet"), params={"place": json.dumps(hostile), "as": kind}).text
        if kind == "python":
            compile(text, "snippet", "exec")
            assert len(text.splitlines()) == 7
        else:
            assert json.dumps(hostile) in " ".join(shlex.split(text))
