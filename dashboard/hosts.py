"""Which host a request comes from: what connections, places and turns are counted by.

Behind a proxy that was declared (``--proxy``; with ``--root-path`` the one on this machine), uvicorn has put
the address from ``X-Forwarded-For`` in the place of the proxy's; nobody else's header is believed.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import Any

from engine.requests.viewer import HERE

LOOPBACK = ("127.0.0.1", "::1")
_OF_ONE = 64  # bits of an IPv6 address that are the same in all addresses of one subscriber or network


def host_of(connection: Any) -> str:
    """The host behind a request or a socket, of Starlette or of Gradio: an IPv4 address, the network of an
    IPv6 one, whose addresses are free to choose, or ``HERE``.
    """
    return host_at(str(getattr(connection.client, "host", None) or ""))


@functools.lru_cache(maxsize=1024)
def host_at(given: str) -> str:
    """The same of an address."""
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return given[:100]  # none: a socket among this machine's files
    address = getattr(address, "ipv4_mapped", None) or address
    if str(address) in LOOPBACK:
        return HERE
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, _OF_ONE), False))
