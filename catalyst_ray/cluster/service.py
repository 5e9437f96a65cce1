"""Opens a pool of replicas on the joined cluster: plan, pool, fleet. Owns no rule of any of them."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from catalyst_ray.cluster.attached import running_replicas
from catalyst_ray.cluster.capacity import cluster_view, pending
from catalyst_ray.cluster.fleet import Fleet, FleetLimits
from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.cluster.placement import ReplicaPlan, ReplicaWish, plan_replicas
from catalyst_ray.cluster.remote_replica import RemoteReplica
from catalyst_ray.errors import NoPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.cluster.engines import EngineSpec
    from catalyst_ray.cluster.fleet import Managed
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.cluster.placement import ClusterView
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 10.0
"""How long another driver's replica may take to answer before it is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmLimits:
    """How much the slow tier may take.

    Args:
        workers: Requests in flight a replica.
        queue_size: Requests that may wait.
        cache_ttl_s: Seconds that an answer is kept in the store; 0 keeps none.
        timeout_s: Deadline of a verdict, waiting included.
        start_timeout_s: How long an engine may take to start, once its replica is placed.
        target_s: Time in which the queue should be worked off; replicas are added where it is longer.
        idle_s: How long replicas stay without need.
    """

    wish: ReplicaWish
    workers: int
    queue_size: int
    cache_ttl_s: float
    timeout_s: float
    start_timeout_s: float = 300.0
    target_s: float = 5.0
    idle_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Service:
    """An opened pool with its fleet; ``info`` is of the replica that served first."""

    pool: LlmPool
    fleet: Fleet
    plan: ReplicaPlan
    info: ReplicaInfo
    is_joined: bool = False
    """The replicas are another driver's."""

    async def close(self) -> None:
        """End the replicas."""
        await self.fleet.close()
        await self.pool.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How the slow tier is opened.

    Args:
        tell: Told in words what a slow start is doing.
        label: Start of the replicas' names.
    """

    clock: Clock
    limits: LlmLimits
    tell: Callable[[str], None] = field(default=lambda words: log.info("waiting", extra={"what": words}))
    label: str = "llm"


async def open_service(spec: EngineSpec, opening: Opening) -> Service | ReplicaPlan:
    """Start replicas and return a pool that serves, as soon as the first does; the plan if none fits.

    Where the autoscaler turns out to bring no node that could hold one, the cluster counts as it stands.

    Raises:
        CatalystError: No engine starts.
    """
    try:
        return await _open(spec, opening, cluster_view)
    except NoPlace as error:
        log.warning("the language model gets no node", extra={"why": str(error)})
    return await _open(spec, opening, lambda: replace(cluster_view(), growth=None))


async def _open(spec: EngineSpec, opening: Opening, view: Callable[[], ClusterView]) -> Service | ReplicaPlan:
    wish = opening.limits.wish
    plan = plan_replicas(await asyncio.to_thread(view), wish)
    level = logging.WARNING if plan.doubt else logging.INFO
    log.log(level, "replicas of the language model", extra={"plan": plan.words})
    if plan.limit == 0:
        return plan
    pool, fleet = _parts(
        opening,
        plan,
        least=min(wish.least, plan.start),
        # All replicas of one server of somebody's: more of them make it no faster.
        most=plan.start if spec.shares_server else max(plan.start, wish.most),
        make=lambda name: RemoteReplica(spec, name, plan=plan, workers=opening.limits.workers),
        room=lambda: plan_replicas(view(), wish).limit,
        silence_s=opening.limits.timeout_s,
    )
    try:
        info = await fleet.open()
    except BaseException:
        # Cancelled, or nothing starts: no actor may stay and hold a GPU for nobody.
        await fleet.close()
        await pool.close()
        raise
    return Service(pool, fleet, plan, info)


async def join_service(opening: Opening) -> Service | None:
    """Return a pool over the replicas that another driver of this cluster runs; None if there are none."""
    found = await asyncio.to_thread(running_replicas, opening.label, workers=opening.limits.workers)
    if not found:
        return None
    count = len(found)
    plan = ReplicaPlan(start=count, limit=count, num_gpus=0.0, words=f"{count} replicas of another driver")

    def make(name: str) -> RemoteReplica:
        raise AssertionError(f"{name}: a fleet of others' replicas adds none")

    # They may be busy for others: that they are silent to us says nothing.
    pool, fleet = _parts(
        opening, plan, least=count, most=count, make=make, room=lambda: 0, silence_s=math.inf
    )
    info = await fleet.adopt(found, JOIN_TIMEOUT_S)
    if info is None:
        await pool.close()
        return None
    return Service(pool, fleet, plan, info, is_joined=True)


def _parts(
    opening: Opening,
    plan: ReplicaPlan,
    *,
    least: int,
    most: int,
    make: Callable[[str], Managed],
    room: Callable[[], int],
    silence_s: float,
) -> tuple[LlmPool, Fleet]:
    limits, clock = opening.limits, opening.clock
    pool = LlmPool(clock=clock, queue_size=limits.queue_size, silence_s=silence_s)
    fleet = Fleet(
        pool,
        make,
        FleetLimits(
            start=plan.start,
            least=least,
            most=most,
            workers=limits.workers,
            start_timeout_s=limits.start_timeout_s,
            target_s=limits.target_s,
            idle_s=limits.idle_s,
        ),
        clock=clock,
        room=room,
        tell=opening.tell,
        pending=lambda: pending(plan),
        label=opening.label,
    )
    pool.start()
    return pool, fleet
