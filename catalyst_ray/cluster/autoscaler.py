"""Reads what Ray's autoscaler may start, and what it is doing. Neither version of it tells all; decides nothing.

What it may start stands in its configuration: in the cluster's own table where somebody put it there (hosted Ray
does), else in the file that the autoscaler of this cluster was started with, where that runs on this machine, as it
does beside a submitted job. KubeRay's runs in a container of its own: then only that there is one is known.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import yaml
from ray._private import state as ray_state
from ray.core.generated import autoscaler_pb2
from ray.experimental import internal_kv

from catalyst_ray.adapters.command_lines import command_lines
from catalyst_ray.cluster.growth import Growth, NodeKind, Outlook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.cluster.placement import ReplicaPlan

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
STATE: Any = ray_state
"""Ray has no public way to ask for what an autoscaler may bring."""
KV: Any = internal_kv
PROTO: Any = autoscaler_pb2
STATUS = b"__autoscaling_status"
"""Where the older autoscaler keeps its report (ray_constants.DEBUG_AUTOSCALING_STATUS)."""
FIXED = "node_"
"""On a cluster that does not scale each node is a kind of its own, named so."""
MONITORS = ("autoscaler/_private/monitor.py", "autoscaler/v2/monitor.py")
"""The programs that are the autoscaler, older and newer."""
RPC_S = 5


def growth() -> Growth | None:
    """Return what an autoscaler may bring; None where the cluster does not scale."""
    try:
        return _told() or _configured()
    except Exception as error:  # noqa: BLE001  (private doors of Ray: without them the cluster counts as fixed)
        log.debug("the autoscaler's limits are not known", extra={"error": str(error)})
        return None


def node_kinds() -> dict[str, str]:
    """Return the kind of each node that the older autoscaler knows, by the node's address or id."""
    try:
        kinds: dict[str, str] = _report().get("node_type_mapping") or {}
    except Exception as error:  # noqa: BLE001  (as above)
        log.debug("the autoscaler's nodes are not known", extra={"error": str(error)})
        return {}
    return {name: kind for name, kind in kinds.items() if not kind.startswith(FIXED)}


def outlook(plan: ReplicaPlan) -> Outlook:
    """Return what the autoscaler does for the replicas of a plan that have no place."""
    try:
        state = _newer()
        if state.autoscaler_state_version:
            return _newer_outlook(state, plan)
        report = _report()
    except Exception as error:  # noqa: BLE001  (as above)
        log.debug("the autoscaler does not tell what it does", extra={"error": str(error)})
        return Outlook()
    if not node_kinds():
        return Outlook()
    coming: dict[str, int] = dict(report.get("pending_launches") or {})
    for *_, kind, _status in report.get("pending_nodes") or ():
        coming[kind] = coming.get(kind, 0) + 1
    told = (report.get("node_availability_summary") or {}).get("node_availabilities") or {}
    refused = [
        f"{kind}: {(one.get('unavailable_node_information') or {}).get('description', 'no reason given')}"
        for kind, one in told.items()
        if not one.get("is_available", True)
    ]
    return Outlook(scales=True, coming=coming, refused="; ".join(refused)[:300])


def _newer_outlook(state: Any, plan: ReplicaPlan) -> Outlook:
    coming: dict[str, int] = {}
    for asked in state.pending_instance_requests:
        coming[asked.ray_node_type_name] = coming.get(asked.ray_node_type_name, 0) + asked.count
    for one in state.pending_instances:
        coming[one.ray_node_type_name] = coming.get(one.ray_node_type_name, 0) + 1
    refused = {f"{one.ray_node_type_name}: {one.reason}" for one in state.failed_instance_requests}
    infeasible = any(_is_of(asked, plan) for asked in state.infeasible_resource_requests)
    return Outlook(
        scales=True, coming=coming, refused="; ".join(sorted(refused))[:300], is_infeasible=infeasible
    )


def _is_of(asked: Any, plan: ReplicaPlan) -> bool:
    """Return whether an infeasible request is one of the plan's replicas, or looks just like one."""
    labels = {one.label_key for selector in asked.label_selectors for one in selector.label_constraints}
    return dict(asked.resources_bundle) == {"GPU": plan.num_gpus} and labels == set(plan.selector)


def _told() -> Growth | None:
    """Return what the cluster's own table says."""
    config = STATE.state.get_cluster_config()
    if config is None or not config.node_group_configs:
        return None
    kinds = tuple(
        NodeKind(
            name=group.name,
            gpus=float(group.resources.get("GPU", 0)),
            most=math.inf if group.max_count < 0 else group.max_count,
        )
        for group in config.node_group_configs
    )
    return Growth(kinds=kinds, most_gpus=float(config.max_resources.get("GPU", math.inf)))


def _configured() -> Growth | None:
    """Return what the autoscaler's own file says, or that there is one whose file lies elsewhere."""
    gcs = f"--gcs-address={RAY.get_runtime_context().gcs_address}"
    for words in command_lines():
        if gcs in words and any(word.endswith(MONITORS) for word in words):
            files = [word.partition("=")[2] for word in words if word.startswith("--autoscaling-config=")]
            return read_config(Path(files[0]).expanduser()) if files and files[0] else None
    newer = _newer()
    return Growth(kinds=None) if node_kinds() or newer.autoscaler_state_version else None


def read_config(file: Path) -> Growth:
    """Return what a cluster.yaml, as `ray up` leaves it on the head, lets the autoscaler start."""
    config: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    most_nodes = float(config.get("max_workers", 2))  # Ray's own default
    kinds = tuple(
        NodeKind(
            name=name,
            gpus=float((kind.get("resources") or {}).get("GPU", 0)),
            most=float(kind.get("max_workers", most_nodes)),
            labels={key: str(value) for key, value in (kind.get("labels") or {}).items()},
        )
        for name, kind in (config.get("available_node_types") or {}).items()
        if name != config.get("head_node_type")
    )
    return Growth(kinds=kinds, most_nodes=most_nodes)


def _report() -> dict[str, Any]:
    """Return the older autoscaler's report; empty where there is none."""
    told = KV.internal_kv_get_gcs_client().internal_kv_get(STATUS, None, timeout=RPC_S)
    report: dict[str, Any] = json.loads(told or b"{}").get("autoscaler_report") or {}
    return report


def _newer() -> Any:
    """Return the newer autoscaler's state; its version is 0 where there is none."""
    reply = PROTO.GetClusterStatusReply()
    reply.ParseFromString(KV.internal_kv_get_gcs_client().get_cluster_status(timeout_s=RPC_S))
    return reply.autoscaling_state
