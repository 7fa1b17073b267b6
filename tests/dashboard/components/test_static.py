"""The browser's modules, in a browser: they read what Python writes, and compute what they should."""

from __future__ import annotations

import base64
import itertools
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, sync_playwright

from dashboard.components import draw as draw_module
from engine.live import frames
from engine.metrics import METRICS
from engine.metrics.metric import charts
from engine.options import Options, describe, knob
from engine.training.following import Following
from engine.training.request import validate
from engine.training.trainer import Trainer

STATIC = Path(draw_module.__file__).parent / "static"
ORIGIN = "http://127.0.0.1"
CHARTS = charts(METRICS)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """An empty page that can import the modules from ``/assets``."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route(f"{ORIGIN}/**", _serve)
        page.goto(f"{ORIGIN}/")
        yield page
        browser.close()


def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(f"{ORIGIN}/assets/")
    if path == route.request.url:
        route.fulfill(body="<!doctype html><title>empty</title>", content_type="text/html")
    else:
        kind = "text/css" if path.endswith(".css") else "text/javascript"
        route.fulfill(body=(STATIC / path).read_text("utf-8"), content_type=kind)


def run(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """The value of ``body``, an async function of the module ``m`` and ``argument``."""
    return page.evaluate(
        f"async (argument) => {{ const m = await import('/assets/{module}'); {body} }}", argument
    )


def test_a_card_becomes_elements_and_nothing_else_of_it_markup(page: Page) -> None:
    text = "# Title\n\n**Good**, `a < b`.\n\n- one\n  more\n- <b>two</b>\n\n| a | b |\n|---|--|\n| 1 | 2 |"
    body = "const all = document.body.cloneNode(); all.append(...m.markdown(argument)); return all.innerHTML;"
    assert run(page, "base/markdown.js", body, text) == (
        "<h3>Title</h3><p><strong>Good</strong>, <code>a &lt; b</code>.</p>"
        "<ul><li>one more</li><li>&lt;b&gt;two&lt;/b&gt;</li></ul>"
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
    )


def test_a_game_is_drawn_from_left_to_right_without_overlaps(page: Page) -> None:
    config = {"gan": "infogan", "data": "ring", "steps": 9, "seed": 0, "device": "cpu", "options": {}}
    following = Following(trainer := Trainer(validate(config)))
    with following.iteration():
        trainer.iterate()
    game = following.game()
    body = (
        "const { places, ways, ...rest } = m.layOut(argument); return { ...rest, ways, places: [...places] };"
    )
    drawn = run(page, "live/game_graph.js", body, game)
    places = dict(drawn["places"])
    assert list(places) == [node["id"] for node in game["nodes"]]
    for way in drawn["ways"]:
        assert places[way["edge"]["source"]]["column"] == way["from"] < way["to"]
    for one, other in itertools.combinations(places.values(), 2):
        apart = abs(one["y"] + one["height"] / 2 - other["y"] - other["height"] / 2)
        assert one["column"] != other["column"] or apart >= (one["height"] + other["height"]) / 2
    assert places["real"]["column"] == places["discriminator"]["column"] - 1  # near who takes it
    for place in places.values():
        assert 0 <= place["x"] <= drawn["width"] - place["width"]
        assert 0 <= place["y"] <= drawn["height"] - place["height"]


def test_the_width_of_an_arrow_is_the_logarithm_of_a_gradient(page: Page) -> None:
    widths = run(page, "live/game_motion.js", "return [0, 1e-9, 1e-3, 1, 50, null].map(m.widthOf);")
    assert widths == [0, 1, 6, 11, 11, 0]


def test_a_command_that_needs_the_code_asks_for_it(page: Page) -> None:
    """As after the presenter's server was started anew: the page still shows its buttons."""
    body = """
      const { fetch } = globalThis;
      globalThis.fetch = async () => new Response('{"error": "only the presenter may."}', { status: 403 });
      const page = { notify: alert, open: alert, mayChange: true };
      await new m.Commands([{ id: 'a', ended: false }], page).pause();
      globalThis.fetch = fetch;
      const dialog = document.querySelector('dialog[open]');
      const found = [dialog.textContent, dialog.querySelector('input').name];
      dialog.remove();
      return found;
    """
    said, name = run(page, "live/commands.js", body)
    assert "The server's terminal shows the code" in said and name == "code"


MODULES = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_every_module_loads(page: Page, path: Path) -> None:
    exported = run(page, path.relative_to(STATIC).as_posix(), "return Object.keys(m).length")
    assert exported >= (path.name != "worker.js")  # a thread exports nothing


