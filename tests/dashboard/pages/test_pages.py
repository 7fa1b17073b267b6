"""Every page of the table, run by Streamlit's own test runner against a real engine."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import pages, session
from dashboard.lessons.shelf import shelf_of
from dashboard.pages import PAGES
from engine.api import Engine
from engine.presets import PRESETS
from engine.runs.folder import RunFolder
from tests.engine.serving import eventually

MAIN = Path(pages.__file__).parent / "main.py"
OPENING_S = 60  # the first page of a fresh installation waits for torch


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("runs"), device="cpu") as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_runs_are_left(engine: Engine) -> Iterator[None]:
    yield
    for run in engine.runs():
        engine.delete("presenter", run["id"])


@pytest.fixture
def presenter(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Pages served by ``engine`` to the presenter. The test runner sends no header to name the role."""
    monkeypatch.setattr(session, "_engine", engine)
    monkeypatch.setattr(session, "role", lambda: "presenter")
    return engine


@pytest.fixture
def make_run(engine: Engine) -> Callable[..., str]:
    """Makes run folders with a real configuration that no worker has touched."""

    def make(
        state: str = "stopped", status: dict[str, Any] | None = None, name: str = "", **request: Any
    ) -> str:
        request = {"gan": "gan", "data": "ring", **request}
        config = {**engine.validate("presenter", request), **({"name": name} if name else {})}
        folder = RunFolder(engine.runs_folder / f"made-{uuid.uuid4().hex[:8]}")
        folder.create({**config, "id": folder.id}, state=state)
        folder.write_status(state=state, **{"step": 0, "steps": config["steps"], **(status or {})})
        return folder.id

    return make


def open_page(name: str, **query: Any) -> AppTest:
    """The page as its address would open it, without an error."""
    app = AppTest.from_file(MAIN, default_timeout=OPENING_S).run()
    app.query_params.update(query)
    app.switch_page(PAGES[name].script).run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    """All words on the page, as HTML, without style sheets."""
    bodies = [str(element.proto.body) for element in app.get("html")]
    return " ".join(body for body in bodies if not body.startswith("<style>"))


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


# --- the table


def test_every_script_is_in_the_table():
    scripts = {path.name for path in MAIN.parent.glob("*.py")} - {"__init__.py", "main.py"}
    assert scripts == {page.script for page in PAGES.values()}


def test_the_entry_script_has_no_folder_called_pages_beside_it():
    assert not (MAIN.parent / "pages").exists()


@pytest.mark.parametrize("name", PAGES)
def test_opens_for_the_presenter(presenter: Engine, name: str):
    open_page(name)


@pytest.mark.parametrize("name", PAGES)
def test_viewers_see_no_buttons_that_change_something(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., str], name: str
):
    monkeypatch.setattr(session, "_engine", engine)
    run = make_run()
    app = open_page(name, **({"run": run} if name == "train" else {}))
    changing = {"Start", "Actions", "Delete", "Rename", "Add", "Resume", "Stop"}
    assert not changing & labels(app)
    harmless = {"Card", "Export"}
    assert all(set(menu.options) <= harmless for menu in app.get("menu_button"))


def test_viewers_see_the_run_of_the_class_first_and_the_last_one_when_it_is_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., str]
):
    monkeypatch.setattr(session, "_engine", engine)
    assert "What the presenter starts appears here" in text(open_page("home"))
    make_run(name="The run of last week")
    for name in ("The run of last week", "The run of today"):
        shown = text(open_page("home"))
        assert shown.index(name) < shown.index("Mode collapse")
        make_run(state="queued", name="The run of today")
    assert "The run of last week" not in text(open_page("home"))


HEAVY = ("dcgan_mnist", "line_art", "drawing_styles")  # they start alike, and take seconds to


# --- home


