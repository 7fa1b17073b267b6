"""The diagnosis as a function of rows. How often it is right on real runs: tests/benchmarks/diagnosis.md."""

import pytest

from engine.data import DATASETS
from engine.gans import GANS
from engine.models.assembly import kept_options
from engine.options import BadInput
from engine.training.diagnose import Diagnoser
from engine.training.diagnosis import points, remedies
from engine.training.diagnosis.seen import TITLES, WHY, Seen
from engine.training.request import validate
from engine.training.trainer import Trainer
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
    found = told(small(critic_steps=5, objective="minimax"), [{**GOOD, "jsd": 0.5, "d_accuracy": 0.95}] * 25)
    remedy = found["discriminator_overpowering"]["remedy"]  # its flat loss is what holds G
    assert remedy["options"]["objective"] == "non_saturating" and not remedy["live"]


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
    assert list(told(config, [alike] * 20)) == ["learning"]
    coming_back = [{**alike, "reconstruction_error": error} for error in (0.5, 0.3, *[0.1] * 8)]
    assert list(told(config, coming_back)) == ["healthy"]
    gone = [{**row, "reconstruction_error": 0.5} for row in coming_back]
    assert list(told(config, gone)) == ["learning"]
    without = {name: value for name, value in alike.items() if name != "d_accuracy"}
    (only,) = told(config, [without] * 20).values()
    assert only["name"] == "learning" and "no discriminator" in only["evidence"]


def test_after_a_break_nothing_else_is_said():
    diagnoser = Diagnoser(small())
    diagnoser.diverged(70, ("generator",), "d_loss", {"generator_lr": 1e-4})
    (only,) = diagnoser.update({"step": 80, "samples": 2500, **GOOD})
    assert only["name"] == "divergence" and "70" in only["evidence"]


def test_every_title_has_a_reason():
    assert TITLES.keys() == WHY.keys()


def test_nulls_in_rows_do_no_harm():
    assert told(small(), [{name: None for name in GOOD}] * 12)


def of_pictures(gan="dcgan", data="mnist", **options):
    return validate({"gan": gan, "data": data, "steps": 400, "device": "cpu", "options": options})


DIGITS = {"classes_hit": 10, "class_kl": 0.05, "diversity": 0.95, "d_accuracy": 0.75, "g_grad": 1.0}


def test_pictures_are_healthy_only_on_evidence():
    assert list(told(of_pictures(), [DIGITS] * 10)) == ["healthy"]
    for lacking in ({"classes_hit": 8}, {"class_kl": 0.6}, {"diversity": 0.6}):
        assert list(told(of_pictures(), [{**DIGITS, **lacking}] * 10)) == ["learning"]
    unknown = {name: value for name, value in DIGITS.items() if not name.startswith("class")}
    assert list(told(of_pictures(data="openmoji"), [unknown] * 10)) == ["learning"]


def test_a_g_that_learns_from_a_d_that_is_ahead_is_not_overpowered():
    """As ACGAN did in seed 1001 from step 300 on, and a G that hardly steps did not."""
    config = of_pictures("acgan")
    variety, kl = (0.648, 0.732, 0.75, 0.738, 0.769), (2.156, 1.949, 1.554, 1.32, 1.063)
    ahead = [{**DIGITS, "d_accuracy": 1.0, "classes_hit": 7}] * 20
    learning = [{**ahead[0], "diversity": d, "class_kl": k} for d, k in zip(variety, kl, strict=True)]
    (only,) = told(config, ahead + learning).values()
    assert only["name"] == "learning" and "far ahead" in only["evidence"]
    still = [{**row, "diversity": 0.117, "class_kl": 2.33} for row in learning]
    assert "discriminator_overpowering" in told(config, ahead + still)


def test_a_d_that_is_far_ahead_is_no_balance():
    stripes = {**DIGITS, "d_accuracy": 0.985, "classes_hit": 7, "class_kl": 1.1}
    for rows in ([stripes] * 10, [{**DIGITS, "d_accuracy": 0.95}] * 10):
        (only,) = told(of_pictures(), rows).values()
        assert only["name"] == "learning" and only["evidence"].startswith("D is far ahead")


def test_samples_that_lie_on_the_data_do_not_oscillate_nor_do_those_that_come_nearer():
    config = validate({"gan": "wgan", "data": "segments", "steps": 40, "device": "cpu"})
    on_it = [{"jsd": jsd, "d_accuracy": 0.5, "g_grad": 1.0} for jsd in (0.05, 0.18) * 5]
    assert list(told(config, on_it)) == ["healthy"]
    coming = [{"jsd": 0.69 - 0.08 * k, "d_accuracy": 0.5, "g_grad": 1.0} for k in range(5)]
    assert "oscillation" not in told(config, coming * 1)
    circling = [{"jsd": jsd, "d_accuracy": 0.5, "g_grad": 1.0} for jsd in (0.3, 0.6) * 5]
    assert "oscillation" in told(config, circling)


