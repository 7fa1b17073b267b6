"""The HTTP API of a running server: its routes, its documentation, and what it answers to bad input."""

from __future__ import annotations

import io
import itertools
import json
import re
import socket
import zipfile
from pathlib import Path
from urllib.parse import quote, urlparse

import httpx
import pytest
from PIL import Image

from dashboard.api import schemas

LONG = "x" * 10_000
IDS = [
    "../../etc/passwd", "..", ".", "...", "%2e%2e", "..%2f..", "a/b", "a\\b", "C:\\x", "\0", "a\0b", "-",
    ".hidden", " ", "\n", "<script>alert(1)</script>", "'\";--", "ünïcödé", "🙂", LONG, "nobody", "con",
    "*", "?", "#", "%", "%00", "{run}", "null",
]  # fmt: skip
JSON = {"content-type": "application/json"}
TEXTS = [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 100_000,
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b'{"options":' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"steps": NaN}', b'{"steps": Infinity}', b'{"steps": -1e999}', b'{"steps": 1e999}',
    b'{"steps": ' + b"9" * 5000 + b"}", b'{"steps": 9223372036854775808}', b'{"name": "\\ud800"}',
    b'{"name": "\\u0000", "gan": "\\u0000", "command": "\\u0000", "code": "\\u0000"}',
    b'{"gan": 3, "name": 3, "command": 3, "code": 3, "seed": "x"}',
    b'{"gan": null, "name": null, "command": null, "code": null, "seed": []}',
    b'{"gan": "<b>", "data": "../..", "name": "", "command": "rm", "code": ""}',
    b'{"gan": "gan", "data": "ring", "steps": true, "seed": true, "name": true, "command": 1, "code": true}',
    b'{"__proto__": {}}', b'{"command": "set", "options": {"\\ud83d": 1}}',
    b'{"command": "branch", "step": -1, "options": 3}',
    json.dumps({key: LONG for key in ("gan", "data", "name", "command", "code", "steps")}).encode(),
]  # fmt: skip
BODIES = [
    *((text, JSON) for text in TEXTS),
    (b"{}", {}),
    (b"{}", {"content-type": "text/plain"}),
    (b"{}", {"content-type": "x" * 300}),
    (b"a=b", {"content-type": "application/x-www-form-urlencoded"}),
    (b"--x--", {"content-type": "multipart/form-data"}),
    (b"nonsense", {"content-type": "multipart/form-data; boundary=x"}),
]


@pytest.fixture(scope="session")
def schema(server):
    return server.http.get("/api/openapi.json").json()


def is_problem(response):
    if response.status_code not in range(400, 500):
        return False
    body = response.json()
    assert set(body) == {"error", "field", "remedy"}, body
    assert body["error"] and "Traceback" not in response.text and len(response.text) < 2000, body
    return True


