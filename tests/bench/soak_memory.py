"""What a soak reads of a process, and the line that it lays through what it read."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def anonymous_mb(pid: int) -> float:
    """Return the memory of a process that nothing else has: no files, no pages of Ray's object store."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) / 1e3


def summed_up(points: list[tuple[int, float]]) -> dict[str, float]:
    """Return a series in five figures."""
    values = [value for _, value in points]
    fitted = {
        "per_1000": slope(points) * 1000,
        "per_1000_second_half": slope(points[len(points) // 2 :]) * 1000,
    }
    ends = {"first": values[0], "last": values[-1], "least": min(values), "most": max(values)}
    return {name: round(value, 3) for name, value in (ends | fitted).items()}


def slope(points: Iterable[tuple[float, float]]) -> float:
    """Return the median of the slopes between all points (Theil and Sen): single jumps do not move it."""
    rows = list(points)
    slopes = [
        (y2 - y1) / (x2 - x1)
        for place, (x1, y1) in enumerate(rows)
        for x2, y2 in rows[place + 1 :]
        if x2 != x1
    ]
    return statistics.median(slopes) if slopes else 0.0
