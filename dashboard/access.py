"""Who may what: which names this server answers to, which pages may talk to it, and who is the presenter.

On the loopback everyone may do everything. Open to a network (``lan``), everyone may watch, and the presenter
is whoever has given the code that was printed at the start; a signed cookie remembers it. The signing key
lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Iterable

from dashboard.errors import Refusal
from engine.options import BadInput, Forbidden

PRESENTER, VIEWER = "presenter", "viewer"
COOKIE_AGE_S = 12 * 3600
WRONG_CODES = 10  # that one address may give in WRONG_CODES_S
WRONG_CODES_S = 60.0
_REMEMBERED = 1000  # addresses whose wrong codes are counted
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?")


def parse_host(host: str) -> tuple[str, int | None] | None:
    """A Host header as (name in lower case, port or None), or None if it is not one."""
    match = _HOST.fullmatch(host)
    if not match:
        return None
    name, port = match.groups()
    return name.strip("[]").rstrip(".").lower(), int(port) if port else None


def same_origin(origin: str, host: str) -> bool:
    """Whether a page at ``origin`` was served under the very ``host`` that it now talks to.

    Letter by letter, as browsers write both: where they differ, Streamlit would ask a service outside for the
    public address, to compare with that.
    """
    return origin in (f"http://{host}", f"https://{host}")


class Access:
    """The rules of one server. ``code`` is the presenter code, empty where everyone is presenter."""

    def __init__(self, lan: bool = False, allow_hosts: Iterable[str] = (), port: int = 8501) -> None:
        self.lan = lan
        self.code = "-".join(_random_letters(4) for _ in range(2)) if lan else ""
        self.cookie = (
            f"ganscope_{port}"  # cookies know no ports: two servers on one machine must not share one
        )
        self._key = secrets.token_bytes(32)
        self._names = {"localhost"} | {_allowed_name(host) for host in allow_hosts}
        if lan:
            machine = socket.gethostname().lower()
            self._names |= {machine, f"{machine.removesuffix('.local')}.local"}
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._left: dict[str, float] = {}  # cookies of who has logged out, and until when they would count

    def knows_host(self, host: str) -> bool:
        """Whether a request for ``host`` is meant for this server.

        A foreign name that points here is an attack (DNS rebinding); an address cannot be rebound.
        """
        parsed = parse_host(host)
        if parsed is None:
            return False
        try:
            address = ipaddress.ip_address(parsed[0])
        except ValueError:
            return parsed[0] in self._names
        return address.is_loopback or parsed[0] in self._names or (self.lan and not address.is_unspecified)

    def role(self, cookies: str) -> str:
        """The role of a request with this Cookie header."""
        if not self.lan:
            return PRESENTER
        return PRESENTER if any(map(self._is_signed, self._given(cookies))) else VIEWER

    def log_in(self, code: str, client: str) -> str:
        """The cookie's value for the right ``code``. Raises ``Forbidden``, or ``Refusal`` 429 after too many
        wrong ones of this address: the right one is taken all the same, since others may share it, and who
        guesses at 31 to the power of 8 codes gains nothing by that.
        """
        given = re.sub(r"[^a-z0-9]", "", code.lower())
        if not self.lan or hmac.compare_digest(given.encode(), self.code.replace("-", "").encode()):
            return self._sign(f"{int(time.time()) + COOKIE_AGE_S}-{secrets.token_hex(8)}")
        now = time.monotonic()
        wrong = self._wrong.setdefault(client, deque(maxlen=WRONG_CODES))
        self._wrong.move_to_end(client)
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)
        if len(wrong) == WRONG_CODES and now - wrong[0] < WRONG_CODES_S:
            raise Refusal(
                429, "too many wrong codes.", "code", f"Wait {WRONG_CODES_S:.0f} seconds and try again."
            )
        wrong.append(now)
        raise Forbidden(
            "that is not the presenter code.", "code", "The terminal that started the server shows it."
        )

    def log_out(self, cookies: str) -> None:
        """From now on the values of this Cookie header are nobody's, whoever has kept them."""
        now = time.time()
        self._left = {value: until for value, until in self._left.items() if until > now}
        self._left |= {value: _until(value) for value in self._given(cookies) if self._is_signed(value)}

    def _given(self, cookies: str) -> list[str]:
        values = (part.strip().partition("=") for part in cookies.split(";"))
        return [value for name, _, value in values if name == self.cookie]

    def _sign(self, session: str) -> str:
        return f"{session}.{hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()}"

    def _is_signed(self, value: str) -> bool:
        session = value.partition(".")[0]
        if value in self._left or not re.fullmatch(r"\d{1,12}-[0-9a-f]{16}", session, re.ASCII):
            return False
        return (
            hmac.compare_digest(value.encode(), self._sign(session).encode()) and _until(value) > time.time()
        )


def require_presenter(role: str) -> None:
    """Raises ``Forbidden`` unless ``role`` is the presenter's."""
    if role != PRESENTER:
        raise Forbidden("only the presenter may do this.", None, "Log in with the presenter code.")


def _until(value: str) -> float:
    """When a cookie ends, by the clock."""
    return float(value.partition("-")[0])


def _random_letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _allowed_name(host: str) -> str:
    parsed = parse_host(host)
    if parsed is None:
        raise BadInput(
            f"{host[:80]!r} is not a host name.", "allow-host", "Give a name such as gans.example.org."
        )
    return parsed[0]
