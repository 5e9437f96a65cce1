"""Who is served next: one bounded queue of keyed requests. Owns no thread, clock or model.

A *caller* is one offer and holds one ticket; a *request* is a key with the callers that want it. Every
ticket leaves exactly once: answered (``done``), ``failed``, expired, cancelled or refused.

Order: a priority is a head start. A request of priority ``p`` that arrives at ``t`` stands where one of
priority 0 that arrived at ``t + p * ageing_s`` stands. So what is more urgent goes first, equals go in
the order of arrival, and the least urgent waits at most ``9 * ageing_s`` longer than its turn. That place
never changes with time, which is why a sorted list is the whole queue.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Reason

P = TypeVar("P")

LEAST_URGENT = 9
REMEMBERED = 2_048
"""Answered keys by which a repeated request is told."""


class Outcome(StrEnum):
    """What became of an offer."""

    QUEUED = "queued"
    JOINED = "joined"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Admission:
    """The queue's answer to an offer.

    Args:
        ticket: The caller's number; void when refused.
        reason: Why it was refused.
        displaced: Tickets of a less urgent request that lost its place to this one.
    """

    outcome: Outcome
    ticket: int
    reason: Reason | None = None
    displaced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Work(Generic[P]):
    """A request handed out: answer it with ``done`` or ``failed``, or ``put_back``.

    Args:
        deadline_s: Nobody wants it after that.
        attempt: How often it was handed out, this time included.
    """

    key: str
    payload: P
    deadline_s: float
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Batch(Generic[P]):
    """What ``take`` hands out, and the tickets whose time ran out before."""

    work: tuple[Work[P], ...]
    expired: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """True counts since the start. ``requests`` = all outcomes + the callers still ``open``.

    Args:
        requests: Callers, those answered from a cache included.
        cached: Callers whom the shell answered from its cache.
        joined: Callers who shared another's request (they are counted by outcome too).
        open: Callers who wait for an answer.
        waiting: Requests not handed out yet.
        busy: Requests handed out and not answered.
        worked: Requests that came back, well or badly; ``seconds`` is the sum of their times.
        taken: Requests handed out; ``waited_s`` is the sum of the times that they waited for it.
        repeated: Requests for what was answered lately: a cache that kept it would have spared them.
    """

    requests: int = 0
    cached: int = 0
    joined: int = 0
    refused: int = 0
    expired: int = 0
    cancelled: int = 0
    completed: int = 0
    failed: int = 0
    open: int = 0
    waiting: int = 0
    busy: int = 0
    worked: int = 0
    seconds: float = 0.0
    taken: int = 0
    waited_s: float = 0.0
    repeated: int = 0
    oldest_age_s: float = 0.0

    @property
    def mean_seconds(self) -> float:
        """Return the mean time from hand-out to answer; 0 before the first."""
        return self.seconds / self.worked if self.worked else 0.0


@dataclass(slots=True)
class _Entry(Generic[P]):
    key: str
    payload: P
    place: tuple[float, int]
    offered_s: float
    taken_s: float | None = None
    tickets: dict[int, float] = field(default_factory=dict)
    attempts: int = 0
    avoid: str = ""


class RequestQueue(Generic[P]):
    """Waiting and running requests by key. Every time is seconds of one clock that never goes back.

    Args:
        max_size: Requests that may wait; above it the least urgent is refused.
        ageing_s: Head start of a priority over the next one, in seconds.

    Raises:
        ValueError: ``max_size`` < 1 or ``ageing_s`` < 0.
    """

    def __init__(self, max_size: int, *, ageing_s: float = 2.0) -> None:
        if max_size < 1 or not 0.0 <= ageing_s < math.inf:
            raise ValueError(f"max_size must be at least 1 and ageing_s finite, were {max_size}, {ageing_s}")
        self._max_size = max_size
        self._ageing_s = ageing_s
        self._entries: dict[str, _Entry[P]] = {}
        self._callers: dict[int, str] = {}
        self._line: list[tuple[tuple[float, int], str]] = []
        self._last_ticket = 0
        self._counts = dict.fromkeys(
            ("requests", "cached", "joined", "refused", "expired", "cancelled", "completed", "failed"), 0
        )
        self._worked = 0
        self._seconds = 0.0
        self._taken = 0
        self._waited_s = 0.0
        self._repeated = 0
        self._answered: dict[str, None] = {}  # in the order of the answers

    def offer(self, key: str, payload: P, *, priority: int, deadline_s: float, now_s: float) -> Admission:
        """Queue a request, or join the one of the same key that waits or runs.

        A joiner who is more urgent pulls the waiting request forward.

        Raises:
            ValueError: ``priority`` is not 0 to 9, or ``deadline_s`` is not a number.
        """
        if not 0 <= priority <= LEAST_URGENT or math.isnan(deadline_s):
            raise ValueError(f"priority must be 0 to 9 and the deadline a number: {priority}, {deadline_s}")
        self._counts["requests"] += 1
        self._last_ticket += 1
        ticket = self._last_ticket
        if deadline_s <= now_s:
            return self._refuse(
                ticket, Reason(Code.DEADLINE_PASSED, "its time had run out before it was asked")
            )
        place = (now_s + priority * self._ageing_s, ticket)
        entry = self._entries.get(key)
        if entry is not None:
            self._counts["joined"] += 1
            self._promote(entry, place)
            self._admit(entry, ticket, deadline_s)
            return Admission(Outcome.JOINED, ticket)
        displaced: tuple[int, ...] = ()
        if len(self._line) >= self._max_size:
            if self._line[-1][0] < place:
                words = f"{self._max_size} requests at least as urgent wait already"
                return self._refuse(ticket, Reason(Code.QUEUE_FULL, words))
            displaced = self._drop(self._entries[self._line[-1][1]], "refused")
        entry = _Entry(key=key, payload=payload, place=place, offered_s=now_s)
        self._entries[key] = entry
        self._repeated += key in self._answered
        insort(self._line, (place, key))
        self._admit(entry, ticket, deadline_s)
        return Admission(Outcome.QUEUED, ticket, displaced=displaced)

    def take(self, now_s: float, n: int, *, taker: str = "") -> Batch[P]:
        """Hand out at most ``n`` requests, the most urgent first, none whose time has run out.

        What was put back to avoid ``taker`` is passed over; an empty ``taker`` takes anything.
        """
        expired = self.expire(now_s)
        work: list[Work[P]] = []
        kept: list[tuple[tuple[float, int], str]] = []
        line = iter(self._line)
        for place in line:
            entry = self._entries[place[1]]
            if len(work) >= n or (taker and entry.avoid == taker):
                kept.append(place)
                if len(work) >= n:
                    break
                continue
            entry.taken_s = now_s
            entry.attempts += 1
            if entry.attempts == 1:  # what was put back waited elsewhere too
                self._taken += 1
                self._waited_s += max(0.0, now_s - entry.offered_s)
            work.append(Work(entry.key, entry.payload, max(entry.tickets.values()), entry.attempts))
        self._line = [*kept, *line]
        return Batch(tuple(work), expired)

    def put_back(self, key: str, *, avoid: str = "") -> tuple[int, ...]:
        """Put a request handed out back to its old place in the line, for another than ``avoid``.

        Returns the tickets of the least urgent request, if the line is too long for both; a request that
        nobody wants any more is gone.
        """
        entry = self._entries.get(key)
        if entry is None or entry.taken_s is None:
            return ()
        if not entry.tickets:
            del self._entries[key]
            return ()
        entry.taken_s, entry.avoid = None, avoid
        insort(self._line, (entry.place, key))
        return (
            self._drop(self._entries[self._line[-1][1]], "refused")
            if len(self._line) > self._max_size
            else ()
        )

    def done(self, key: str, now_s: float) -> tuple[int, ...]:
        """Return the tickets that a request's answer goes to; none if nobody waits for it any more."""
        return self._finish(key, now_s, "completed")

    def failed(self, key: str, now_s: float) -> tuple[int, ...]:
        """Return the tickets to be told that a request failed."""
        return self._finish(key, now_s, "failed")

    def cancel(self, ticket: int) -> bool:
        """Let a caller go; False when it had its answer. A request that nobody wants is not handed out."""
        return self._let_go(ticket, "cancelled")

    def expire(self, now_s: float) -> tuple[int, ...]:
        """Let every caller go whose deadline has passed, waiting or running, and return their tickets."""
        late = [
            ticket
            for entry in self._entries.values()
            for ticket, deadline_s in entry.tickets.items()
            if deadline_s <= now_s
        ]
        for ticket in late:
            self._let_go(ticket, "expired")
        return tuple(late)

    def tell_cached(self) -> None:
        """Count a caller whom the shell answered from its cache."""
        self._counts["requests"] += 1
        self._counts["cached"] += 1

    def tell_refused(self) -> None:
        """Count a caller whom the shell turned away without an offer."""
        self._counts["requests"] += 1
        self._counts["refused"] += 1

    def next_deadline_s(self) -> float:
        """Return when the next caller's time runs out; infinite when nobody waits."""
        deadlines = (d for entry in self._entries.values() for d in entry.tickets.values())
        return min(deadlines, default=math.inf)

    def is_unwanted(self, key: str) -> bool:
        """Return whether a request is with a replica and nobody waits for it any more."""
        entry = self._entries.get(key)
        return entry is not None and entry.taken_s is not None and not entry.tickets

    def deadline_s(self, key: str) -> float:
        """Return when the last caller of a request lets it go; minus infinity when nobody waits for it."""
        entry = self._entries.get(key)
        return max(entry.tickets.values(), default=-math.inf) if entry else -math.inf

    def oldest_age_s(self, now_s: float) -> float:
        """Return how long the oldest waiting request has waited; 0 when none waits."""
        waiting = (self._entries[key].offered_s for _, key in self._line)
        return max(0.0, now_s - min(waiting, default=now_s))

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return len(self._line)

    def stats(self, now_s: float) -> QueueStats:
        """Return the counts so far."""
        return QueueStats(
            **self._counts,
            open=len(self._callers),
            waiting=len(self._line),
            busy=len(self._entries) - len(self._line),
            worked=self._worked,
            seconds=self._seconds,
            taken=self._taken,
            waited_s=self._waited_s,
            repeated=self._repeated,
            oldest_age_s=self.oldest_age_s(now_s),
        )

    def _admit(self, entry: _Entry[P], ticket: int, deadline_s: float) -> None:
        entry.tickets[ticket] = deadline_s
        self._callers[ticket] = entry.key

    def _refuse(self, ticket: int, reason: Reason) -> Admission:
        self._counts["refused"] += 1
        return Admission(Outcome.REFUSED, ticket, reason)

    def _promote(self, entry: _Entry[P], place: tuple[float, int]) -> None:
        if entry.taken_s is None and place < entry.place:
            self._leave_line(entry)
            entry.place = place
            insort(self._line, (place, entry.key))

    def _leave_line(self, entry: _Entry[P]) -> None:
        del self._line[bisect_left(self._line, (entry.place, entry.key))]

    def _let_go(self, ticket: int, count: str) -> bool:
        key = self._callers.pop(ticket, None)
        if key is None:
            return False
        entry = self._entries[key]
        del entry.tickets[ticket]
        self._counts[count] += 1
        if not entry.tickets and entry.taken_s is None:
            self._drop(entry, count)
        return True

    def _drop(self, entry: _Entry[P], count: str) -> tuple[int, ...]:
        if entry.taken_s is None:
            self._leave_line(entry)
        del self._entries[entry.key]
        for ticket in entry.tickets:
            del self._callers[ticket]
        self._counts[count] += len(entry.tickets)
        return tuple(entry.tickets)

    def _finish(self, key: str, now_s: float, count: str) -> tuple[int, ...]:
        entry = self._entries.get(key)
        if entry is None or entry.taken_s is None:
            return ()
        self._worked += 1
        self._seconds += max(0.0, now_s - entry.taken_s)
        if count == "completed":
            self._remember(key)
        return self._drop(entry, count)

    def _remember(self, key: str) -> None:
        self._answered.pop(key, None)
        self._answered[key] = None
        if len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]
