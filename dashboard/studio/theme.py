"""The studio's looks: the theme of all pages said in Gradio's words. No font comes from elsewhere."""

from __future__ import annotations

from typing import Any

from gradio.themes import Base, Font, Size
from gradio.themes.utils import colors

from dashboard.assets import STATIC
from dashboard.theme import DARK, LIGHT, STREAMLIT_OPTIONS

_FONTS = tuple(Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "sans-serif"))
_MONO = tuple(Font(name) for name in ("ui-monospace", "Menlo", "Consolas", "monospace"))
_CORNERS = Size("3px", "4px", "6px", "8px", "8px", "8px", "8px", name="corners")
# the names that Gradio has for each colour of ours
_PAPER = """body_background_fill background_fill_primary block_background_fill input_background_fill
    block_label_background_fill button_primary_text_color checkbox_label_background_fill
    panel_background_fill button_secondary_background_fill checkbox_background_color"""
_SECOND = """background_fill_secondary code_background_fill checkbox_label_background_fill_hover
    button_secondary_background_fill_hover checkbox_label_background_fill_selected"""
_INK = """body_text_color block_label_text_color block_title_text_color button_secondary_text_color
    checkbox_label_text_color checkbox_label_text_color_selected link_text_color accordion_text_color"""
_QUIET = "body_text_color_subdued block_info_text_color input_placeholder_color"
_LINE = """border_color_primary block_border_color input_border_color block_label_border_color
    button_secondary_border_color checkbox_border_color checkbox_label_border_color"""
_ACCENT = """button_primary_background_fill button_primary_background_fill_hover border_color_accent
    button_primary_border_color checkbox_background_color_selected checkbox_border_color_selected
    checkbox_label_border_color_selected slider_color loader_color button_secondary_border_color_hover
    input_border_color_focus"""


def theme() -> Base:
    """Ink on paper, light and dark, as ``dashboard.theme`` has it for Streamlit."""
    base = Base(
        primary_hue=colors.neutral,
        secondary_hue=colors.neutral,
        neutral_hue=colors.neutral,
        radius_size=_CORNERS,
        font=_FONTS,
        font_mono=_MONO,
    )
    values = {**_colours("light", ""), **_colours("dark", "_dark")}
    return base.set(**values, block_shadow="none", block_label_shadow="none", input_shadow="none")


def _colours(mode: str, ending: str) -> dict[str, Any]:
    def colour(name: str) -> str:
        return STREAMLIT_OPTIONS[f"theme.{mode}.{name}"]

    paper, second = colour("backgroundColor"), colour("secondaryBackgroundColor")
    ink, line, accent = colour("textColor"), colour("borderColor"), colour("primaryColor")
    quiet = (LIGHT if mode == "light" else DARK)["healthy"]
    by_colour = {paper: _PAPER, second: _SECOND, ink: _INK, quiet: _QUIET, line: _LINE, accent: _ACCENT}
    return {f"{name}{ending}": value for value, names in by_colour.items() for name in names.split()}


def css() -> str:
    """Our own rules, with the colours that mean something."""
    light = "".join(f"--gs-{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--gs-{name}:{value};" for name, value in DARK.items())
    return f":root{{{light}}}.dark{{{dark}}}\n{(STATIC / 'studio.css').read_text('utf-8')}"
