"""Translating over HTTP: what each route answers, many at once, and what it makes of bad input."""

import base64
import concurrent.futures
import io
import random
import time
import zipfile

import httpx
import numpy as np
import pytest

from dashboard.api import schemas
from tests.dashboard.api.test_application import is_problem
from tests.engine.made_translators import file_of, make_translator, opened, photograph


@pytest.fixture(scope="session")
def models(server):
    """The server's models ``cycle`` (CycleGAN, ResNet) and ``pairs`` (pix2pix, U-Net of 64 px)."""
    make_translator(server.runs / ".models" / "cycle", "cyclegan", network="resnet_6")
    make_translator(server.runs / ".models" / "pairs", "pix2pix")
    return server.runs


@pytest.fixture
def http(server, models):
    yield server.http
    left = list((models / ".cache" / "translations").glob("*"))
    assert not left, "every test fetches or cancels what it starts"


def send(http, model, raw, headers=None, **options):
    return http.post(f"/api/translate/{model}", files={"file": ("p.png", raw)}, data=options, headers=headers)


def is_refused(answer, status):
    return answer.status_code == status and is_problem(answer)


def ended(http, job):
    end = time.monotonic() + 60
    while True:
        status = http.get(f"/api/translate/jobs/{job}").json()
        schemas.Translation.model_validate(status)
        if status["state"] not in ("queued", "running"):
            return status
        assert time.monotonic() < end, status
        time.sleep(0.02)


def test_the_translators_are_listed(http):
    cards = {
        card["id"]: schemas.Translator.model_validate(card) for card in http.get("/api/translate").json()
    }
    assert cards["cycle"].directions == ["a_to_b", "b_to_a"] and cards["cycle"].has_back
    assert cards["pairs"].directions == ["a_to_b"] and cards["pairs"].size == 64


def test_a_form_gives_a_png_of_the_pictures_own_size(http):
    answer = send(http, "cycle", file_of(photograph(37, 53)))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert opened(answer.content).size == (53, 37)
    assert (answer.headers["x-width"], answer.headers["x-scale"]) == ("53", "full")


def test_json_gives_the_way_back_and_the_patches_too(http):
    image = base64.b64encode(file_of(photograph(40, 40))).decode()
    body = {"image": image, "format": "json", "back": True, "patches": True, "direction": "b_to_a"}
    answer = http.post("/api/translate/cycle", json=body).json()
    pictures = [opened(base64.b64decode(answer[name])) for name in ("png", "back", "patches")]
    assert [(one.size, one.mode) for one in pictures] == [((40, 40), "RGB")] * 2 + [((40, 40), "RGBA")]
    assert 0 <= answer["patch_mean"] <= 1 and answer["direction"] == "b_to_a"


@pytest.mark.parametrize(
    ("model", "options", "status"),
    [
        ("nobody", {}, 404),
        ("pairs", {"direction": "b_to_a"}, 400),
        ("pairs", {"direction": "up"}, 400),
        ("pairs", {"scale": "huge"}, 400),
        ("pairs", {"longest": "3"}, 400),
        ("pairs", {"longest": "x"}, 422),
        ("pairs", {"seed": "1e99"}, 400),
        ("pairs", {"sneaky": "1"}, 422),
        ("pairs", {"format": "gif"}, 400),
        ("pairs", {"file": "text"}, 422),
    ],
)
def test_bad_options_are_refused(http, model, options, status):
    files = {} if "file" in options else {"file": ("p.png", file_of(photograph(8, 8)))}
    files = files or {"other": ("p.png", b"")}
    assert is_refused(http.post(f"/api/translate/{model}", files=files, data=options), status)


def test_bodies_that_hold_no_picture_are_refused(http):
    at = "/api/translate/pairs"
    assert is_refused(http.post(at, json={}), 400)
    assert is_refused(http.post(at, json={"image": "%%%"}), 422)
    assert is_refused(http.post(at, json=[1]), 400)
    assert is_refused(http.post(at, content=b"x", headers={"content-type": "text/plain"}), 415)
    assert is_refused(send(http, "pairs", b""), 400)
    assert is_refused(send(http, "pairs", b"<svg></svg>"), 400)
    assert is_refused(http.get("/api/translate/jobs/none"), 404)
    assert is_refused(http.delete("/api/translate/jobs/none"), 404)


