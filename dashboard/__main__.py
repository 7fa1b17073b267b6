"""The installed command: ``ganscope [OPTIONS]`` opens the dashboard, ``ganscope COMMAND`` asks the engine."""

from __future__ import annotations

import sys


def main() -> int:
    """Serve, or run one command of the engine; returns the exit status."""
    arguments = sys.argv[1:]
    options = bool(arguments) and arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")
    if not arguments or options or arguments[0] == "dashboard":
        from dashboard.launch import main as serve

        try:
            serve(arguments if options else arguments[1:])
        except KeyboardInterrupt:  # before there was a server
            return 130
        return 0
    from engine.__main__ import main as command

    return command(arguments)


if __name__ == "__main__":
    sys.exit(main())
