"""A class plays with a generator: slider, wall, plane, links, projection; and what happens when things
go away.
"""

import io
import json
import re
import time
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import wait_for
from tests.dashboard.conftest import Server

RUN = {"gan": "infogan", "data": "mnist", "seed": 0, "options": {"width": 8}}
PHONE, LAPTOP = (390, 844), (1366, 768)
TABS = ["walk", "codes", "interpolate", "arithmetic", "project", "ask", "filters"]


@pytest.fixture(scope="module")
def model(site):
    """A small InfoGAN that has learnt for a moment, added to the server under this id."""
    run = site.http.post("/api/runs", json={**RUN, "steps": 60}).json()["id"]
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["state"] == "done", 180)
    folder = site.runs / ".models" / "tiny"
    folder.mkdir(parents=True)
    config = site.http.get(f"/api/runs/{run}").json()["config"]
    (folder / "config.json").write_text(json.dumps({**config, "title": "Tiny InfoGAN", "step": 60}))
    (folder / "weights.safetensors").write_bytes(site.http.get(f"/api/models/{run}/weights").content)
    site.http.delete(f"/api/runs/{run}")
    return "tiny"


class Explored:
    """What the view says of itself, and what is on its canvases."""

    def __init__(self, page):
        self.page = page

    def open(self, site, **query):
        self.page.goto(f"{site.url}/explore?" + "&".join(f"{key}={value}" for key, value in query.items()))
        return self.settled()

    def settled(self):
        """Wait until the large picture is that of the selected place, and the small ones have followed."""
        self.page.wait_for_function("window.__ganscope_explore?.rested > 0")
        self.page.wait_for_function("!window.__ganscope_explore.isBusy()")
        return self

    def rests(self, do):
        """``do``, and wait until the small pictures have followed."""
        before = self.count("rested")
        do()
        self.page.wait_for_function(f"window.__ganscope_explore.rested > {before}")
        return self.settled()

    def count(self, name):
        return self.page.evaluate(f"window.__ganscope_explore.{name}")

    def place(self):
        return self.page.evaluate("window.__ganscope_explore.place")

    def pixels(self, selector=".gx-large canvas"):
        values = self.page.locator(selector).first.evaluate(
            """(canvas) => {
              const { width, height } = canvas;
              const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
              return { width, height, red: [...data].filter((_, k) => k % 4 === 0) };
            }"""
        )
        return np.asarray(values["red"], np.uint8).reshape(values["height"], values["width"])

    def address(self):
        return parse_qs(urlparse(self.page.url).query)


@pytest.fixture
def explored(page):
    return Explored(page)


def drawn(site, model, **place):
    """The sample as the API draws it."""
    answer = site.http.post(f"/api/models/{model}/render", json={"places": [place]})
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))


def drawn_latent(site, model, seed):
    """A latent as the API tells it."""
    body = {"places": [{"seed": seed}], "format": "json"}
    return site.http.post(f"/api/models/{model}/render", json=body).json()["z"][0]


# --- the picture


def test_a_deep_link_on_a_fresh_server_shows_exactly_what_it_says(page, site, model, tmp_path, explored):
    runs = tmp_path / "runs"
    (runs / ".models").mkdir(parents=True)
    (site.runs / ".models" / model).rename(runs / ".models" / model)
    fresh = Server(runs)
    try:
        link = {"model": model, "seed": 12, "code.category": 3, "code.c1": 0.5, "truncation": 0.7}
        explored.open(fresh, **link)
        place = {"seed": 12, "codes": {"category": 3, "c1": 0.5}, "truncation": 0.7}
        assert np.array_equal(explored.pixels(), drawn(fresh, model, **place))
        assert {key: values[0] for key, values in explored.address().items()} == {
            key: str(value) for key, value in link.items()
        }
    finally:
        fresh.end()
        (runs / ".models" / model).rename(site.runs / ".models" / model)


