"""The small process between a Ray worker and a model server: it sees to it that nothing outlives the worker.

Run as a script (``python -I -S guard.py …``), standard library only, so that it starts in a moment. It stays
in the worker's process group, where Ray's own reaping finds it. It ends the server and all that the server
started when it is told to (SIGTERM, SIGINT), when its parent is gone, and when the server ends by itself; its
exit code is the server's. Owns no decision about the server: it neither restarts it nor asks how it is.

It is two processes: a worker that loses its node kills its children outright, and what was killed can end nobody.
The inner one learns of the outer one's death, and then ends the server and whatever that had started.

On Linux the kernel tells it of its parent's death, and hands it the orphans of its server. Elsewhere it looks
for its parent every second and ends the server only, not what that left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEATH_SIGNAL = signal.SIGUSR1
"""Sent by the kernel when the *thread* that started the guard ends: only a reason to look for the parent."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_S = 1.0
_PAUSE_S = 0.02
_AFTER_TERM_S = 1.0
"""What a server leaves behind has this long after SIGTERM; the server itself has its grace."""
_INNER_S = 2.0
"""How much longer the outer one waits for the inner one than that for the server."""
NOT_STARTED = 127
"""Exit code for a command that cannot be run, as a shell has it."""


def main(arguments: Sequence[str]) -> int:
    """Run a server until it or its parent ends; return its exit code (128 + n for signal n)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="process that the server must not outlive")
    parser.add_argument("--grace", type=float, required=True, help="seconds from SIGTERM to SIGKILL")
    parser.add_argument(
        "--look", type=float, default=_LOOK_S, help="seconds from one look for it to the next"
    )
    parser.add_argument("--record", type=Path, help="file to note the processes in, while they run")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args(arguments)
    if not _follow(asked.parent):
        return 128 + signal.SIGTERM
    outer = os.getpid()
    inner = os.fork()
    if not inner and not _follow(outer):
        return 128 + signal.SIGTERM
    wakeups = _listen()
    if inner:
        limit_s = asked.grace + _INNER_S
        return _watch(inner, wakeups, parent=asked.parent, grace_s=limit_s, look_s=asked.look)
    return _serve(asked, wakeups, parent=outer)


def _serve(asked: argparse.Namespace, wakeups: int, *, parent: int) -> int:
    try:
        # This process has one thread, so preexec_fn is safe in it.
        server = subprocess.Popen(  # noqa: S603  (the operator's own command)
            asked.command,
            stdin=subprocess.DEVNULL,
            preexec_fn=_tie(os.getpid()),  # noqa: PLW1509
        )
    except OSError as error:
        sys.stderr.write(f"cannot run {asked.command[0]}: {error.strerror}\n")
        return NOT_STARTED
    try:
        if asked.record is not None:
            _note(asked.record, [asked.parent, os.getpid(), server.pid])
        return _watch(server.pid, wakeups, parent=parent, grace_s=asked.grace, look_s=asked.look)
    finally:
        if asked.record is not None:
            asked.record.unlink(missing_ok=True)


def started_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone, a zombie, or unknown here.

    A process is known by both numbers: the system gives a pid out again. Source: proc_pid_stat(5), field 22.
    """
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def descendants(pid: int) -> list[int]:
    """Return a process's children, their children and so on, parents first; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(entry.name))
        if fields is not None and fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found[1:]


def send(pids: Sequence[int], number: int) -> None:
    """Send a signal to processes; those that are gone are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _watch(child: int, wakeups: int, *, parent: int, grace_s: float, look_s: float) -> int:
    kill_at_s: float | None = None
    while True:
        code = _reap(child)
        if code is not None:
            _end_orphans()
            return code if code >= 0 else 128 - code
        now_s = _now_s()
        wait_s = look_s if kill_at_s is None else min(look_s, max(_PAUSE_S, kill_at_s - now_s))
        heard = _hear(wakeups, wait_s)
        told = next((number for number in heard if number in {signal.SIGTERM, signal.SIGINT}), None)
        if told is None and os.getppid() != parent:
            told = signal.SIGTERM
        if told is not None and kill_at_s is None:
            kill_at_s = now_s + grace_s
            send([child], told)
        if kill_at_s is not None and _now_s() >= kill_at_s:
            send([*descendants(os.getpid()), child], signal.SIGKILL)


def _end_orphans() -> None:
    # As their reaper this process has become their parent, so none can hide.
    limit_s = _now_s() + _AFTER_TERM_S
    number = signal.SIGTERM
    while left := descendants(os.getpid()):
        send(left, number)
        _reap(0)
        time.sleep(_PAUSE_S)  # noqa: TID251  (a process of its own has no clock to be handed)
        if _now_s() >= limit_s:
            number = signal.SIGKILL


def _reap(server: int) -> int | None:
    """Collect the ended; return the server's code if it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == server:
                code = os.waitstatus_to_exitcode(status)
    return code


def _listen() -> int:
    # Handlers only wake the loop: whatever is done in a handler can meet the loop half-way.
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, DEATH_SIGNAL):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the thread that started us may have blocked some
    return reader


def _hear(wakeups: int, wait_s: float) -> bytes:
    if not select.select([wakeups], [], [], wait_s)[0]:
        return b""
    return os.read(wakeups, 4096)


def _tie(guard: int) -> Callable[[], None]:
    def run_in_server() -> None:
        # Before it becomes the server: the kernel tells it to end when the guard is killed.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != guard:
            os._exit(128 + signal.SIGTERM)

    return run_in_server


def _follow(parent: int) -> bool:
    _prctl(_PR_SET_PDEATHSIG, DEATH_SIGNAL)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    return os.getppid() == parent  # else it ended before the kernel was asked to tell


def _prctl(option: int, value: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(option, value, 0, 0, 0)


def _note(record: Path, pids: Sequence[int]) -> None:
    rows = [{"pid": pid, "started_ticks": started_ticks(pid)} for pid in pids]
    names = ("owner", "guard", "server")
    with contextlib.suppress(OSError):  # the record serves only the next start's sweep
        record.write_text(json.dumps(dict(zip(names, rows, strict=True))))


def _stat(pid: int) -> list[str] | None:
    try:
        # The name, in parentheses, may itself hold spaces and parentheses.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _now_s() -> float:
    return time.monotonic()  # noqa: TID251  (as above)


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
