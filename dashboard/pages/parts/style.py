"""The icon and the wordmark."""

from __future__ import annotations

from dashboard.theme import DARK, LIGHT

_MARK = (
    '<g fill="none" stroke-width="3"><circle cx="12" cy="16" r="9" stroke="{real}"/>'
    '<circle cx="20" cy="16" r="9" stroke="{fake}" stroke-dasharray="5.07 2" stroke-dashoffset="-1"/></g>'
)


def icon() -> str:
    """The tab's icon: real and generated data, overlapping."""
    mark = _MARK.format(real="#3f9a5b", fake="#9a5aa8")  # readable on light and on dark tabs
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{mark}</svg>'


def wordmark(dark: bool) -> str:
    """The name with its mark, for the page's head."""
    colours = DARK if dark else LIGHT
    ink = "#e9e9e7" if dark else "#1c1e21"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="32" viewBox="0 0 150 32">'
        f"{_MARK.format(real=colours['real'], fake=colours['fake'])}"
        f'<text x="38" y="22.5" font-family="system-ui, sans-serif" font-size="19" font-weight="650" '
        f'fill="{ink}">GANscope</text>'
        "</svg>"
    )