def test_damaged_files_are_refused_and_leave_nothing_behind(http):
    dice = random.Random(5)
    whole = [file_of(photograph(24, 24), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF")]
    for _ in range(30):
        raw = bytearray(dice.choice(whole))
        for _ in range(dice.randint(1, 12)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        answer = send(http, "pairs", bytes(raw[: dice.choice([len(raw), dice.randrange(len(raw))])]))
        assert answer.status_code == 200 or is_refused(answer, 400)


def test_a_zip_is_translated_but_for_what_cannot_be_read(http):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("deep/one.jpg", file_of(photograph(30, 20), "JPEG"))
        archive.writestr("two.png", b"no picture")
    files = [("files", ("all.zip", packed.getvalue())), ("files", ("one.png", file_of(photograph(9, 9))))]
    files += [("files", ("ONE.png", file_of(photograph(8, 9))))]
    started = http.post("/api/translate/pairs/jobs", files=files)
    assert started.status_code == 202
    job = started.json()["job"]
    status = ended(http, job)
    assert (status["state"], status["done"], status["total"]) == ("done", 3, 4)
    assert [one["name"] for one in status["failed"]] == ["two.png"]
    answer = http.get(f"/api/translate/jobs/{job}/result")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert set(archive.namelist()) == {"deep/one.png", "one.png", "ONE-2.png", "failed.txt"}
        assert opened(archive.read("deep/one.png")).size == (20, 30)
    assert http.delete(f"/api/translate/jobs/{job}").json() == {"ok": True}
    assert is_refused(http.get(f"/api/translate/jobs/{job}/result"), 404)


def test_a_damaged_zip_is_listed_and_the_rest_done(http):
    files = [
        ("files", ("all.zip", b"PK\x03\x04 and no more")),
        ("files", ("one.png", file_of(photograph(9, 9)))),
    ]
    job = http.post("/api/translate/pairs/jobs", files=files).json()["job"]
    status = ended(http, job)
    assert status["done"] == 1 and [one["name"] for one in status["failed"]] == ["all.zip"]
    http.delete(f"/api/translate/jobs/{job}")


def test_twenty_at_once_are_all_answered(server, http):
    raws = [file_of(np.full((20 + i, 20, 3), 10 * i, np.uint8)) for i in range(20)]

    def one(number):
        viewer = {"X-Viewer": f"v{number % 7}"}
        return httpx.post(
            f"{server.url}/api/translate/pairs",
            files={"file": ("p.png", raws[number])},
            headers=viewer,
            timeout=60,
        )

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert [opened(answer.content).height for answer in answers] == [20 + i for i in range(20)]


def test_jobs_that_wait_know_their_place_and_too_many_are_refused(http):
    raw = file_of(photograph(900, 900), "JPEG")
    jobs, refused = [], []
    for _ in range(34):
        answer = http.post("/api/translate/cycle/jobs", files={"files": ("p.jpg", raw)})
        (jobs if answer.status_code == 202 else refused).append(answer)
    statuses = [http.get(f"/api/translate/jobs/{answer.json()['job']}").json() for answer in jobs]
    places = [status["ahead"] for status in statuses if status["state"] == "queued"]
    for answer in jobs:
        http.delete(f"/api/translate/jobs/{answer.json()['job']}")
    assert len(places) > 20 and places == sorted(places)  # it may move on while they are asked for
    assert refused and is_refused(refused[-1], 429)


def test_a_client_that_leaves_frees_its_place(server, http, models):
    raw = file_of(photograph(4000, 4000), "JPEG")  # which takes many times as long as the client waits
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/api/translate/cycle", files={"file": ("p.jpg", raw)}, timeout=0.5)
    end = time.monotonic() + 20
    while list((models / ".cache" / "translations").glob("*")):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert send(http, "pairs", file_of(photograph(8, 8))).status_code == 200


def test_an_older_request_of_a_control_does_not_pass_a_newer_one(http):
    at = {"X-Viewer": "me", "X-Control": "pad"}
    assert send(http, "pairs", file_of(photograph(8, 8)), {**at, "X-Sequence": "5"}).status_code == 200
    assert is_refused(send(http, "pairs", file_of(photograph(8, 8)), {**at, "X-Sequence": "4"}), 409)
