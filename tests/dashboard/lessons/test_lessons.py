"""A lesson's file is refused by line, the shelf keeps what is whole, and the theory's closed forms hold."""

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from dashboard.lessons import glossary
from dashboard.lessons.answers import Answers
from dashboard.lessons.format import MOST_LINES, parse, parts, with_terms
from dashboard.lessons.shelf import SHIPPED, Shelf
from dashboard.lessons.theory import THEORY, compare, dirac, divergence_of_modes
from engine.options import BadInput, Conflict, Forbidden, NotFound
from engine.requests.lessons import LessonAnswer

GOOD = """---
title: A lesson
terms: [generator]
---
Watch the {generator}: $\\frac{p}{q}$ is no term.

```predict
kind: choice
question: "Where does D end?"
choices: [at 1, at 1/2]
```

```experiment
gan: gan
data: ring
steps: 300
options: {generator_lr: 1e-3}
```

```reveal
compare: [loss_at_equilibrium]
---
It came to rest.
```

```discuss
Why?
```

```notes
at 1/2
```
"""


def picture(side):
    file = io.BytesIO()
    Image.new("1", (side, 1)).save(file, "PNG")
    return f"![wide](data:image/png;base64,{base64.b64encode(file.getvalue()).decode()})"


def lines_of(text):
    with pytest.raises(BadInput) as caught:
        parse("a", text)
    return [one.field for one in (caught.value, *caught.value.others)]


def test_a_lesson_is_walked_in_steps():
    lesson = parse("a", GOOD)
    assert [[block.id for block in step.blocks] for step in lesson.steps] == [
        ["text-1", "predict-1"],
        ["experiment-1"],
        ["reveal-1", "discuss-1"],
    ]
    assert lesson.blocks[2].spec.request("x").options == {"generator_lr": 1e-3}
    assert with_terms(lesson.blocks[0].words, lambda term, _: f"<{term}>") == (
        "Watch the <generator>: $\\frac{p}{q}$ is no term."
    )


@pytest.mark.parametrize(
    ("was", "now", "lines"),
    [
        ("title", "titel", [2, 2]),
        ("[generator]", "[nonsense]", [3]),
        ("{generator}", "{nonsense}", [5]),
        ("Watch", "[x](javascript:alert(1))", [5]),
        ("Watch", "[x](java&#115;cript:alert(1)) <data:text/html,x>", [5, 5]),
        ("Watch", "![x](http://elsewhere/x.png)", [5]),
        ("Watch the", picture(20_000) + "\n", [5]),
        ("choices: [at 1, at 1/2]", "choices: [at 1]", [10]),
        ("300", "-3", [16]),
        ("300", "&a 300", [16]),
        ("data: ring", "data: [ring", [16]),
        ("loss_at_equilibrium", "nonsense", [21]),
        ("```discuss", "```html", [26]),
        ("at 1/2\n```", "at 1/2\n", [30]),
        ("Why?", "\n" * MOST_LINES, [MOST_LINES + 1]),
    ],
)
def test_whatever_is_wrong_is_said_with_its_line(was, now, lines):
    assert lines_of(GOOD.replace(was, now, 1)) == [f"line {line}" for line in lines]


def test_all_that_is_wrong_is_said_at_once():
    broken = GOOD.replace("300", "0").replace("{generator}", "{x y}").replace("kind: choice", "kind: song")
    assert lines_of(broken) == ["line 5", "line 8", "line 16"]


def test_pictures_stand_apart_and_nothing_else_is_fetched():
    shown = list(parts(f"before\n{picture(3)}\nafter"))
    assert [name for name, _ in shown] == ["before", "wide", "after"] and shown[1][1].startswith(b"\x89PNG")


def test_the_shelf_keeps_own_lessons_and_lists_broken_ones(tmp_path):
    shelf = Shelf(tmp_path)
    with pytest.raises(Forbidden):
        shelf.put("viewer", "mine", GOOD)
    with pytest.raises(BadInput):
        shelf.put("presenter", "../mine", GOOD)
    shelf.put("presenter", "mine", GOOD)
    (shelf.own / "broken.md").write_text("no front matter")
    found = {entry.id: entry for entry in shelf.list()}
    assert found["broken"].damaged[0].field == "line 1" and not found["mine"].damaged
    assert shelf.get("mine").source == GOOD
    shelf.delete("presenter", "mine")
    with pytest.raises(NotFound):
        shelf.get("mine")


def test_what_ships_is_whole_and_stays(tmp_path):
    shelf = Shelf(tmp_path)
    shipped = [entry for entry in shelf.list() if not entry.own]
    assert all(not entry.damaged for entry in shipped), [entry.damaged for entry in shipped]
    assert len(shipped) == len(list(SHIPPED.glob("*.md"))) - 1
    for entry in shipped:
        kinds = {block.kind for block in shelf.get(entry.id).blocks}
        assert {"predict", "experiment", "reveal", "cure", "takehome", "notes"} <= kinds, entry.id
        with pytest.raises(Conflict):
            shelf.put("presenter", entry.id, GOOD)


def test_the_glossary_page_is_current():
    assert glossary.PAGE.read_text(encoding="utf-8") == glossary.page()


def test_answers_fit_their_question():
    answers, lesson = Answers(), parse("a", GOOD)
    answers.add(lesson, LessonAnswer(lesson="a", block="predict-1", value="at 1"))
    for block, value in (("predict-1", "at 2"), ("predict-1", 3.0), ("reveal-1", "at 1")):
        with pytest.raises(BadInput):
            answers.add(lesson, LessonAnswer(lesson="a", block=block, value=value))
    assert [one.value for one in answers.of("a", "predict-1")] == ["at 1"]


# --- theory


def test_the_divergence_of_modes_is_that_of_two_mixtures():
    p = np.full(8, 1 / 8)
    for k in range(1, 9):
        q = np.where(np.arange(8) < k, 1 / k, 0)
        m = (p + q) / 2
        kl = [sum(a * math.log(a / b) for a, b in zip(one, m, strict=True) if a) for one in (p, q)]
        assert divergence_of_modes(np.array([k]), 8)[0] == pytest.approx(sum(kl) / 2, abs=1e-12)


def test_simultaneous_steps_spiral_out_and_r1_in():
    h, small = 0.1, 1e-3  # where the logistic function is straight
    out = np.hypot(*dirac(200, (h, h), (small, 0.0), True, 0.0).T)
    assert out[-1] / out[0] == pytest.approx((1 + h * h / 4) ** 100, rel=1e-4)
    round_ = np.hypot(*dirac(2000, (h, h), (small, 0.0), False, 0.0).T)
    assert round_.max() < 1.06 * small and round_.min() > 0.94 * small
    damped = np.hypot(*dirac(400, (h, h), (small, 0.0), False, 1.0).T)
    assert damped[-1] < 1e-3 * small


def test_a_run_is_compared_with_what_its_own_rows_say():
    rows = [{"step": k, "d_loss": 1.0, "jsd": 0.2, "g_grad": 2.0 if k == 7 else 0.1} for k in range(10)]
    found = compare("loss_of_divergence", {}, rows)
    assert found["difference"] == pytest.approx(1 - (2 * math.log(2) - 0.4)) and found["holds"]
    bounded = [row | {"d_reach": 0.5, "g_jacobian": 1.0} for row in rows]
    assert compare("gradient_bound", {}, bounded)["holds"] is False  # crossed once
    assert compare("disjoint", {}, [])["holds"] is None
    assert all(compare(name, {}, [{"step": 1}])["steps"] == [] for name in THEORY)
