"""Reads what the joined cluster has, for the plan of replicas. Plans nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray
from ray._private import state as ray_state
from ray.util.accelerators import accelerators

from catalyst_ray.cluster.autoscaler import growth, node_kinds, outlook
from catalyst_ray.cluster.growth import Pending, pending_words
from catalyst_ray.cluster.placement import ClusterView, NodeGpus, holds_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.cluster.placement import ReplicaPlan

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
STATE: Any = ray_state
"""Ray has no public way to ask for what is free by node."""
ACCELERATORS: Any = accelerators
"""A module of names, each a constant."""
HEAD = "node:__internal_head__"
"""Resource that only the head has; no autoscaler takes it away."""
NODE_GROUP = "ray.io/node-group"
"""Label of nodes that Ray's newer autoscaler or KubeRay started; the older one names them in its report."""


def cluster_view() -> ClusterView:
    """Return the GPUs of every living node, those that are free, and what the autoscaler may bring."""
    free: dict[str, dict[str, float]] = STATE.available_resources_per_node()
    kinds = node_kinds()
    nodes = tuple(
        NodeGpus(
            total=float(node["Resources"].get("GPU", 0.0)),
            free=float(free.get(node["NodeID"], {}).get("GPU", 0.0)),
            labels=dict(node.get("Labels") or {}),
            kind=_kind(node, kinds),
        )
        for node in RAY.nodes()
        if node["Alive"]
    )
    return ClusterView(nodes=nodes, growth=growth(), accelerators=_accelerators())


def pending(plan: ReplicaPlan) -> Pending:
    """Return what a replica of a plan waits for that has no process yet."""
    if not plan.num_gpus:
        return Pending("waits for its process")
    labels = f" ({', '.join(f'{key}={value}' for key, value in plan.selector.items())})"
    needs = f"{plan.num_gpus:g} GPU{labels if plan.selector else ''}"
    return pending_words(outlook(plan), fits_now=holds_one(cluster_view(), plan), needs=needs)


def spare_nodes() -> frozenset[str]:
    """Return the nodes of which nothing is reserved and which an autoscaler may take away; none where there is none."""
    free: dict[str, dict[str, float]] = STATE.available_resources_per_node()
    kinds = node_kinds()
    return frozenset(
        str(node["NodeID"])
        for node in RAY.nodes()
        if node["Alive"]
        and HEAD not in node["Resources"]
        and _kind(node, kinds) is not None
        and all(
            free.get(node["NodeID"], {}).get(kind, 0.0) >= node["Resources"].get(kind, 0.0)
            for kind in ("CPU", "GPU")
        )
    )


def _accelerators() -> frozenset[str]:
    names = vars(ACCELERATORS).items()
    return frozenset(value for name, value in names if isinstance(value, str) and name[0] != "_")


def _kind(node: Mapping[str, Any], kinds: Mapping[str, str]) -> str | None:
    """Return the autoscaler's word for nodes like this; None where it has none."""
    told = (node.get("Labels") or {}).get(NODE_GROUP)
    # The older one names them by address, in tries on one machine by id.
    return told or kinds.get(node["NodeManagerAddress"]) or kinds.get(node["NodeID"])
