"""A run that evaluates while it trains, as a viewer sees it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for

TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OPTIONS = {"width": 4, "batch_size": 8, "report_every": 2, "evaluate_samples": 64}


def start(site, **options):
    body = {"gan": "dcgan", "data": "mnist", "steps": 100_000, "options": {**OPTIONS, **options}}
    return site.http.post("/api/runs", json=body).json()["id"]


def evaluations(site, run):
    events = site.http.get(f"/api/runs/{run}/events").json()
    return [event for event in events if event["type"] == "evaluation"]


def status(site, run):
    return site.http.get(f"/api/runs/{run}").json()["status"]


def control(site, run, **command):
    site.http.post(f"/api/runs/{run}/control", json=command).raise_for_status()


def test_an_evaluation_is_seen_with_n_network_and_floor_and_after_a_reload(page, site):
    run = start(site, evaluate_every=40)
    wait_for(lambda: evaluations(site, run))
    control(site, run, command="stop")
    wait_for(lambda: status(site, run)["state"] == "stopped")
    last = evaluations(site, run)[-1]
    page.goto(f"{site.url}/train?run={run}")
    for visit in ("the first", "after a reload"):
        head = page.locator(".gv-evaluation summary")
        expect(head, visit).to_contain_text(f"Evaluation at step {last['step']:,}, N 64")
        expect(head, visit).to_contain_text("floor")
        if visit == "the first":
            expect(page.locator(".gv-evaluation table")).not_to_be_visible()
            head.click()
        row = page.locator(".gv-evaluation tr[data-figure=fid] td")
        expect(row.nth(2)).to_be_visible()
        assert float(row.nth(0).inner_text().replace(",", "")) == pytest.approx(
            last["figures"]["fid"], rel=0.01
        )
        floor, spread = map(float, row.nth(2).inner_text().split(" ± "))
        assert floor == pytest.approx(last["floors"]["fid"], rel=0.01)
        assert spread == pytest.approx(last["spreads"]["fid"], rel=0.01) and spread > 0
        expect(row.nth(3)).to_have_text("↓ lower")
        notes = page.locator(".gv-evaluation-notes")
        expect(notes).to_contain_text(last["network"]["title"])
        expect(notes).to_contain_text("64 training images")
        expect(notes).to_contain_text(last["warnings"][0])
        page.reload()

    offered = page.get_by_label("what this chart shows")
    for name in ("FID", "KID", "precision, recall", "density, coverage", "memorised"):
        expect(offered.locator("option", has_text=name).first).to_be_attached()
    assert offered.locator("option", has_text="class agreement").count() == 0  # it is given no class
    offered.select_option("memorised")
    expect(page.locator(".gv-slot .uplot")).to_be_visible()


def test_the_interval_is_set_while_it_trains(page, site, watched):
    """Off at first; the knob switches it on, the panel says when the first will come, and then shows it."""
    run = start(site)
    page.goto(f"{site.url}/train?run={run}")
    watched.grows("rows", by=1)
    panel = page.locator(".gv-evaluation")
    expect(panel).to_be_hidden()
    knob = page.get_by_label("Evaluate every, exact value")
    knob.fill("100000")
    knob.press("Enter")
    expect(panel).to_contain_text("the first comes at step 100,000")
    knob.fill("100")
    knob.press("Enter")
    expect(panel).to_contain_text("Evaluation at step")
    assert evaluations(site, run)[0]["step"] % 100 == 0
    control(site, run, command="stop")
    wait_for(lambda: status(site, run)["state"] == "stopped")
    expect(panel.locator(".gv-evaluation-next")).to_have_text("")


def test_the_best_checkpoint_is_explored_from_the_run(page, site):
    run = start(site, keep_best="diversity", measure_every=20)
    wait_for(lambda: status(site, run).get("best"))
    control(site, run, command="stop")
    wait_for(lambda: status(site, run)["state"] == "stopped")
    best = status(site, run)["best"]
    page.goto(f"{site.url}/train?run={run}")
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("link", name="Explore it", exact=True)).to_be_visible()
    link = page.get_by_role("link", name="Explore it at its best")
    expect(link).to_have_attribute("title", re.compile(f"diversity .* at step {best['step']:,}"))
    link.click()
    page.wait_for_url(f"**/explore?model={run}.best**")
    expect(page.get_by_role("heading", name="best by diversity")).to_be_visible()
    card = site.http.get(f"/api/models/{run}.best").json()
    assert card["step"] == best["step"] and not card["live"]


def test_a_run_that_has_ended_shows_what_is_special_about_its_gan(page, site):
    body = {"gan": "conditional", "data": "mnist", "steps": 5, "options": {"width": 4, "batch_size": 8}}
    run = site.http.post("/api/runs", json=body).json()["id"]
    wait_for(lambda: status(site, run)["state"] == "done")
    page.goto(f"{site.url}/train?run={run}")  # one frame comes, and no other after it
    chosen = page.get_by_role("button", name="classes", exact=True)
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Each row one class")).to_be_visible()


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["laptop", "phone"])
def test_the_panel_fits_and_leaves_the_picture_where_it_is(page, site, size):
    run = start(site, evaluate_every=40)
    wait_for(lambda: evaluations(site, run))
    control(site, run, command="stop")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{site.url}/train?run={run}")
    page.wait_for_function("window.__ganscope?.frames_painted >= 1")
    head = page.locator(".gv-evaluation summary")
    expect(head).to_contain_text("Evaluation at step")
    phone = size[0] < 820
    expect(page.locator(".gv-evaluation table")).to_be_visible(visible=phone)
    picture = page.locator(".gv-panel .gv-frame").first
    if not phone:  # the line is in sight beside the picture and the charts, and opening it moves neither
        box = head.bounding_box()
        assert box["y"] + box["height"] <= size[1]
        page.evaluate(TWO_FRAMES)
        before = picture.bounding_box()
        head.click()
        expect(page.locator(".gv-evaluation table")).to_be_visible()
        page.evaluate(TWO_FRAMES)  # the view measures itself anew
        assert picture.bounding_box() == before
    table = page.locator(".gv-evaluation table").bounding_box()
    assert table["x"] >= 0 and table["x"] + table["width"] <= size[0]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
