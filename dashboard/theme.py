"""One theme, light and dark: what a colour means, and the settings that give Streamlit the same colours.

Every colour stands for one thing on every page, and never alone: a word, a dash or a shape says the same. The
dark variants are lighter steps of the same hue, so that thin lines stay readable.
"""

from __future__ import annotations

from typing import Any

# what a colour means: real data, generated data, discriminator, generator, and how a run is doing
LIGHT = {
    "real": "#1b7837",
    "fake": "#762a83",
    "discriminator": "#0072b2",
    "generator": "#d55e00",
    "healthy": "#59636e",
    "warning": "#9a6700",
    "broken": "#b3261e",
}
DARK = {
    "real": "#5dbb75",
    "fake": "#c28dd0",
    "discriminator": "#4aa8e0",
    "generator": "#f58a3c",
    "healthy": "#9aa4af",
    "warning": "#e3b341",
    "broken": "#ff7b72",
}


def _streamlit_theme(colours: dict[str, str], **surface: str) -> dict[str, Any]:
    return {
        **surface,
        "greenColor": colours["real"],
        "greenTextColor": colours["real"],
        "violetColor": colours["fake"],
        "violetTextColor": colours["fake"],
        "blueColor": colours["discriminator"],
        "blueTextColor": colours["discriminator"],
        "orangeColor": colours["generator"],
        "orangeTextColor": colours["generator"],
        "grayColor": colours["healthy"],
        "grayTextColor": colours["healthy"],
        "yellowColor": colours["warning"],
        "yellowTextColor": colours["warning"],
        "redColor": colours["broken"],
        "redTextColor": colours["broken"],
        "linkColor": surface["textColor"],
        "chartCategoricalColors": [colours[name] for name in ("discriminator", "generator", "real", "fake")],
    }


# The accent is ink, not a hue: every hue above already means something.
STREAMLIT_OPTIONS: dict[str, Any] = {
    f"theme.{mode}.{name}": value
    for mode, values in {
        "light": _streamlit_theme(
            LIGHT,
            primaryColor="#22262b",
            backgroundColor="#ffffff",
            secondaryBackgroundColor="#f4f4f2",
            textColor="#1c1e21",
            borderColor="#dcdcd8",
            codeTextColor="#1c1e21",
            codeBackgroundColor="#f4f4f2",
        ),
        "dark": _streamlit_theme(
            DARK,
            primaryColor="#e6e7e8",
            backgroundColor="#131518",
            secondaryBackgroundColor="#1e2126",
            textColor="#e9e9e7",
            borderColor="#363b42",
            codeTextColor="#e9e9e7",
            codeBackgroundColor="#1e2126",
        ),
    }.items()
    for name, value in values.items()
} | {
    "theme.baseRadius": "8px",
    "theme.baseFontSize": 15,
    "theme.headingFontSizes": ["1.6rem", "1.3rem", "1.1rem", "1rem", "0.95rem", "0.9rem"],
    "theme.headingFontWeights": [650, 650, 650, 600, 600, 600],
    "theme.paddingTop": "0.75rem",
    "theme.paddingBottom": "2rem",
    "theme.showWidgetBorder": True,
    "theme.linkUnderline": True,
}