@pytest.mark.parametrize("offset", [0, 8, 3])
def test_a_frame_is_read_as_it_was_packed(page: Page, offset: int) -> None:
    arrays: dict[str, np.ndarray | bytes] = {
        "fake": np.array([[0.5, -1.25], [3.0, 1e-3]], np.float32),
        "heat": np.arange(9, dtype=np.uint8).reshape(3, 3),
        "samples": b"\x89PNG not really",
    }
    packed = bytes(offset) + frames.pack({"step": 42, "name": "é"}, arrays)
    read = run(
        page,
        "base/frames.js",
        """
        const bytes = Uint8Array.from(atob(argument.text), (letter) => letter.charCodeAt(0));
        const { header, arrays, shapes } = m.unpack(bytes.buffer, argument.offset);
        return { step: header.step, name: header.name, shapes,
                 ...Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, [...array]])) };
        """,
        {"text": base64.b64encode(packed).decode(), "offset": offset},
    )
    assert (read["step"], read["name"]) == (42, "é")
    assert read["fake"] == np.asarray(arrays["fake"]).ravel().tolist()
    assert read["heat"] == list(range(9))
    assert bytes(read["samples"]) == arrays["samples"]
    assert read["shapes"] == {"fake": [2, 2], "heat": [3, 3], "samples": []}


def history(page: Page, *batches: list[dict[str, Any]]) -> dict[str, Any]:
    """What a History holds after these batches of rows."""
    return run(
        page,
        "live/history.js",
        """
        const history = new m.History();
        for (const rows of argument) history.add(rows);
        return { steps: history.steps, d: history.column('d_loss'), g: history.column('g_loss'),
                 measured: history.measured.map((row) => row.step), last: history.lastRow,
                 received: history.received, at: history.value('d_loss', 25) };
        """,
        list(batches),
    )


def test_rows_become_columns_and_repeated_rows_are_passed_over(page: Page) -> None:
    rows = [{"row": k, "attempt": 1, "step": 10 * k, "d_loss": k / 2} for k in range(5)]
    held = history(page, rows[:3], rows[1:], [{"row": 5, "attempt": 1, "step": 50, "g_loss": None}])
    assert held["steps"] == [0, 10, 20, 30, 40, 50]
    assert held["d"] == [0, 0.5, 1, 1.5, 2, None]
    assert held["g"] == [None] * 6
    assert (held["last"], held["received"]) == (5, 6)
    assert held["at"] == 1  # the newest at or before step 25


def test_a_later_attempt_replaces_what_it_does_again(page: Page) -> None:
    first = [{"row": k, "attempt": 1, "step": 10 * k, "d_loss": 1, "histogram": [1]} for k in range(6)]
    again = [{"row": 6, "attempt": 2, "step": 30, "d_loss": 2}]
    held = history(page, first, again)
    assert held["steps"] == [0, 10, 20, 30]
    assert held["d"] == [1, 1, 1, 2]
    assert held["measured"] == [0, 10, 20]


def test_a_long_history_is_thinned_but_keeps_what_was_measured(page: Page) -> None:
    rows = [
        {"row": k, "step": k, "d_loss": 0.0, **({"modes_hit": 3} if k % 51 == 0 else {})} for k in range(9000)
    ]
    held = history(page, rows)
    assert held["received"] == 9000
    assert 5000 < len(held["steps"]) <= 8000
    assert set(range(0, 9000, 51)) <= set(held["steps"])
    assert held["steps"][-3000:] == list(range(6000, 9000))


def test_thinning_for_a_chart_loses_no_spike(page: Page) -> None:
    values = [math.sin(k / 50) for k in range(5000)]
    values[1234], values[4321] = 40.0, -40.0
    x, y = run(page, "live/history.js", "return m.thin([argument.map((_, i) => i), argument], 400)", values)
    assert len(x) == len(y) <= 440
    assert (max(y), min(y)) == (40.0, -40.0)
    assert x == sorted(x)


def test_smoothing_keeps_a_constant_and_counts_steps_not_rows(page: Page) -> None:
    smooth = "return m.smooth(argument.values, argument.steps, 20)"
    steady = run(page, "live/history.js", smooth, {"values": [2, None, 2, 2], "steps": [0, 5, 10, 400]})
    assert steady == pytest.approx([2, None, 2, 2])
    close = run(page, "live/history.js", smooth, {"values": [0, 1], "steps": [0, 1]})
    far = run(page, "live/history.js", smooth, {"values": [0, 1], "steps": [0, 1000]})
    assert far[-1] > 0.99 > close[-1]


def test_two_runs_share_one_axis(page: Page) -> None:
    parts = [{"steps": [0, 10, 20], "columns": [[1, 2, 3]]}, {"steps": [5, 10], "columns": [[7, 8]]}]
    aligned = run(page, "live/history.js", "return m.align(argument)", parts)
    assert aligned == [[0, 5, 10, 20], [1, None, 2, 3], [None, 7, 8, None]]


