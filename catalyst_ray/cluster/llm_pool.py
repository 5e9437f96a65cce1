"""The scheduler's shell: callers wait here, batches go to replicas, every caller is answered by its deadline.

The rules are in ``core/queueing`` and ``core/replicas``; this file only moves requests between them and the
replicas, which may be anything that answers batches (Ray actors, or fakes in a test). Who looks after the
replicas is ``fleet``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.cluster.seat import Replica, Seat
from catalyst_ray.core.queueing import QueueStats, RequestQueue, Work
from catalyst_ray.core.reasons import Code, said
from catalyst_ray.core.replicas import next_share
from catalyst_ray.errors import CatalystError, ConfigError, ParseError, ReplicaLost, TransportError
from catalyst_ray.models import LlmAnswer, LlmRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

GRACE_S = 1.0
"""How much longer than its deadline a caller, and a batch, is waited for: the queue should have ended it."""
FAULT_PAUSE_S = 1.0
"""Rest of the dispatch loop after an unexpected error, unless a new request wakes it."""
ATTEMPTS = 2
"""A request goes to another replica once."""
LATE = Reason(Code.LLM_DEADLINE, "no answer in time")
FAIR_S = 5.0
"""A request that was in a replica's hands for less when its time ran out says nothing of the replica."""
RECENT = 0.1
"""Weight of the newest request in the running mean of seconds: some ten requests are remembered."""

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


def _said_no(error: CatalystError) -> bool:
    return isinstance(error, TransportError) and error.status is not None


