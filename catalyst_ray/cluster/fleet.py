"""Looks after the replicas: starts them, wakes the dead, restarts the stuck, adds and removes by need.

Decides nothing itself: how many comes from ``core/scaling``, what fits from ``placement``, who is stuck from
the seats' watchdogs. Hands out no requests; that is the pool.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from catalyst_ray.cluster.placement import who_leaves
from catalyst_ray.cluster.seat import Replica
from catalyst_ray.cluster.waiting import Wait
from catalyst_ray.core.limits import backoff_s
from catalyst_ray.core.scaling import Demand, Scaler
from catalyst_ray.errors import CatalystError, NoPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from catalyst_ray.cluster.growth import Pending
    from catalyst_ray.cluster.llm_pool import LlmPool
    from catalyst_ray.cluster.llm_replica import ReplicaHealth, ReplicaInfo
    from catalyst_ray.cluster.seat import Seat
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

TICK_S = 0.25
HEALTH_EVERY_S = 5.0
HEALTH_TIMEOUT_S = 2.0
MISSES = 2
"""Health checks in a row that must fail before a replica counts as lost: one may be slow under load."""
TELL_EVERY_S = 2.0
"""How often a start that takes its time is looked at, and says what it does if that is something new."""
REVIVE_BASE_S, REVIVE_CAP_S = 1.0, 30.0
ROOM_EVERY_S = 2.0
"""How often the cluster is asked whether it could hold more: it costs some milliseconds."""
DRAIN_S = 60.0
"""How long a replica that goes may take for what it has in hand."""
NO_PLACE_S = 600.0
"""After a replica found no place none is added for so long."""


class Managed(Replica, Protocol):
    """A replica that can be started, asked how it is, and restarted; ``is_ours`` unless another driver owns it.

    ``info`` is where it ran when it was started last.
    """

    is_ours: bool
    info: ReplicaInfo | None

    async def start(self, timeout_s: float, *, fresh: bool = False) -> ReplicaInfo:
        """Place it and start its engine."""
        ...

    async def health(self, timeout_s: float) -> ReplicaHealth:
        """Ask how it is."""
        ...

    def restart(self) -> None:
        """End its process; it comes back without engine."""
        ...

    def kill(self) -> None:
        """End it for good, at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLimits:
    """How many replicas, and how patient.

    Args:
        start: Replicas to begin with.
        least: Replicas that always stay; with 0 the last goes too, and one comes again with the next request.
        most: Replicas at most.
        workers: Requests that each serves at a time.
        start_timeout_s: How long an engine may take to start, once its replica is placed.
        target_s: Time in which the queue should be worked off.
        idle_s: How long replicas stay without need.
    """

    start: int
    least: int
    most: int
    workers: int
    start_timeout_s: float
    target_s: float
    idle_s: float