def test_two_runs_stand_below_each_other_on_a_phone_and_beside_each_other_on_a_laptop(page: Page) -> None:
    boxes = run(
        page,
        "live/pictures.js",
        """
        const style = document.createElement('link');
        const loaded = new Promise((done) => (style.onload = done));
        Object.assign(style, { rel: 'stylesheet', href: '/assets/live.css' });
        document.head.append(style);
        await loaded;
        const runs = [1, 2].map((id) => ({ id, meta: {}, config: null, history: [] }));
        const host = document.body.appendChild(document.createElement('div'));
        const boxes = argument.map((width) => {
          const pictures = new m.Pictures(runs, () => {});
          host.className = 'gv-root gv-narrow';
          host.style.width = `${width}px`;
          host.replaceChildren(pictures.element);
          const taken = pictures.resize(width, 600);
          const panels = [...host.querySelectorAll('.gv-panel .gv-frame')];
          return { taken, panels: panels.map((panel) => panel.getBoundingClientRect().toJSON()) };
        });
        host.remove();
        style.remove();
        return boxes;
        """,
        [367.5, 800],
    )
    phone, laptop = boxes
    first, second = phone["panels"]
    assert second["top"] >= first["bottom"] and second["left"] == first["left"]
    assert 220 < first["width"] == second["width"] == phone["taken"] <= 300  # both fit on the screen
    first, second = laptop["panels"]
    assert second["top"] == first["top"] and second["left"] >= first["right"]
    assert first["width"] > 380 and laptop["taken"] == second["right"] - first["left"]


class Knobs(Options):
    rate: float = knob(1e-3, "rate", "", gt=0, le=1, scale="log")
    weight: float = knob(0.0, "weight", "", ge=0, le=100, scale="log")
    noise: float = knob(0.0, "noise", "", ge=0, le=1, step=0.05)
    steps: int = knob(1, "steps", "", ge=1, le=20)


@pytest.mark.parametrize("field", describe(Knobs), ids=lambda field: field["name"])
def test_every_position_of_a_slider_is_a_permitted_value(page: Page, field: dict[str, Any]) -> None:
    ends = run(
        page,
        "live/knobs.js",
        """
        const scale = m.scaleOf(argument);
        const values = Array.from({ length: 401 }, (_, at) => scale.value(at));
        return { values, default: scale.value(Math.round(scale.at(argument.default))) };
        """,
        field,
    )
    for value in ends["values"]:
        Knobs(**{field["name"]: value})  # raises if it is out of bounds
    assert ends["values"] == sorted(ends["values"])
    assert ends["values"][-1] == field["max"]
    assert ends["values"][0] == field["min"] or field["min_excluded"]
    assert ends["default"] == pytest.approx(field["default"], rel=0.05)


def test_the_heat_map_is_green_where_d_thinks_real_and_row_0_is_at_the_bottom(page: Page) -> None:
    pixels = run(
        page,
        "base/heatmap.js",
        """
        const map = new m.HeatMap(48);
        map.resize(96);
        const grid = new Uint8Array(48 * 48).fill(0);
        grid.fill(255, 0, 16 * 48);
        grid.fill(128, 16 * 48, 32 * 48);
        const words = new Uint32Array(96 * 96);
        map.draw(grid, words);
        const pixel = (row) => [...new Uint8Array(words.slice(row * 96 + 48, row * 96 + 49).buffer)];
        return [8, 48, 88].map(pixel);
        """,
    )
    purple, white, green = pixels
    assert min(white[:3]) > 245
    assert green[1] > green[0] + 40 and green[1] > green[2] + 40
    assert purple[0] > purple[1] + 30 and purple[2] > purple[1] + 30


def test_a_drawing_is_48_by_48_bytes_with_row_0_at_the_top(page: Page) -> None:
    text = run(
        page,
        "base/drawing.js",
        """
        const drawing = new m.Drawing();
        if (drawing.encode() !== '') throw new Error('an empty drawing has a text');
        drawing.dab(40, 4, 2, false);
        const copy = new m.Drawing();
        copy.decode(drawing.encode());
        return copy.encode();
        """,
    )
    weights = np.frombuffer(base64.b64decode(text), np.uint8).reshape(48, 48)
    row, column = np.unravel_index(int(weights.argmax()), weights.shape)
    assert weights.max() == 255
    assert (abs(row - 4), abs(column - 40)) <= (1, 1)
    assert weights[10:].max() == 0