@pytest.mark.parametrize("way", ["browser", "socket", "requests"])
def test_the_picture_follows_a_dragged_slider_and_nothing_comes_after_it(page, site, model, explored, way):
    """By the browser's own generator; by the server where it has none; also where no socket can be had, as
    behind some proxies.
    """
    sockets = []
    if way != "browser":
        page.route(re.compile("/browser$"), lambda route: route.abort())
    page.on("websocket", lambda socket: sockets.append(socket.url))
    if way == "requests":
        page.route_web_socket(re.compile("/draw$"), lambda socket: socket.close())
    requests = []
    page.on("request", lambda request: requests.append(request.headers.get("x-control")))
    explored.open(site, model=model, seed=1)
    if way == "browser":
        page.get_by_role("slider", name="c1", exact=True).press("ArrowRight")
        page.wait_for_function("window.__ganscope_explore.local().isReady")
        explored.settled()
    page.evaluate(
        """() => {
          const stats = window.__ganscope_explore;
          window.seen = [];
          let place = stats.place;
          Object.defineProperty(stats, 'place', {
            get: () => place,
            set: (value) => { place = value; window.seen.push(value.codes.c1); },
          });
        }"""
    )
    box = page.get_by_role("slider", name="c1", exact=True).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 9, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(box["x"] + 9 + step * (box["width"] - 18) / 59, y)
        time.sleep(0.012)
    page.mouse.up()
    explored.settled()
    seen = page.evaluate("window.seen")
    assert len(seen) > 5
    assert (requests.count("large") > 5) == (way == "requests")
    assert (explored.count("here") > 5) == (way == "browser")
    told = "drawn by this browser" if way == "browser" else "drawn by the server"
    assert page.locator(".gx-by").inner_text() == told
    assert way == "requests" or any(url.endswith(f"/api/models/{model}/draw") for url in sockets)
    assert seen == sorted(seen), "an older picture came after a newer one"
    assert seen[-1] == 2
    there = drawn(site, model, seed=1, codes={"c1": 2}).astype(int)
    assert abs(explored.pixels() - there).max() <= (way == "browser")  # grey levels: weights are in half
    explored.rests(lambda: page.get_by_role("button", name="reset").locator("visible=true").first.click())
    asked = explored.count("asked")
    page.wait_for_timeout(500)
    assert explored.count("asked") == asked, "something was left to ask for"


def test_a_browser_draws_what_the_server_draws(page, site, model, explored):
    """Codes of each kind, directions and truncation, over a seed and over a latent; and the strips."""
    explored.open(site, model=model, seed=3)
    page.get_by_role("slider", name="c1", exact=True).press("ArrowRight")
    page.wait_for_function("window.__ganscope_explore.local().isReady")
    over = {"codes": {"category": 7, "c1": -1.5, "c2": 0.4}, "directions": {"d1": 1.2, "d2": -2}}
    bases = [{"seed": 3, "truncation": 0.6}, {"z": drawn_latent(site, model, 9)}, {"plane": [0.3, 1.7]}]
    for base in bases:
        place = {**base, **over}
        sheet = page.evaluate(
            """async (place) => {
              const sheet = await window.__ganscope_explore.local().grid([place, place], 2);
              const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
              return { width: sheet.width, red: [...data].filter((_, k) => k % 4 === 0) };
            }""",
            place,
        )
        here = np.asarray(sheet["red"], int).reshape(-1, sheet["width"])
        there = drawn(site, model, **place).astype(int)
        assert abs(here - np.hstack([there, there])).max() <= 1


def test_keys_move_sliders_walls_and_tabs(page, site, model, explored):
    explored.open(site, model=model, seed=0)
    slider = page.get_by_role("slider", name="c2", exact=True)
    before = float(slider.input_value())
    slider.focus()
    explored.rests(lambda: [slider.press("ArrowRight") for _ in range(3)])
    assert float(slider.input_value()) == pytest.approx(before + 0.3, abs=0.02)
    page.get_by_label("wall of samples").focus()
    explored.rests(lambda: page.keyboard.press("ArrowRight"))
    assert explored.place()["seed"] == 1
    page.get_by_role("tab", name="Walk").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Codes")).to_have_attribute("aria-selected", "true")


def test_the_wall_shows_what_its_seeds_make_and_a_click_selects(page, site, model, explored):
    explored.open(site, model=model, seed=0, first=40)
    page.wait_for_function("document.querySelector('.gx-wall canvas').width > 1")
    box = page.locator(".gx-wall canvas").first.bounding_box()
    explored.rests(lambda: page.mouse.click(box["x"] + box["width"] - 10, box["y"] + 10))
    columns = explored.place()["seed"] - 40 + 1
    assert columns > 5
    assert np.array_equal(explored.pixels(), drawn(site, model, seed=40 + columns - 1))
    assert explored.address()["seed"] == [str(40 + columns - 1)]


def test_the_plane_is_walked_by_dragging(page, site, model, explored):
    explored.open(site, model=model, seed=0)
    explored.rests(lambda: page.get_by_role("button", name="Plane").click())
    assert explored.place()["plane"] == [0, 0]
    box = page.locator(".gx-plane").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y - 40, steps=8)
    explored.rests(page.mouse.up)
    place = explored.place()
    assert place["plane"][0] > 0.2 and place["plane"][1] > 0.05
    assert np.array_equal(
        explored.pixels(), drawn(site, model, plane=place["plane"], plane_seed=place["plane_seed"])
    )
    assert explored.address()["view"] == ["plane"]