def test_home_has_a_card_for_every_preset(presenter: Engine):
    app = open_page("home")
    shown = text(app)
    assert all(preset.title in shown for preset in PRESETS.values())
    assert [button.key for button in app.button if button.label == "Start"] == [
        f"start_{name}" for name in PRESETS
    ]


@pytest.mark.parametrize("runs", [1, 2])
def test_a_preset_starts_at_one_click(presenter: Engine, runs: int):
    """One of each sort; that each can be started is asked of the engine."""
    name = next(name for name, preset in PRESETS.items() if len(preset.runs) == runs and name not in HEAVY)
    app = open_page("home")
    app.button(f"start_{name}").click().run()
    assert not app.exception
    started = app.query_params["run"]
    started = [started] if isinstance(started, str) else started
    assert len(started) == runs
    assert [presenter.run(run)["config"]["preset"] for run in started] == [name] * len(started)


def test_home_lists_what_waits_or_runs(presenter: Engine, make_run: Callable[..., str]):
    make_run(state="queued", name="<b>waiting</b>")
    shown = text(open_page("home"))
    assert "&lt;b&gt;waiting&lt;/b&gt;" in shown
    assert "<b>waiting</b>" not in shown


# --- new run


def test_the_defaults_can_start(presenter: Engine):
    app = open_page("new")
    assert not app.button("start").disabled
    assert "GAN trains on" in text(app)


@pytest.mark.parametrize("data", ["grid", "spiral", "line", "two_moons", "segments", "mnist"])
def test_choosing_data_that_are_there_can_start(presenter: Engine, data: str):
    app = open_page("new")
    app.button(f"choose_data_{data}").click().run()
    assert not app.exception
    assert not app.button("start").disabled
    assert presenter.catalogue()["datasets"][data]["title"] in text(app)


@pytest.mark.parametrize("data", ["folder", "upload", "own_pairs", "own_domains", "derived_pairs"])
def test_own_pictures_that_are_not_there_yet_are_asked_for(presenter: Engine, data: str):
    app = open_page("new")
    app.button(f"choose_data_{data}").click().run()
    assert not app.exception
    assert app.button("start").disabled
    assert "gs-problem" in text(app)


def test_a_gan_that_does_not_fit_the_data_is_grey_and_says_why(presenter: Engine):
    app = open_page("new")
    assert app.button("gan_dcgan").disabled
    assert "Needs pictures" in app.button("gan_dcgan").label
    app.button("choose_data_mnist").click().run()
    assert not app.button("gan_dcgan").disabled
    app.button("gan_conditional").click().run()
    assert "Unlike the paper: D takes an inner product" in text(app)
    app.button("gan_dcgan").click().run()
    app.button("choose_data_ring").click().run()  # points again: DCGAN gives way
    assert not app.exception
    assert not app.button("start").disabled


def test_a_refusal_stands_by_its_field_and_goes_when_it_is_met(presenter: Engine):
    app = open_page("new")
    objective = next(group for group in app.get("button_group") if group.label == "Objective")
    objective.set_value("wasserstein").run()
    assert app.button("start").disabled
    assert "slope" in text(app) and "Gradient penalty" in text(app)
    next(switch for switch in app.toggle if switch.label == "Gradient penalty").set_value(True).run()
    assert not app.button("start").disabled
    assert "gs-problem" not in text(app)


def test_a_stabiliser_that_makes_no_sense_is_grey_and_says_why(presenter: Engine):
    app = open_page("new")
    switches = {switch.label: switch for switch in app.toggle}
    assert not switches["Weight clipping"].disabled
    assert switches["DiffAugment"].disabled  # the data are points
    switches["Gradient penalty"].set_value(True).run()
    clipping = next(switch for switch in app.toggle if switch.label == "Weight clipping")
    assert clipping.disabled
    assert "Not here" in clipping.help and "slope" in clipping.help


