"""Own pictures on the New run page: sent, reported, and deleted only when that was meant."""

import io
import re
import zipfile

from playwright.sync_api import expect

from tests.engine.made_translators import file_of, photograph


def zip_of(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.png", content)
    return {"name": "pairs.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}


def test_the_keyboard_is_seen_where_it_is(page, site):
    page.goto(f"{site.url}/new")
    expect(page.get_by_role("link", name="Learn", exact=True)).to_be_visible()
    for _ in range(5):  # past the links to the text and home
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const a = document.activeElement, s = getComputedStyle(a);"
            " return [a.innerText, s.outlineStyle !== 'none' || s.boxShadow !== 'none']; }"
        )
        assert said[1], said


def test_pairs_are_sent_reported_and_deleted(page, site):
    page.goto(f"{site.url}/new")
    page.locator(".st-key-choose_data_own_pairs button").click()
    pairs = {f"p{number}": file_of(photograph(64 + number, 128)) for number in range(16)}
    sent = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    sent.set_input_files(zip_of(**pairs, broken=b"no picture"))
    page.get_by_role("button", name="Add", exact=True).click()
    report = page.locator(".gs-note", has_text="16 pictures added")
    expect(report).to_contain_text("Left out broken.png")
    chosen = page.get_by_test_id("stSelectbox").filter(has_text="Uploaded before")
    expect(chosen.get_by_role("combobox")).to_have_value(re.compile("^My pictures · 16"))
    page.get_by_text("Upload pictures", exact=True).click()
    sent.set_input_files(zip_of(**pairs, one_more=file_of(photograph(64, 128))))
    page.get_by_role("button", name="Add", exact=True).click()
    # what was just sent is what would be trained on
    expect(chosen.get_by_role("combobox")).to_have_value(re.compile("^My pictures · 17"))
    page.get_by_role("button", name="Delete these pictures").click()
    expect(page.get_by_text("17 pictures. This cannot be undone.")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(chosen.get_by_role("combobox")).to_have_value(re.compile("^My pictures · 16"))
    page.get_by_role("button", name="Delete these pictures").click()
    expect(page.get_by_text("16 pictures. This cannot be undone.")).to_be_visible()
    assert len(site.http.get("/api/datasets").json()) == 1
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("button", name="Delete these pictures")).to_have_count(0)
    assert site.http.get("/api/datasets").json() == []
    expect(report).to_have_count(0)