# --- the address


def test_the_address_opens_the_same_elsewhere_and_survives_reruns(page, chromium, site, model, explored):
    explored.open(site, model=model, seed=3)
    explored.rests(lambda: page.locator(".gx-choice").nth(6).click())
    explored.rests(lambda: page.get_by_role("tab", name="Codes").click())
    explored.rests(lambda: page.get_by_role("slider", name="c1", exact=True).press("ArrowLeft"))
    page.wait_for_function("location.search.includes('code.c1')")
    link, picture = page.url, explored.pixels()
    other = chromium.new_page()
    other.goto(link)
    second = Explored(other).settled()
    assert np.array_equal(second.pixels(), picture)
    expect(other.get_by_role("tab", name="Codes")).to_have_attribute("aria-selected", "true")
    other.close()
    page.get_by_test_id("stMainMenu").click()  # Streamlit's own menu: a rerun
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    assert page.url == link
    page.reload()
    explored.settled()
    assert page.url == link
    assert np.array_equal(explored.pixels(), picture)


def test_a_latent_of_ones_own_fits_into_the_address(page, site, model, explored):
    explored.open(site, model=model, seed=5, tab="arithmetic")
    wall = page.get_by_label("wall of samples")
    box = wall.locator("visible=true").bounding_box()
    for column in range(2):
        explored.rests(lambda at=column: page.mouse.click(box["x"] + 20 + 60 * at, box["y"] + 20))
    explored.rests(lambda: page.get_by_role("button", name="result").click())
    page.wait_for_function("location.search.includes('z=')")
    picture = explored.pixels()
    page.goto(page.url)
    explored.settled()
    assert len(explored.place()["z"]) == 74
    assert np.array_equal(explored.pixels(), picture)


def test_another_model_is_chosen_and_back_returns(page, site, model, explored):
    explored.open(site, model=model, seed=9)
    page.get_by_title("Choose another model").click()
    page.get_by_role("button", name="All models").click()
    expect(page.get_by_text("Added here")).to_be_visible()
    assert "model" not in explored.address()
    page.go_back()
    explored.settled()
    assert explored.address()["seed"] == ["9"]
    assert np.array_equal(explored.pixels(), drawn(site, model, seed=9))


