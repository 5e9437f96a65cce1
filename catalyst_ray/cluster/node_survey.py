"""Looks at every node of the joined cluster at once, by an actor on each: one that hangs or dies holds up no other.

Owns the actors and the asking; what is looked at is in ``node_checks``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    ActorUnschedulableError,
    GetTimeoutError,
    RayError,
    RayTaskError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.capacity import HEAD
from catalyst_ray.cluster.node_checks import CHECK_S, CHECKS, Order, look
from catalyst_ray.cluster.placement import ACCELERATOR_LABEL, matches
from catalyst_ray.models import NodeReport, Seat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalyst_ray.cluster.placement import ReplicaPlan
    from catalyst_ray.models import NodeFacts

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
MOST_NODES = 256
START_S, PING_S = 30.0, 10.0
"""A worker starts within a second or two; on a node that is very busy it takes longer."""
MOST_CHARS = 300
PINGS = 5
"""Of so many readings of a node's clock that with the shortest way there and back counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What an actor works with: tests plant faults here.

    Args:
        now_s: Its clock, in seconds since 1970.
        limit_s: How long a check may take.
    """

    checks: Mapping[str, Callable[[Order], dict[str, Any]]]
    now_s: Callable[[], float]
    limit_s: float = CHECK_S


class NodeLooker:
    """The actor of a node."""

    def __init__(self, name: str, kit: Kit) -> None:
        self._name = f"doctor on {name}"
        self._kit = kit

    def __repr__(self) -> str:
        """Return the name that Ray's dashboard and logs show."""
        return self._name

    def now_s(self) -> float:
        """Return the node's time, in seconds since 1970."""
        return self._kit.now_s()

    def look(self, order: Order) -> NodeFacts:
        """Return what is to be known of the node."""
        return look(order, self._kit.checks, self._kit.limit_s)


def system_time_s() -> float:
    """Return this machine's time, in seconds since 1970."""
    return SystemClock().now_utc().timestamp()


KIT = Kit(checks=CHECKS, now_s=system_time_s)


def living_nodes() -> list[Mapping[str, Any]]:
    """Return the nodes of the joined cluster, as Ray tells of them, in the order of their names."""
    alive: list[Mapping[str, Any]] = [node for node in RAY.nodes() if node["Alive"]]
    return sorted(alive, key=lambda node: (str(node["NodeManagerHostname"]), str(node["NodeID"])))


def seats(nodes: Sequence[Mapping[str, Any]], plan: ReplicaPlan | None) -> dict[str, Seat]:
    """Return each node by its id, named so that nodes of one machine are told apart."""
    hosts = Counter(str(node["NodeManagerHostname"]) for node in nodes)
    found = {}
    for node in nodes:
        host, labels = str(node["NodeManagerHostname"]), dict(node.get("Labels") or {})
        gpus = float(node["Resources"].get("GPU", 0.0))
        found[str(node["NodeID"])] = Seat(
            name=host if hosts[host] == 1 else f"{host}/{node['NodeID'][:6]}",
            gpus=gpus,
            gpu_kind=labels.get(ACCELERATOR_LABEL, ""),
            is_head=HEAD in node["Resources"],
            runs_replicas=plan is not None and _takes_replicas(plan, gpus, labels),
            object_store_bytes=float(node["Resources"].get("object_store_memory", 0.0)),
        )
    return found


async def survey(places: Mapping[str, Seat], order: Order, kit: Kit = KIT) -> list[NodeReport]:
    """Look at the nodes side by side and return what was found on each, in the order given."""
    return await asyncio.gather(*(_visit(node, seat, order, kit) for node, seat in places.items()))


async def _visit(node: str, seat: Seat, order: Order, kit: Kit) -> NodeReport:
    options = {
        "num_cpus": 0,
        "num_gpus": 0,
        "max_restarts": 0,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        "enable_task_events": False,
    }
    actor_class: Any = RAY.remote(**options)(NodeLooker)
    actor = actor_class.remote(seat.name, kit)
    step = "no worker started within"
    limit_s = START_S
    try:
        await asyncio.wait_for(actor.now_s.remote(), limit_s)
        step, limit_s = "its clock was not told within", PING_S
        skew_s, doubt_s = await asyncio.wait_for(_skew(actor), limit_s)
        step, limit_s = "no answer within", kit.limit_s + PING_S
        facts: NodeFacts = await asyncio.wait_for(actor.look.remote(order), limit_s)
        return NodeReport(seat=seat, facts=facts, skew_s=skew_s, skew_doubt_s=doubt_s)
    except (TimeoutError, GetTimeoutError):
        return NodeReport(seat=seat, trouble=f"cut off: {step} {limit_s:g} s")
    except RayError as error:
        return NodeReport(seat=seat, trouble=trouble_of(error))
    finally:
        RAY.kill(actor)


async def _skew(actor: Any) -> tuple[float, float]:
    """Return how far a node's clock is ahead, and how far off that may be: half the way there and back."""
    clock = SystemClock()
    readings = []
    for _ in range(PINGS):
        began_s, ours_s = clock.monotonic(), system_time_s()
        theirs_s = await actor.now_s.remote()
        half_s = (clock.monotonic() - began_s) / 2
        readings.append((half_s, theirs_s - (ours_s + half_s)))
    half_s, skew_s = min(readings)
    return skew_s, half_s


def trouble_of(error: RayError) -> str:
    """Return in words why an actor did not answer."""
    cause = error.cause if isinstance(error, RayTaskError) and error.cause else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [""]
    missing = next((line for line in lines if "ModuleNotFoundError" in line), None)
    if missing:
        return missing[:MOST_CHARS]
    if isinstance(error, (ActorDiedError, ActorUnavailableError, ActorUnschedulableError)):
        # Ray knows only later which of the two it was.
        return f"the node, or its worker, went away during the check ({type(error).__name__})"
    return f"{type(cause).__name__}: {lines[-1][:MOST_CHARS]}"


def _takes_replicas(plan: ReplicaPlan, gpus: float, labels: Mapping[str, str]) -> bool:
    return bool(plan.limit) and matches(labels, plan.selector) and (gpus > 0 or not plan.num_gpus)
