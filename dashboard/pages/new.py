"""New run: data, GAN, objective and stabilisers; everything else has a good default behind "options"."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import session
from dashboard.components.draw import draw
from dashboard.pages.parts.draft import Draft, Field, draft, from_config, restart
from dashboard.pages.parts.fields import Value, ask
from dashboard.pages.parts.links import go
from dashboard.pages.parts.own_images import LAYOUTS, choose_upload
from dashboard.pages.parts.problem import note, problem_html, show_problem, worded
from dashboard.pages.parts.rules import show_code, show_formulas
from dashboard.pages.parts.signs import sign
from dashboard.root import address
from engine.options import BadInput

GROUPS = {
    "training": "Training",
    "optimizers": "Optimizers",
    "networks": "Networks",
    "recording": "Recording",
}
STABILISER_WIDTH = 212  # pixels: two beside each other in the third column
KINDS = {"images": "pictures", "pairs": "pairs of pictures", "domains": "two sets of pictures"}  # in words
OWN = ("folder", "upload", "own_pairs", "own_domains", "derived_pairs")  # missing here: the user's to bring
Refusal = dict[str, Any]  # error, field and remedy
SPECIAL = ("drawing", "upload")  # options with a widget of their own

engine = session.engine()
catalogue = session.catalogue()
slots: dict[str, DeltaGenerator] = {}  # field name -> the place under its widget where a problem is shown
tucked_away: set[str] = set()  # fields whose widget may be folded away


def prefill() -> Draft:
    """The draft, filled in from the run that the address names after ``from``, once."""
    source = st.query_params.get("from")
    current = draft()
    if source and source != current.source:
        try:
            current = from_config(engine.run(source)["config"], catalogue)
        except BadInput as problem:
            show_problem(problem)
            current.source = source
    if current.data not in catalogue["datasets"] or current.gan not in catalogue["gans"]:
        current = restart(data=next(iter(catalogue["datasets"])), gan=next(iter(catalogue["gans"])))
    return current


def heading(words: str, help: str) -> None:
    st.markdown(f"## {words}", help=help, anchors=False)


def option(run: Draft, field: Field) -> None:
    """One option's widget, and below it the place for what is wrong with it."""
    name = field["name"]
    run.set(field, ask(field, run.value(field), run.key(name), also=[run.prefilled.get(name)]))
    slots[name] = st.empty()


def card_style(name: str, item: dict[str, Any]) -> str:
    """CSS that draws the data's thumbnail on its card; a sign where there is nothing to show yet."""
    button = f".st-key-choose_data_{name} button"
    if item["available"]:
        picture = f'url("{address(f"/api/datasets/{quote(name)}/thumbnail.png")}")'
        return f"{button}{{background-image:{picture},linear-gradient(#fff,#fff)}}"
    grey = "" if name in OWN else f"{button}{{filter:grayscale(1);opacity:.55}}"
    return f'{button}{{background-image:url("{sign(name if name in OWN else "missing")}")}}{grey}'


def choose_data(run: Draft) -> None:
    """Cards with thumbnails, and the chosen data's own options."""
    heading("What to learn", "The real data, which the generator tries to imitate.")
    st.html(
        f"<style>{''.join(card_style(name, item) for name, item in catalogue['datasets'].items())}</style>"
    )
    with st.container(horizontal=True, gap="xsmall", key="data_cards"):
        for name, item in catalogue["datasets"].items():
            kind = "primary" if name == run.data else "secondary"
            if st.button(item["title"], key=f"choose_data_{name}", type=kind, wrap=True):
                run.data = name
                run.follow_data(catalogue)
                st.rerun()
    item = catalogue["datasets"][run.data]
    slots["data"] = st.empty()
    st.html(f'<div class="gs-muted">{escape(item["sentence"])} Licence: {escape(item["licence"])}.</div>')
    if run.data in LAYOUTS:
        upload(run)
    if run.data == "drawn":
        drawing(run)
    columns = st.columns(2)
    own = [
        field
        for field in run.fields(catalogue).values()
        if field["group"] == "data" and field["name"] not in SPECIAL
    ]
    for number, field in enumerate(own):
        with columns[number % 2]:
            option(run, field)