def raw(server, request):
    """The status line's number of a request that no client library would send."""
    where = urlparse(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(request.replace(b"HOST", f"{where.hostname}:{where.port}".encode()))
        return int(connection.makefile("rb").readline().split()[1])


def listing(server):
    return sorted(
        path for path in server.runs.rglob("*") if ".cache" not in path.parts and path.name != "engine.log"
    )


def test_health(server):
    health = schemas.Health.model_validate(server.http.get("/api/health").json())
    assert health.status == "ok" and health.role == "presenter" and not health.lan


def test_a_run_from_all_sides(server, make_run):
    run = make_run("stopped", name="<b>R&amp;D</b>")
    run.report(5, d_loss=1.0)
    run.events.write({"row": 0, "step": 1, "type": "checkpoint"})
    drawn = run.draw(3)
    (run.folder.snapshots / "00000420.bin").write_bytes(drawn)
    (run.folder.checkpoints / "00000420").mkdir()
    run.folder.real.write_bytes(b"real")
    run.folder.thumbnail.write_bytes(b"\x89PNG")
    run.folder.log.write_text("said\n")
    here, get = f"/api/runs/{run.folder.id}", server.http.get
    details = get(here).json()
    assert (
        schemas.Run.model_validate(details).last["row"] == 4 and details["config"]["name"] == "<b>R&amp;D</b>"
    )
    [summary] = [one for one in get("/api/runs").json() if one["id"] == run.folder.id]
    assert schemas.RunSummary.model_validate(summary).status.state == "stopped"
    rows = get(f"{here}/metrics", params={"since": 2}).json()
    assert [schemas.MetricsRow.model_validate(row).row for row in rows] == [3, 4] and rows[0]["d_loss"] == 1.0
    assert len(get(f"{here}/metrics").json()) == 5
    page = get(f"{here}/metrics", params={"since": 0, "limit": 3})
    assert [row["row"] for row in page.json()] == [1, 2, 3] and page.headers["x-next"] == "3"
    last = get(page.links["next"]["url"])
    assert [row["row"] for row in last.json()] == [4] and "link" not in last.headers
    assert get(f"{here}/events", params={"limit": 0}).status_code == 422
    assert [schemas.Event.model_validate(event).type for event in get(f"{here}/events").json()] == [
        "checkpoint"
    ]
    assert get(f"{here}/frame").content == drawn and get(f"{here}/snapshots/420").content == drawn
    assert get(f"{here}/snapshots").json() == [420]
    assert (get(f"{here}/real").content, get(f"{here}/thumbnail.png").content) == (b"real", b"\x89PNG")
    assert get(f"{here}/thumbnail.png").headers["content-type"] == "image/png"
    assert get(f"{here}/log").text == "said\n"
    [model] = [one for one in get("/api/models").json() if one["id"] == run.folder.id]
    assert schemas.Model.model_validate(model).step == 420


def test_what_has_not_changed_is_304(server, make_run):
    run = make_run("running")
    run.draw(1)
    first = server.http.get(f"/api/runs/{run.folder.id}/frame")
    again = {"if-none-match": first.headers["etag"]}
    assert server.http.get(f"/api/runs/{run.folder.id}/frame", headers=again).status_code == 304
    drawn = run.draw(2)
    assert server.http.get(f"/api/runs/{run.folder.id}/frame", headers=again).content == drawn


def test_a_run_is_renamed_and_deleted(server, make_run):
    run = make_run("stopped")
    here = f"/api/runs/{run.folder.id}"
    assert server.http.patch(here, json={"name": "another"}).json() == {"ok": True}
    assert server.http.get(here).json()["config"]["name"] == "another"
    assert is_problem(server.http.patch(here, json={"name": LONG}))
    assert server.http.delete(here).json() == {"ok": True}
    assert server.http.get(here).status_code == 404 and not run.folder.path.exists()


def test_commands_reach_the_worker(server, make_run):
    run = make_run("running")
    here = f"/api/runs/{run.folder.id}/control"
    assert server.http.post(here, json={"command": "pause"}).status_code == 200
    assert server.http.post(here, json={"command": "limit", "steps_per_s": 10}).status_code == 200
    commands = [json.loads(line) for line in run.folder.control.read_text().splitlines()]
    assert [command["command"] for command in commands] == ["pause", "limit"] and commands[1][
        "steps_per_s"
    ] == 10
    before = run.folder.control.read_bytes()
    for command in (
        {"command": "explode"},
        {"command": "limit", "steps_per_s": -1},
        {"command": "step", "what": 3},
        {},
    ):
        assert is_problem(server.http.post(here, json=command))
    assert run.folder.control.read_bytes() == before
    run.lock.release()
    run.status("done")
    assert server.http.post(here, json={"command": "pause"}).status_code == 409


def test_metrics_are_compressed_and_frames_are_not(server, make_run):
    run = make_run("stopped")
    run.report(500)
    run.draw(1, padding=10_000)
    assert server.http.get(f"/api/runs/{run.folder.id}/metrics").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in server.http.get(f"/api/runs/{run.folder.id}/frame").headers


@pytest.mark.parametrize("since", ["", "x", "-2", "1.5", "9" * 30, "NaN", "1e3", LONG, "null", "\0"])
@pytest.mark.parametrize("what", ["metrics", "events"])
def test_a_bad_since_is_explained(server, make_run, what, since):
    response = server.http.get(f"/api/runs/{make_run().folder.id}/{what}", params={"since": since})
    assert is_problem(response) and response.json()["field"] == "since"


@pytest.mark.parametrize("step", ["-1", "x", "1.0", "9" * 30, "7", "../config.json"])
def test_a_bad_snapshot_is_explained(server, make_run, step):
    assert is_problem(server.http.get(f"/api/runs/{make_run().folder.id}/snapshots/{quote(step, safe='')}"))


def test_no_route_breaks_on_any_name(server, schema):
    """Every route with every hostile name: refused or not found, and nothing changed on the disk."""
    before = listing(server)
    routes = [
        (path, method) for path, methods in schema["paths"].items() if "{" in path for method in methods
    ]
    assert len(routes) > 15
    for (path, method), name in itertools.product(routes, IDS):
        address = "/api" + re.sub(r"\{\w+\}", lambda _: quote(name, safe="").replace(".", "%2e"), path)  # noqa: B023
        body = (
            {"json": {"command": "stop"}}
            if path.endswith("control")
            else {"json": {"name": "x"}}
            if method == "patch"
            else {}
        )
        response = server.http.request(method, address, **body)
        assert is_problem(response), (method, address[:80], response.status_code, response.text[:200])
    assert listing(server) == before


def test_no_route_breaks_on_any_body(server, schema, make_run):
    """Every route that takes a body with every hostile one: refused, nothing started and nothing changed."""
    run = make_run("stopped")
    before, config = listing(server), run.folder.config()
    routes = [
        (path, method)
        for path, methods in schema["paths"].items()
        for method in methods
        if "requestBody" in methods[method]
    ]
    assert len(routes) >= 6
    for (path, method), (body, headers) in itertools.product(routes, BODIES):
        address = "/api" + path.replace("{run}", run.folder.id).replace("{name}", "no such preset")
        response = server.http.request(method, address, content=body, headers=headers)
        assert is_problem(response), (method, path, body[:80], response.status_code, response.text[:200])
    assert listing(server) == before and run.folder.config() == config


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
@pytest.mark.parametrize("path", ["/api/runs", "/api/login", "/nowhere", "/_stcore/health"])
def test_a_body_too_large_is_refused(server, path, size):
    assert server.http.post(path, content=b" " * size, headers=JSON).status_code == 413
    streamed = server.http.post(
        path, content=iter([b" " * (1 << 16)] * (size // (1 << 16) + 1)), headers=JSON
    )
    assert streamed.status_code == (413 if path.startswith("/api") else 405)  # nobody reads it there
    assert is_problem(streamed) or not path.startswith("/api")


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND", "X" * 50]
)
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/runs", "/api/health", "/api//runs", "/api/live", "/assets/x"]
)
def test_no_method_breaks_an_address(server, method, path):
    response = server.http.request(method, path)
    assert response.status_code < 500
    if response.status_code >= 400 and method != "HEAD":
        assert is_problem(response)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/train", "/studio", "/a/b/c", "/api/../x", "/..%2f..%2fetc/passwd", "/%00"]
)
def test_no_page_address_breaks(server, path):
    assert server.http.get(path).status_code in (200, 301, 307, 400, 404)
    assert server.http.post(path).status_code in (400, 404, 405)


