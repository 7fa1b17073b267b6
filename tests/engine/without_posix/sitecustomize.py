"""Hides from our own modules what Windows does not have; python imports this file first if it is on the path.

Only ours are deceived: asyncio, torch and portalocker import what they find on this machine. So it is decided
by who imports, and ours get a copy of ``os``, ``signal``, ``socket`` and ``subprocess`` that is cut down.
"""

import builtins
import itertools
import os
import select
import signal
import socket
import subprocess
import types

OURS = ("engine", "dashboard", "run_dashboard")
GONE = {"fcntl", "resource", "termios", "pwd", "grp", "tty", "pty", "syslog", "curses", "readline"}
SIGNALS = {"SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIG_DFL", "SIG_IGN"}
CUT = {
    os: "fork forkpty register_at_fork setsid getsid getpgid setpgid getpgrp killpg getuid geteuid getgid "
    "getegid WNOHANG waitid wait3 wait4 sched_getaffinity sched_setaffinity set_blocking get_blocking "
    "mkfifo mknod statvfs fstatvfs fchmod fchown chown lchown chroot nice getloadavg uname sysconf "
    "pread pwrite sendfile posix_spawn posix_fadvise O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_NONBLOCK "
    "O_SYNC pipe2 openpty ttyname",
    signal: " ".join({name for name in dir(signal) if name.startswith("SIG")} - SIGNALS)
    + " alarm setitimer pause pthread_kill pthread_sigmask sigwait siginterrupt",
    socket: "AF_UNIX SOCK_SEQPACKET send_fds recv_fds MSG_DONTWAIT SO_REUSEPORT CMSG_LEN SCM_RIGHTS",
    select: "poll epoll kqueue",
    subprocess: "",
}
turn = itertools.count()


def kill(pid, number):
    """Whatever the number, it ends the process: also 0."""
    os.kill(pid, signal.SIGKILL)


def replace(source, target):
    """Every other time somebody has the target open."""
    if next(turn) % 2 == 0 and os.path.exists(target):
        raise PermissionError(13, "Access is denied", target)
    os.replace(source, target)


def socketpair(family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0):
    if (family, kind) != (socket.AF_INET, socket.SOCK_STREAM):
        raise ValueError("only such pairs are emulated there")
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        return ours, door.accept()[0]


class Popen(subprocess.Popen):
    """``start_new_session`` is ignored there; creation flags do what it does."""

    DETACHED = 0x8 | 0x200

    def __init__(self, *args, pass_fds=(), preexec_fn=None, start_new_session=False, creationflags=0, **how):
        if pass_fds or preexec_fn:
            raise ValueError("neither pass_fds nor preexec_fn is supported on Windows platforms")
        super().__init__(*args, start_new_session=creationflags == self.DETACHED, **how)


GIVEN = {
    os: {"kill": kill, "replace": replace},
    socket: {"socketpair": socketpair},
    subprocess: {"Popen": Popen, "DETACHED_PROCESS": 0x8, "CREATE_NEW_PROCESS_GROUP": 0x200},
}


def cut_down(module):
    gone = CUT[module].split()
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update({name: value for name, value in vars(module).items() if name not in gone})
    copy.__dict__.update(GIVEN.get(module, {}))
    return copy


COPIES = {module.__name__: cut_down(module) for module in CUT}
really = builtins.__import__


def pretended(name, globals=None, locals=None, fromlist=(), level=0):
    who = (globals or {}).get("__package__") or (globals or {}).get("__name__") or ""
    if who.split(".")[0] in OURS and level == 0:
        if name.split(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in COPIES:
            return COPIES[name]
    return really(name, globals, locals, fromlist, level)


builtins.__import__ = pretended