class LlmPool:
    """Shares requests out to replicas, which may come and go.

    Args:
        replicas: Started ones; the pool closes them.
        queue_size: Requests that may wait; the least urgent is refused above it.
        ageing_s: Head start of a priority over the next, in seconds.
        rest_s: How long a replica rests after three failures in a row.
        silence_s: How long a replica may answer nothing before it counts as stuck.
    """

    def __init__(
        self,
        replicas: Sequence[Replica] = (),
        *,
        clock: Clock,
        queue_size: int = 512,
        ageing_s: float = 2.0,
        rest_s: float = 10.0,
        silence_s: float = 20.0,
    ) -> None:
        self._clock = clock
        self._rest_s = rest_s
        self._silence_s = silence_s
        self._queue: RequestQueue[LlmRequest] = RequestQueue(queue_size, ageing_s=ageing_s)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._wake = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._closing = False
        self._hands: dict[str, Seat] = {}
        """Which replica has a request."""
        self.seats: list[Seat] = []
        self.seconds_each = 0.0
        """Running mean of the time that an engine takes for one request."""
        self.prompt_tokens = self.answer_tokens = 0
        """Sums over what engines answered; an answer that several share counts once, a cached one not at all."""
        for one in replicas:
            self.add(one)

    def start(self) -> None:
        """Begin to serve; needs a running event loop."""
        self._loop_task = asyncio.create_task(self._serve(), name="llm-pool")

    def add(self, replica: Replica) -> Seat:
        """Let a started replica serve."""
        seat = Seat(replica, rest_s=self._rest_s, silence_s=self._silence_s)
        self.seats.append(seat)
        self._wake.set()
        return seat

    def remove(self, seat: Seat) -> None:
        """Forget a replica; what it still has in hand goes to others."""
        self.lose(seat)
        self.seats.remove(seat)

    def lose(self, seat: Seat) -> None:
        """Send nothing more to a replica, and give what it has in hand to others."""
        seat.is_up = False
        loop = asyncio.get_running_loop()
        for batch in seat.batches:
            # Not at once: a task cancelled before its first step would never give its requests back.
            seat.given_up.add(batch)
            loop.call_soon(batch.cancel)
        self._wake.set()

    def take_back(self, seat: Seat) -> None:
        """Let a replica serve again."""
        seat.revived()
        self._wake.set()

    async def ask(self, request: LlmRequest) -> Answer:
        """Return the answer, or the reason why there is none, by ``request.timeout_s``.

        The dispatch loop keeps the deadline; the limit here holds even if that loop does not.
        """
        now_s = self._clock.monotonic()
        there = [seat for seat in self.seats if seat.is_up]
        if there and all(now_s < seat.breaker.retry_at_s() < math.inf for seat in there):
            self._queue.tell_refused()
            return Reason(Code.LLM_REFUSED, "every replica rests after failures")
        admission = self._queue.offer(
            request.key,
            request,
            priority=request.priority,
            deadline_s=now_s + request.timeout_s,
            now_s=now_s,
        )
        self._tell_displaced(admission.displaced)
        if admission.reason is not None:
            return Reason(Code.LLM_REFUSED, said(admission.reason))
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
            gone = self._queue.cancel(admission.ticket) and self._queue.is_unwanted(request.key)
            if gone and (seat := self._hands.get(request.key)):
                seat.replica.drop(request.key)

    def turn_away(self, words: str) -> None:
        """Tell everybody who waits that there will be no answer."""
        for ticket in tuple(self._waiting):
            self._queue.cancel(ticket)
            self._tell((ticket,), Reason(Code.LLM_FAILED, words))

    def look_again(self) -> None:
        """Share out anew: a replica may have room again."""
        self._wake.set()

    def tell_cached(self) -> None:
        """Count a request that a cache answered."""
        self._queue.tell_cached()

    def stats(self) -> QueueStats:
        """Return true counts so far."""
        return self._queue.stats(self._clock.monotonic())

    async def close(self) -> None:
        """Answer whoever waits, give up what runs, and end the replicas."""
        self._closing = True
        if self._loop_task:
            self._loop_task.cancel()
        for seat in self.seats:
            self.lose(seat)
        batches = [batch for seat in self.seats for batch in seat.batches]
        await asyncio.gather(*batches, *filter(None, [self._loop_task]), return_exceptions=True)
        self._tell(tuple(self._waiting), Reason(Code.LLM_FAILED, "the program ends"))
        await asyncio.gather(*(seat.replica.close() for seat in self.seats))

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
        rests = [seat.breaker.retry_at_s() for seat in self.seats] if len(self._queue) else []
        due_s = min([self._queue.next_deadline_s(), *(rest for rest in rests if rest > now_s)])
        return None if due_s == math.inf else max(0.0, due_s - now_s)

    def _share_out(self) -> None:
        now_s = self._clock.monotonic()
        self._expire(self._queue.expire(now_s))
        loads = [seat.load for seat in self.seats]
        rooms = [seat.room(now_s) for seat in self.seats]
        alone = len(self._able(now_s)) <= 1
        while share := next_share(rooms, loads, len(self._queue)):
            seat = self.seats[share.index]
            work = self._queue.take(now_s, share.size, taker="" if alone else seat.replica.name).work
            if work:
                self._send(seat, work, now_s)
            rooms[share.index] = 0
            loads[share.index] += len(work)

    def _send(self, seat: Seat, work: Sequence[Work[LlmRequest]], now_s: float) -> None:
        seat.sent(len(work), now_s)
        self._hands.update((item.key, seat) for item in work)
        batch = asyncio.create_task(self._run(seat, work, now_s))
        seat.batches.add(batch)
        batch.add_done_callback(seat.batches.discard)
        batch.add_done_callback(seat.given_up.discard)

    async def _run(self, seat: Seat, work: Sequence[Work[LlmRequest]], now_s: float) -> None:
        left = dict(enumerate(work))
        limit_s = max(item.deadline_s for item in work) - now_s
        # What is left of each caller's time is all that the engine gets.
        requests = [replace(item.payload, timeout_s=max(0.01, item.deadline_s - now_s)) for item in work]
        error: CatalystError = ReplicaLost("ended without an answer", key=seat.replica.name)
        try:
            stream = seat.replica.generate(requests, timeout_s=max(0.0, limit_s) + GRACE_S)
            async with contextlib.aclosing(stream) as outcomes:
                async for index, outcome in outcomes:
                    item = left.pop(index, None)
                    if item is not None:
                        self._settle(seat, item, outcome, seconds=self._clock.monotonic() - now_s)
        except asyncio.CancelledError:
            if asyncio.current_task() not in seat.given_up:
                raise
            error = ReplicaLost("it was given up", key=seat.replica.name)
        except ReplicaLost as failure:
            error = self._lost(seat, failure)
        except CatalystError as failure:
            error = failure
        except Exception as failure:  # the boundary of this stage: a bug costs this batch only
            log.exception("batch failed", extra={"replica": seat.replica.name})
            error = TransportError(f"{type(failure).__name__}: {failure}", key=seat.replica.name)
        if left:
            # One fault of the replica, however many requests it held.
            seat.failed(len(left), self._clock.monotonic(), spoke=False)
        for item in left.values():
            self._hands.pop(item.key, None)
            self._give_up(seat, item, error)

    @staticmethod
    def _lost(seat: Seat, error: ReplicaLost) -> ReplicaLost:
        if seat.is_up:
            log.warning("replica is lost", extra={"replica": seat.replica.name, "error": str(error)})
        seat.is_up = False
        return error

    def _settle(
        self, seat: Seat, item: Work[LlmRequest], outcome: LlmAnswer | CatalystError, *, seconds: float
    ) -> None:
        now_s = self._clock.monotonic()
        self._hands.pop(item.key, None)
        if isinstance(outcome, LlmAnswer | ParseError):
            seat.answered(now_s)
            # What the engine took, without the wait of what was sent ahead.
            took_s = (outcome.seconds if isinstance(outcome, LlmAnswer) else 0.0) or seconds
            self.seconds_each += (RECENT if self.seconds_each else 1.0) * (took_s - self.seconds_each)
        elif isinstance(outcome, ReplicaLost) or (item.deadline_s <= now_s and seconds < FAIR_S):
            seat.ran_out(now_s)
        else:
            refused = isinstance(outcome, TransportError) and outcome.status is not None
            seat.failed(1, now_s, spoke=refused)
        if isinstance(outcome, LlmAnswer):
            self.prompt_tokens += outcome.prompt_tokens
            self.answer_tokens += outcome.output_tokens
            self._tell(self._queue.done(item.key, now_s), outcome)
            self._wake.set()
        else:
            self._give_up(seat, item, outcome)

    def _give_up(self, seat: Seat, item: Work[LlmRequest], error: CatalystError) -> None:
        """Put a request back for another replica, once, or tell its callers that it failed."""
        now_s = self._clock.monotonic()
        self._wake.set()
        # What one engine refuses, only another may take; one that was lost, or was cut off and will be looked
        # at, may be back in time itself. Garbage is not tried again: the same prompt gives the same elsewhere.
        comes_back = isinstance(error, ReplicaLost) or (seat.is_doubted and not _said_no(error))
        again = comes_back or any(other is not seat for other in self._able(now_s))
        again = again and not isinstance(error, ParseError)
        # Who joined since it was handed out may have more time than those before.
        if again and item.attempt < ATTEMPTS and self._queue.deadline_s(item.key) > now_s:
            self._tell_displaced(self._queue.put_back(item.key, avoid=seat.replica.name))
            return
        in_time = self._queue.deadline_s(item.key) > now_s and not self._closing
        words = {"replica": seat.replica.name, "error": str(error)}
        log.log(logging.WARNING if in_time else logging.DEBUG, "request failed", extra=words)
        self._expire(self._queue.expire(now_s))
        self._tell(self._queue.failed(item.key, now_s), Reason(Code.LLM_FAILED, why(error)))

    def _able(self, now_s: float) -> list[Seat]:
        """Return the seats that serve now, or as soon as they have room."""
        return [s for s in self.seats if s.is_up and not s.is_leaving and not s.is_resting(now_s)]

    def _expire(self, tickets: Iterable[int]) -> None:
        self._tell(tickets, LATE)

    def _tell_displaced(self, tickets: Iterable[int]) -> None:
        self._tell(tickets, Reason(Code.LLM_REFUSED, "more urgent requests filled the queue"))

    def _tell(self, tickets: Iterable[int], answer: Answer) -> None:
        for ticket in tickets:
            future = self._waiting.get(ticket)
            if future is not None and not future.done():
                future.set_result(answer)