def test_api_without_its_slash_leads_to_the_documentation(server):
    response = server.http.get("/api", follow_redirects=True)
    assert response.status_code == 200 and str(response.url).endswith("/api/docs")


def test_the_documentation_asks_nobody_outside(server, schema):
    html = server.http.get("/api/docs").text
    assert not re.findall(r"https?:", html) and "//cdn" not in html
    for address in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert address.startswith("/api/") and server.http.get(address).status_code == 200
    assert "validatorUrl" in html  # Swagger would ask for its opinion otherwise
    assert server.http.get("/api/redoc").status_code == 404


def parts(schema, about, where):
    """What a schema of a request is made of: each part that is no reference, no choice and no object."""
    about = {**schema["components"]["schemas"].get(about.get("$ref", "").rpartition("/")[2], {}), **about}
    inner = [(where, one) for key in ("anyOf", "oneOf", "allOf") for one in about.get(key, [])]
    inner += [(f"{where}.{name}", one) for name, one in about.get("properties", {}).items()]
    inner += [(f"{where}[]", about["items"])] if "items" in about else []
    inner += [(f"{where}.*", one)] if isinstance(one := about.get("additionalProperties"), dict) else []
    for name, one in inner:
        yield from parts(schema, one, name)
    if not inner:
        yield where, about


def examples(schema, about):
    about = {**schema["components"]["schemas"].get(about.get("$ref", "").rpartition("/")[2], {}), **about}
    return about.get("examples") or [e for one in about.get("anyOf", []) for e in examples(schema, one)]


def test_whatever_a_request_takes_has_a_type_bounds_and_an_example(schema):
    operations = [
        (f"{verb} {path}", about) for path, verbs in schema["paths"].items() for verb, about in verbs.items()
    ]
    assert len(operations) > 40
    for where, about in operations:
        given = [(one["name"], one["schema"]) for one in about.get("parameters", [])]
        for kind, body in about.get("requestBody", {}).get("content", {}).items():
            given.append((kind, body["schema"]))
            assert examples(schema, body["schema"]), f"{where} has no example of {kind}"
        for name, one in given:
            for at, part in parts(schema, one, f"{where} {name}"):
                assert {"type", "enum", "const"} & part.keys(), f"{at} may be anything: {part}"
                assert part.get("type") != "object" or part.get("additionalProperties") is False, at
                if part.get("type") in ("integer", "number") and not {"enum", "const"} & part.keys():
                    bounds = {"exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum"} & part.keys()
                    assert len(bounds) == 2, f"{at} has no bounds: {part}"