def test_points_are_drawn_where_the_drawing_is_dense(page: Page) -> None:
    points = run(
        page,
        "base/drawing.js",
        """
        const drawing = new m.Drawing();
        for (const name of Object.keys(m.STAMPS)) drawing.stamp(name, 12, 36, 6);
        return [...drawing.sample(400, m.seeded(1))];
        """,
    )
    x, y = np.asarray(points).reshape(-1, 2).T
    assert np.all(np.hypot(x - 12, y - 36) < 12)


def test_numbers_read_as_people_write_them(page: Page) -> None:
    values = [0, 1e-4, 0.02, 1.38629, 12345.6, -0.5, None]
    assert run(page, "base/format.js", "return argument.map(m.short)", values) == [
        "0", "1e-4", "0.02", "1.39", "12,346", "−0.5", "–",
    ]  # fmt: skip
    constants = [2 * math.log(2), math.log(2), 0.5]
    assert run(page, "base/format.js", "return argument.map(m.constant)", constants) == [
        "2 log 2",
        "log 2",
        "½",
    ]
    assert run(page, "base/format.js", "return [7, 3723].map(m.clock)") == ["00:07", "1:02:03"]
    titles = ["Named by D", "D's patches", "ALI"]
    assert run(page, "base/format.js", "return argument.map(m.lowered)", titles) == [
        "named by D",
        "D's patches",
        "ALI",
    ]


# --- evaluation


def evaluation(row: int, step: int, fid: float | None, **more: Any) -> dict[str, Any]:
    """An event as the engine writes it."""
    figure = {"name": "fid", "title": "FID", "sentence": "0 is equal.", "better": "lower"}
    measure = {"name": "fid", "title": "Fréchet distance", "sentence": "", "floor": "other real images"}
    return {
        "row": row,
        "type": "evaluation",
        "step": step,
        "figures": {"fid": fid},
        "floors": {"fid": 4.0},
        "metrics": {"fid": {"n": 64, "against": "64 training images", "floor": "64 test images"}},
        "measures": [{**measure, "figures": [figure]}],
        "network": {"name": "own", "title": "our classifier", "note": "Compare within it only."},
        "n": 64,
        "warnings": ["<b>few</b> images"],
        **more,
    }


def told(page: Page, events: list[dict[str, Any]], status: dict[str, Any], step: int | None = None) -> Any:
    """What the panel shows of a run with these events and this status, looked back at from ``step``."""
    return run(
        page,
        "live/evaluation.js",
        """
        const { RunState } = await import('/assets/live/run.js');
        const state = new RunState('run');
        state.take({ type: 'status', status: argument.status });
        state.take({ type: 'events', events: argument.events });
        const panel = new m.Evaluations([state]);
        panel.update(argument.step);
        const text = (selector) => panel.element.querySelector(selector)?.textContent ?? null;
        return { hidden: panel.element.hidden, head: text('summary'), next: text('.gv-evaluation-next'),
                 row: [...panel.element.querySelectorAll('tbody tr:first-child :is(th, td)')]
                   .map((cell) => cell.textContent),
                 notes: text('.gv-evaluation-notes'), bold: panel.element.querySelectorAll('p b b').length,
                 steps: state.evaluations.map((each) => each.step), floor: state.floor('fid') };
        """,
        {"events": events, "status": status, "step": step},
    )


RUNNING = {"state": "running", "step": 120, "next_evaluation": 400, "live": {"evaluate_every": 200}}


def test_an_evaluation_is_shown_with_its_floor_n_network_and_warnings(page: Page) -> None:
    seen = told(page, [evaluation(0, 100, 30.0), evaluation(1, 200, 50.0)], RUNNING)
    assert "step 200, N 64" in seen["head"] and "floor 4" in seen["head"] and "1 warning" in seen["head"]
    assert seen["next"] == "next at step 400"
    assert seen["row"] == ["FID", "50", "30 at 100", "4", "↓ lower"]
    for words in ("our classifier", "N 64", "64 training images", "other real images", "64 test images"):
        assert words in seen["notes"]
    assert "<b>few</b> images" in seen["notes"] and not seen["bold"]
    assert told(page, [evaluation(0, 100, 30.0)], RUNNING)["row"][2] == "this one"


def test_looking_back_shows_the_evaluation_of_then(page: Page) -> None:
    events = [evaluation(0, 100, 30.0), evaluation(1, 200, 20.0)]
    assert told(page, events, RUNNING, step=150)["row"][1:3] == ["30", "this one"]
    assert told(page, events, RUNNING, step=50)["row"] == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, "the first comes at step 400"),
        ({"evaluating": True}, "evaluating now, training waits"),
        ({"next_evaluation": None}, "none before the last step"),
        ({"state": "done"}, "the run ended before its first one"),
    ],
)
def test_before_the_first_evaluation_the_panel_says_when_it_comes(
    page: Page, status: dict[str, Any], words: str
) -> None:
    seen = told(page, [], {**RUNNING, **status})
    assert not seen["hidden"] and seen["next"] == words and seen["row"] == []