def test_modes_that_fill_up_one_after_the_other_do_not_oscillate():
    """As the cured ring did in seed 21, whose samples moved much on their way."""
    rows = [
        {**GOOD, "modes_hit": 4, "histogram": HOP[k], "jsd": jsd}
        for k, jsd in enumerate((0.53, 0.48, 0.46, 0.45, 0.44, 0.26, 0.16))
    ]
    assert "oscillation" in told(small(), rows[:6] + [{**rows[6], "jsd": 0.5}] * 2)
    assert "oscillation" not in told(small(), rows)


def test_samples_that_reach_all_modes_at_once_do_not_oscillate():
    """As hinge did in seed 1002, whose last two modes burst into all eight; and as it would circle."""
    filling = (
        (3, 0.522, [0, 0, 0, 0.75, 0.01, 0.24, 0, 0]),
        (3, 0.468, [0.28, 0.58, 0, 0, 0, 0, 0, 0.14]),
        (2, 0.539, [0.27, 0.73, 0, 0, 0, 0, 0, 0]),
        (2, 0.530, [0.27, 0.73, 0, 0, 0, 0, 0, 0]),
        (8, 0.382, [0.01, 0.03, 0.27, 0.31, 0.04, 0.21, 0.09, 0.04]),
    )
    start = {**GOOD, "modes_hit": 0, "share": 0.0, "histogram": [0.0] * 8, "jsd": 0.693}
    rows = [start, *({**GOOD, "modes_hit": n, "jsd": jsd, "histogram": h} for n, jsd, h in filling)]
    assert list(told(small(), rows)) == ["learning"]
    left = {**rows[-1], "modes_hit": 2, "histogram": [0, 0, 0.5, 0.5, 0, 0, 0, 0]}
    assert list(told(small(), [*rows[:-1], left])) == ["oscillation"]


CURES = {
    "plain": {},
    "penalised critic": {"objective": "wasserstein", "gradient_penalty": 0.1, "critic_steps": 5},
    "clipped critic": {"objective": "wasserstein", "weight_clip": 0.1},
    "slow D": {"discriminator_lr": 1e-5, "generator_lr": 1e-3},
    "large rates": {"discriminator_lr": 1e-2, "generator_lr": 1e-2},
    "minimax": {"objective": "minimax"},
}


@pytest.mark.parametrize("options", CURES.values(), ids=CURES)
def test_a_remedy_never_proposes_what_is_on(options):
    config = small(**options)
    hopping = [
        {**GOOD, "modes_hit": 1, "histogram": HOP[k % 8], "jsd": 0.6, "d_accuracy": 0.99, "g_grad": 1e-4}
        for k in range(25)
    ]
    found = told(config, hopping)
    assert len(found) >= 2
    for item in found.values():
        assert item["remedy"]["options"]
        assert not {
            name for name, value in item["remedy"]["options"].items() if config["options"].get(name) == value
        }


def test_of_a_critic_no_flat_side_is_told():
    sure = [{**GOOD, "jsd": 0.6, "d_accuracy": 1.0, "g_grad": 1e-4}] * 25
    for options in ({"objective": "wasserstein", "weight_clip": 0.1}, {"objective": "hinge"}):
        assert "vanishing_gradient" not in told(small(**options), sure)


def test_a_classifier_is_told_by_its_errors():
    rows = [{"test_error": 0.05, "diversity": 0.9, "d_accuracy": 0.99, "g_grad": 1e-3}] * 25
    (only,) = told(of_pictures("semi_supervised"), rows).values()
    assert only["name"] == "learning" and only["evidence"].endswith("5.0% of the test part.")
    (only,) = told(of_pictures("semi_supervised"), [{**rows[0], "test_error": 0.904}] * 6).values()
    assert "no better than guessing" in only["evidence"]


TRANSLATING = {"d_accuracy": 0.7, "g_loss": 1.0}


def test_a_translator_is_healthy_when_it_has_learned():
    config = of_pictures("pix2pix", "line_art")
    learned = [{**TRANSLATING, "test_l1": error} for error in (0.9, 0.3, *[0.1] * 8)]
    assert list(told(config, learned)) == ["healthy"]
    black = [{**TRANSLATING, "test_l1": 0.9}] * 10
    assert list(told(config, black)) == ["learning"]
    nothing_done = [{**TRANSLATING, "test_cycle_a": 0.01}] * 10
    assert list(told(of_pictures("cyclegan", "drawing_styles"), nothing_done)) == ["learning"]