def test_the_documentation_says_it_all(server, schema):
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            assert about.get("description"), f"{method} {path} has no description"
            assert "4XX" in about["responses"]
    for word in (
        "hello",
        "rows",
        "events",
        "status",
        "snapshots",
        "gone",
        "error",
        "ack",
        "fps",
        "since",
        "version 1",
        "4404",
    ):
        assert word in schema["info"]["description"]


@pytest.mark.parametrize(
    "headers",
    [b"Host: evil.example", b"Host: HOST\r\nHost: HOST", b"", b"Host:",
     b"Host: HOST\r\nOrigin: http://evil.example", b"Host: HOST\r\nOrigin: null",
     b"Host: HOST\r\nOrigin: http://HOST\r\nOrigin: http://evil.example"],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", [b"/", b"/api/health", b"/assets/live.js", b"/_stcore/health", b"/_stcore/stream"]
)
def test_the_guard_stands_before_everything(server, headers, path):
    socket_headers = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    socket_headers += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for more in (b"", socket_headers):
        assert raw(server, b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n" + more + b"\r\n") in (
            400,
            403,
            421,
        )


@pytest.mark.parametrize("path", ["/api/live?run=x", "/_stcore/stream"])
def test_a_foreign_page_gets_no_socket(server, path):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus) as refused:
        connect(server.url.replace("http", "ws") + path, origin="http://evil.example", proxy=None)
    assert refused.value.response.status_code == 403
    assert set(json.loads(refused.value.response.body)) == {"error", "field", "remedy"}


def test_the_process_has_not_loaded_torch(server):
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("no /proc here")
    loaded = {Path(line.split()[-1]).name for line in maps.read_text().splitlines() if ".so" in line}
    assert loaded and not [name for name in loaded if "torch" in name]


def test_viewers_watch_and_the_code_makes_the_presenter(lan_server, make_run):
    run = make_run("stopped", runs=lan_server.runs)
    here = f"/api/runs/{run.folder.id}"
    with httpx.Client(
        base_url=lan_server.url, headers={"x-ganscope-role": "presenter"}, timeout=60
    ) as client:
        assert client.get(here).status_code == 200 and client.get("/api/health").json()["role"] == "viewer"
        changes = [
            ("POST", "/api/runs", {"gan": "gan", "data": "ring"}),
            ("POST", "/api/validate", {"gan": "gan", "data": "ring"}),
            ("POST", f"{here}/control", {"command": "resume"}),
            ("PATCH", here, {"name": "mine"}),
            ("DELETE", here, None),
            ("POST", "/api/presets/ring", None),
            ("DELETE", "/api/datasets/x", None),
            ("GET", f"{here}/log", None),
        ]
        for method, path, body in changes:
            assert client.request(method, path, json=body).status_code == 403, path
        assert client.post("/api/datasets", files={"files": b"x"}).status_code == 403
        assert run.folder.config()["name"] == "by hand"
        [code] = [line.split(": ")[1] for line in lan_server.said if line.startswith("presenter code: ")]
        assert client.post("/api/login", json={"code": "wrong"}).status_code == 403
        answer = client.post("/api/login", json={"code": code})
        assert answer.json() == {"role": "presenter"}
        assert (
            "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
        )
        assert client.get("/api/health").json()["role"] == "presenter"
        assert client.patch(here, json={"name": "mine"}).status_code == 200
        assert client.post("/api/logout").json() == {"role": "viewer"}
        assert client.get("/api/health").json()["role"] == "viewer"


def test_a_name_is_answered_to_only_if_it_was_allowed(lan_server):
    for host, status in (("class.example.org", 200), ("192.168.1.7:8501", 200), ("evil.example", 421)):
        assert lan_server.http.get("/api/health", headers={"host": host}).status_code == status