def test_a_run_that_never_evaluates_has_no_panel(page: Page) -> None:
    assert told(page, [], {**RUNNING, "live": {"evaluate_every": 0}})["hidden"]
    assert not told(page, [evaluation(0, 9, 1.0)], {**RUNNING, "live": {"evaluate_every": 0}})["hidden"]


def test_what_came_after_a_checkpoint_is_dropped_when_the_run_goes_on_from_it(page: Page) -> None:
    events = [evaluation(row, step, 1.0) for row, step in enumerate([100, 200, 300])]
    resumed = [*events, {"row": 3, "type": "resumed", "step": 200}]
    assert told(page, resumed, RUNNING)["steps"] == [100, 200]
    assert told(page, [*resumed, evaluation(4, 300, None)], RUNNING)["steps"] == [100, 200, 300]


def test_an_older_event_without_words_is_still_shown(page: Page) -> None:
    event = evaluation(0, 100, 2.0)
    del event["measures"]
    assert told(page, [event], RUNNING)["row"] == ["fid", "2", "", "4", " "]


def test_every_chart_of_a_measure_stands_in_the_menu(page: Page) -> None:
    charts, choices = run(
        page,
        "live/chart_specs.js",
        "const { charts, choices } = m.chartsOf(argument); return [Object.keys(charts), choices];",
        CHARTS,
    )
    assert set(CHARTS) <= set(choices) and set(choices) <= {*charts, "coverage"}
    assert len(set(choices)) == len(choices)


def test_a_chart_has_the_words_of_the_catalogue(page: Page) -> None:
    fid, jsd, share = run(
        page,
        "live/measure_charts.js",
        """
        const charts = m.measureCharts(argument);
        return ['fid', 'jsd', 'share'].map((name) => {
          const { title, help, lines, range, floor, references } = charts[name];
          return [title(), help, lines({}, []), range?.() ?? floor, references?.({}, []) ?? null];
        });
        """,
        CHARTS,
    )
    assert fid[:2] == ["FID", CHARTS["fid"]["sentence"]] and fid[3:] == [0, []]
    assert fid[2] == [{"key": "fid", "label": "FID", "tag": "", "color": "fake"}]
    assert jsd[4] == [{"value": pytest.approx(math.log(2)), "color": "muted", "who": "disjoint"}]
    assert share[3:] == [[0, 1], None]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"objective": "non_saturating"}, ["W"]),
        ({"objective": "wasserstein"}, ["W", "D ÷ slope"]),
        ({"objective": "wasserstein", "gradient_penalty": 10}, ["W", "D", "D ÷ slope"]),
        ({"objective": "wasserstein", "spectral_norm": True}, ["W", "D ÷ slope"]),
    ],
)
def test_a_critics_lines_are_drawn_where_they_mean_something(
    page: Page, options: dict[str, Any], lines: list[str]
) -> None:
    body = """
        const { distance } = m.measureCharts(argument.charts);
        return distance.lines({}, [{ config: { options: argument.options } }]).map(({ label }) => label);
    """
    argument = {"charts": CHARTS, "options": options}
    assert run(page, "live/measure_charts.js", body, argument) == lines


def test_a_charts_floor_is_that_of_the_last_evaluation(page: Page) -> None:
    events = [evaluation(0, 100, 30.0), evaluation(1, 200, 20.0, floors={"fid": 5.0})]
    events.append({**evaluation(2, 300, 10.0, floors={"fid": 4.0}), "spreads": {"fid": 0.5}})
    found = run(
        page,
        "live/measure_charts.js",
        """
        const { RunState } = await import('/assets/live/run.js');
        const runs = argument.events.map((events) => {
          const state = new RunState('run');
          state.take({ type: 'events', events });
          return state;
        });
        const { fid, kid, classifier_error: error } = m.measureCharts(argument.charts);
        return [fid.references({}, runs, 250), fid.references({}, runs).map(({ spread }) => spread),
                kid.references({}, runs), error.references ?? null];
        """,
        {"events": [[], events], "charts": CHARTS},
    )
    assert found == [[{"value": 5.0, "color": "real", "who": "floor"}], [0.5], [], None]


GAN = {
    "name": "non_saturating",
    "unit": "nats",
    "range": [0, 1],
    "equilibrium": {"d_loss": 1.39, "g_loss": 0.69},
}
CRITIC = {"name": "wasserstein", "unit": "", "range": None, "score_label": "critic value", "equilibrium": {}}
CODES = {
    "real": "D(z)", "fake": "D(E(x))", "real_kind": "draws of the prior", "fake_kind": "codes",
    "tags": ["prior", "codes"], "player": "E",
}  # fmt: skip


