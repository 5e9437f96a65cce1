"""A replica's place in the pool: what the pool knows of it and how much it may get. Calls nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from catalyst_ray.cluster.placement import ahead_of
from catalyst_ray.core.breaker import Breaker
from catalyst_ray.core.replicas import Watchdog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Sequence

    from catalyst_ray.errors import CatalystError
    from catalyst_ray.models import LlmAnswer, LlmRequest


class Replica(Protocol):
    """Something that answers batches, ``workers`` requests at a time."""

    name: str
    workers: int

    def generate(
        self, requests: Sequence[LlmRequest], *, timeout_s: float
    ) -> AsyncGenerator[tuple[int, LlmAnswer | CatalystError], None]:
        """Yield (index in the batch, answer or error) as each is ready.

        Raises:
            ReplicaLost: Its process is gone.
            TransportError: ``timeout_s`` passed before all were answered.
        """
        ...

    def drop(self, key: str) -> None:
        """End the work on a request that nobody wants any more; it is yielded as ``ReplicaLost``, or answered."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class Seat:
    """A replica with its load, its breaker and its watchdog.

    Args:
        rest_s: How long it rests after three failures in a row.
        silence_s: How long it may answer nothing before it counts as stuck.
    """

    def __init__(self, replica: Replica, *, rest_s: float, silence_s: float) -> None:
        self.replica = replica
        self.breaker = Breaker(rest_s=rest_s)
        self.watchdog = Watchdog(limit_s=silence_s)
        self.load = 0
        self.is_up = True
        self.is_leaving = False
        self.is_suspect = False
        """A request failed: whoever watches over it looks at once."""
        self.is_watched = False
        """Somebody watches: after a failure without a word it gets nothing until it was looked at."""
        self.batches: set[asyncio.Task[None]] = set()
        self.given_up: set[asyncio.Task[None]] = set()
        """Batches that are being cancelled since the replica was lost: their requests go to others."""
        self._ahead = ahead_of(replica.workers)

    def room(self, now_s: float) -> int:
        """Return how many requests it may get now."""
        if not self.is_up or self.is_leaving or self.is_doubted:
            return 0
        free = max(0, self.replica.workers + self._ahead - self.load)
        allowed = self.breaker.room(now_s)
        return free if allowed is None else min(free, allowed)

    @property
    def is_doubted(self) -> bool:
        """Return whether a look is due before it may get anything."""
        return self.is_suspect and self.is_watched

    def is_resting(self, now_s: float) -> bool:
        """Return whether it is there and rests after failures."""
        return self.is_up and self.breaker.room(now_s) == 0

    def sent(self, requests: int, now_s: float) -> None:
        """Note requests handed out."""
        self.load += requests
        self.breaker.sent()
        self.watchdog.sent(requests, now_s)

    def answered(self, now_s: float) -> None:
        """Note that its engine answered a request, with whatever it said."""
        self.load -= 1
        self.breaker.succeeded()
        self.watchdog.ended(1, now_s, answered=True)

    def failed(self, requests: int, now_s: float, *, spoke: bool) -> None:
        """Note one fault, and the requests that it cost; ``spoke`` says that the engine refused them."""
        self.load -= requests
        self.breaker.failed(now_s)
        self.watchdog.ended(requests, now_s, answered=spoke)
        self.is_suspect = self.is_suspect or not spoke

    def ran_out(self, now_s: float) -> None:
        """Note a request whose caller had too little time left: no fault of the replica."""
        self.load -= 1
        self.watchdog.ended(1, now_s, answered=False)

    def revived(self) -> None:
        """Take it back with a clean record."""
        self.breaker.succeeded()
        self.watchdog.restarted()
        self.is_up, self.is_suspect = True, False
