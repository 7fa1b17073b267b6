"""What generated pictures say: how much they vary, and which classes they show."""

from __future__ import annotations

from engine.runs.records import DiagnosisRecord
from engine.training.diagnosis.remedies import keep_up, wgan_gp
from engine.training.diagnosis.seen import CONVERGED, RECENT, SETTLED, Figures, Seen, calm, diagnosis

ARRIVAL = 15  # measured rows within which pictures should have begun to differ
BALANCED = 0.9  # D's accuracy on pictures: beyond it D is far ahead
EVEN = 0.25  # nats from the classes' shares in the data to those of the samples
ALIKE = (0.7, 1.4)  # the diversity of samples that vary as the data do
GUESSING = 0.95  # of the error of one who guesses
LATELY, NEARER = 4, 0.05  # measured rows, and how much nearer to the data samples come in them
VARIED = 0.5  # of the data's diversity


def mode_collapse(d: Seen) -> DiagnosisRecord | None:
    """Far fewer classes than the data have, or far less variety, in all of the last rows."""
    if not d.judges_samples:
        return None
    variety, classes = d.window("diversity")[-RECENT:], d.window("classes_hit")[-RECENT:]
    knows = bool(classes) and d.classes > 1
    has_arrived = d.greatest_diversity >= VARIED and (not knows or d.most_classes > 0.5 * d.classes)
    if not has_arrived and d.measurements < ARRIVAL:
        return None  # pictures that all look alike are how every run begins
    few = knows and max(classes) <= 0.5 * d.classes
    if not variety or (not few and max(variety) > VARIED):
        return None
    drawn = f", {classes[-1]} of {d.classes} classes drawn" if classes else ""
    evidence = f"Samples vary {variety[-1]:.2f} times as much as the data{drawn}."
    return diagnosis("mode_collapse", evidence, {"diversity": variety[-1]}, keep_up(d) or wgan_gp(d))


def get_better(d: Seen) -> bool:
    """Whether samples come nearer to the data: in how much they vary, or in the shares of their classes."""
    variety, kl = d.window("diversity")[-LATELY:], d.window("class_kl")[-LATELY:]
    varies_more = len(variety) == LATELY and abs(1 - variety[-1]) < abs(1 - variety[0]) - NEARER
    return varies_more or (len(kl) == LATELY and kl[-1] < kl[0] - NEARER)


def without_alarm(d: Seen) -> DiagnosisRecord:
    """Healthy only on evidence: D does not tell samples apart at will, and they vary as the data do and
    have its classes in its shares. Without classes, the eye or an evaluation must judge them.
    """
    if errors := d.window("test_error"):
        evidence = f"The classifier errs on {errors[-1]:.1%} of the test part."
        if d.is_settled and min(errors[-RECENT:]) > GUESSING * (1 - 1 / max(d.classes, 2)):
            evidence = f"{evidence[:-1]}, no better than guessing."
        return calm(False, evidence, {"test_error": errors[-1]})
    accuracy = d.recent("d_accuracy")
    if accuracy is None:
        nobody = "There is no discriminator, so there is no balance to judge."
        return calm(False, nobody if d.is_settled else "Too early to say.", {})
    numbers = {"d_accuracy": accuracy}
    if not d.judges_samples:
        return _of_codes(d, accuracy)
    newest = d.newest
    kinds = f", {newest['classes_hit']} of {d.classes} classes drawn" if "classes_hit" in newest else ""
    evidence = (
        f"D's accuracy {accuracy:.2f}, diversity {newest.get('diversity', 1):.2f} of the data's{kinds}."
    )
    if d.score["name"] != "wasserstein" and accuracy > BALANCED:
        return calm(False, f"D is far ahead of G. {evidence}", numbers)
    recent = list(d.measured)[-RECENT:]
    return calm(d.is_settled and all(_resembles(d, row) for row in recent), evidence, numbers)


def _resembles(d: Seen, row: Figures) -> bool:
    return (
        d.classes > 1
        and row.get("classes_hit", 0) >= 0.9 * d.classes
        and row.get("class_kl", EVEN) < EVEN
        and ALIKE[0] <= row.get("diversity", 0.0) <= ALIKE[1]
    )


def _of_codes(d: Seen, accuracy: float) -> DiagnosisRecord:
    """Where D judges codes: whether they fit the prior, and what is left of pictures once decoded."""
    evidence = f"D's accuracy on codes and the prior is {accuracy:.2f}."
    errors, numbers = d.window("reconstruction_error"), {"d_accuracy": accuracy}
    if not errors:
        return calm(False, evidence, numbers)
    evidence += f" Held-out pictures come back with a mean square error of {errors[-1]:.3f}."
    learned = errors[-1] < CONVERGED * d.first["reconstruction_error"]
    return calm(learned and len(errors) >= SETTLED and accuracy < BALANCED, evidence, numbers)