def test_a_rerun_asks_the_engine_once(presenter: Engine, monkeypatch: pytest.MonkeyPatch):
    app, asked, call = open_page("new"), [], presenter._inference.call

    def counted(name: str, /, **arguments: Any) -> Any:
        asked.append(name)
        return call(name, **arguments)

    monkeypatch.setattr(presenter._inference, "call", counted)
    next(switch for switch in app.toggle if switch.label == "Gradient penalty").set_value(True).run()
    assert not app.exception and asked == ["assess"]


def test_each_problem_stands_by_its_field(presenter: Engine):
    app = open_page("new")
    next(box for box in app.number_input if box.label == "D steps").set_value(3).run()
    next(box for box in app.selectbox if box.label == "Updates").set_value("simultaneous").run()
    objective = next(group for group in app.get("button_group") if group.label == "Objective")
    objective.set_value("wasserstein").run()
    # one by its field, one in the folded options, which is said at the bottom too
    said = text(app).lower()
    assert said.count("gs-problem") == 3 and "slope" in said and "both players" in said
    assert app.button("start").disabled


def test_it_says_how_long_the_run_will_take_here(presenter: Engine):
    app = open_page("new")
    next(button for button in app.button if button.label == "How long?").click().run()
    assert "A step takes about" in text(app) and "20,000 take" in text(app)


def test_a_run_can_begin_with_the_weights_of_another(presenter: Engine):
    first = presenter.start("presenter", {"gan": "gan", "data": "ring", "steps": 2})
    eventually(lambda: presenter.status(first)["state"] == "done")
    app = open_page("new")
    box = next(box for box in app.selectbox if box.label == "Start from")
    box.set_value(first).run()
    next(box for box in app.number_input if box.label == "Steps").set_value(1).run()
    app.button("start").click().run()
    assert not app.exception
    assert presenter.run(app.query_params["run"])["config"]["start_from"] == first


def test_options_reach_the_run(presenter: Engine):
    app = open_page("new")
    next(box for box in app.number_input if box.label == "Steps").set_value(1).run()
    next(box for box in app.number_input if box.label == "D steps").set_value(3).run()
    next(slider for slider in app.select_slider if slider.label == "D rate").set_value(3e-4).run()
    app.button("start").click().run()
    assert not app.exception
    config = presenter.run(app.query_params["run"])["config"]
    assert config["steps"] == 1
    assert config["options"]["critic_steps"] == 3
    assert config["options"]["discriminator_lr"] == pytest.approx(3e-4)


def test_every_option_of_every_choice_has_a_widget(presenter: Engine):
    """Each data set, and each GAN with each kind of data: what a GAN offers depends on the kind alone."""
    catalogue = presenter.catalogue()
    app = open_page("new")
    seen: set[tuple[str, str]] = set()
    for data, entry in catalogue["datasets"].items():
        app.button(f"choose_data_{data}").click().run()
        kind = entry["kind"]
        able = [gan for gan, recipe in catalogue["gans"].items() if kind in recipe["kinds"]]
        for gan in [gan for gan in able if (gan, kind) not in seen] or able[:1]:
            seen.add((gan, kind))
            recipe = catalogue["gans"][gan]
            app.button(f"gan_{gan}").click().run()
            assert not app.exception, (gan, data)
            kinds = ("number_input", "select_slider", "toggle", "selectbox", "text_input")
            drawn = {widget.label for kind in kinds for widget in app.get(kind)}
            own = [
                one for one in recipe["options"] if one["name"] not in recipe["idle"].get(entry["kind"], ())
            ]
            fields = [*own, *catalogue["training"], *entry["options"]]
            special = {"objective", "drawing", "upload"}
            wanted = {field["label"] for field in fields if field["name"] not in special}
            assert wanted <= drawn, (gan, data)