def upload(run: Draft) -> None:
    """Own pictures. Those of two sides have the size that they were uploaded at."""
    if run.options.get("folder"):
        note("The folder named below is used; leave it empty to choose an upload.")
        run.options.pop("upload", None)
        return
    newest = st.session_state.pop("upload_newest", None)
    picked = choose_upload(run.options.get("upload"), run.data, newest)
    if picked:
        run.options["upload"] = picked["id"]
    else:
        run.options.pop("upload", None)
    if picked and run.data != "upload":
        run.set(run.fields(catalogue)["size"], picked["size"])
    slots["upload"] = st.empty()


def drawing(run: Draft) -> None:
    """A distribution painted by hand."""
    painted = draw(key=f"draw_{run.generation}", value=run.options.get("drawing"), size=320)
    if painted:
        run.options["drawing"] = painted
    else:
        run.options.pop("drawing", None)
        note("Nothing is painted yet; until then the heart is learned.")
    slots["drawing"] = st.empty()


def choose_gan(run: Draft) -> None:
    """Cards with a sentence; those that cannot learn these data are grey and say why."""
    heading("Which GAN", "The kind of GAN: its two networks and how they take turns.")
    kind = catalogue["datasets"][run.data]["kind"]
    for name, gan in catalogue["gans"].items():
        fits = kind in gan["kinds"]
        labelled = "labelled " if gan["needs_labels"] else ""
        needed = labelled + " or ".join(str(KINDS.get(one, one)) for one in gan["kinds"])
        why = f" Needs {needed}; these data are {KINDS.get(kind, kind)}." if not fits else ""
        if fits and labelled:
            why = f" Needs {needed}."
        with st.container(key=f"choose_gan_{name}"):
            label = f"**{gan['title']}** {gan['sentence']}{why}"
            style = "primary" if name == run.gan else "secondary"
            if st.button(
                label, key=f"gan_{name}", type=style, disabled=not fits, width="stretch", help=gan["paper"]
            ):
                run.gan = name
                st.rerun()
    slots["gan"] = st.empty()
    if deviations := catalogue["gans"][run.gan]["deviations"]:
        unlike = f"Unlike the paper: {' '.join(deviations)}"
        st.html(f'<div class="gs-muted">{escape(unlike)}</div>')


def choose_objective(run: Draft, fields: dict[str, Field]) -> None:
    """The objective as a row of names."""
    heading(
        "Objective and stabilisers", "What both networks minimise, and the tricks that keep training stable."
    )
    objective = fields["objective"]
    key = run.key("objective")
    st.session_state.setdefault(key, run.value(objective))
    titles = {name: item["title"] for name, item in catalogue["objectives"].items()}
    picked = st.pills(
        "Objective",
        list(titles),
        key=key,
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        wrap=True,
    )
    run.set(objective, picked)
    slots["objective"] = st.empty()
    st.html(f'<div class="gs-muted">{escape(catalogue["objectives"][picked]["sentence"])}</div>')
    for name, item in catalogue["objectives"].items():
        for described in item["options"]:
            if name == picked:
                option(run, fields[described["name"]])
            else:  # it would do nothing
                run.set(fields[described["name"]], fields[described["name"]]["default"])


def choose_stabilisers(run: Draft, fields: dict[str, Field], ruled_out: dict[str, Refusal]) -> None:
    """Switches with their options. Those that make no sense with the other choices are grey and say why."""
    for piece in catalogue["stabilisers"].values():
        with st.container(width=STABILISER_WIDTH, gap="xsmall"):
            stabiliser(run, piece, fields, ruled_out)