def test_runs_share_axes_where_units_agree_and_lines_are_of_the_loss_that_runs(page: Page) -> None:
    smoothed = {"d_loss": 1.32, "g_loss": 0.98}
    runs = [
        {"id": 0, "status": {}, "meta": {"objective": GAN}},
        {"id": 1, "status": {"equilibrium": smoothed}, "meta": {"objective": {**GAN, "name": "minimax"}}},
        {"id": 2, "status": {}, "meta": {"objective": CRITIC}},
        {"id": 3, "status": {}, "meta": {"objective": GAN, "gan": {"judged": CODES}}},
    ]
    groups, rest, words = run(
        page,
        "live/charts.js",
        """
        const { chartsOf } = await import('/assets/live/chart_specs.js');
        const { charts } = chartsOf(argument.charts);
        const { losses, scores } = charts;
        const groups = ['losses', 'scores', 'norms', 'accuracy'].map((name) =>
          m.inUnits(argument.runs, charts[name]).map((runs) => runs.map(({ id }) => id)));
        const [gan, other, critic, codes] = argument.runs;
        const rest = losses.references(gan.meta, [gan, other]).map(({ value }) => value);
        const of = (spec, { meta }) => [spec.title(meta), spec.lines(meta).map(({ tag }) => tag)];
        return [groups, [rest, losses.references(critic.meta, [critic])],
                [of(scores, gan), of(scores, critic), of(scores, codes), of(losses, codes)[1]]];
        """,
        {"charts": CHARTS, "runs": runs},
    )
    apart = [[0, 1], [2], [3]]
    assert groups == [apart, apart, apart, [[0, 1, 2, 3]]]
    assert rest == [[1.39, 0.69, 1.32, 0.98], []]
    assert words[0] == ["D(x), D(G(z))", ["real", "gen."]]
    assert words[1] == ["critic value", ["real", "gen."]]
    assert words[2:] == [["D(z), D(E(x))", ["prior", "codes"]], ["D", "E"]]


def test_a_run_is_diagnosed_as_it_was_where_one_looks_back(page: Page) -> None:
    events = [
        {"row": k, "step": step, "type": "diagnosis", "active": [{"name": name}]}
        for k, (step, name) in enumerate([(100, "learning"), (500, "mode_collapse")])
    ]
    said = run(
        page,
        "live/run.js",
        """
        const state = new m.RunState('run');
        state.take({ type: 'events', events: argument });
        return [50, 499, 500, undefined].map((step) => state.activeAt(step).map(({ name }) => name));
        """,
        events,
    )
    assert said == [[], ["learning"], ["mode_collapse"], ["mode_collapse"]]


def test_rings_and_the_hint_beyond_the_frame_are_of_the_points_on_show(page: Page) -> None:
    points = [
        0,
        0.1,
        0.1,
        0,
        1,
        1,
        9,
        0,
        -5,
        -5,
        None,
        0,
    ]  # two at a mode, one between, three nowhere in sight
    found = run(
        page,
        "live/points_picture.js",
        """
        const points = argument.map((value) => value ?? NaN);
        return [m.missedModes(points, [[0, 0], [4, 4]], 0.1), m.beyondFrame(points, [-2, 2, -2, 2])];
        """,
        points,
    )
    assert found == [[False, True], 3]


def test_a_long_history_keeps_what_was_evaluated(page: Page) -> None:
    rows = [{"row": k, "step": k, "d_loss": 0.0, **({"fid": 3} if k % 51 == 0 else {})} for k in range(9000)]
    assert set(range(0, 9000, 51)) <= set(history(page, rows)["steps"])


# --- explore

PLACES = [
    {"seed": 7, "codes": {"category": 3, "c1": -0.25, "pose": [0.5, 1]}, "directions": {"d2": 1.5}},
    {"seed": 2**53, "codes": {}, "directions": {}, "truncation": 0.7},
    {"plane": [-1.25, 3.5], "plane_seed": 4, "codes": {"c1": 2}, "directions": {}, "truncation": 1},
]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_the_same_after_an_address(page: Page, place: dict[str, Any]) -> None:
    state = {"model": "a b", "place": place, "tab": "codes", "view": "plane", "first": 12}
    lists = {"key": [place, {"seed": 1}], "a": [], "b": [{"seed": 2}], "c": []}
    search, read, left = run(
        page,
        "explore/place.js",
        """
        const search = m.writeAddress('?embed=true&seed=99&code.old=1', argument);
        const read = m.readAddress(search);
        const asked = (places) => places.map(m.asked);
        const lists = Object.fromEntries(Object.entries(read.lists).map(([name, l]) => [name, asked(l)]));
        return [search, { ...read, place: m.asked(read.place), lists }, m.asked(argument.place)];
        """,
        {**state, "lists": lists},
    )
    assert "embed=true" in search and "old" not in search
    assert read == {
        **state,
        "place": left,
        "lists": {"key": [left, {"seed": 1}], "a": [], "b": [{"seed": 2}], "c": []},
    }