def test_duplicate_with_changes_fills_the_form_in(presenter: Engine, make_run: Callable[..., str]):
    options = {"objective": "hinge", "discriminator_lr": 1.234e-4, "r1": 2.0, "modes": 5}
    run = make_run(gan="gan", data="ring", steps=777, seed=5, options=options)
    app = open_page("new", **{"from": run})
    app.button("start").click().run()
    config = presenter.run(app.query_params["run"])["config"]
    assert (config["steps"], config["seed"]) == (777, 5)
    assert config["options"] == presenter.run(run)["config"]["options"]


def test_duplicating_a_run_that_is_gone_says_so(presenter: Engine):
    app = open_page("new", **{"from": "gone"})
    assert "no run called gone" in text(app).lower()
    assert not app.button("start").disabled


# --- live


@pytest.mark.parametrize("run", ["gone", "../../etc", "<b>x</b>", "a" * 10_000])
def test_an_unknown_run_is_said_to_be_unknown(presenter: Engine, run: str):
    app = open_page("train", run=run)
    assert "gs-problem" in text(app)
    assert "<b>x</b>" not in text(app)


def test_a_run_shows_its_rules_and_options(presenter: Engine, make_run: Callable[..., str]):
    run = make_run(data="ring", options={"objective": "least_squares"})
    app = open_page("train", run=run)
    assert not app.latex and not app.dataframe  # what is folded is not sent
    app.session_state[f"rules_{run}"] = app.session_state[f"options_{run}"] = True
    app.run()
    assert any("L_D" in formula.value for formula in app.latex)
    assert any("def least_squares_discriminator" in code.value for code in app.code)
    table = app.dataframe[0].value
    assert dict(zip(table["Name"], table["Value"], strict=True))["objective"] == "least_squares"


def test_without_a_run_the_newest_live_one_is_shown_or_the_last(
    presenter: Engine, make_run: Callable[..., str]
):
    assert "There is no run yet" in text(open_page("train"))
    make_run(options={"objective": "hinge"})
    for objective in ("hinge", "least squares"):
        labels = {expander.label for expander in open_page("train").expander}
        assert f"Rules: formula and code of the {objective} objective" in labels
        live = make_run(state="queued", options={"objective": "least_squares"})
        make_run()  # newer, and over
    presenter.delete("presenter", live)


# --- runs


def test_no_runs_says_what_to_do(presenter: Engine):
    assert "No runs yet" in text(open_page("runs"))


def test_runs_are_found_by_words_and_by_state(presenter: Engine, make_run: Callable[..., str]):
    make_run(state="stopped", name="alpha")
    make_run(state="failed", status={"error": "it broke", "remedy": "mend it"}, name="beta")
    app = open_page("runs")
    assert "alpha" in text(app) and "beta" in text(app) and "it broke" in text(app)
    next(box for box in app.text_input if box.label == "Search").set_value("ALPHA").run()
    assert "alpha" in text(app) and "beta" not in text(app)
    next(box for box in app.text_input if box.label == "Search").set_value("").run()
    next(group for group in app.get("button_group") if group.label == "State").set_value("failed").run()
    assert "alpha" not in text(app) and "beta" in text(app)


def test_what_a_run_refuses_is_said(presenter: Engine, make_run: Callable[..., str]):
    make_run(state="done", steps=10, status={"step": 10})
    app = open_page("runs")
    app.get("menu_button")[0].set_value("Resume").run()
    assert not app.exception
    assert "all of its 10 steps" in app.toast[0].value


def test_an_action_of_the_menu_acts(presenter: Engine, make_run: Callable[..., str]):
    make_run(data="ring", steps=1)
    app = open_page("runs")
    app.get("menu_button")[0].set_value("Duplicate").run()
    assert not app.exception
    assert len(presenter.runs()) == 2


def test_delete_asks_first(presenter: Engine, make_run: Callable[..., str]):
    run = make_run(name="doomed")
    app = open_page("runs")
    app.session_state["asking"] = ("Delete", run, "doomed")
    app.run()
    assert {"Delete", "Keep it"} <= labels(app)
    assert run in {summary["id"] for summary in presenter.runs()}
    next(button for button in app.button if button.label == "Delete").click().run()
    assert not app.exception
    assert run not in {summary["id"] for summary in presenter.runs()}


