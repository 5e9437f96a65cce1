"""Whether the driver does its work, told by the last cycle's report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.reasons import duration

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.models import CycleReport

PERIODS = 3
SHORTEST_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a supervisor is told.

    Args:
        age_s: Since the last cycle ended; None where there was none.
        limit_s: From which age on the driver counts as stopped; a cycle longer than the period is one itself.
        problem: What is wrong; empty where nothing is.
    """

    age_s: float | None
    limit_s: float
    problem: str


def health(last: CycleReport | None, *, now_utc: datetime, period_s: float) -> Health:
    """Return how the driver does."""
    took_s = last.seconds if last else 0.0
    limit_s = PERIODS * max(period_s, took_s, SHORTEST_PERIOD_S)
    if last is None:
        return Health(None, limit_s, "no cycle has ended yet")
    age_s = max(0.0, (now_utc - last.started_utc).total_seconds() - took_s)
    if age_s <= limit_s:
        return Health(age_s, limit_s, "")
    words = f"the last cycle ended {duration(age_s)} ago, more than {PERIODS} periods ({duration(limit_s)})"
    return Health(age_s, limit_s, words)