def test_a_latent_loses_nothing_in_an_address(page: Page) -> None:
    z = [float(number) for number in np.random.default_rng(0).standard_normal(74).astype(np.float32)]
    read = run(page, "explore/place.js", "return m.fromPairs(m.toPairs({ z: argument })).z", z)
    assert read == z


@pytest.mark.parametrize(
    "search",
    [
        "?seed=-1", "?seed=1.5", "?seed=9007199254740993", "?seed=NaN", "?z=%F0", "?z=AAAA", "?z=AADAfw",
        "?plane=1", "?plane=1,x", "?plane=1,1e400", "?code.__proto__=1", "?code.c1=Infinity", "?code.=1",
        "?truncation=-3", "?key=%%%&key=seed~x*code.c1~", "?direction.d1=1,2", "?code.c1=<script>",
    ],
)  # fmt: skip
def test_nonsense_in_an_address_is_passed_over(page: Page, search: str) -> None:
    read = run(page, "explore/place.js", "return m.asked(m.readAddress(argument).place)", search)
    assert read in ({"seed": 0}, {"seed": 0, "truncation": 0})


def test_an_address_of_another_model_is_fitted(page: Page) -> None:
    model = {
        "codes": [
            {"name": "class", "kind": "categorical", "size": 3, "start": 4, "labels": []},
            {"name": "c1", "kind": "uniform", "size": 1, "start": 7, "labels": []},
        ],
        "directions": [{"name": "d1"}],
        "latent_dim": 8,
    }
    places = [
        {"seed": 1, "codes": {"class": 2, "c1": 9}, "directions": {"d1": 2}},
        {"seed": 1, "codes": {"class": 3, "c1": [1, 2], "gone": 1}, "directions": {"d9": 2}},
        {"z": [0.5] * 7, "codes": {"class": 1.5}},
    ]
    fit = "return argument.places.map((place) => m.asked(m.fitted(place, argument.model)))"
    fitted = run(page, "explore/place.js", fit, {"places": places, "model": model})
    assert fitted == [places[0], {"seed": 1}, {"seed": 0}]


def test_only_the_newest_of_what_waits_is_done(page: Page) -> None:
    done, failed, most = run(
        page,
        "explore/latest.js",
        """
        const done = [], failed = [];
        let [active, most, open] = [0, 0, null];
        const latest = new m.Latest(async (job) => {
          active += 1;
          most = Math.max(most, active);
          await new Promise((resolve) => { open = resolve; });
          active -= 1;
          if (job === 3) throw new Error('three');
          done.push(job);
        }, (problem, job) => failed.push([problem.message, job]));
        const finish = async () => { open(); await new Promise((resolve) => setTimeout(resolve)); };
        for (const job of [0, 1, 2, 3]) latest.ask(job);   // 0 begins, 3 waits in place of 1 and 2
        await finish();
        latest.ask(4);
        latest.ask(5);
        await finish();                                    // 3 fails, and 5 goes on
        await finish();
        return [done, failed, [most, latest.busy]];
        """,
    )
    assert done == [0, 5]
    assert failed == [["three", 3]]
    assert most == [1, False]


def test_axes_reach_every_code_and_read_what_they_set(page: Page) -> None:
    model = {
        "codes": [
            {"name": "category", "kind": "categorical", "size": 3, "start": 2, "labels": ["a", "b", "c"]},
            {"name": "c1", "kind": "uniform", "size": 1, "start": 5, "labels": []},
            {"name": "pose", "kind": "gaussian", "size": 2, "start": 6, "labels": []},
        ],
        "directions": [{"name": "d1", "title": "slant"}],
    }
    found = run(
        page,
        "explore/axes.js",
        """
        const z = [9, 9, 0, 1, 0, 0.5, -1, 2];
        const place = { seed: 3 };
        return m.axesOf(argument).map((axis) => {
          const values = m.valuesAlong(axis, 5);
          const there = axis.at(place, values.at(-1), z);
          return { key: axis.key, drawn: axis.value(place, z), values, there, reads: axis.value(there, z),
                   released: axis.released(there), set: [axis.isSet(place), axis.isSet(there)] };
        });
        """,
        model,
    )
    by_key = {axis["key"]: axis for axis in found}
    assert list(by_key) == ["category", "c1", "pose.0", "pose.1", "d1"]
    assert [axis["drawn"] for axis in found] == [1, 0.5, -1, 2, 0]
    assert by_key["category"]["values"] == [0, 1, 2]
    assert by_key["c1"]["values"] == [-2, -1, 0, 1, 2]
    assert by_key["pose.1"]["there"]["codes"] == {"pose": [-1, 3]}
    for axis in found:
        assert axis["reads"] == axis["values"][-1]
        assert axis["set"] == [False, True]
        assert not axis["released"].get("codes") and not axis["released"].get("directions")


