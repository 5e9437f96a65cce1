"""Memory over cycles: who holds how much, and how fast it grows. Reads no process."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.models import ProcessMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import ProcessReading

MIN_CYCLES = 8
"""Readings after the warm-up below which no slope is told."""
WARM_SHARE, WARM_MOST = 0.25, 100
"""Part of the cycles that is warm-up, and the most of them: caches fill, allocators keep what they once had."""
MOST_PROCESSES = 64


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through figures, one a step: its slope and that slope's standard error."""

    slope: float
    doubt: float
    steps: int


def line_through(figures: Sequence[float]) -> Line | None:
    """Return the line of least squares after the warm-up; None where too few figures are left."""
    kept = figures[min(WARM_MOST, math.ceil(WARM_SHARE * len(figures))) :]
    count = len(kept)
    if count < MIN_CYCLES:
        return None
    middle, mean = (count - 1) / 2, sum(kept) / count
    width = sum((step - middle) ** 2 for step in range(count))
    slope = sum((step - middle) * (figure - mean) for step, figure in enumerate(kept)) / width
    missed = sum((figure - mean - slope * (step - middle)) ** 2 for step, figure in enumerate(kept))
    return Line(slope, math.sqrt(missed / (count - 2) / width), count)


def memory_profiles(readings: Sequence[Sequence[ProcessReading]]) -> tuple[ProcessMemory, ...]:
    """Return every process of the last reading, the driver first, then by role and size."""
    if not readings:
        return ()
    seen: dict[tuple[int, str], list[int]] = defaultdict(list)
    for reading in readings:
        for process in reading:
            seen[process.pid, process.role].append(process.rss_bytes)
    found = [_process(process, seen[process.pid, process.role]) for process in readings[-1]]
    order = {role: place for place, role in enumerate(ROLES)}
    found.sort(key=lambda one: (order.get(one.role, len(order)), -one.rss_bytes))
    return tuple(found[:MOST_PROCESSES])


ROLES = ("driver", "replica", "engine", "worker", "sampler", "raylet", "gcs", "dashboard", "agent")


def by_role(reading: Sequence[ProcessReading]) -> dict[str, int]:
    """Return the memory of each role, in bytes."""
    total: dict[str, int] = defaultdict(int)
    for process in reading:
        total[process.role] += process.rss_bytes
    return dict(total)


def _process(process: ProcessReading, sizes: Sequence[int]) -> ProcessMemory:
    line = line_through(sizes)
    return ProcessMemory(
        role=process.role,
        name=process.name,
        pid=process.pid,
        rss_bytes=sizes[-1],
        rss_max_bytes=max(sizes),
        slope_bytes=line.slope if line else None,
        doubt_bytes=line.doubt if line else None,
        cycles=line.steps if line else 0,
    )
