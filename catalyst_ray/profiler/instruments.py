"""Instruments that cost time while they look: calls of the event loop's thread, and what grows in this process."""

from __future__ import annotations

import cProfile
import gc
import sysconfig
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.models import CallProfile, MemoryGrowth

if TYPE_CHECKING:
    from types import CodeType

CALLS, LINES = 40, 20
"""As many are told, those with the most time of their own and the most growth first."""
OURS = Path(__file__).parents[2]
WAITING = "waiting for events"
POLLS = ("select.epoll", "select.kqueue", "select.poll", "built-in method select.select")


class CallMeter:
    """cProfile over the thread that starts it; ``start`` and ``stop`` must run in the same one."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile()
        self._is_on = False

    def start(self) -> None:
        """Begin to count."""
        self._is_on = True
        self._profile.enable()

    def stop(self) -> None:
        """End counting; does nothing where it never began."""
        if self._is_on:
            self._is_on = False
            self._profile.disable()

    def top(self) -> tuple[CallProfile, ...]:
        """Return the functions with the most time of their own."""
        found = [
            CallProfile(
                where=_function(entry.code),
                calls=entry.callcount,
                own_s=entry.inlinetime,
                total_s=entry.totaltime,
            )
            for entry in self._profile.getstats()
        ]
        return tuple(sorted(found, key=lambda call: -call.own_s)[:CALLS])


class GrowthMeter:
    """tracemalloc between two moments, in all threads."""

    def __init__(self) -> None:
        self._before: tracemalloc.Snapshot | None = None
        self._grown: list[tracemalloc.StatisticDiff] = []

    def start(self) -> None:
        """Begin to follow allocations."""
        tracemalloc.start()

    def mark(self) -> None:
        """Take what is held now as the ground."""
        self._before = _snapshot()

    def stop(self) -> None:
        """Compare with the ground, and end following; does nothing where it never began."""
        if not tracemalloc.is_tracing():
            return
        if self._before is not None:
            self._grown = _snapshot().compare_to(self._before, "lineno")
            self._before = None
        tracemalloc.stop()

    def top(self) -> tuple[MemoryGrowth, ...]:
        """Return the lines whose memory grew most."""
        grown = [diff for diff in self._grown if diff.size_diff > 0]
        return tuple(
            MemoryGrowth(
                where=f"{short(diff.traceback[0].filename)}:{diff.traceback[0].lineno}",
                bytes=diff.size_diff,
                blocks=diff.count_diff,
            )
            for diff in sorted(grown, key=lambda diff: -diff.size_diff)[:LINES]
        )


def short(path: str) -> str:
    """Return a source file's path as people know it: from its package on, without the place where it lies."""
    file = Path(path)
    if file.is_relative_to(OURS / "catalyst_ray"):
        return file.relative_to(OURS).as_posix()
    for mark in ("site-packages", "dist-packages"):
        if mark in file.parts:
            return Path(*file.parts[file.parts.index(mark) + 1 :]).as_posix()
    library = Path(sysconfig.get_paths()["stdlib"])
    return file.relative_to(library).as_posix() if file.is_relative_to(library) else file.name


def _function(code: CodeType | str) -> str:
    if isinstance(code, str):
        return WAITING if any(name in code for name in POLLS) else code.strip("<>")
    return f"{short(code.co_filename)}:{code.co_firstlineno} {code.co_qualname}"


def _snapshot() -> tracemalloc.Snapshot:
    gc.collect()
    own = (tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__))
    return tracemalloc.take_snapshot().filter_traces(own)
