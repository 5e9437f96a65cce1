"""The scheduler's shell: callers wait here, batches go to replicas, every caller is answered by its deadline.

The rules are in ``core/queueing`` and ``core/replicas``; this file only moves requests between them and the
replicas, which may be anything that answers batches (Ray actors, or fakes in a test).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from catalyst_ray.core.queueing import QueueStats, RequestQueue, Work
from catalyst_ray.core.replicas import Breaker, next_share
from catalyst_ray.errors import CatalystError, ConfigError, ParseError, TransportError
from catalyst_ray.models import LlmAnswer, LlmRequest, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

GRACE_S = 1.0
"""How much longer than its deadline a caller, and a batch, is waited for: the queue should have ended it."""
FAULT_PAUSE_S = 1.0
"""Rest of the dispatch loop after an unexpected error, unless a new request wakes it."""
LATE = Reason("llm_deadline", "no answer in time")

NOT_FOUND = 404

Answer = LlmAnswer | Reason
"""What a caller gets: an answer, or why there is none (``llm_deadline``, ``llm_refused``, ``llm_failed``)."""


def why(error: CatalystError) -> str:
    """Return words for a card: an error's own may hold addresses and paths, and are for the log."""
    if isinstance(error, ParseError):
        return "unreadable answer"
    if isinstance(error, ConfigError):
        return "no engine"
    status = error.status if isinstance(error, TransportError) else None
    if status == NOT_FOUND:
        return "the model is not installed"
    return "the model does not answer" if status is None else f"the model refused (status {status})"


