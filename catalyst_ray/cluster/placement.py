"""How many replicas, on how many GPUs, with which actor options. Pure: the cluster's size is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from catalyst_ray.errors import ConfigError

SLACK_CALLS = 4
"""Calls beside the requests in flight that may be in an actor at once (start, stop, a late batch)."""


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """Replicas to start, the GPUs that each reserves, and a sentence about any shortfall."""

    count: int
    num_gpus: float
    words: str


def plan_replicas(
    cluster_gpus: float, wanted_min: int, wanted_max: int, gpus_per_replica: float = 1.0
) -> ReplicaPlan:
    """Fit replicas into the cluster's GPUs, so that no actor waits in silence for one that does not exist.

    A fraction packs several replicas on a card, and a card's remainder is no use to another. Without any
    GPU the least number of replicas runs on CPUs. ``count`` is 0 when not even one fits.

    Raises:
        ConfigError: As from ``check_limits``.
    """
    check_limits(wanted_min, wanted_max, gpus_per_replica)
    asked = f"{wanted_min} × {gpus_per_replica:g} GPU"
    if cluster_gpus <= 0:
        return ReplicaPlan(wanted_min, 0.0, f"no GPU in the cluster: {_replicas(wanted_min)} on CPU")
    if gpus_per_replica < 1:
        # 1/0.1 is 10, though ten times 0.1 is not quite 1.
        fits = math.floor(cluster_gpus) * math.floor(1 / gpus_per_replica + 1e-9)
    else:
        fits = math.floor(cluster_gpus / gpus_per_replica)
    count = min(wanted_max, fits)
    if count == 0:
        words = f"asked {asked}, the cluster has {cluster_gpus:g}: none fits (lower LLM_GPUS_PER_REPLICA)"
    elif count < wanted_min:
        words = f"asked {asked}, the cluster has {cluster_gpus:g}: starting {_replicas(count)}"
    else:
        words = f"{_replicas(count)}, {gpus_per_replica:g} GPU each, of {cluster_gpus:g} in the cluster"
    return ReplicaPlan(count, gpus_per_replica, words)


def replica_options(name: str, *, namespace: str, num_gpus: float, workers: int) -> dict[str, Any]:
    """Return the Ray options of one replica.

    ``namespace`` is the driver's own, or the replicas of a driver that is just ending would hold the names.
    ``num_cpus=0``: left unset, an actor with a GPU holds a whole CPU for life. ``max_task_retries`` repeats a
    call whose worker died; the calls are idempotent.
    """
    return {
        "name": name,
        "namespace": namespace,
        "num_cpus": 0,
        "num_gpus": num_gpus,
        "max_restarts": -1,
        "max_task_retries": 2,
        "max_concurrency": workers + SLACK_CALLS,
    }


def check_limits(wanted_min: int, wanted_max: int, gpus_per_replica: float) -> None:
    """Check what no cluster could satisfy.

    Raises:
        ConfigError: Limits that contradict each other, or a GPU share that Ray refuses.
    """
    if not 1 <= wanted_min <= wanted_max:
        raise ConfigError(
            f"1 ≤ least ≤ most must hold, was {wanted_min}, {wanted_max}", key="LLM_MIN_REPLICAS"
        )
    share = gpus_per_replica
    if not 0 < share < math.inf or (share > 1 and share != math.floor(share)):
        raise ConfigError(
            f"must be a fraction up to 1 or a whole number of GPUs, was {share}", key="LLM_GPUS_PER_REPLICA"
        )


def _replicas(count: int) -> str:
    return f"{count} replica" if count == 1 else f"{count} replicas"
