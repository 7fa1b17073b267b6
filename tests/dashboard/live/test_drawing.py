"""The drawing socket: what it answers, what it makes of bad messages, and that nobody is held up."""

import io
import json
import struct

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dashboard.live.drawing import HEAD, UNDER_WAY
from engine.live import frames
from tests.engine.explore.conftest import LIVELY, STEPS, TINY, make_run

PLACE = {"seed": 5, "codes": {"category": 3, "c1": 0.5}}
BAD = [
    "",
    "no JSON",
    "[]",
    "{}",
    json.dumps({"seq": 1}),
    json.dumps({"seq": -1, "place": PLACE}),
    json.dumps({"seq": 1.5, "place": PLACE}),
    json.dumps({"seq": True, "place": PLACE}),
    json.dumps({"seq": 2**32, "place": PLACE}),
    json.dumps({"seq": 1, "place": PLACE, "scale": 16}),
    json.dumps({"seq": 1, "place": []}),
    json.dumps({"seq": 1, "place": {"seed": -1}}),
    json.dumps({"seq": 1, "place": {"codes": {"c9": 0}}}),
    json.dumps({"seq": 1, "place": {"z": [0.0] * 20_000}}),
    '{"seq": 1, "place": {"seed": NaN}}',
    '{"seq": 1, "place": ' + "[" * 4000 + "]" * 4000 + "}",
    b"\x00\x01",
]


@pytest.fixture(scope="session")
def models(server):
    make_run(server.runs, "drawn", "infogan", **LIVELY, **TINY["infogan"])
    make_run(server.runs, "dotted", "gan", "ring", steps=2)


def opened(server, model="drawn", **options):
    return connect(
        server.live.replace("/live", f"/models/{model}/draw"), proxy=None, open_timeout=60, **options
    )


def taken(message):
    step, number = HEAD.unpack_from(message)
    return step, number, *frames.unpack(message[HEAD.size :])


def test_a_place_is_drawn_with_the_pixels_of_its_png(server, models):
    body = {"places": [PLACE], "format": "json"}
    latent = server.http.post("/api/models/drawn/render", json=body).json()["z"][0]
    png = server.http.post("/api/models/drawn/render", json={"places": [PLACE]}).content
    with opened(server) as socket:
        for number in (0, 7, 2**32 - 1):
            socket.send(json.dumps({"seq": number, "place": PLACE}))
            step, answered, header, arrays = taken(socket.recv())
            assert (step, answered, header["z"]) == (STEPS, number, latent)
            assert np.array_equal(arrays["pixels"], np.asarray(Image.open(io.BytesIO(png))))


def test_a_point_is_told(server, models):
    body = {"places": [{"seed": 3}], "format": "json"}
    point = server.http.post("/api/models/dotted/render", json=body).json()["points"][0]
    with opened(server, "dotted") as socket:
        socket.send(json.dumps({"seq": 1, "place": {"seed": 3}}))
        _, _, header, arrays = taken(socket.recv())
    assert header["point"] == point and not arrays


@pytest.mark.parametrize("message", BAD)
def test_a_bad_message_is_refused_and_the_socket_goes_on(server, models, message):
    with opened(server) as socket:
        socket.send(message)
        said = json.loads(socket.recv())
        assert said["type"] == "error" and said["status"] == 400 and said["error"] and said["remedy"]
        socket.send(json.dumps({"seq": 2, "place": PLACE}))
        assert taken(socket.recv())[1] == 2


def test_of_places_sent_at_once_the_newest_is_drawn_and_each_is_answered(server, models):
    count = 5 * UNDER_WAY
    with opened(server) as socket:
        for number in range(count):
            socket.send(json.dumps({"seq": number, "place": {"seed": number}}))
        drawn, refused = [], []
        while len(drawn) + len(refused) < count:
            message = socket.recv()
            if isinstance(message, bytes):
                drawn.append(taken(message)[1])
            else:
                said = json.loads(message)
                assert (said["status"], said["error"]) == (409, "superseded")
                refused.append(said["seq"])
    assert drawn == sorted(drawn) and drawn[-1] == count - 1
    assert sorted(drawn + refused) == list(range(count))


@pytest.mark.parametrize("model", ["nothing", "..", "x" * 300, "<b>"])
def test_a_model_that_is_not_there_is_said_not_to_be(server, models, model):
    with opened(server, model) as socket:
        socket.send(json.dumps({"seq": 1, "place": {"seed": 1}}))
        said = json.loads(socket.recv())
    assert said["status"] in (400, 404) and said["seq"] == 1 and said["field"] in ("model", "id", "run")


def test_a_path_is_no_model(server, models):
    with pytest.raises(InvalidStatus), opened(server, "..%2F..%2Fetc"):
        pass


def test_pages_of_other_sites_may_not_draw(server, models):
    with pytest.raises(InvalidStatus) as refused, opened(server, origin="http://evil.example") as socket:
        socket.recv()
    assert refused.value.response.status_code == 403


def test_a_client_that_never_reads_holds_nobody_up(server, models):
    with opened(server, max_queue=1) as deaf, opened(server) as socket:
        try:
            for number in range(3000):
                deaf.send(json.dumps({"seq": number, "place": {"z": [0.25] * 4}}))
        except (TimeoutError, ConnectionClosed):
            pass
        socket.send(json.dumps({"seq": 1, "place": PLACE}))
        assert taken(socket.recv(timeout=30))[1] == 1
    assert struct.calcsize(HEAD.format) == HEAD.size == 8
