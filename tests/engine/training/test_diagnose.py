"""The diagnosis as a function of rows. How often it is right on real runs: tests/benchmarks/diagnosis.md."""

import pytest

from engine.training.diagnose import RULES, TITLES, WHY, Diagnoser
from engine.training.request import validate
from tests.engine.conftest import small


def told(config, rows):
    diagnoser = Diagnoser(config)
    active = []
    for number, row in enumerate(rows):
        active = diagnoser.update({"step": 100 * number, "samples": 2500, **row})
    return {item["name"]: item for item in active}


EIGHT = [0.125] * 8
GOOD = {
    "modes_hit": 8,
    "modes_total": 8,
    "share": 0.9,
    "histogram": EIGHT,
    "jsd": 0.05,
    "d_accuracy": 0.55,
    "g_grad": 1.0,
}
ONE = [1.0] + [0.0] * 7
HOP = [ONE[-k:] + ONE[:-k] for k in range(8)]


def test_a_good_run_is_healthy_and_a_young_one_learns():
    assert list(told(small(), [GOOD] * 10)) == ["healthy"]
    assert list(told(small(), [{**GOOD, "jsd": 0.5, "modes_hit": 5}] * 2)) == ["learning"]


def test_one_mode_of_eight_is_collapse_and_hopping_is_oscillation_too():
    stuck = [{**GOOD, "modes_hit": 1, "histogram": ONE, "jsd": 0.6}] * 10
    assert list(told(small(), stuck)) == ["mode_collapse"]
    hopping = [{**GOOD, "modes_hit": 1, "histogram": HOP[k % 8], "jsd": 0.6} for k in range(10)]
    assert set(told(small(), hopping)) == {"mode_collapse", "oscillation"}


def test_missing_every_mode_is_not_collapse_but_not_having_arrived():
    lost = [{**GOOD, "modes_hit": 0, "share": 0.0, "histogram": [0.0] * 8, "jsd": 0.69}] * 10
    assert list(told(small(), lost)) == ["learning"]


def test_a_gradient_that_is_gone_under_a_sure_d():
    still = [
        {
            **GOOD,
            "modes_hit": 0,
            "share": 0.0,
            "histogram": [0.0] * 8,
            "jsd": 0.69,
            "d_accuracy": 1.0,
            "g_grad": 1e-6,
        }
    ]
    found = told(small(objective="minimax"), still * 20)
    assert "vanishing_gradient" in found
    assert found["vanishing_gradient"]["remedy"]["options"] == {"objective": "non_saturating"}


def test_a_d_that_is_always_right_overpowers():
    found = told(small(critic_steps=5), [{**GOOD, "jsd": 0.5, "d_accuracy": 0.95}] * 25)
    assert "discriminator_overpowering" in found
    assert found["discriminator_overpowering"]["remedy"]["options"]["critic_steps"] == 1


def test_pictures_that_are_alike_at_first_are_no_collapse_but_later_they_are():
    alike = {"diversity": 0.05, "classes_hit": 1, "d_accuracy": 0.8, "g_grad": 1.0}
    varied = {"diversity": 0.9, "classes_hit": 10, "d_accuracy": 0.8, "g_grad": 1.0}
    config = small("dcgan", "mnist")
    assert "mode_collapse" not in told(config, [alike] * 8)
    assert "mode_collapse" not in told(config, [alike] * 6 + [varied] * 3)
    assert "mode_collapse" in told(config, [varied] * 8 + [alike] * 3)
    assert "mode_collapse" in told(config, [alike] * 20)
    half = {"diversity": 0.65, "classes_hit": 5, "d_accuracy": 0.8, "g_grad": 1.0}
    assert "mode_collapse" not in told(config, [half] * 8)  # blots that differ, before there are digits
    assert "mode_collapse" in told(config, [varied] * 4 + [half] * 4)


def test_where_d_judges_codes_samples_that_are_alike_say_nothing_of_the_game():
    alike = {"diversity": 0.3, "classes_hit": 3, "d_accuracy": 0.6, "g_grad": 1.0}
    config = validate({"gan": "aae", "data": "mnist", "steps": 40, "device": "cpu"})
    assert list(told(config, [alike] * 20)) == ["healthy"]
    without = {name: value for name, value in alike.items() if name != "d_accuracy"}
    (only,) = told(config, [without] * 20).values()
    assert only["name"] == "learning" and "No discriminator plays" in only["evidence"]


def test_after_a_break_nothing_else_is_said():
    diagnoser = Diagnoser(small())
    diagnoser.diverged(70, ("generator",), "d_loss", {"generator_lr": 1e-4})
    (only,) = diagnoser.update({"step": 80, "samples": 2500, **GOOD})
    assert only["name"] == "divergence" and "70" in only["evidence"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_title_and_a_reason(rule):
    assert TITLES[rule.__name__] and WHY[rule.__name__]


def test_nulls_in_rows_do_no_harm():
    assert told(small(), [{name: None for name in GOOD}] * 12)