def take_over(run: Draft, piece: dict[str, Any], fields: dict[str, Field]) -> None:
    """Take over what the stabiliser's widgets hold, before they are drawn. It is on while its option is not
    zero.
    """
    switch = fields[piece["switch"]]
    on = st.session_state.setdefault(run.key(f"switch {switch['name']}"), bool(run.value(switch)))
    if on != bool(run.value(switch)):
        run.set(switch, on_value(run, piece) if on else type(switch["default"])(0))
        st.session_state.pop(run.key(switch["name"]), None)
    for described in piece["options"]:
        name = described["name"]
        if on and run.key(name) in st.session_state:
            run.set(fields[name], st.session_state[run.key(name)])


def on_value(run: Draft, piece: dict[str, Any]) -> Value:
    """What the switch of a stabiliser sets its option to on these data."""
    return piece["on_points" if catalogue["datasets"][run.data]["kind"] == "points" else "on"]


def stabiliser(
    run: Draft, piece: dict[str, Any], fields: dict[str, Field], ruled_out: dict[str, Refusal]
) -> None:
    """A switch; when it is on, its options. One that is ruled out is grey and says why."""
    switch, about = fields[piece["switch"]], piece["sentence"]
    if refusal := ruled_out.get(switch["name"]):
        about = f"{about} Not here: {worded(BadInput(**refusal), fields).error}"
    key = run.key(f"switch {switch['name']}")
    on = st.toggle(piece["title"], key=key, help=about, disabled=refusal is not None)
    slots[switch["name"]] = st.empty()
    if not on:
        return
    with st.container(key=f"stabiliser_{switch['name']}"):
        for described in piece["options"]:
            if described["type"] != "bool" or described["name"] != switch["name"]:
                option(run, fields[described["name"]])


def more_options(run: Draft, fields: dict[str, Field]) -> None:
    """Everything else, by group."""
    pieces = (*catalogue["objectives"].values(), *catalogue["stabilisers"].values())
    taken = {"objective"} | {field["name"] for piece in pieces for field in piece["options"]}
    rest = [field for field in fields.values() if field["group"] != "data" and field["name"] not in taken]
    changed = sum(field["name"] in run.options for field in rest)
    with st.expander(f"Options{f' ({changed} changed)' if changed else ''}", key="more_options"):
        for group in dict.fromkeys(field["group"] for field in rest):
            st.markdown(f"**{GROUPS.get(group, group.capitalize())}**")
            columns = st.columns(4)
            for number, field in enumerate(item for item in rest if item["group"] == group):
                with columns[number % 4]:
                    option(run, field)
                tucked_away.add(field["name"])


def length(run: Draft) -> None:
    """How long, from which seed, under which name."""
    steps, seed, name = st.columns([1, 1, 2])
    for key, value in (("steps", run.steps), ("seed", run.seed), ("name", run.name)):
        st.session_state.setdefault(run.key(f"run {key}"), value)
    with steps:
        run.steps = st.number_input(
            "Steps",
            1,
            100_000_000,
            step=1000,
            key=run.key("run steps"),
            help="Iterations: one turn of D and one of G.",
        )
        slots["steps"] = st.empty()
    with seed:
        run.seed = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            step=1,
            key=run.key("run seed"),
            help="The same seed on the same device gives the same run.",
        )
        slots["seed"] = st.empty()
    with name:
        run.name = st.text_input(
            "Name", max_chars=80, key=run.key("run name"), placeholder="named after the choices above"
        )


def beginning(run: Draft) -> None:
    """The model or run whose weights the run begins with, where there is one of this GAN."""
    cards = {card["id"]: card["title"] for card in engine.models() if card["gan"] == run.gan}
    key = run.key("run start_from")
    if st.session_state.get(key) not in cards:
        st.session_state.pop(key, None)
    run.start_from = st.selectbox(
        "Start from",
        list(cards),
        index=None,
        key=key,
        format_func=cards.__getitem__,
        placeholder="random weights",
        help="Fine-tune a model or an earlier run: its networks must be of the same sizes.",
        disabled=not cards,
    )
    slots["start_from"] = st.empty()


