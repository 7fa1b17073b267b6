"""Measures of what certain GANs promise: that a class is drawn, a code read, a picture encoded or named."""

from __future__ import annotations

from engine.metrics import measures, needs
from engine.metrics.metric import SHARE, Chart, Figure, Line, Metric

CLASS_AGREEMENT = Metric(
    "Class agreement",
    "Does an independent classifier see the class that G was told to draw?",
    ("images",),
    (needs.GIVEN_CLASS, needs.CLASSIFIED),
    {
        "class_agreement": Figure(
            "class agreement",
            "Share of samples in which an independent classifier sees the class that G was told to draw.",
            "higher",
            SHARE,
        )
    },
    "the same classifier on real test pictures",
    measures.class_agreement,
    charts={"class_agreement": Chart((Line("class_agreement", "agreement"),), axis=SHARE)},
)
CODE_ERROR = Metric(
    "Code error",
    "How often the category that the GAN reads from a test picture stands for another class.",
    ("images",),
    (needs.CATEGORY, needs.LABELLED_TEST),
    {
        "code_error": Figure(
            "code error",
            "Share of test pictures whose category stands for another class, each category named after one "
            "class.",
            "lower",
            SHARE,
            live=True,
            ranks=True,
        )
    },
    evaluate=measures.code_error,
)
TEST_ERROR = Metric(
    "Errors on test data",
    "How often the classifier that learns beside the GAN names the wrong class.",
    ("images",),
    (needs.FEW_LABELS,),
    {
        "test_error": Figure(
            "test error", "Share of test pictures misclassified.", "lower", SHARE, live=True, ranks=True
        ),
        "labelled_error": Figure(
            "labelled error", "Share of labelled training pictures misclassified.", "lower", SHARE, live=True
        ),
    },
    charts={
        "errors": Chart(
            (
                Line("test_error", "test", tag="test"),
                Line("labelled_error", "labelled", "real", "labelled"),
            ),
            "errors on test data",
            "Share of labelled training pictures, and of test pictures, that the classifier gets wrong.",
            "test errors",
            (0, None),
        )
    },
)
ENCODING = Metric(
    "Encoding",
    "How well test pictures are reconstructed, and how far their codes are from the prior.",
    ("images",),
    (needs.ENCODER, needs.PICTURES, needs.SAMPLES),
    {
        "reconstruction_error": Figure(
            "reconstruction error",
            "Mean squared error of the reconstructions of test pictures, on -1 to 1.",
            "lower",
            (0, 4),
            live=True,
            ranks=True,
        ),
        "prior_distance": Figure(
            "codes' distance from the prior",
            "Energy distance of test pictures' codes from the prior, in the latent's units; 0 is equal.",
            "lower",
            (0, None),
            "the latent's units",
        ),
    },
    "as many principal components in the networks' place; draws of the prior in the codes' place",
    measures.encoding_kept,
    charts={
        "reconstruction": Chart(
            (Line("reconstruction_error", "reconstruction", "g"),), menu="reconstruction", axis=(0, None)
        ),
        "prior_distance": Chart(
            (Line("prior_distance", "distance"),), menu="prior distance", axis=(0, None), floor_colour="muted"
        ),
    },
)
ENCODER_1NN = Metric(
    "Nearest neighbour of the encoder",
    "Does the nearest training picture, by its encoding, have the test picture's class?",
    ("images",),
    (needs.ENCODER, needs.LABELLED_TEST),
    {
        "encoder_1nn": Figure("1-NN accuracy", "Share of test pictures, 0..1.", "higher", SHARE),
        "encoder_hidden_1nn": Figure(
            "1-NN accuracy, last hidden layer", "Share of test pictures, 0..1.", "higher", SHARE
        ),
    },
    "raw pixels in place of the encoder",
    measures.encoder_neighbour,
    charts={
        "neighbours": Chart(
            (
                Line("encoder_1nn", "codes", "g", "code"),
                Line("encoder_hidden_1nn", "last hidden layer", "d", "last"),
            ),
            "1-NN accuracy",
            "How often the nearest training picture, by its encoding, has the class of a test picture.",
        )
    },
)
CLASSIFIER_ERROR = Metric(
    "Test error of the classifier",
    "How often the GAN's own classifier names the wrong class.",
    ("images",),
    (needs.CLASSIFIER, needs.LABELLED_TEST),
    {
        "classifier_error": Figure(
            "test error of the classifier",
            "Share of test pictures that the GAN's own classifier gets wrong.",
            "lower",
            SHARE,
        )
    },
    evaluate=measures.classifier_error,
    charts={
        "classifier_error": Chart(
            (Line("classifier_error", "test error"),), menu="classifier error", axis=(0, None)
        )
    },
)
PLAYERS = Metric(
    "The two players",
    "Where the Dirac-GAN's point and slope stand: all that there is of it.",
    ("points",),
    (needs.PLAYERS,),
    {
        "radius": Figure(
            "distance from equilibrium",
            "The root of theta squared and psi squared; at equilibrium both are 0.",
            "lower",
            (0, None),
            live=True,
        )
    },
    charts={
        "players": Chart(
            (Line("theta", "theta", "g", "G"), Line("psi", "psi", "d", "D")),
            "the two players",
            "theta, where G's point stands, and psi, D's slope. At equilibrium both are 0.",
            "the two players",
        ),
        "radius": Chart((Line("radius", "radius", "muted"),), menu="from equilibrium", axis=(0, None)),
    },
    fields={
        "theta": "Where the generated point stands, before the row's last turn.",
        "psi": "D's slope, before the row's last turn.",
    },
)
REACH = Metric(
    "What bounds G's gradient",
    "Both numbers of theorem 2.4 of Arjovsky & Bottou 2017, which bounds G's gradient under the "
    "minimax loss.",
    ("points",),
    (needs.POINTS, needs.SAMPLES, needs.SATURATING),
    {
        "d_reach": Figure(
            "D's reach",
            "The greatest D(x) plus the norm of its slope, among samples: below 1, it bounds G's gradient.",
            "higher",
            (0, None),
            live=True,
        )
    },
    fields={
        "g_jacobian": "The root mean squared norm of how samples move with G's weights.",
    },
)
AUGMENTATION = Metric(
    "Adaptive augmentation",
    "How strongly ADA changes what D sees, as D's growing too sure of real pictures asks for.",
    ("images",),
    (needs.AUGMENTED,),
    {},
    charts={
        "augmentation": Chart(
            (Line("augment_p", "p", "d", "p"),),
            "strength of augmentation",
            "The probability of each change to what D sees. It rises while D is surer of real pictures than "
            "its target, as a D is that learns few of them by heart.",
            "augmentation",
            SHARE,
        )
    },
    fields={"augment_p": "The probability of each of ADA's changes, after the row's last turn."},
)
