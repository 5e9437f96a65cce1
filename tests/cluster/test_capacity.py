"""Which nodes an autoscaler may take away, by what Ray tells of them. No cluster."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from catalyst_ray.cluster import autoscaler, capacity

GPU_NODE = {"CPU": 4.0, "GPU": 1.0}


def node(name, address, *, alive=True, labels=None, **resources):
    """Return a node as Ray lists it."""
    return {
        "NodeID": name,
        "NodeManagerAddress": address,
        "Alive": alive,
        "Labels": labels,
        "Resources": resources or GPU_NODE,
    }


def kept(report):
    """Return Ray's table of keys with the older autoscaler's report in it."""
    client = SimpleNamespace(internal_kv_get=lambda _key, _namespace, timeout: report)
    return SimpleNamespace(internal_kv_get_gcs_client=lambda: client)


@pytest.fixture
def cluster(monkeypatch):
    """Return what sets the nodes, what is free on each, and the autoscaler's kinds of nodes by address."""

    def settle(nodes, free, kinds):
        status = None if kinds is None else json.dumps({"autoscaler_report": {"node_type_mapping": kinds}})
        monkeypatch.setattr(capacity, "RAY", SimpleNamespace(nodes=lambda: nodes))
        monkeypatch.setattr(capacity, "STATE", SimpleNamespace(available_resources_per_node=lambda: free))
        monkeypatch.setattr(autoscaler, "KV", kept(status and status.encode()))

    return settle


def test_only_unused_nodes_that_were_started_for_need_are_spare(cluster):
    """The head, dead nodes and those with a reserved GPU or CPU stay; the older autoscaler names its nodes."""
    nodes = [
        node("head", "10.0.0.1", **{"CPU": 2.0, capacity.HEAD: 1.0}),
        node("spare", "10.0.0.2"),
        node("gpu-used", "10.0.0.3"),
        node("cpu-used", "10.0.0.4"),
        node("dead", "10.0.0.5", alive=False),
    ]
    free = {
        "head": {"CPU": 2.0},
        "spare": GPU_NODE,
        "gpu-used": {"CPU": 4.0},
        "cpu-used": {"CPU": 3.0, "GPU": 1.0},
    }
    cluster(nodes, free | {"dead": GPU_NODE}, {f"10.0.0.{n}": "gpu" for n in range(1, 6)})
    assert capacity.spare_nodes() == {"spare"}


def test_nodes_of_the_newer_autoscaler_have_a_label(cluster):
    """There the report is missing, and the node's group tells."""
    nodes = [node("a", "10.0.0.2", labels={capacity.NODE_GROUP: "gpu"}), node("b", "10.0.0.3")]
    cluster(nodes, {"a": GPU_NODE, "b": GPU_NODE}, None)
    assert capacity.spare_nodes() == {"a"}


@pytest.mark.parametrize("kinds", [{"10.0.0.2": "node_0f3a"}, {}, None])
def test_a_cluster_that_does_not_scale_has_no_spare_node(cluster, kinds):
    """Where every node is a kind of its own, or nothing is told, none is taken away."""
    cluster([node("a", "10.0.0.2")], {"a": GPU_NODE}, kinds)
    assert capacity.spare_nodes() == set()


def test_a_report_that_cannot_be_read_counts_as_none(cluster, monkeypatch):
    """It is a private door of Ray: a change there costs no cycle."""
    cluster([node("a", "10.0.0.2")], {"a": GPU_NODE}, None)
    monkeypatch.setattr(autoscaler, "KV", kept(b"no json"))
    assert capacity.spare_nodes() == set()
