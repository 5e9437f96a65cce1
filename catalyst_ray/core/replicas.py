"""Which replica is asked, and which one is stuck. Pure: time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Watchdog:
    """Notices a replica that takes requests and answers none.

    What counts is the time with requests in its hands, since its last answer: an idle replica is not stuck,
    and one whose callers were out of patience at once had no chance to answer.

    Args:
        limit_s: Silence that is too long; it doubles with each restart that did not help, eightfold at most.
    """

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._patience = 1
        self._held = 0
        self._silent_s = 0.0
        self._since_s = 0.0

    def sent(self, requests: int, now_s: float) -> None:
        """Note requests handed out."""
        if self._held == 0:
            self._since_s = now_s
        self._held += requests

    def ended(self, requests: int, now_s: float, *, answered: bool) -> None:
        """Note requests that came back; ``answered`` says that the engine itself said something."""
        self._held = max(0, self._held - requests)
        if answered:
            self._silent_s, self._patience = 0.0, 1
        else:
            self._silent_s += max(0.0, now_s - self._since_s)
        self._since_s = now_s

    def is_stuck(self, now_s: float) -> bool:
        """Return whether the silence is too long."""
        running_s = now_s - self._since_s if self._held else 0.0
        return self._silent_s + running_s >= self._limit_s * self._patience

    def restarted(self) -> None:
        """Begin anew, with more patience."""
        self._held, self._silent_s = 0, 0.0
        self._patience = min(2 * self._patience, 8)


@dataclass(frozen=True, slots=True)
class Share:
    """A decision of ``next_share``: send ``size`` requests to the replica at ``index``."""

    index: int
    size: int


def next_share(rooms: Sequence[int], loads: Sequence[int], waiting: int) -> Share | None:
    """Choose the least loaded replica with room, and how much of the queue it gets.

    Work is spread before it is stacked: two requests for two idle replicas go to one each.

    Args:
        rooms: Requests that each replica may still take.
        loads: Requests that each replica has in flight.
        waiting: Requests in the queue.
    """
    free = [index for index, room in enumerate(rooms) if room > 0]
    if not free or waiting < 1:
        return None
    index = min(free, key=lambda i: (loads[i], i))
    return Share(index, min(rooms[index], math.ceil(waiting / len(free))))
