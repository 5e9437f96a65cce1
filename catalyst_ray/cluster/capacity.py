"""Reads what the joined cluster has, for the plan of replicas. Plans nothing."""

from __future__ import annotations

import logging
from typing import Any

import ray
from ray._private import state as ray_state

from catalyst_ray.cluster.placement import ClusterView, NodeGpus

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
STATE: Any = ray_state
"""Ray has no public way to ask for what is free by node, or for what an autoscaler may bring."""


def cluster_view() -> ClusterView:
    """Return the GPUs of every living node, those that are free, and what the autoscaler may grow to."""
    free: dict[str, dict[str, float]] = STATE.available_resources_per_node()
    nodes = tuple(
        NodeGpus(
            total=float(node["Resources"].get("GPU", 0.0)),
            free=float(free.get(node["NodeID"], {}).get("GPU", 0.0)),
            labels=dict(node.get("Labels") or {}),
        )
        for node in RAY.nodes()
        if node["Alive"]
    )
    return ClusterView(nodes=nodes, may_grow_to=_most_gpus())


def _most_gpus() -> float | None:
    try:
        most = STATE.state.get_max_resources_from_cluster_config()
    except Exception as error:  # noqa: BLE001  (a private door of Ray: without it the cluster counts as fixed)
        log.debug("the autoscaler's limits are not known", extra={"error": str(error)})
        return None
    return float(most["GPU"]) if most and most.get("GPU") else None