def test_a_model_without_its_d_is_not_asked_for_it(page, site, explored):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    explored.open(site, model="bigan-mnist", tab="ask")
    expect(page.get_by_role("tab", name="Walk")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Ask D")).to_have_count(0)
    explored.rests(lambda: page.get_by_role("button", name="Shuffle").click())
    explored.rests(lambda: page.get_by_role("tab", name="Filters").click())
    expect(page.locator(".gx-layers .gx-layer").first).to_be_visible()  # those of G
    assert asked and not [url for url in asked if url.endswith("/score")]


# --- the other tabs


def test_key_samples_become_a_film(page, site, model, explored):
    explored.open(site, model=model, seed=0, tab="interpolate")
    box = page.get_by_label("wall of samples").locator("visible=true").bounding_box()
    for column in range(3):
        explored.rests(lambda at=column: page.mouse.click(box["x"] + 20 + 60 * at, box["y"] + 20))
    page.wait_for_function("document.querySelector('.gx-film canvas').width === 28")
    assert np.array_equal(explored.pixels(".gx-film canvas"), drawn(site, model, seed=0))
    assert len(explored.address()["key"]) == 3
    play = page.get_by_role("button", name="Play", exact=True)
    play.click()
    first = explored.pixels(".gx-film canvas")
    wait_for(lambda: not np.array_equal(explored.pixels(".gx-film canvas"), first))
    page.get_by_role("button", name="Pause", exact=True).click()
    with page.expect_download() as gif:
        page.get_by_role("button", name="GIF").click()
    assert Image.open(gif.value.path()).n_frames == 3 * 15
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert np.array_equal(np.asarray(Image.open(png.value.path()).convert("L")), drawn(site, model, seed=0))


def test_an_uploaded_picture_is_projected_and_becomes_a_key(page, site, model, explored, tmp_path):
    path = tmp_path / "sample.png"
    path.write_bytes(
        site.http.post(f"/api/models/{model}/render", json={"places": [{"seed": 77}], "scale": 4}).content
    )
    explored.open(site, model=model, seed=0, tab="project")
    page.get_by_label("restarts").fill("1")
    page.get_by_label("steps", exact=True).fill("30")
    page.locator(".gx-drop input[type=file]").first.set_input_files(path)
    expect(page.get_by_text("nearest sample")).to_be_visible()
    expect(page.locator(".gx-progress")).to_be_hidden()
    page.get_by_role("button", name="Use as key sample").click()
    page.wait_for_function("location.search.includes('key=z')")
    explored.rests(lambda: page.get_by_role("button", name="Select it").click())
    assert len(explored.place()["z"]) == 74


def test_what_is_no_picture_is_refused_in_place(page, site, model, explored, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("this is no picture")
    for tab in ("project", "ask"):
        explored.open(site, model=model, seed=0, tab=tab)
        page.locator(".gx-tab:not([hidden]) .gx-drop input[type=file]").first.set_input_files(path)
        expect(page.locator(".gx-tab:not([hidden]) .gx-hint", has_text="picture").last).to_be_visible()
        assert np.array_equal(explored.pixels(), drawn(site, model, seed=0))  # the page goes on


def test_a_drawing_is_asked_about(page, site, model, explored):
    explored.open(site, model=model, seed=0, tab="ask")
    expect(page.locator(".gx-verdict-large")).to_contain_text("D(x)")
    page.get_by_role("button", name="Draw", exact=True).click()
    box = page.locator(".gx-paint").bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 230, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("button", name="The selected sample")).to_have_attribute("aria-pressed", "false")
    wait_for(lambda: explored.pixels(".gx-figures canvas").max() > 200)


def test_a_direction_gets_a_name_that_stays(page, site, model, explored):
    explored.open(site, model=model, seed=0)
    page.get_by_text("Directions", exact=True).click()
    name = page.get_by_label("name of direction d1")
    name.fill("slant")
    name.press("Enter")
    wait_for(lambda: site.http.get(f"/api/models/{model}").json()["directions"][0]["title"] == "slant")
    page.reload()
    explored.settled()
    page.get_by_text("Directions", exact=True).click()
    expect(page.get_by_label("name of direction d1")).to_have_value("slant")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_tab_fits_its_window(page, site, model, explored, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    explored.open(site, model=model, seed=0)
    for tab in TABS:
        page.locator(f"[data-tab={tab}]").click()
        expect(page.locator(f"[data-tab={tab}]")).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), tab
        if size == LAPTOP:
            main = "document.querySelector('[data-testid=stMain]')"
            assert page.evaluate(f"{main}.scrollHeight <= {main}.clientHeight + 1"), tab


# --- what goes away, and what goes on


def test_a_run_is_explored_while_it_learns_until_it_is_deleted(page, site, explored):
    run = site.http.post("/api/runs", json={**RUN, "steps": 100_000}).json()["id"]
    wait_for(lambda: run in {each["id"] for each in site.http.get("/api/models").json()})
    explored.open(site, model=run, seed=4)
    expect(page.get_by_text("training now")).to_be_visible()
    first = page.locator(".gx-head .gv-facts").inner_text()
    picture = explored.pixels()
    site.http.post(f"/api/runs/{run}/control", json={"command": "checkpoint"})
    wait_for(lambda: page.locator(".gx-head .gv-facts").inner_text() != first)
    wait_for(lambda: not np.array_equal(explored.pixels(), picture))
    site.http.post(f"/api/runs/{run}/control", json={"command": "stop"})
    expect(page.get_by_text("not training")).to_be_visible()
    site.http.delete(f"/api/runs/{run}")
    page.locator(".gx-choice").first.click()
    expect(page.locator(".gx-banner")).to_contain_text("There is no model")
    page.get_by_role("button", name="Choose another").click()
    page.wait_for_function("!location.search.includes('model')")


def test_the_view_outlives_its_server(page, site, model, tmp_path, explored):
    runs = tmp_path / "runs"
    (runs / ".models").mkdir(parents=True)
    (site.runs / ".models" / model).rename(runs / ".models" / model)
    first = Server(runs)
    port = urlparse(first.url).port
    second = None
    try:
        explored.open(first, model=model, seed=2)
        first.process.kill()
        first.process.wait()
        page.locator(".gx-choice").nth(5).click()
        expect(page.locator(".gx-banner")).to_contain_text("does not answer")
        second = Server(runs, f"--port={port}")
        expect(page.locator(".gx-banner")).to_be_hidden()
        wait_for(
            lambda: np.array_equal(explored.pixels(), drawn(second, model, seed=2, codes={"category": 5}))
        )
    finally:
        if second:
            second.end()
        (runs / ".models" / model).rename(site.runs / ".models" / model)


def test_a_model_that_does_not_exist_is_said_not_to(page, site, explored):
    page.goto(f"{site.url}/explore?model=no-such-model")
    expect(page.locator(".gx-banner")).to_contain_text("no-such-model")
    page.get_by_role("button", name="Choose another").click()
    page.wait_for_function("!location.search.includes('model')")