def test_outputs_that_are_flat_or_turned_round_are_told():
    config = of_pictures("cyclegan", "drawing_styles", identity_weight=0.0)
    black = {**TRANSLATING, "test_cycle_a": 0.4, "test_variety": 0.01, "test_light": 0.0}
    (only,) = told(config, [black] * 6).values()
    assert only["name"] == "learning" and "all alike" in only["evidence"]
    negative = {**TRANSLATING, "test_cycle_a": 0.01, "test_variety": 1.0, "test_light_back": -0.9}
    (only,) = told(config, [negative] * 6).values()
    assert "dark where inputs are light" in only["evidence"]
    assert only["remedy"]["options"] == {"identity_weight": 0.5}


def test_outputs_that_lie_among_the_pictures_of_no_side_are_told():
    config = of_pictures("cyclegan", "drawing_styles")
    sound = {**TRANSLATING, "test_cycle_a": 0.1, "test_among_inputs": 0.6, "test_among_targets": 0.0}
    astray = {**sound, "test_among_inputs": 0.0, "test_among_targets": 0.03}
    (only,) = told(config, [sound] * 3 + [astray] * 3).values()
    assert only["name"] == "learning" and "look like neither side" in only["evidence"]
    nearing = [{**astray, "test_l1": 0.9 - k / 10} for k in range(6)]
    assert "neither" not in told(config, nearing)["learning"]["evidence"]
    (only,) = told(config, [astray] * 5 + [sound]).values()
    assert "neither" not in only["evidence"]


def test_a_translator_that_is_left_behind():
    config = of_pictures("pix2pix", "line_art")
    rows = [{"d_accuracy": 1.0, "g_loss": 1 + k / 10, "test_l1": 0.5} for k in range(25)]
    assert list(told(config, rows)) == ["discriminator_overpowering"]
    still = [{**row, "test_l1": 0.894 - k / 10_000} for k, row in enumerate(rows)]  # as a G that hardly steps
    assert list(told(config, still)) == ["discriminator_overpowering"]
    better = [{**row, "test_l1": 0.5 - k / 100} for k, row in enumerate(rows)]
    assert "discriminator_overpowering" not in told(config, better)


REMEDIES = (remedies.wgan_gp, remedies.evenly, remedies.keep_up, remedies.slower)
IN_THE_WAY = (  # of a critic
    {},
    {"updates": "simultaneous"},
    {"objective": "f_kl", "generator_update": "minimax"},
    {"objective": "hinge", "hinge_margin": 2.0},
    {"minibatch_discrimination": 8},
    {"adaptive_augment": True},
)


@pytest.mark.parametrize("gan", GANS)
def test_what_is_offered_can_be_applied(gan):
    """Each remedy, of each GAN on points and pictures, beside what could be in its way."""
    for kind in {"points", "images"} & set(GANS[gan].kinds):
        data = next(name for name in ("ring", "mnist", *DATASETS) if DATASETS[name].kind == kind)
        usual = validate({"gan": gan, "data": data, "steps": 5, "device": "cpu"})
        trainer = Trainer(usual)
        for changes in IN_THE_WAY:
            try:
                trainer.options = trainer._with(changes, live=False)
            except BadInput:
                continue  # not for this GAN
            seen = Seen(trainer.config, trainer.can_take)
            seen.options |= trainer.options.model_dump()
            offered = [make(seen) for make in REMEDIES]
            offered += [points._calming(seen)] if kind == "points" else []
            assert any(offered), changes
            for remedy in filter(None, offered):
                options = {**kept_options(trainer.options), **remedy["options"]}
                config = validate({"gan": gan, "data": data, "steps": 5, "device": "cpu", "options": options})
                live = {field["name"] for field in config["meta"]["live"]}
                assert not remedy["live"] or remedy["options"].keys() <= live, remedy
            trainer.options = trainer._with(usual["options"], live=False)


def test_what_is_on_by_now_is_not_offered_again():
    """A remedy that was applied as the run trained is on, whatever the run began with."""
    trainer = Trainer(small(objective="wasserstein", weight_clip=0.1))
    seen = Seen(trainer.config, trainer.can_take)
    first = points._calming(seen)
    assert first["live"] and "gradient_penalty" in first["options"]
    trainer.set_options(first["options"])
    seen.options |= trainer.options.model_dump()
    assert points._calming(seen)["options"].keys() == {"generator_lr", "discriminator_lr"}