def test_jumps_of_a_walk_stand_out_from_its_usual_steps(page: Page) -> None:
    walks = [[1, 1.2, 0.9, 1.1], [1, 1, 9, 1, 1], [0, 0, 0], []]
    assert run(page, "explore/plot.js", "return argument.map((walk) => m.jumps(walk))", walks) == [
        [], [2], [], [],
    ]  # fmt: skip


def test_the_plane_of_two_latents_is_that_of_the_latents_themselves(page: Page) -> None:
    asked, centre, up, shuffled = run(
        page,
        "explore/plane.js",
        """
        const asked = [];
        const hub = { place: { seed: 3 }, z: [0.5, 1], step: 0, native: 28, model: argument, theme: {},
          go: (place) => { hub.place = place; }, refreshSoon: () => {},
          failed: (problem) => { throw problem; },
          client: { grid: async (places) => { asked.push(...places);
            const canvas = Object.assign(document.createElement('canvas'),
              { width: places.length, height: 1 });
            canvas.getContext('2d').fillRect(0, 0, 1, 1);
            return createImageBitmap(canvas); } } };
        const plane = new m.Plane(hub);
        Object.assign(plane.element.style, { width: '300px', height: '200px' });
        document.body.append(plane.element);
        await new Promise((done) => setTimeout(done, 60));
        plane.follow();
        plane.rest();
        while (asked.length < 10) await new Promise((done) => setTimeout(done, 5));
        const { center } = plane;
        plane.canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }));
        const up = hub.place.z;
        plane.shuffle(9);
        plane.destroy();
        plane.element.remove();
        return [asked[0].z, center, up, hub.place.seed];
        """,
        {"latent_dim": 2, "codes": []},
    )
    assert (asked, centre, up, shuffled) == ([0.5, 1], [0.5, -1], [0.5, 1.25], 9)


def test_what_was_painted_and_wiped_makes_the_mask(page: Page) -> None:
    shares = run(
        page,
        "explore/paint.js",
        """
        const paint = new m.Paint({ side: 20, colour: false, canFree: true });
        document.body.append(paint.element);
        const box = paint.canvas.getBoundingClientRect();
        const at = (type, x, y) => paint.canvas.dispatchEvent(new PointerEvent(type, {
          pointerId: 1, button: 0, bubbles: true,
          clientX: box.left + x / 20 * box.width, clientY: box.top + y / 20 * box.height }));
        paint.canvas.setPointerCapture = () => {};
        const stroke = (y) => { at('pointerdown', 2, y); at('pointermove', 18, y); at('pointerup', 18, y); };
        const white = async (onlyPainted) => {
          const bitmap = await createImageBitmap(await paint.mask(onlyPainted));
          const context = Object.assign(document.createElement('canvas'), { width: 20, height: 20 })
            .getContext('2d');
          context.drawImage(bitmap, 0, 0);
          const { data } = context.getImageData(0, 0, 20, 20);
          return [5, 15].map((row) => data[4 * (row * 20 + 10)]);
        };
        const before = [paint.isTouched, await white(false)];
        stroke(5.5);
        paint.tool = 'free';
        stroke(15.5);
        const after = [paint.isTouched, await white(false), await white(true)];
        paint.element.remove();
        return [before, after];
        """,
    )
    assert shares == [[False, [255, 255]], [True, [255, 0], [255, 0]]]


@pytest.mark.parametrize(
    ("reported", "offered"),
    [
        (["g_loss", "cycle_a", "cycle_b", "identity_a", "identity_b"], ["cycles"]),
        (["g_loss", "l1"], ["l1"]),
        (["g_loss", "l1", "test_l1"], ["l1", "held_out"]),
    ],
)
def test_a_translators_losses_can_be_charted(page: Page, reported: list[str], offered: list[str]) -> None:
    """A chart is offered once its first line is reported: each loss must be in one that can be."""
    found = run(
        page,
        "live/chart_specs.js",
        """
        const { charts, choices } = m.chartsOf(argument.charts);
        const offers = choices.filter((name) => argument.reported.includes(charts[name]?.lines({})[0].key));
        return { offers, keys: offers.flatMap((name) => charts[name].lines({}).map((line) => line.key)) };
        """,
        {"charts": CHARTS, "reported": reported},
    )
    assert found["offers"] == offered
    assert set(reported) - {"g_loss"} <= set(found["keys"])
