"""What a process may take. It never gets more than what it was started with (``ulimit``)."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType


@functools.cache
def _resource() -> ModuleType | None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return None
    return resource


@functools.cache
def started_with() -> int | None:
    """Bytes of memory (``ulimit -v``) that this process was allowed when this was first asked; ``None``: all.

    A worker that was forked is told what its zygote was allowed.
    """
    resource = _resource()
    return None if resource is None else _allowed(resource, resource.RLIMIT_AS)


def blame() -> str:
    """A sentence about ``ulimit -v``, if there is such a limit: whoever has set it may lift it."""
    allowed = started_with()
    if allowed is None:
        return ""
    return f" The server was started with ulimit -v {allowed >> 10}: start it without, or with more."


def limit(memory: int | None = None, cpu_s: int | None = None) -> None:
    """Let this process take ``memory`` bytes beyond what it has, then it gets a ``MemoryError``, and
    ``cpu_s`` seconds of the processor, then SIGXCPU ends it. Where a system has no such limits: without.
    """
    resource = _resource()
    if resource is None:
        if memory is not None or cpu_s is not None:
            print("This system limits neither memory nor time of a process: going on without.", flush=True)
        return
    started_with()
    if cpu_s is not None:
        _lower(resource, resource.RLIMIT_CPU, cpu_s, 1)
    statm = Path("/proc/self/statm")  # macOS has neither the file nor a limit of memory that it keeps
    if memory is not None and statm.exists():
        held = int(statm.read_text("ascii").split()[0]) * resource.getpagesize()
        _lower(resource, resource.RLIMIT_AS, held + memory)


def _allowed(resource: ModuleType, kind: int) -> int | None:
    """The lower one of the soft and the hard limit."""
    known = [value for value in resource.getrlimit(kind) if value != resource.RLIM_INFINITY]
    return min(known, default=None)


def _lower(resource: ModuleType, kind: int, most: int, grace: int = 0) -> None:
    allowed = _allowed(resource, kind)
    soft = most if allowed is None else min(most, allowed)
    hard = resource.getrlimit(kind)[1]
    top = soft + grace if hard == resource.RLIM_INFINITY else min(soft + grace, hard)
    resource.setrlimit(kind, (soft, top))
