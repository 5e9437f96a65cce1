"""Finds whose a process on a GPU is, by its line of parents in /proc: a model server is a grandchild of its replica.

Reads /proc only; which process is which replica is for the caller to know.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 64
"""Parents followed: replica, two guards, server and runner are five."""
MAX_FILES = 4_096
FIRST_NAMESPACE = "pid:[4026531836]"
"""Name of the process numbers that the machine itself counts by (PROC_PID_INIT_INO of the kernel)."""
CARDS = ("/dev/nvidia", "/dev/dxg")


class ProcessTree:
    """Who descends from whom. A line that was found is kept while its process lives.

    A driver may give a container the host's process numbers, where another process may have the same number here:
    outside the machine's own numbers a process is believed only if it holds a card open.

    Args:
        root: The folder ``/proc``.
    """

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root
        self._known: dict[int, tuple[int, tuple[int, ...]]] = {}
        try:
            self._is_first = str((root / "self/ns/pid").readlink()) == FIRST_NAMESPACE
        except OSError:  # hidden, or no such folder on this system
            self._is_first = False

    def lines(self, pids: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Return each process with its parents, nearest first; those that cannot be told are left out."""
        known = {pid: line for pid in pids if (line := self._line(pid)) is not None}
        self._known = known
        return {pid: line for pid, (_, line) in known.items()}

    def _line(self, pid: int) -> tuple[int, tuple[int, ...]] | None:
        found = self._stat(pid)
        if found is None:
            return None
        parent, started = found
        old = self._known.get(pid)
        if old is not None and old[0] == started:
            return old
        if not (self._is_first or self._holds_card(pid)):
            return None
        return started, self._followed(pid, parent, started)

    def _followed(self, pid: int, parent: int, started: int) -> tuple[int, ...]:
        line = [pid]
        while parent > 0 and len(line) < LONGEST:
            found = self._stat(parent)
            # Younger than its child: the parent has ended, and its number is another's by now.
            if found is None or found[1] > started:
                break
            line.append(parent)
            parent, started = found
        return tuple(line)

    def _stat(self, pid: int) -> tuple[int, int] | None:
        """Return the parent and the start in clock ticks since boot: proc_pid_stat(5), fields 4 and 22."""
        try:
            # The name, in parentheses, may itself hold spaces and parentheses.
            fields = (self._root / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
            return int(fields[1]), int(fields[19])
        except (OSError, IndexError, ValueError):  # it has ended, or is ending
            return None

    def _holds_card(self, pid: int) -> bool:
        try:
            files = list(islice((self._root / str(pid) / "fd").iterdir(), MAX_FILES))
        except OSError:  # it has ended, or is another user's: none of ours
            return False
        return any(_target(file).startswith(CARDS) for file in files)


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""
