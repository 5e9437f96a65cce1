"""cluster.yaml and its variant for a rack against Ray's own schema and checks; no cloud or machine is asked."""

from __future__ import annotations

import copy
import re

import pytest

from catalyst_ray.cluster.placement import ClusterView, NodeGpus, ReplicaWish, plan_replicas
from catalyst_ray.cluster.session import LOCAL_ENVIRONMENT
from catalyst_ray.core.node_health import FOR_ALL, FOR_CARDS, FOR_HEADS
from tests.deploy.files import CLUSTERS, DEPLOY, load

CONFIG = load(CLUSTERS["cloud"])
NOT_FOR_CLUSTERS = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"}
"""What keeps a Ray of one machine on loopback."""
HEADS_ALONE = "RAY_task_events_max_num_task_in_gcs"


def check(config: dict[str, object]) -> dict[str, object]:
    """Return the configuration as Ray completes it, checked by Ray."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def test_ray_accepts_it() -> None:
    """Ray's own validation passes, the head takes no work, and GPU nodes come and go between none and some."""
    types = check(CONFIG)["available_node_types"]
    assert types["head"]["resources"]["CPU"] == 0
    assert types["cpu_worker"]["resources"]["CPU"] > 0
    assert types["gpu_worker"]["resources"]["GPU"] == 1


def test_ray_accepts_the_rack() -> None:
    """Its machines are all wanted, since none can be bought; the head takes no work and no card there either."""
    config = load(CLUSTERS["rack"])
    prepared = check(config)
    (node_type,) = prepared["available_node_types"].values()
    assert node_type["min_workers"] == node_type["max_workers"] == len(config["provider"]["worker_ips"])
    assert "--num-cpus=0 --num-gpus=0" in config["head_start_ray_commands"][-1]


def test_gpu_nodes_come_when_a_replica_waits_for_one() -> None:
    """None need be up: the plan counts those that the autoscaler may bring, and replicas wait for them."""
    from catalyst_ray.cluster.autoscaler import read_config

    gpu_worker = CONFIG["available_node_types"]["gpu_worker"]
    most = gpu_worker["max_workers"] * gpu_worker["resources"]["GPU"]
    view = ClusterView(nodes=(NodeGpus(total=0, free=0),), growth=read_config(CLUSTERS["cloud"]))
    assert plan_replicas(view, ReplicaWish(least=1, most=8)).limit == most >= 2
    assert gpu_worker["min_workers"] == 0


@pytest.mark.parametrize("change", [{"typo": 1}, {"head_node_type": "nobody"}])
def test_the_check_can_fail(change: dict[str, object]) -> None:
    """The same check refuses an unknown key and a head type that does not exist."""
    with pytest.raises(Exception, match=r"typo|nobody|head_node_type"):
        check({**CONFIG, **change})


def started_with(command: str) -> dict[str, str]:
    """Return what stands before ``ray start``."""
    before, _, _ = command.partition("ray start")
    return dict(re.findall(r"(\w+)=(\S+)", before))


def kuberay_environments() -> list[dict[str, str]]:
    """Return the variables of the head's and every worker's container."""
    spec = load(DEPLOY / "kuberay" / "raycluster.yaml")["spec"]
    pods = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    containers = [pod["template"]["spec"]["containers"][0] for pod in pods]
    return [{one["name"]: one.get("value", "") for one in container["env"]} for container in containers]


def all_environments() -> list[dict[str, str]]:
    """Return what Ray is started with on every kind of node, in every file."""
    clusters = [load(path) for path in CLUSTERS.values()]
    commands = [c[f"{kind}_start_ray_commands"][-1] for c in clusters for kind in ("head", "worker")]
    compose = load(DEPLOY / "compose.yaml")["services"]
    composed = [compose[name]["environment"] for name in ("head", "worker")]
    return [*map(started_with, commands), *composed, *kuberay_environments(), by_hand()]


def by_hand() -> dict[str, str]:
    """Return the variables of a cluster that is started by hand, as the shell reads them."""
    lines = (DEPLOY / "ray.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_a_cluster_by_hand_gets_what_the_others_get() -> None:
    """The head of docs/scale.md knows what cluster.yaml's does, but for our own folders, and the guide reads the file."""
    head = started_with(CONFIG["head_start_ray_commands"][-1])
    assert by_hand() == {
        name: value for name, value in head.items() if name not in {"OUT_DIR", "SECRETS_DIR"}
    }
    assert "set -a; . deploy/ray.env; set +a" in (DEPLOY.parent / "docs" / "scale.md").read_text()


def test_the_doctor_looks_for_what_the_files_set() -> None:
    """Each variable that it misses on a node is one that the files set there."""
    heads = [found for found in all_environments() if HEADS_ALONE in found]
    assert all({*FOR_ALL, *FOR_CARDS, *FOR_HEADS} <= set(found) for found in heads)
    assert all({*FOR_ALL, *FOR_CARDS} <= set(found) for found in all_environments())


def test_every_node_gets_what_a_local_one_gets() -> None:
    """What the program sets for a Ray of its own, each file sets for its nodes: GPUs hidden from charts, warm workers."""
    wanted = {
        name: value
        for name, value in LOCAL_ENVIRONMENT.items()
        if name not in {*NOT_FOR_CLUSTERS, HEADS_ALONE}
    }
    found = all_environments()
    assert len(found) == 10
    for environment in found:
        assert {name: environment.get(name) for name in wanted} == wanted
        assert environment["RAY_worker_niceness"] == "0"


def test_heads_are_bounded_and_keep_the_store() -> None:
    """Finished tasks are forgotten above a number, and the driver finds its folders, which outlive the container."""
    heads = [found for found in all_environments() if "OUT_DIR" in found]
    assert len(heads) == 4
    for environment in heads:
        assert environment[HEADS_ALONE] == LOCAL_ENVIRONMENT[HEADS_ALONE] == "20000"
        assert environment["OUT_DIR"].startswith("/")
        assert environment["SECRETS_DIR"].startswith("/")


@pytest.mark.parametrize("path", CLUSTERS.values(), ids=CLUSTERS)
def test_nobody_gets_in_without_the_token(path: object) -> None:
    """Every node has it, and the dashboard listens to its own machine only."""
    config = load(path)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    head = config["head_start_ray_commands"][-1]
    assert "--dashboard-host=127.0.0.1" in head
    assert "--num-cpus=0" in head
    for kind in ("head", "worker"):
        assert started_with(config[f"{kind}_start_ray_commands"][-1])["RAY_AUTH_MODE"] == "token"
