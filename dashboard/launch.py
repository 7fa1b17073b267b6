"""The server as a command: one process, one port, pages in the browser.

The port and the runs folder are taken before anything slow is imported, so that what can fail fails at once
and in one line. The engine warms up while the pages are imported; where cores are few, once they are.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import ssl
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

    from dashboard.access import Access
    from engine.api import Engine

GRACE_S = 3  # for requests that are being answered when the server ends
END_S = 4.5  # after Ctrl+C, whatever still hangs
HEAD_START_S = 3.0  # of the pages before torch, which would make them wait, ...
FEW_CORES = 2  # ... on machines that can do little at once
MAX_MESSAGE = 4 << 20  # bytes in one WebSocket message to us
EVERYWHERE = "0.0.0.0"
SCRIPT = "run_dashboard.py"  # in a clone; an installation has ``ganscope``


def parser() -> argparse.ArgumentParser:
    """The command line of ``run_dashboard.py`` and of ``ganscope dashboard``."""
    parser = argparse.ArgumentParser(prog=_program(), description="Train GANs live in the browser.")
    parser.add_argument("--host", help="address to listen on (127.0.0.1; any other implies --lan)")
    parser.add_argument("--port", type=_port, default=8501, help="0 takes a free one")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder for runs; made if it is not there"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument(
        "--lan", action="store_true", help="open to the network: everyone may watch; changes need a code"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="another host name of this server"
    )
    parser.add_argument(
        "--cert",
        type=Path,
        metavar="FILE",
        help="a certificate (PEM) for https, which cameras need on a network",
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's private key (PEM)")
    parser.add_argument(
        "--plugins", type=Path, metavar="DIR", help="folder of your own GANs, data ... (plugins beside runs)"
    )
    parser.add_argument(
        "--root-path",
        type=_root_path,
        default="",
        metavar="PATH",
        help="path below which a proxy serves it: /gan",
    )
    parser.add_argument(
        "--proxy",
        action="append",
        type=_proxy,
        default=[],
        metavar="ADDRESS",
        help="a proxy whose X-Forwarded-For is believed; with --root-path also one on this machine",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Serve until Ctrl+C, SIGTERM or SIGHUP. Exits with one line if port, folder or option cannot be used."""
    options = parser().parse_args(arguments)
    for ended in (signal.SIGTERM, *leaving_signals()):
        signal.signal(ended, _end)
    check_certificate(options.cert, options.key)
    listener = listen(options.host or (EVERYWHERE if options.lan else "127.0.0.1"), options.port)
    host, port = listener.getsockname()[:2]
    lan = options.lan or not ipaddress.ip_address(host).is_loopback
    from dashboard.access import Access
    from engine.api import Engine, cores
    from engine.options import BadInput

    try:
        access = Access(lan, options.allow_host, port)
        head_start_s = HEAD_START_S if cores() <= FEW_CORES else 0.0
        engine = Engine(options.runs, options.device, head_start_s=head_start_s, plugins=options.plugins)
        engine.open()
    except BadInput as problem:
        fail(str(problem))
    try:
        serve(engine, listener, access, options)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code:
            raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl+C must not cut off the farewell
        say_goodbye(engine.close(), options)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, not listening yet."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # with the protocol named: only then asyncio turns Nagle's algorithm off, which costs 40 ms an answer
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name != "nt":  # there it would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except socket.gaierror:
        fail(f"there is no address {host}. Use --host 127.0.0.1, or --lan for all addresses of this machine.")
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            fail(f"port {port} is in use. Try --port {port + 1 if port < 65535 else 8501}.")
        if problem.errno == errno.EACCES:
            fail(f"port {port} needs more rights. Try --port 8501.")
        fail(f"cannot listen on {host}, port {port}: {problem.strerror}. Use --host 127.0.0.1, or --lan.")
    return listener


def check_certificate(cert: Path | None, key: Path | None) -> None:
    """Exits with one line unless both are given and belong together, or neither is given."""
    if (cert is None) != (key is None):
        fail("--cert and --key go together. Give both, or neither.")
    if cert is None or key is None:
        return
    for path in (cert, key):
        if not path.is_file():
            fail(f"there is no file {path}. Give a certificate and its private key as PEM files.")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key, password=lambda: b"")  # or it would ask for one
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        reason = getattr(problem, "reason", None) or problem
        fail(
            f"{cert} and {key} cannot be used ({reason}). Give a certificate and its private key, without a "
            "password, as PEM files."
        )


