"""Reads what the joined cluster has, for the plan of replicas. Plans nothing."""

from __future__ import annotations

import json
import logging
from typing import Any

import ray
from ray._private import state as ray_state
from ray.experimental.internal_kv import _internal_kv_get

from catalyst_ray.cluster.placement import ClusterView, NodeGpus

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
STATE: Any = ray_state
"""Ray has no public way to ask for what is free by node, or for what an autoscaler may bring."""
HEAD = "node:__internal_head__"
"""Resource that only the head has; no autoscaler takes it away."""
NODE_GROUP = "ray.io/node-group"
"""Label of nodes that Ray's newer autoscaler or KubeRay started; the older one names them in its report."""
STATUS = "__autoscaling_status"
"""Where the older autoscaler keeps its report (ray_constants.DEBUG_AUTOSCALING_STATUS)."""


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


def spare_nodes() -> frozenset[str]:
    """Return the nodes of which nothing is reserved and which an autoscaler may take away; none where there is none."""
    free: dict[str, dict[str, float]] = STATE.available_resources_per_node()
    scaled = _scaled_names()
    return frozenset(
        str(node["NodeID"])
        for node in RAY.nodes()
        if node["Alive"]
        and HEAD not in node["Resources"]
        and (
            NODE_GROUP in (node.get("Labels") or {}) or scaled & {node["NodeManagerAddress"], node["NodeID"]}
        )
        and all(
            free.get(node["NodeID"], {}).get(kind, 0.0) >= node["Resources"].get(kind, 0.0)
            for kind in ("CPU", "GPU")
        )
    )


def _scaled_names() -> frozenset[str]:
    try:
        report = json.loads(_internal_kv_get(STATUS) or b"{}").get("autoscaler_report") or {}
        kinds: dict[str, str] = report.get("node_type_mapping") or {}
    except Exception as error:  # noqa: BLE001  (as below)
        log.debug("the autoscaler's nodes are not known", extra={"error": str(error)})
        return frozenset()
    # By address, in tries on one machine by id. On a cluster that does not scale each node is a kind of its own.
    return frozenset(name for name, kind in kinds.items() if not kind.startswith("node_"))


def _most_gpus() -> float | None:
    try:
        most = STATE.state.get_max_resources_from_cluster_config()
    except Exception as error:  # noqa: BLE001  (a private door of Ray: without it the cluster counts as fixed)
        log.debug("the autoscaler's limits are not known", extra={"error": str(error)})
        return None
    return float(most["GPU"]) if most and most.get("GPU") else None
