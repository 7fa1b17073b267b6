"""The glossary: every term that pages and lessons use, in one sentence, with its formula and where to see it.

``python -m dashboard.lessons.glossary`` writes it beside this file as ``GLOSSARY.md``. A lesson marks a term
as ``{term}``; its page then shows what the term means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_name("GLOSSARY.md")


@dataclass(frozen=True)
class Term:
    """One ``sentence``, a formula or none, and ``where`` it can be seen."""

    sentence: str
    where: str
    latex: str = ""


GLOSSARY: dict[str, Term] = {
    "GAN": Term(
        "Two networks that learn by competing: one makes samples, the other judges them.", "every run"
    ),
    "generator": Term(
        "The network G that turns noise z into a sample, and learns to make D take it for real.",
        "orange on every page",
        r"G: z \mapsto G(z)",
    ),
    "discriminator": Term(
        "The network D that says how likely a sample is real, and learns to tell real from generated.",
        "blue on every page",
        r"D: x \mapsto D(x) \in (0, 1)",
    ),
    "critic": Term(
        "A discriminator whose answer is any number: the better a sample, the higher. Its slope has "
        "to be bounded.",
        "lesson 6; `wgan` and `wgan_gp`",
        r"f: x \mapsto f(x) \in \mathbb{R}",
    ),
    "latent": Term(
        "The noise z that a sample is made of; near latents give alike samples.", "Explore", r"z \sim N(0, I)"
    ),
    "logit": Term(
        "D's answer before it is squeezed between 0 and 1.",
        "D's losses in code",
        r"D(x) = \sigma(\text{logit})",
    ),
    "minimax game": Term(
        "D raises the value V as far as it can, and G lowers what D has reached.",
        "lesson 1",
        r"\min_G \max_D\; E_x \log D(x) + E_z \log(1 - D(G(z)))",
    ),
    "optimal discriminator": Term(
        "The best D against a fixed G: the share of real data among what lies at x.",
        "the layer D* of points",
        r"D^*(x) = \frac{p(x)}{p(x) + q(x)}",
    ),
    "equilibrium": Term(
        "Where neither player can do better: G's samples are distributed as the data, and D says 1/2 "
        "everywhere.",
        "dotted lines in the charts of losses and scores",
        r"q = p,\; D = \tfrac12",
    ),
    "value": Term("What the two play for: D raises it, G lowers it.", "lesson 1", r"V(D, G)"),
    "loss": Term(
        "What a network makes small by following its gradient downwards.", "the first chart of every run"
    ),
    "gradient": Term(
        "The direction in which a loss rises fastest, and how fast; networks step against it.",
        "the chart of gradient norms; arrows at generated points",
        r"\nabla_\theta L",
    ),
    "learning rate": Term(
        "How far a network moves along its gradient in one step.",
        "the knobs below a run",
        r"\theta \leftarrow \theta - \eta \nabla L",
    ),
    "step": Term(
        "One turn of the game: D learns once or several times, then G learns once.",
        "the charts' horizontal axis",
    ),
    "batch": Term("The samples that one step looks at.", "New run, options"),
    "support": Term(
        "The set of all samples that a distribution can give.",
        "lesson 4; the data `segments`",
        r"\{x : p(x) > 0\}",
    ),
    "manifold": Term(
        "A set that is a curve or surface when seen closely: data and generated samples fill only such sets.",
        "the layer of that name, of points",
    ),
    "perfect discriminator": Term(
        "A D that says 1 on all real and 0 on all generated samples; then its slope there is 0 and G "
        "learns nothing.",
        "lesson 4",
    ),
    "vanishing gradient": Term(
        "G's gradient becomes so small that it stands still, because D is sure wherever G looks.",
        "lesson 4; the card of that name",
    ),
    "saturating loss": Term(
        "G's original loss, which is flat where D is sure of itself.",
        "the objective `minimax`",
        r"E_z \log(1 - D(G(z)))",
    ),
    "non-saturating loss": Term(
        "G's usual loss: the same equilibrium, but steep where D is sure.",
        "the objective `non_saturating`",
        r"-E_z \log D(G(z))",
    ),
    "mode": Term("A cluster of the data, such as one Gaussian of the ring.", "the bars of coverage"),
    "mode collapse": Term(
        "G makes only a few kinds of samples and leaves modes out.", "lesson 5; the card of that name"
    ),
    "mode coverage": Term("How many modes have at least one good sample.", "the bars beside the charts"),
    "diversity": Term("How much samples differ from each other, beside real ones.", "the chart of that name"),
    "divergence": Term(
        "How different two distributions are: 0 when equal. It need be no distance.",
        "the objectives' formulas",
    ),
    "KL divergence": Term(
        "What it costs to take q for p; without end where q has nothing and p has something.",
        "the objective `f_kl`",
        r"\mathrm{KL}(p \Vert q) = E_p \log \frac{p}{q}",
    ),
    "Jensen-Shannon divergence": Term(
        "The KL divergences of p and of q from their mean, averaged: 0 when equal, log 2 when disjoint.",
        "the chart of JS divergence, of points",
        r"\mathrm{JSD}(p, q) = \tfrac12 \mathrm{KL}(p \Vert m) + \tfrac12 \mathrm{KL}(q \Vert m),\; m "
        r"= \tfrac{p + q}{2}",
    ),
    "f-divergence": Term(
        "A family of divergences, one for each convex f; the GAN's is one of it.",
        "the f-GAN objectives",
        r"D_f(p \Vert q) = E_q f(p / q)",
    ),
    "Wasserstein distance": Term(
        "The least work that carries one heap of earth to where the other lies: it still falls when "
        "the two do not touch.",
        "lesson 6; the chart of distance",
        r"W_1(p, q) = \max_{\lVert f \rVert_L \le 1} E_p f - E_q f",
    ),
    "Lipschitz": Term(
        "A function whose slope nowhere exceeds a bound.",
        "gradient penalty, weight clipping",
        r"|f(x) - f(y)| \le K \lVert x - y \rVert",
    ),
    "gradient penalty": Term(
        "Adds to D's loss how far its slope is from 1.",
        "a switch of New run",
        r"\lambda\, E (\lVert \nabla_x D \rVert - 1)^2",
    ),
    "weight clipping": Term(
        "Clamps every weight of D after each step: a crude bound of its slope.", "a switch of New run"
    ),
    "R1": Term(
        "Adds to D's loss its squared slope at real samples: it damps the rotation.",
        "lesson 7; a switch of New run",
        r"\tfrac{\gamma}{2} E_x \lVert \nabla_x D(x) \rVert^2",
    ),
    "spectral norm": Term("Divides each layer of D by the most that it stretches.", "a switch of New run"),
    "instance noise": Term(
        "Noise on all that D sees, so that the two supports overlap.", "the card of that name"
    ),
    "label smoothing": Term(
        "D is to answer less than 1 on real data, so that it is never quite sure.", "the card of that name"
    ),
    "minibatch discrimination": Term(
        "D sees how alike the samples of a batch are, and so notices collapse.",
        "lesson 5; the card of that name",
    ),
    "unrolled GAN": Term("G answers the D of some steps ahead, not the one of now.", "the card of that name"),
    "saddle point": Term(
        "A point that is lowest in one player's direction and highest in the other's: the "
        "equilibrium is one.",
        "lesson 7",
        r"\max_D V(D, G^*) = V(D^*, G^*) = \min_G V(D^*, G)",
    ),
    "Dirac-GAN": Term(
        "The smallest GAN: G is one point, D one slope, the data a point at the origin.",
        "lesson 7; the GAN `dirac`",
        r"D(x) = \sigma(\psi x),\; G = \theta,\; p = \delta_0",
    ),
    "simultaneous": Term("Both players step from the same point.", "lesson 7; the option Updates"),
    "alternating": Term(
        "G answers the D that has just learned: the usual way.", "lesson 7; the option Updates"
    ),
    "oscillation": Term(
        "The players go round in circles, each answering the other's last move.", "the card of that name"
    ),
    "mutual information": Term(
        "How much one knows of the code by seeing the sample, in nats.",
        "`infogan`, the chart of that name",
        r"I(c; x) = H(c) - H(c \mid x)",
    ),
    "code": Term(
        "A part of the latent that is to mean something, such as InfoGAN's category.",
        "Explore, a model of `infogan`",
    ),
    "cycle consistency": Term(
        "Translated there and back, a picture is to be what it was.",
        "`cyclegan`",
        r"\lVert F(G(x)) - x \rVert_1",
    ),
    "FID": Term(
        "How far apart the Gaussians lie that fit real and generated pictures' features.",
        "the panel of evaluations",
    ),
    "Adam": Term(
        "An optimizer that scales each weight's step by how large its gradients usually are.",
        "New run, options",
    ),
    "SGD": Term("The plainest optimizer: a step is the gradient times the rate.", "New run, options"),
    "seed": Term(
        "The number that all chance of a run comes from: the same seed gives the same run.", "New run"
    ),
    "checkpoint": Term("All that a run needs to go on as if it had never stopped.", "the menu of a run"),
}


def page() -> str:
    """The glossary as Markdown."""
    lines = [
        "# Glossary",
        "",
        "Generated by `python -m dashboard.lessons.glossary`; the table is `dashboard/lessons/glossary.py`.",
        "",
    ]
    for name in sorted(GLOSSARY, key=str.lower):
        term = GLOSSARY[name]
        formula = f" ${term.latex}$." if term.latex else ""
        lines.append(f"- **{name}**: {term.sentence}{formula} Where: {term.where}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
