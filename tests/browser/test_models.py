"""The Models page by hand: weights added, refused, renamed, exported and deleted, each in its dialog."""

import pytest
from playwright.sync_api import expect

from tests.engine.made_translators import reference_file


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The file of a tiny generator, as the reference implementation names it."""
    return reference_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def opened(page, site):
    """The page, when its list is there."""
    page.goto(f"{site.url}/models")
    expect(card_of(page, "Line art to colour")).to_be_visible()
    return page


@pytest.fixture
def added(page, site, weights):
    """A model that others added; the page shows it alone."""
    files = {"files": (weights.name, weights.read_bytes())}
    model = site.http.post("/api/models", data={"name": "Facades"}, files=files).json()["id"]
    page.goto(f"{site.url}/models")
    page.get_by_role("radio", name="added here").click()
    expect(card_of(page, "Line art to colour")).to_have_count(0)
    yield model
    site.http.delete(f"/api/models/{model}")


def card_of(page, title):
    return page.locator("[class*=st-key-model_]").filter(has=page.get_by_text(title, exact=True))


def dialog(page, title, action):
    card_of(page, title).get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name=action).click()
    opened = page.get_by_role("dialog")
    expect(opened).to_be_visible()
    return opened


def send(page, file, name):
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(file)
    field = page.get_by_role("textbox", name="Name")
    field.fill(name)
    field.press("Tab")
    page.get_by_role("button", name="Add", exact=True).click()


def test_weights_are_added_and_what_is_none_is_refused(opened, site, weights):
    opened.get_by_text("Add weights of pix2pix or CycleGAN").click()
    send(opened, {"name": "cat.pth", "mimeType": "application/octet-stream", "buffer": b"meow"}, "Mine")
    expect(opened.get_by_role("alert")).to_contain_text("neither a file of torch.save nor safetensors")
    opened.get_by_role("button", name="Remove cat.pth").click()
    expect(opened.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    send(opened, weights, "Mine")
    expect(card_of(opened, "Mine")).to_be_visible()
    expect(opened.get_by_role("textbox", name="Name")).to_have_value("")  # ready for the next
    [model] = [card["id"] for card in site.http.get("/api/models").json() if card["title"] == "Mine"]
    site.http.delete(f"/api/models/{model}")


def test_a_name_is_plain_text(page, added):
    asked = dialog(page, "Facades", "Rename")
    name, rename = asked.get_by_role("textbox"), asked.get_by_role("button", name="Rename", exact=True)
    name.fill("")
    name.press("Tab")
    expect(rename).to_be_disabled()
    for given, shown in ("<b>bold</b>", "without markup"), ("House fronts", None):
        name.fill(given)
        name.press("Tab")
        rename.click()
        if shown:
            expect(asked.get_by_role("alert")).to_contain_text(shown)
    expect(asked).to_have_count(0)
    expect(card_of(page, "House fronts")).to_be_visible()


def test_a_generator_is_handed_over(page, added):
    asked = dialog(page, "Facades", "Export")
    asked.get_by_role("radio", name="safetensors").click()
    asked.get_by_role("button", name="Make the file").click()
    with page.expect_download() as download:
        asked.get_by_role("button", name=f"Save {added}.safetensors").click()
    assert download.value.suggested_filename == f"{added}.safetensors"


def test_deleting_asks_first(page, added, site):
    asked = dialog(page, "Facades", "Delete")
    asked.get_by_role("button", name="Keep it").click()
    expect(asked).to_have_count(0)
    expect(card_of(page, "Facades")).to_be_visible()
    dialog(page, "Facades", "Delete").get_by_role("button", name="Delete", exact=True).click()
    expect(card_of(page, "Facades")).to_have_count(0)
    assert added not in [card["id"] for card in site.http.get("/api/models").json()]


def test_a_card_is_read(opened):
    expect(dialog(opened, "Line art to colour", "Card")).to_contain_text("Limits")
