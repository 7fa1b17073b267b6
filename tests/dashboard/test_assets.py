"""Scripts under /assets: types, caching and compression."""

from __future__ import annotations

import asyncio
import gzip
import re

import httpx
import pytest

from dashboard.assets import STATIC, Assets, plotly
from engine.latent.encoding import COLOURS, class_colour


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "static" / "sub").mkdir(parents=True)
    (tmp_path / "static" / "a.js").write_text("export const a = 'ä';\n" * 50)
    (tmp_path / "static" / "sub" / "b.css").write_text("b{}")
    (tmp_path / "static" / "notes.py").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    return tmp_path / "static"


def ask(assets, path, method="GET", accept="identity", **headers):
    async def scene():
        transport = httpx.ASGITransport(assets, root_path="/assets")
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers={"accept-encoding": accept, **headers})

    return asyncio.run(scene())


def test_a_script_has_its_type_and_is_asked_for_anew(folder):
    response = ask(Assets(folder, {}), "/assets/a.js")
    assert response.text == (folder / "a.js").read_text()
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"


def test_the_same_again_is_304(folder):
    assets = Assets(folder, {})
    for accept in ("identity", "gzip"):
        tag = ask(assets, "/assets/a.js", accept=accept).headers["etag"]
        again = ask(assets, "/assets/a.js", accept=accept, **{"if-none-match": f'"other", {tag}'})
        assert again.status_code == 304 and not again.content and again.headers["etag"] == tag
        assert ask(assets, "/assets/a.js", accept=accept, **{"if-none-match": '"other"'}).status_code == 200


def test_under_the_hash_it_is_kept_for_good_until_it_changes(folder):
    assets = Assets(folder, {})
    assert "immutable" in ask(assets, assets.url("sub/b.css")).headers["cache-control"]
    before = ask(assets, "/assets/a.js").headers["etag"]
    (folder / "a.js").write_text("export const a = 2;\n")
    assert ask(assets, "/assets/a.js").text == "export const a = 2;\n"
    assert ask(assets, "/assets/a.js").headers["etag"] != before
    later = Assets(folder, {})
    assert later.version != assets.version
    assert ask(later, assets.url("a.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_those_who_take_it(folder, accept, packed):
    response = ask(Assets(folder, {}), "/assets/a.js", accept=accept)
    assert (response.headers.get("content-encoding") == "gzip") is packed
    assert response.headers["vary"] == "Accept-Encoding" and response.text == (folder / "a.js").read_text()


def test_what_lies_here_compressed_is_sent_so_or_unpacked(folder):
    (folder / "big.wasm.gz").write_bytes(packed := gzip.compress(b"wasm" * 999))
    with_it = ask(Assets(folder, {}), "/assets/big.wasm", accept="gzip")
    assert with_it.headers["content-encoding"] == "gzip" and int(with_it.headers["content-length"]) == len(
        packed
    )
    plain = ask(Assets(folder, {}), "/assets/big.wasm")
    assert plain.content == with_it.content == b"wasm" * 999
    assert plain.headers["content-type"] == "application/wasm"
    assert ask(Assets(folder, {}), "/assets/big.wasm.gz").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/assets/", "/assets/none.js", "/assets/notes.py", "/assets/../outside.js", "/assets/%2e%2e/outside.js",
     "/assets/..%2foutside.js", "/assets//etc/passwd", "/assets/sub", "/assets/a.js/", "/assets/a.js%00",
     "/assets/" + "x" * 5000],
)  # fmt: skip
def test_nothing_else_is_served(folder, path):
    response = ask(Assets(folder, {}), path)
    assert response.status_code == 404 and set(response.json()) == {"error", "field", "remedy"}
    assert "secret" not in response.text and len(response.text) < 500


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_they_can_only_be_read(folder, method):
    response = ask(Assets(folder, {}), "/assets/a.js", method)
    assert response.status_code == 405 and response.headers["allow"] == "GET, HEAD"


def test_plotly_comes_out_of_its_package():
    path = plotly()["plotly.min.js"]
    response = ask(Assets(STATIC), "/assets/plotly.min.js", accept="gzip")
    assert (
        response.content == path.read_bytes()
        and int(response.headers["content-length"]) < path.stat().st_size / 2
    )


def test_every_script_of_ours_has_a_type():
    assert all(
        ask(Assets(STATIC, {}), f"/assets/{path.relative_to(STATIC).as_posix()}").status_code == 200
        for path in STATIC.rglob("*.js")
    )


def test_categories_have_the_colours_of_the_engine_s_pictures():
    told = (STATIC / "base/theme.js").read_text().split("categories: [")[1].split("]")[0]
    page = [tuple(bytes.fromhex(colour)) for colour in re.findall(r"#([0-9a-f]{6})", told)]
    assert len(page) == len(COLOURS)
    for k, colour in enumerate(page):
        assert colour == pytest.approx(class_colour(k), abs=2)