def test_pictures_become_a_data_set(server):
    pictures = [
        ("files", (f"../../{kind}/photo.png", png(shade), "image/png"))
        for shade, kind in enumerate("ab" * 10)
    ]
    files = [*pictures, ("files", ("notes.png", b"not a picture", "image/png"))]
    form = {"name": "Grey squares", "size": "28", "colour": "false"}
    answer = server.http.post("/api/datasets", data=form, files=files)
    assert answer.status_code == 200, answer.text
    made = schemas.Dataset.model_validate(answer.json())
    assert answer.json()["images"] == 20 and [one["file"] for one in answer.json()["skipped"]] == [
        "notes.png"
    ]
    assert made.id in [one["id"] for one in server.http.get("/api/datasets").json()]
    assert server.http.get(f"/api/datasets/{made.id}/thumbnail.png").content.startswith(b"\x89PNG")
    assert server.http.delete(f"/api/datasets/{made.id}").json() == {"ok": True}
    assert server.http.delete(f"/api/datasets/{made.id}").status_code == 404


@pytest.mark.parametrize(
    ("layout", "data", "gan"), [("pairs", "own_pairs", "pix2pix"), ("domains", "own_domains", "cyclegan")]
)
def test_uploads_of_two_sides_can_be_translated(server, layout, data, gan):
    """A zip with the folders A and B, as both layouts take it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for side, number in itertools.product("AB", range(18)):
            archive.writestr(f"{side}/{number}.png", png(number + (side == "B")))
    form = {"name": "two sides", "size": "64", "layout": layout}
    added = server.http.post(
        "/api/datasets", data=form, files={"files": ("sides.zip", packed.getvalue())}
    ).json()
    try:
        assert server.http.get(f"/api/datasets/{added['id']}/thumbnail.png").content.startswith(b"\x89PNG")
        options = {"upload": added["id"], "size": 64, "network": "resnet_6", "width": 4, "patch": "16"}
        run = {"gan": gan, "data": data, "steps": 10_000, "options": options}
        started = server.http.post("/api/runs", json=run).json()
        assert "id" in started, started
        assert server.http.delete(f"/api/datasets/{added['id']}").status_code == 409  # a run needs it
        assert server.http.delete(f"/api/runs/{started['id']}").status_code == 200
        other = {**run, "data": "own_domains" if layout == "pairs" else "own_pairs"}
        assert server.http.post("/api/runs", json=other).json()["field"] in ("upload", "data")
    finally:
        server.http.delete(f"/api/datasets/{added['id']}")


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ({"name": "x", "size": "29"}, [("files", ("a.png", b"x"))]),
        ({"name": "x", "colour": "blue"}, [("files", ("a.png", b"x"))]),
        ({"name": "x"}, [("other", ("a.png", b"x"))]),
        ({"name": "x"}, [("files", ("a.png", b"x")), ("size", ("size.txt", b"28"))]),
        ({"name": LONG}, [("files", ("a.png", b"x"))]),
        ({"name": "x"}, [("files", ("a.zip", b"PK\3\4 no zip"))]),
        ({"name": "x"}, [("files", ("\ud800" + LONG + ".png", b"x"))] * 20),
        ({"name": "x"}, [("files", (name, b"x")) for name in ("", ".", "..", "/", "\\", "a\0b", "\n")]),
        ({str(number): "x" for number in range(50)}, [("files", ("a.png", b"x"))]),
        ({"name": "x"}, [("files", (f"{number}.png", b"")) for number in range(5001)]),
    ],
    ids=["size", "colour", "no files", "file as field", "name", "zip", "long", "names", "fields", "many"],
)  # fmt: skip
def test_a_bad_upload_is_refused_with_the_reason(server, form, files):
    before = server.http.get("/api/datasets").json()
    boundary = "x" * 20
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in form.items()
    ]
    body = "".join(parts).encode()
    for key, (name, content) in files:
        about = f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"; filename="{name}"\r\n\r\n'
        body += about.encode("utf-8", "surrogatepass") + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    assert is_problem(server.http.post("/api/datasets", content=body, headers=kind))
    assert server.http.get("/api/datasets").json() == before


def test_pages_take_uploads_larger_than_other_bodies(server):
    for size, status in ((2 << 20, 403), ((256 << 20) + 1, 413)):  # 403: Streamlit misses its token
        about = f"Host: HOST\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
        assert raw(server, b"PUT /_stcore/upload_file/session/file HTTP/1.1\r\n" + about.encode()) == status


def test_an_upload_too_large_is_refused_before_it_is_read(server):
    about = b"Host: HOST\r\nContent-Length: 300000000\r\nExpect: 100-continue\r\n\r\n"
    assert raw(server, b"POST /api/datasets HTTP/1.1\r\n" + about) == 413


def png(shade):
    picture = io.BytesIO()
    Image.new("L", (40, 30), shade * 12).save(picture, "PNG")
    return picture.getvalue()
