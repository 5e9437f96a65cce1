"""How a piece of work is timed."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def median_s(work: Callable[[], object], *, times: int) -> float:
    """Return the median seconds of a call, after one that is not counted."""
    return medians_s(work, times=times)[0]


def medians_s(*works: Callable[[], object], times: int) -> list[float]:
    """Return the median seconds of each call; they take turns, so that a busy machine slows all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(times + 1):
        for work, seconds in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            if turn:  # the first call is not counted
                seconds.append(time.perf_counter() - started)
    return [statistics.median(seconds) for seconds in taken]