def how_long(run: Draft, said: DeltaGenerator) -> None:
    """Take a few steps, and say how long the run will take on this machine."""
    with said, st.spinner("Taking a few steps ..."):
        try:
            seconds = engine.time_step(session.role(), run.request(catalogue))["step_s"]
        except BadInput as problem:
            said.html(problem_html(problem))
            return
    total = seconds * run.steps
    length = f"{total:.0f} seconds" if total < 120 else f"{total / 60:.0f} minutes"
    if total > 7200:
        length = f"{total / 3600:.1f} hours"
    said.html(f"<div>A step takes about {1000 * seconds:.2g} ms here: {run.steps:,} take {length}.</div>")


def finish(run: Draft, fields: dict[str, Field], answer: dict[str, Any]) -> None:
    """What is wrong, each by its field. At the bottom of the window: what will happen, or what stands in the
    way; and Start.
    """
    problems = [worded(BadInput(**refusal), fields) for refusal in answer["refusals"]]
    for problem in reversed(problems):  # of several about one field the first is shown
        if problem.field in slots:
            slots[problem.field].html(problem_html(problem))
    problem = problems[0] if problems else None
    if not problem and (told := answer["config"]["meta"]["data"].get("notes")):
        slots["data"].html(f'<div class="gs-note">{"<br>".join(map(escape, told))}</div>')
    hidden = [one for one in problems if one.field not in slots or one.field in tucked_away]
    with st.bottom, st.container(horizontal=True, vertical_alignment="center"):
        said = st.container(width="stretch")
        if hidden:
            said.html(problem_html(hidden[0]))
        else:
            sentence = f"Not yet: {problem.error}" if problem else answer["config"]["meta"]["sentence"]
            said.html(f'<div class="gs-brief">{escape(sentence)}</div>')
        if session.may_change() and st.button(
            "How long?", type="tertiary", disabled=problem is not None, help="Takes a few steps to find out."
        ):
            how_long(run, said)
        if st.button("Clear", type="tertiary", help="Back to the defaults."):
            restart()
            st.query_params.clear()
            st.rerun()
        if not session.may_change():
            st.html('<div class="gs-muted">Only the presenter can start runs.</div>', width="content")
        elif st.button("Start", type="primary", disabled=problem is not None, key="start"):
            start(run, said)


def start(run: Draft, said: DeltaGenerator) -> None:
    """Start it and go and watch."""
    try:
        started = engine.start(session.role(), run.request(catalogue))
    except BadInput as problem:
        said.html(problem_html(problem))
        return
    go("train", run=started)


def plugins_left_out() -> None:
    """What is wrong with plugins, for who can mend it."""
    for name, plugin in catalogue["plugins"].items() if session.may_change() else ():
        if plugin["error"]:
            line = f" (line {plugin['line']})" if plugin["line"] else ""
            error = f"plugin {name}{line} is left out: {plugin['error']}"
            show_problem(BadInput(error, None, plugin["remedy"]))


run = prefill()
plugins_left_out()
data_column, players_and_rules = st.columns([5, 10], gap="medium")
with data_column:
    choose_data(run)
fields = run.fields(catalogue)
with players_and_rules:
    gan_column, rules_column = st.columns([4, 5], gap="medium")
    with gan_column:
        choose_gan(run)
        length(run)
        beginning(run)
    with rules_column:
        choose_objective(run, fields)
        formulas = st.container()
        stabilisers = st.container(horizontal=True, gap="xxsmall", key="stabilisers")
        code = st.expander("The code of this objective", key="objective_code")
more_options(run, fields)
for piece in catalogue["stabilisers"].values():
    take_over(run, piece, fields)
answer = engine.assess(session.role(), run.request(catalogue))
played = answer["config"] and answer["config"]["meta"]["objective"]  # as this run does, if it can
rules = played or catalogue["objectives"][run.value(fields["objective"])]
with formulas:
    show_formulas(rules)
with code:
    show_code(rules)
with stabilisers:
    choose_stabilisers(run, fields, answer["ruled_out"])
finish(run, fields, answer)