def serve(engine: Engine, listener: socket.socket, access: Access, options: argparse.Namespace) -> None:
    """Run the server on ``listener`` until it is told to end."""
    import uvicorn

    from dashboard import connections
    from dashboard.app import create_app
    from dashboard.hosts import LOOPBACK

    host, port = listener.getsockname()[:2]
    door = connections.Door(listener, connections.raise_descriptors(), options.proxy)
    scheme = "https" if options.cert else "http"
    app = create_app(engine, access, host, port, options.root_path)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for ended in leaving_signals():
                signal.signal(ended, self.handle_exit)
            announce(scheme, host, port, access, options.root_path)
            if not options.no_browser:
                url = _url(scheme, host, port) + options.root_path
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:  # once a second
                connections.close_overdue(self.server_state.connections, time.monotonic())
            return await super().on_tick(counter)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.leave()
            if not self.should_exit:
                hurry = threading.Timer(END_S, give_up)
                hurry.daemon = True
                hurry.start()
            super().handle_exit(sig, frame)

    proxies = [*options.proxy, *(LOOPBACK if options.root_path else ())]
    config = uvicorn.Config(
        app,
        loop="asyncio",  # whose way of accepting connections ``Door`` knows
        http=connections.Connection,
        ws=connections.Socket,
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE,
        timeout_graceful_shutdown=GRACE_S,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(proxies),  # nobody else may choose the address that he is counted by
        forwarded_allow_ips=proxies,
        server_header=False,
        ssl_certfile=options.cert,
        ssl_keyfile=options.key,
    )
    connections.bound_complaints()
    Server(config).run([door])


def announce(scheme: str, host: str, port: int, access: Access, root: str = "") -> None:
    """Say where the page is, and how to become the presenter."""
    say(f"GANscope is at {_url(scheme, host, port)}{root}")
    if access.lan:
        if ipaddress.ip_address(host).is_unspecified:
            for address in addresses():
                say(f"  for others in this network: {_url(scheme, address, port)}{root}")
        say(f"  presenter code: {access.code}")
    say("  end it with Ctrl+C")


def say_goodbye(running: list[str], options: argparse.Namespace) -> None:
    """Say which runs go on, and how to see them again."""
    if not running:
        say("GANscope ended. No run goes on.")
        return
    go, them = ("s go", "them") if len(running) > 1 else (" goes", "it")
    say(f"GANscope ended. {len(running)} run{go} on: {', '.join(running)}")
    say(f"  see {them} again: {'python ' * (_program() == SCRIPT)}{_program()} --runs {options.runs}")


def give_up() -> None:
    """End although something still hangs; nothing here owns a run."""
    say("GANscope ended; something was still being answered. The runs go on.")
    os._exit(0)


def addresses() -> list[str]:
    """This machine's addresses in its networks. Choosing a route sends nothing."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                found.append(probe.getsockname()[0])
        except OSError:
            continue  # no network of this kind
    return found


def leaving_signals() -> list[int]:
    """SIGHUP, a closed terminal's, where there is one and it is not to be ignored (``nohup``)."""
    hangup = getattr(signal, "SIGHUP", None)
    return [] if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN else [hangup]


def say(line: str) -> None:
    """Print at once, also into a pipe; a terminal that was closed hears nothing."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def fail(line: str) -> NoReturn:
    """End with one line that says what to do."""
    sys.exit(f"{_program()}: {line}")


def _url(scheme: str, host: str, port: int) -> str:
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; give a number from 1 to 65535, such as 8501"
        )
    return int(text)


def _proxy(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text) if "/" not in text else ipaddress.ip_network(text))
    except ValueError:
        message = f"{text[:80]!r} is no address; give one such as 10.0.0.7, or a network: 10.0.0.0/24"
        raise argparse.ArgumentTypeError(message) from None


def _root_path(text: str) -> str:
    from dashboard.root import parse_root

    try:
        return parse_root(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def _end(*_: object) -> NoReturn:
    sys.exit(0)


def _program() -> str:
    return SCRIPT if Path(sys.argv[0]).name == SCRIPT else "ganscope"