class Replica(Protocol):
    """Something that answers batches, ``workers`` requests at a time."""

    name: str
    workers: int

    def generate(
        self, requests: Sequence[LlmRequest], *, timeout_s: float
    ) -> AsyncGenerator[tuple[int, LlmAnswer | CatalystError], None]:
        """Yield (index in the batch, answer or error) as each is ready."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class _Seat:
    """A replica with what is known of it here."""

    def __init__(self, replica: Replica, breaker: Breaker) -> None:
        self.replica = replica
        self.breaker = breaker
        self.load = 0

    def room(self, now_s: float) -> int:
        free = max(0, self.replica.workers - self.load)
        allowed = self.breaker.room(now_s)
        return free if allowed is None else min(free, allowed)


class LlmPool:
    """Shares requests out to replicas.

    Args:
        replicas: Started ones; the pool closes them.
        queue_size: Requests that may wait; the least urgent is refused above it.
        ageing_s: Head start of a priority over the next, in seconds.
        rest_s: How long a replica rests after three failures in a row.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        *,
        clock: Clock,
        queue_size: int = 512,
        ageing_s: float = 2.0,
        rest_s: float = 10.0,
    ) -> None:
        self._seats = [_Seat(replica, Breaker(rest_s=rest_s)) for replica in replicas]
        self._clock = clock
        self._queue: RequestQueue[LlmRequest] = RequestQueue(queue_size, ageing_s=ageing_s)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._wake = asyncio.Event()
        self._batches: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve; needs a running event loop."""
        self._loop_task = asyncio.create_task(self._serve(), name="llm-pool")

    async def ask(self, request: LlmRequest) -> Answer:
        """Return the answer, or the reason why there is none, by ``request.timeout_s``.

        The dispatch loop keeps the deadline; the limit here holds even if that loop does not.
        """
        now_s = self._clock.monotonic()
        if all(now_s < seat.breaker.retry_at_s() < math.inf for seat in self._seats):
            self._queue.tell_refused()
            return Reason("llm_refused", "every replica rests after failures")
        admission = self._queue.offer(
            request.key,
            request,
            priority=request.priority,
            deadline_s=now_s + request.timeout_s,
            now_s=now_s,
        )
        self._tell(admission.displaced, Reason("llm_refused", "more urgent requests filled the queue"))
        if admission.reason is not None:
            return Reason("llm_refused", str(admission.reason))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[admission.ticket] = future
        # Served a tick later: what the same tick asks for goes out in the same batches.
        self._wake.set()
        try:
            async with asyncio.timeout(request.timeout_s + GRACE_S):
                return await future
        except TimeoutError:
            self._expire(self._queue.expire(self._clock.monotonic()))
            return LATE
        finally:
            self._waiting.pop(admission.ticket, None)
            self._queue.cancel(admission.ticket)

    def tell_cached(self) -> None:
        """Count a request that a cache answered."""
        self._queue.tell_cached()

    def stats(self) -> QueueStats:
        """Return true counts so far."""
        return self._queue.stats(self._clock.monotonic())

    async def close(self) -> None:
        """Answer whoever waits, give up what runs, and end the replicas."""
        tasks = [*self._batches, *([self._loop_task] if self._loop_task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tell(tuple(self._waiting), Reason("llm_failed", "the program ends"))
        await asyncio.gather(*(seat.replica.close() for seat in self._seats))

    async def _serve(self) -> None:
        while True:
            self._wake.clear()
            try:
                self._share_out()
                quiet_s = self._quiet_s()
            except Exception:  # the boundary of this stage: callers end by their own limits meanwhile
                log.exception("sharing out failed")
                quiet_s = FAULT_PAUSE_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(quiet_s):
                    await self._wake.wait()

    def _quiet_s(self) -> float | None:
        """Return how long nothing can happen by itself: no deadline passes, no replica ends its rest."""
        now_s = self._clock.monotonic()
        rests = [seat.breaker.retry_at_s() for seat in self._seats] if len(self._queue) else []
        due_s = min([self._queue.next_deadline_s(), *(rest for rest in rests if rest > now_s)])
        return None if due_s == math.inf else max(0.0, due_s - now_s)

    def _share_out(self) -> None:
        now_s = self._clock.monotonic()
        self._expire(self._queue.expire(now_s))
        loads = [seat.load for seat in self._seats]
        rooms = [seat.room(now_s) for seat in self._seats]
        while share := next_share(rooms, loads, len(self._queue)):
            work = self._queue.take(now_s, share.size).work
            self._send(self._seats[share.index], work)
            rooms[share.index] = 0
            loads[share.index] += len(work)

    def _send(self, seat: _Seat, work: Sequence[Work[LlmRequest]], *, again: bool = False) -> None:
        seat.load += len(work)
        seat.breaker.sent()
        task = asyncio.create_task(self._run(seat, work, again=again))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def _run(self, seat: _Seat, work: Sequence[Work[LlmRequest]], *, again: bool) -> None:
        now_s = self._clock.monotonic()
        left = dict(enumerate(work))
        limit_s = max(item.deadline_s for item in work) - now_s
        # What is left of each caller's time is all that the engine gets.
        requests = [replace(item.payload, timeout_s=max(0.01, item.deadline_s - now_s)) for item in work]
        error: CatalystError | None = None
        try:
            stream = seat.replica.generate(requests, timeout_s=max(0.0, limit_s) + GRACE_S)
            async with contextlib.aclosing(stream) as outcomes:
                async for index, outcome in outcomes:
                    item = left.pop(index, None)
                    if item is not None:
                        seat.load -= 1
                        self._settle(seat, item, outcome, again=again)
        except CatalystError as failure:
            error = failure
        except Exception as failure:  # the boundary of this stage: a bug costs this batch only
            log.exception("batch failed", extra={"replica": seat.replica.name})
            error = TransportError(f"{type(failure).__name__}: {failure}", key=seat.replica.name)
        finally:
            seat.load -= len(left)
        if error is None and left and not again:
            # Ray repeated the call in a restarted actor, whose answers came in another order than those
            # taken before: what was passed over is asked for once more.
            self._send(seat, list(left.values()), again=True)
            return
        error = error or TransportError("ended without an answer", key=seat.replica.name)
        if left:
            # One fault of the replica, however many requests it held.
            seat.breaker.failed(self._clock.monotonic())
        for item in left.values():
            self._give_up(seat, item, error, again=again)

    def _settle(
        self, seat: _Seat, item: Work[LlmRequest], outcome: LlmAnswer | CatalystError, *, again: bool
    ) -> None:
        now_s = self._clock.monotonic()
        self._wake.set()
        if isinstance(outcome, LlmAnswer | ParseError):
            seat.breaker.succeeded()
        else:
            seat.breaker.failed(now_s)
        if isinstance(outcome, LlmAnswer):
            self._tell(self._queue.done(item.key, now_s), outcome)
        else:
            self._give_up(seat, item, outcome, again=again)

    def _give_up(self, seat: _Seat, item: Work[LlmRequest], error: CatalystError, *, again: bool) -> None:
        """Send a request to another replica, once, or tell its callers that it failed."""
        now_s = self._clock.monotonic()
        self._wake.set()
        # Garbage is not tried again: the same prompt would give the same elsewhere.
        hopeless = again or isinstance(error, ParseError) or item.deadline_s <= now_s
        other = None if hopeless else self._another(seat, now_s)
        if other is not None:
            self._send(other, [item], again=True)
            return
        log.warning("request failed", extra={"replica": seat.replica.name, "error": str(error)})
        self._expire(self._queue.expire(now_s))
        self._tell(self._queue.failed(item.key, now_s), Reason("llm_failed", why(error)))

    def _another(self, seat: _Seat, now_s: float) -> _Seat | None:
        others = [s for s in self._seats if s is not seat and s.breaker.room(now_s) != 0]
        return min(others, key=lambda s: s.load, default=None)

    def _expire(self, tickets: Iterable[int]) -> None:
        self._tell(tickets, LATE)

    def _tell(self, tickets: Iterable[int], answer: Answer) -> None:
        for ticket in tickets:
            future = self._waiting.get(ticket)
            if future is not None and not future.done():
                future.set_result(answer)