class Fleet:
    """The replicas behind a pool.

    Args:
        make: Makes a replica by name, not started.
        room: Returns how many replicas the cluster could hold; asked before any is added.
        tell: Told in words what a slow start is doing.
        pending: Returns what a replica waits for that has no process yet; runs in a thread.
    """

    def __init__(
        self,
        pool: LlmPool,
        make: Callable[[str], Managed],
        limits: FleetLimits,
        *,
        clock: Clock,
        room: Callable[[], int],
        tell: Callable[[str], None],
        pending: Callable[[], Pending],
        label: str = "llm",
    ) -> None:
        self._pool = pool
        self._make = make
        self._limits = limits
        self._clock = clock
        self._room = room
        self._tell = tell
        self._pending = pending
        self._label = label
        self._numbers = itertools.count()
        self._scaler = Scaler(
            least=limits.least, workers=limits.workers, target_s=limits.target_s, idle_s=limits.idle_s
        )
        self._managed: dict[Seat, Managed] = {}
        self._starting: dict[asyncio.Task[ReplicaInfo | CatalystError], Managed] = {}
        self._care: dict[Seat, asyncio.Task[None]] = {}
        self._missed: dict[Seat, int] = {}
        self._checked_s: dict[Seat, float] = {}
        self._loop_task: asyncio.Task[None] | None = None
        self._failed_starts = 0
        self._add_from_s = 0.0
        self.restarts = 0

    async def open(self) -> ReplicaInfo:
        """Start the first replicas and return the first that serves; the others join as they are ready.

        Raises:
            CatalystError: None starts; it is the first one's reason.
        """
        tasks = [self._begin() for _ in range(self._limits.start)]
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                outcome = task.result()
                if not isinstance(outcome, CatalystError):
                    self._loop_task = asyncio.create_task(self._watch(), name="llm-fleet")
                    return outcome
        raise next(error for task in tasks if isinstance(error := task.result(), CatalystError))

    async def adopt(self, replicas: Sequence[Managed], timeout_s: float) -> ReplicaInfo | None:
        """Take in replicas that run already, and return the first that answers; they count as any other."""
        first = None
        for replica in replicas:
            try:
                info = await replica.start(timeout_s)
            except CatalystError as error:
                log.info("replica not taken in", extra={"replica": replica.name, "error": str(error)})
                continue
            self._manage(replica)
            first = first or info
        if first is not None:
            self._loop_task = asyncio.create_task(self._watch(), name="llm-fleet")
        return first

    @property
    def size(self) -> int:
        """Return the replicas that are there or about to be, without those that leave."""
        return len(self._starting) + sum(not seat.is_leaving for seat in self._pool.seats)

    @property
    def serving(self) -> int:
        """Return the replicas that serve now."""
        return sum(seat.is_up and not seat.is_leaving for seat in self._pool.seats)

    @property
    def places(self) -> list[ReplicaInfo]:
        """Return where the replicas run."""
        return [replica.info for replica in self._managed.values() if replica.info is not None]

    async def close(self) -> None:
        """End the watching and whatever is starting; the pool closes those that serve."""
        tasks: list[asyncio.Task[Any]] = [*self._starting, *self._care.values()]
        if self._loop_task is not None:
            tasks.append(self._loop_task)
        for task in tasks:
            task.cancel()
        lost = [replica for seat, replica in self._managed.items() if not seat.is_up]
        for replica in (*self._starting.values(), *lost):
            replica.kill()  # no actor may stay and hold a GPU for nobody; one whose node is dead ends nothing in order
        await asyncio.gather(*tasks, return_exceptions=True)

    def _manage(self, replica: Managed) -> None:
        seat = self._pool.add(replica)
        seat.is_watched = True
        self._managed[seat] = replica

    def _begin(self) -> asyncio.Task[ReplicaInfo | CatalystError]:
        replica = self._make(f"{self._label}-{next(self._numbers)}")
        task = asyncio.create_task(self._bring_up(replica))
        self._starting[task] = replica
        task.add_done_callback(lambda done: self._starting.pop(done, None))
        return task

    async def _bring_up(self, replica: Managed) -> ReplicaInfo | CatalystError:
        begun_s = self._clock.monotonic()
        try:
            info = await self._patiently(replica)
        except CatalystError as error:
            log.warning("replica does not start", extra={"replica": replica.name, "error": str(error)})
            self._failed_starts += 1
            self._pause(backoff_s(self._failed_starts, base_s=REVIVE_BASE_S, cap_s=REVIVE_CAP_S, jitter=0.0))
            if isinstance(error, NoPlace):
                self._pause(NO_PLACE_S)
                replica.kill()  # there is no process that could end in order
            else:
                await replica.close()
            return error
        self._failed_starts = 0
        self._manage(replica)
        took_s = round(self._clock.monotonic() - begun_s, 1)
        where = {"pid": info.pid, "node": info.node, "gpu_ids": info.gpu_ids, "device": info.engine.device}
        log.info("replica runs", extra={"replica": info.name, **where, "seconds": took_s})
        return info

    async def _patiently(self, replica: Managed) -> ReplicaInfo:
        """Start a replica: it waits for a place as long as it may get one, visibly, and for its engine up to the limit."""
        start = asyncio.create_task(replica.start(float("inf")))
        wait = Wait(replica.name, self._limits.start_timeout_s, self._clock, self._tell)
        try:
            while True:
                done, _ = await asyncio.wait({start}, timeout=TELL_EVERY_S)
                if done:
                    return start.result()
                try:
                    health = await replica.health(HEALTH_TIMEOUT_S)
                except CatalystError:
                    wait.unplaced(await asyncio.to_thread(self._pending))
                else:
                    wait.placed(health.engine.state)
        finally:
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                self._look_after_all()
                await self._scale()
            except Exception:  # the boundary of this stage: the replicas that are there go on serving
                log.exception("looking after the replicas failed")
            await self._clock.sleep(TICK_S)

    def _look_after_all(self) -> None:
        now_s = self._clock.monotonic()
        for seat in self._pool.seats:
            if seat in self._care or seat.is_leaving:
                continue
            due = now_s - self._checked_s.get(seat, 0.0) >= HEALTH_EVERY_S
            if not seat.is_up:
                self._take_care(seat, self._revive(seat))
            elif due or seat.is_suspect or seat.watchdog.is_stuck(now_s):
                self._checked_s[seat] = now_s
                self._take_care(seat, self._examine(seat))

    def _take_care(self, seat: Seat, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._care[seat] = task
        task.add_done_callback(lambda done: self._cared(seat, done))

    def _cared(self, seat: Seat, task: asyncio.Task[None]) -> None:
        if self._care.get(seat) is task:
            del self._care[seat]
        if not task.cancelled() and (error := task.exception()):
            log.error("looking after a replica failed", exc_info=error, extra={"replica": seat.replica.name})

    async def _examine(self, seat: Seat) -> None:
        replica = self._managed[seat]
        try:
            health = await replica.health(HEALTH_TIMEOUT_S)
            trouble = "" if health.ready else f"its engine does not serve ({health.engine.state})"
        except CatalystError as error:
            trouble = f"no health: {error.message}"
        if not trouble:
            self._missed[seat] = 0
            seat.is_suspect = False
            self._pool.look_again()
            if seat.watchdog.is_stuck(self._clock.monotonic()):
                self._lost(seat, "it answers nothing though its health is green")
                replica.restart()
            return
        self._missed[seat] = self._missed.get(seat, 0) + 1
        if self._missed[seat] >= MISSES:
            self._lost(seat, trouble)
        else:
            seat.is_suspect = True

    def _lost(self, seat: Seat, words: str) -> None:
        log.warning("replica is lost", extra={"replica": seat.replica.name, "why": words})
        self._pool.lose(seat)

    async def _revive(self, seat: Seat) -> None:
        """Start a lost replica again, its process too where the engine alone does not help; for ever."""
        replica = self._managed[seat]
        if not replica.is_ours:
            self._forget(seat)
            return
        log.info("restarting a replica", extra={"replica": replica.name})
        begun_s = self._clock.monotonic()
        failures = 0
        while True:
            try:
                await replica.start(self._limits.start_timeout_s, fresh=True)
                break
            except CatalystError as error:
                failures += 1
                log.warning("replica is not back yet", extra={"replica": replica.name, "error": str(error)})
                if failures == 1:
                    replica.restart()
            wait_s = backoff_s(failures, base_s=REVIVE_BASE_S, cap_s=REVIVE_CAP_S, jitter=0.0)
            await self._clock.sleep(wait_s)
        self.restarts += 1
        self._missed[seat] = 0
        self._pool.take_back(seat)
        seconds = round(self._clock.monotonic() - begun_s, 1)
        log.info("replica is back", extra={"replica": replica.name, "seconds": seconds})

    def _forget(self, seat: Seat) -> None:
        """Let a replica of another driver go: that driver may bring it back, we cannot."""
        self._pool.remove(seat)
        del self._managed[seat]
        log.warning("a replica of another driver is gone", extra={"replica": seat.replica.name})
        if not self._pool.seats:
            self._pool.turn_away("the replicas are gone")

    async def _scale(self) -> None:
        stats = self._pool.stats()
        demand = Demand(
            waiting=stats.waiting,
            busy=stats.busy,
            oldest_age_s=stats.oldest_age_s,
            seconds_each=self._pool.seconds_each,
            starting=len(self._starting),
        )
        size = self.size
        now_s = self._clock.monotonic()
        scaling = self._scaler.decide(demand, size, self._limits.most, now_s)
        if scaling.wanted > size and now_s >= self._add_from_s:
            self._pause(ROOM_EVERY_S)
            more = min(scaling.wanted, await asyncio.to_thread(self._room)) - self.size
            if more > 0:
                log.info("adding replicas", extra={"replicas": size + more, "why": scaling.words})
            for _ in range(more):
                self._begin()
        elif scaling.wanted < size:
            log.info("removing replicas", extra={"replicas": scaling.wanted, "why": scaling.words})
            self._shrink(size - scaling.wanted)

    def _pause(self, seconds: float) -> None:
        self._add_from_s = max(self._add_from_s, self._clock.monotonic() + seconds)

    def _shrink(self, number: int) -> None:
        # Those that still wait for a GPU go first, then the newest nodes' ones: nodes that came last fall idle.
        for task, replica in list(self._starting.items())[::-1][:number]:
            task.cancel()
            replica.kill()
            number -= 1
        staying = [seat for seat in self._pool.seats if not seat.is_leaving]
        nodes = [info.node if (info := self._managed[seat].info) else "" for seat in staying]
        for place in who_leaves(nodes, number):
            seat = staying[place]
            seat.is_leaving = True
            if seat in self._care:
                self._care[seat].cancel()
            self._take_care(seat, self._drain(seat))

    async def _drain(self, seat: Seat) -> None:
        if seat.batches:
            await asyncio.wait(set(seat.batches), timeout=DRAIN_S)
        self._pool.remove(seat)
        await self._managed.pop(seat).close()
        self._missed.pop(seat, None)
        self._checked_s.pop(seat, None)
