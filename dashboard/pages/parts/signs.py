"""Line drawings for cards whose data have no picture yet."""

from __future__ import annotations

from urllib.parse import quote

_LINES = {
    "folder": '<path d="M22 48h30l8 10h78v62H22z"/><path d="M22 70h116"/>',
    "upload": '<path d="M80 112V46m-24 24 24-26 24 26"/><path d="M30 98v28h100V98"/>',
    "own_pairs": '<path d="M20 48h54v64H20zM86 48h54v64H86z"/><path d="M64 80h32m-10-9 10 9-10 9"/>',
    "own_domains": (
        '<path d="M14 44h46v46H14zM24 54h46v46M100 44h46v46h-46zM90 54v46h46"/>'
        '<path d="M58 122h44m-9-9 9 9-9 9m-26-18-9 9 9 9"/>'
    ),
    "derived_pairs": (
        '<path d="M20 48h54v64H20z" stroke-dasharray="7 8"/><path d="M86 48h54v64H86z"/>'
        '<path d="M94 104l14-22 12 14 8-10 10 18"/>'
    ),
    "missing": (
        '<rect x="30" y="34" width="100" height="92" rx="6" stroke-dasharray="10 9"/>'
        '<path d="M62 64l36 36m0-36-36 36"/>'
    ),
}


def sign(name: str) -> str:
    """The drawing as a data URL; its grey is readable on light and on dark."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160"><g fill="none" stroke="#808790" '
        f'stroke-width="5" stroke-linejoin="round" stroke-linecap="round">{_LINES[name]}</g></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
