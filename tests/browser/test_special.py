"""What is special about each GAN stands beside its samples, and in its charts, also after it has ended."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for

SPECIAL = {  # gan: (options, what can stand beside the samples, what can be charted)
    "conditional": ({"width": 4}, ["classes"], ["classes"]),
    "acgan": ({"width": 4}, ["classes"], ["D's classes"]),
    "infogan": ({"width": 4}, ["categories", "continuous codes"], ["mutual information", "code error"]),
    "semi_supervised": ({}, ["named by D"], ["test errors"]),
    "bigan": ({"hidden": 16}, ["reconstructions"], ["reconstruction"]),
    "aae": ({"hidden": 16}, ["reconstructions", "the latent plane", "codes"], ["reconstruction"]),
}

MARKS = {"named by D": "real", "reconstructions": "both", "codes": ""}  # else what is generated


@pytest.mark.parametrize("gan", SPECIAL)
def test_what_is_special(page, site, gan):
    options, beside, charted = SPECIAL[gan]
    options = {"batch_size": 10, "report_every": 1, "measure_every": 2, **options}
    body = {"gan": gan, "data": "mnist", "steps": 4, "options": options}
    run = site.http.post("/api/runs", json=body).json()["id"]
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["state"] == "done")
    page.goto(f"{site.url}/train?run={run}")
    layers = page.get_by_role("group", name="layers of the picture")
    for title in beside:
        button = layers.get_by_role("button", name=title, exact=True)
        if button.get_attribute("aria-pressed") == "false":
            button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        sentence = button.get_attribute("title")
        grid = page.get_by_label(sentence, exact=True)
        expect(grid).to_be_visible()
        assert grid.evaluate("(canvas) => canvas.width > 100 && canvas.height > 50")
        figure = grid.locator("xpath=..")
        for key, kinds in {"fake": ("generated", "both"), "real": ("real", "both")}.items():
            marked = MARKS.get(title, "generated") in kinds
            expect(figure.locator(f".gv-key-{key}")).to_be_visible(visible=marked)
    offered = page.get_by_label("what this chart shows")
    for name in charted:
        expect(offered.locator("option").filter(has_text=name).first).to_be_attached()


ORANGE = [255, 127, 14]  # of the second category
RUST = [180, 83, 9]  # of a line from a real point to its reconstruction
ON_POINTS = {"infogan": ("categories", ORANGE), "bigan": ("reconstructions", RUST)}


@pytest.mark.parametrize("gan", ON_POINTS)
def test_what_is_special_on_points(page, site, gan):
    title, colour = ON_POINTS[gan]
    body = {"gan": gan, "data": "ring", "steps": 20, "options": {"measure_every": 10}}
    run = site.http.post("/api/runs", json=body).json()["id"]
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["state"] == "done")
    page.goto(f"{site.url}/train?run={run}")
    layer = page.get_by_role("group", name="layers of the picture").get_by_role("button", name=title)
    expect(layer).to_have_attribute("aria-pressed", "true")
    wait_for(lambda: pixels_of(page, colour) > 20)
    layer.click()
    wait_for(lambda: pixels_of(page, colour) == 0)
    page.reload()  # what is shown is remembered
    expect(layer).to_have_attribute("aria-pressed", "false")
    layer.click()
    wait_for(lambda: pixels_of(page, colour) > 20)


def test_a_critic_s_distance_is_charted_first(page, site):
    body = {"gan": "wgan_gp", "data": "ring", "steps": 20, "options": {"measure_every": 10}}
    run = site.http.post("/api/runs", json=body).json()["id"]
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["state"] == "done")
    page.goto(f"{site.url}/train?run={run}")
    expect(page.get_by_label("what this chart shows")).to_have_value("distance")
    for line in ("W", "D", "D ÷ slope"):
        expect(page.get_by_role("button", name=line).first).to_be_visible()


def test_a_plain_gan_offers_no_such_layer(page, site):
    body = {"gan": "gan", "data": "ring", "steps": 20}
    run = site.http.post("/api/runs", json=body).json()["id"]
    wait_for(lambda: site.http.get(f"/api/runs/{run}").json()["status"]["state"] == "done")
    page.goto(f"{site.url}/train?run={run}")
    layers = page.get_by_role("group", name="layers of the picture")
    wait_for(lambda: pixels_of(page, [118, 42, 131]) > 20)
    expect(layers.get_by_role("button")).to_have_count(6)


def pixels_of(page, colour):
    """How many pixels of the picture have ``colour``."""
    return page.locator(".gv-canvas").first.evaluate(
        """(canvas, [red, green, blue]) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let i = 0; i < data.length; i += 4)
            found += data[i] === red && data[i + 1] === green && data[i + 2] === blue;
          return found;
        }""",
        colour,
    )
