"""A class translates its own pictures: by file, by hand, on a phone. An example waits for the first."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.engine.made_translators import file_of, make_translator, photograph

PHONE, LAPTOP = (390, 844), (1366, 768)


@pytest.fixture(scope="module")
def translators(site):
    """One that colours line art, with examples, and one that goes both ways, without."""
    folder = site.runs / ".models"
    line_art = make_translator(folder / "a-line-art", "pix2pix", network="unet", norm="batch") / "config.json"
    config = json.loads(line_art.read_text())
    config["data"], config["options"]["size"] = "line_art", 64
    config["meta"]["data"]["names"] = ["line art", "colour"]
    line_art.write_text(json.dumps(config))
    make_translator(folder / "both-ways", network="resnet_6")


@pytest.fixture
def studio(page, site, translators):
    """Opens the page with a model; the frame, when there is a result or a hint."""

    def open_studio(model, size=LAPTOP):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(f"{site.url}/translate?model={model}")
        frame = page.frame_locator("iframe[title=Studio]")
        expect(frame.locator("#line [role=status]")).to_be_visible()
        return frame

    return open_studio


def made(frame):
    """The address of the result that is shown."""
    return frame.locator("#result img").last.get_attribute("src")


def stroke(page, frame):
    box = frame.locator("#pad canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 60, steps=5)
    page.mouse.up()


def test_the_snippets_lead_to_this_server(page, site, studio):
    frame = studio("a-line-art")
    frame.get_by_text("Use it from a program").click()
    expect(frame.locator("#access pre").first).to_contain_text(f" {site.url}/api/translate/a-line-art ")


def test_an_example_waits_and_a_stroke_changes_it(page, studio):
    frame = studio("a-line-art")
    expect(frame.locator("#line b")).to_have_text("64 × 64")
    expect(frame.locator("#pad .gs-example")).not_to_have_count(0)
    expect(frame.locator("#pad").get_by_role("button", name="Undo")).to_be_disabled()
    stroke(page, frame)
    expect(frame.locator("#line b")).to_have_text("512 × 512")  # the sheet's
    drawn = made(frame)
    frame.locator("#pad").get_by_role("button", name="Undo").click()
    expect(frame.locator("#result img").last).not_to_have_attribute("src", drawn)
    drawn = made(frame)
    frame.get_by_role("button", name="Advanced").click()
    frame.get_by_label("running averages").check()
    expect(frame.locator("#result img").last).not_to_have_attribute("src", drawn)
    frame.get_by_label("resize_and_crop").check()  # whose size is the model's
    expect(frame.get_by_label("full resolution, untiled")).to_be_disabled()
    frame.get_by_label("D's patch map").check()
    expect(frame.locator(".gs-stack img")).to_have_count(2)
    frame.get_by_label("Trace").check()
    frame.locator("#pad .gs-example").first.click()
    expect(frame.locator(".gs-pad-faint")).to_be_visible()
    frame.get_by_label("Trace").uncheck()
    expect(frame.locator(".gs-pad-faint")).to_be_hidden()


def test_a_picture_is_sent_and_comes_back_both_ways(page, studio):
    frame = studio("both-ways")
    expect(frame.locator("#line")).to_contain_text("Drop a picture")
    sent = {"name": "china.png", "mimeType": "image/png", "buffer": file_of(photograph(60, 90))}
    frame.locator("#picture input[type=file]").set_input_files(sent)
    expect(frame.locator("#line b")).to_have_text("90 × 60")
    expect(frame.locator("#figures figure")).to_contain_text("The way back")
    first = made(frame)
    frame.get_by_label("B → A").check()
    expect(frame.locator("#result img").last).not_to_have_attribute("src", first)
    with page.expect_download() as download:
        frame.get_by_text("Download PNG").click()
    assert download.value.suggested_filename == "china-both-ways.png"


def test_many_pictures_come_as_a_zip_and_the_broken_one_is_listed(page, studio):
    frame = studio("both-ways")
    frame.get_by_role("tab", name="Many pictures").click()
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": content}
        for name, content in {"one": file_of(photograph(40, 40)), "two": b"no picture"}.items()
    ]
    frame.locator("#files input[type=file]").set_input_files(files)
    expect(frame.locator("#files")).to_contain_text("two")
    frame.get_by_role("button", name="Translate all").click()
    expect(frame.locator("#queue .gs-failed")).to_contain_text("two.png")
    expect(frame.locator("#queue")).to_contain_text("1 translated, 1 not")
    with page.expect_download() as download:
        frame.get_by_text("Download the zip").click()
    assert download.value.suggested_filename == "translated.zip"


def test_many_pictures_are_cancelled_in_the_middle(page, studio):
    frame = studio("both-ways")
    frame.get_by_role("tab", name="Many pictures").click()
    plain, content = file_of(np.full((256, 256, 3), 90, np.uint8)), io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for number in range(2000):
            packed.writestr(f"{number}.png", plain)
    many = {"name": "many.zip", "mimeType": "application/zip", "buffer": content.getvalue()}
    frame.locator("#files input[type=file]").set_input_files(many)
    expect(frame.locator("#files")).to_contain_text("many")
    frame.get_by_role("button", name="Translate all").click()
    frame.get_by_role("button", name="Cancel").click()
    expect(frame.locator("#queue")).to_contain_text("Cancelled after")
    expect(frame.get_by_role("button", name="Translate all")).to_be_enabled()
    expect(frame.locator("#zip")).not_to_be_visible()


def test_what_cannot_be_read_is_said_and_the_next_picture_is_translated(page, studio):
    frame = studio("both-ways")
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    frame.locator("#picture input[type=file]").set_input_files(broken)
    expect(frame.locator("#line")).to_contain_text("not a picture")
    expect(frame.locator("#download")).to_be_disabled()
    frame.get_by_role("button", name="Remove Image").click()
    expect(frame.locator("#line")).to_contain_text("Drop a picture")
    sent = {"name": "china.png", "mimeType": "image/png", "buffer": file_of(photograph(60, 90))}
    frame.locator("#picture input[type=file]").set_input_files(sent)
    expect(frame.locator("#line b")).to_have_text("90 × 60")


@pytest.mark.parametrize("focus", ["in the studio", "around it"])
def test_an_example_is_taken_away_and_a_pasted_picture_comes_instead(page, studio, focus):
    frame = studio("a-line-art")
    frame.get_by_role("tab", name="Picture", exact=True).click()
    frame.locator("#examples .gs-example").first.click()
    frame.get_by_role("button", name="Remove Image").click()
    expect(frame.locator("#line")).to_contain_text("Drop a picture")
    paste = """(page, content) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
      page.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }"""
    place = frame if focus == "in the studio" else page
    place.locator("body").evaluate(paste, base64.b64encode(file_of(photograph(60, 90))).decode())
    expect(frame.locator("#line b")).to_have_text("90 × 60")


def test_a_photograph_is_taken_and_translated(page, studio):
    frame = studio("both-ways")
    frame.get_by_role("button", name="Capture from camera").click()
    frame.get_by_text("Click to Access Webcam").click()
    frame.get_by_role("button", name="capture photo").click()
    expect(frame.locator("#line b")).to_have_text("800 × 600")
    frame.get_by_role("button", name="Remove Image").first.click()
    expect(frame.locator("#line")).to_contain_text("Drop a picture")


def test_on_a_phone_nothing_hangs_over_the_edge(page, studio):
    frame = studio("a-line-art", PHONE)
    expect(frame.locator("#line b")).to_be_visible()
    inside = frame.locator("html").evaluate(
        "(html) => [html.scrollWidth, innerWidth, html.scrollHeight, innerHeight]"
    )
    assert inside[0] <= inside[1] and inside[2] <= inside[3]  # no second scroll bar, either
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