def test_rename(presenter: Engine, make_run: Callable[..., str]):
    run = make_run(name="before")
    app = open_page("runs")
    app.session_state["asking"] = ("Rename", run, "before")
    app.run()
    next(box for box in app.text_input if box.label == "Name").set_value("after").run()
    next(button for button in app.button if button.label == "Rename").click().run()
    assert not app.exception
    assert presenter.run(run)["config"]["name"] == "after"


def test_runs_are_analysed_and_what_is_not_there_is_said(presenter: Engine, make_run: Callable[..., str]):
    runs = [make_run(name=f"*{number}*") for number in range(7)]
    for run in runs:
        rows = [{"row": k, "attempt": 1, "step": 10 * k, "time": k, "d_loss": 0.4 - k / 9} for k in range(9)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (presenter.runs_folder / run / "metrics.jsonl").write_text(lines, "utf-8")
    app = open_page("analyse", run=[*runs, "nobody"])
    assert not app.exception and "there is no run called nobody" in text(app).lower()
    assert "first 6 runs" in text(app)
    assert app.multiselect[0].value == runs[:6] and app.multiselect[1].value == ["d_loss"]
    app.toggle(key="analyse_log_y").set_value(True).run()
    assert not app.exception and "30 values of 0 or less have no place" in text(app)
    presenter.delete("presenter", runs[0])
    app.run()  # deleted while it was looked at
    assert not app.exception


def test_two_ticked_runs_are_compared(presenter: Engine, make_run: Callable[..., str]):
    runs = {make_run(name="one"), make_run(name="[two](http://x) *$x$*")}
    app = open_page("runs")
    assert app.button("compare_two").disabled
    for run in runs:
        app.checkbox(f"tick_{run}").check().run()
    assert not app.button("compare_two").disabled
    app.button("compare_two").click().run()
    assert not app.exception
    assert "All options" in {expander.label for expander in app.expander}  # the live page
    assert set(app.query_params["run"]) == runs
    [lie] = app.get("button_group")  # whose labels would be Markdown
    assert {option.content for option in lie.proto.options} == {
        "one",
        r"\[two\]\(http\://x\) \*\$x\$\*",
    }


# --- lessons


def test_a_lesson_asks_first_and_hides_what_was_seen_until_then(
    presenter: Engine, make_run: Callable[..., str]
):
    app = open_page("learn", lesson="1-the-game", step="3")
    assert "Predict first" in text(app)
    next(one for one in app.button if one.label == "To the question").click().run()
    next(one for one in app.button if one.label == "Skip").click().run()
    for _ in range(2):
        next(one for one in app.button if one.label == "Next").click().run()
    assert not app.exception and "Start the run first" in text(app)
    assert "It is: <strong>1/2" in text(app)
    make_run(name="The game, and the best judge · run 1")
    seen = text(app.run())
    assert "D(x) at the end of the game" in seen and "<td>…</td>" in seen and "{" not in seen


def test_only_the_presenter_sees_notes_and_editor(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "_engine", engine)
    shelf_of(engine.runs_folder).put("presenter", "mine", shelf_of(engine.runs_folder).text("1-the-game"))
    for role, hidden in (("viewer", True), ("presenter", False)):
        monkeypatch.setattr(session, "role", lambda role=role: role)
        app = open_page("learn", lesson="mine")
        assert ("Say first" in " ".join(one.value for one in app.markdown)) != hidden
        assert bool(open_page("learn", lesson="mine", edit="1").text_area) != hidden
    (shelf_of(engine.runs_folder).own / "mine.md").write_text("---\ntitel: x\n---\n")
    assert "Line 2" in text(open_page("learn")) and "The game" in text(open_page("learn"))
    shelf_of(engine.runs_folder).delete("presenter", "mine")
