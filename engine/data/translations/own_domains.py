"""The user's own pictures of two kinds, without pairs: folders A and B."""

from __future__ import annotations

from engine.data.translations.own_sides import OwnSides


class OwnDomains(OwnSides):
    """Two sets of pictures of one folder or upload. What is held out of either has nothing to do with the
    other.
    """

    name = "own_domains"
    title = "Your own two domains"
    subject = "your own two sets of pictures"
    sentence = "Two domains of your own pictures, in folders A and B; they need not be paired."
    kind = "domains"
    layout = "domains"
    test_is_paired = False
