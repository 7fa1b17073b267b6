"""Who asks, and how much one host may take of what all share.

Names of viewers cost nothing to invent, addresses do: so places and turns are shared out among hosts, and
those of a host among its viewers. A host with several viewers may be a class behind one address, or one
program with many names; nobody can tell. So it gets several shares, and never everything: up to ``SHARES``
turns for one of a host with a single viewer, and up to three quarters of all places. A host that has hardly
any place gets one even where all are taken, and this machine has places of its own, apart from the others'.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

HERE = ""  # the host that is this machine
SHARES = 4


@dataclass(frozen=True)
class Viewer:
    """``name`` is what a tab, a socket or a session calls itself. Of a viewer's control the newest request
    counts.
    """

    name: str
    host: str = HERE


SERVER = Viewer("server")  # asks for what is worked out once for all


def shares(host: str, viewers: int) -> int:
    """How many turns ``host``, of which ``viewers`` wait, has for one of a host with one viewer."""
    return SHARES if host == HERE else max(1, min(SHARES, viewers))


def may_add(taken: Counter[str], host: str, of_all: int, weight: int = 1) -> bool:
    """Whether ``host`` may take ``weight`` more of ``of_all`` places, of which each host has ``taken`` some.

    What weighs more than a host may have is let in alone.
    """
    mine, most = taken[host], of_all if host == HERE else of_all - of_all // 4
    if mine and mine + weight > most:
        return False
    others = taken.total() - taken[HERE]
    return host == HERE or others + weight <= of_all or mine + weight <= max(1, of_all // 16)
