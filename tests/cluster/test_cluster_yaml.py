"""cluster.yaml against Ray's own schema and checks; no cloud is asked."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from catalyst_ray.cluster.placement import ClusterView, NodeGpus, ReplicaWish, plan_replicas

FILE = Path(__file__).parents[2] / "cluster.yaml"
CONFIG = yaml.safe_load(FILE.read_text())


def check(config: dict[str, object]) -> dict[str, object]:
    """Return the configuration as Ray completes it, checked by Ray."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def test_ray_accepts_it() -> None:
    """Ray's own validation passes, and the head takes no work."""
    types = check(CONFIG)["available_node_types"]
    assert types["head"]["resources"]["CPU"] == 0
    assert types["gpu_worker"]["resources"]["GPU"] == 1


def test_gpu_nodes_come_when_a_replica_waits_for_one() -> None:
    """None need be up: the plan counts those that the autoscaler may bring, and replicas wait for them."""
    from catalyst_ray.cluster.autoscaler import read_config

    gpu_worker = CONFIG["available_node_types"]["gpu_worker"]
    most = gpu_worker["max_workers"] * gpu_worker["resources"]["GPU"]
    view = ClusterView(nodes=(NodeGpus(total=0, free=0),), growth=read_config(FILE))
    assert plan_replicas(view, ReplicaWish(least=1, most=8)).limit == most >= 2
    assert gpu_worker["min_workers"] == 0


@pytest.mark.parametrize("change", [{"typo": 1}, {"head_node_type": "nobody"}])
def test_the_check_can_fail(change: dict[str, object]) -> None:
    """The same check refuses an unknown key and a head type that does not exist."""
    with pytest.raises(Exception, match=r"typo|nobody|head_node_type"):
        check({**CONFIG, **change})
