"""How many replicas the queue needs. Pure: figures and time are arguments; starts and ends nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the queue says of itself.

    Args:
        waiting: Requests that no replica has.
        busy: Requests that a replica has.
        oldest_age_s: How long the oldest waiting one has waited.
        seconds_each: Time that a replica takes for one request; 0 before the first answer.
        starting: Replicas that are about to be there.
    """

    waiting: int
    busy: int
    oldest_age_s: float
    seconds_each: float
    starting: int = 0


@dataclass(frozen=True, slots=True)
class Scaling:
    """A decision: the replicas wanted, and why, for the log."""

    wanted: int
    words: str


def replicas_needed(demand: Demand, current: int, *, workers: int, target_s: float) -> int:
    """Return the replicas that would work off all there is within ``target_s``.

    A replica serves ``workers`` requests at a time. Before the first answer nothing is known of its speed,
    and what is known may be wrong: a request that has waited for ``target_s`` asks for one more either way,
    but not while one is about to be there: a node takes minutes to come.
    """
    work_s = (demand.waiting + demand.busy) * demand.seconds_each / workers
    needed = math.ceil(work_s / target_s - 1e-9)
    if demand.waiting and demand.oldest_age_s >= target_s:
        needed = max(needed, current if demand.starting else current + 1)
    return max(needed, 1) if demand.waiting or demand.busy else needed


class Scaler:
    """Decides on the number of replicas: up at once, down only after ``idle_s`` without need.

    Args:
        least: Replicas that always stay.
        workers: Requests that a replica serves at a time.
        target_s: Time in which the queue should be worked off.
        idle_s: How long replicas stay without need.
    """

    def __init__(self, *, least: int, workers: int, target_s: float, idle_s: float) -> None:
        self._least = least
        self._workers = workers
        self._target_s = target_s
        self._idle_s = idle_s
        self._surplus_since_s: float | None = None
        self._peak = 0

    def decide(self, demand: Demand, current: int, limit: int, now_s: float) -> Scaling:
        """Return how many replicas there should be, of ``current`` and at most ``limit``."""
        needed = replicas_needed(demand, current, workers=self._workers, target_s=self._target_s)
        wanted = min(max(needed, self._least), max(limit, self._least))
        if wanted >= current:
            self._surplus_since_s, self._peak = None, 0
            words = f"{demand.waiting} wait, the oldest for {demand.oldest_age_s:.1f} s"
            return Scaling(wanted, words)
        if self._surplus_since_s is None:
            self._surplus_since_s = now_s
        # The most that was needed meanwhile: a lull between two bursts must not cost a loaded model.
        self._peak = max(self._peak, wanted)
        if now_s - self._surplus_since_s < self._idle_s:
            return Scaling(current, "")
        wanted = self._peak
        self._surplus_since_s, self._peak = None, 0
        return Scaling(wanted, f"{wanted} were enough for {self._idle_s:g} s")
