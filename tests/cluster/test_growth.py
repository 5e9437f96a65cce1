"""What an autoscaler may bring, what a replica without a place waits for, and when it waits in vain. No cluster."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from catalyst_ray.cluster import autoscaler, waiting
from catalyst_ray.cluster.growth import Growth, NodeKind, Outlook, Pending, pending_words
from catalyst_ray.cluster.placement import ReplicaPlan
from catalyst_ray.cluster.waiting import Wait
from catalyst_ray.errors import NoPlace, TransportError

CONFIG = """
max_workers: 5
head_node_type: head
available_node_types:
  head: {resources: {CPU: 0}}
  cpu: {resources: {CPU: 4}, max_workers: 3}
  gpu: {resources: {GPU: 2}, max_workers: 4, labels: {pool: llm}}
  any: {resources: {GPU: 1}}
"""
PLAN = ReplicaPlan(start=1, limit=2, num_gpus=1.0, words="", selector={"pool": "llm"})


class Names(SimpleNamespace):
    """A message of Ray's: fields that are not set are empty."""

    def __getattr__(self, _name):
        return ()


@pytest.fixture
def told(monkeypatch):
    """Return what sets the answers of Ray's table and of the newer autoscaler."""

    def settle(report=None, state=None, config=None, commands=()):
        status = None if report is None else json.dumps({"autoscaler_report": report}).encode()
        client = SimpleNamespace(
            internal_kv_get=lambda _key, _space, timeout: status, get_cluster_status=lambda timeout_s: b""
        )
        reply = SimpleNamespace(
            ParseFromString=lambda _bytes: None, autoscaling_state=state or Names(autoscaler_state_version=0)
        )
        context = SimpleNamespace(gcs_address="10.0.0.1:6379")
        monkeypatch.setattr(autoscaler, "KV", SimpleNamespace(internal_kv_get_gcs_client=lambda: client))
        monkeypatch.setattr(autoscaler, "PROTO", SimpleNamespace(GetClusterStatusReply=lambda: reply))
        monkeypatch.setattr(autoscaler, "RAY", SimpleNamespace(get_runtime_context=lambda: context))
        state_ = SimpleNamespace(state=SimpleNamespace(get_cluster_config=lambda: config))
        monkeypatch.setattr(autoscaler, "STATE", state_)
        monkeypatch.setattr(autoscaler, "command_lines", lambda: commands)

    return settle


def monitor(file=None, gcs="10.0.0.1:6379"):
    """Return the command line of an autoscaler."""
    more = [f"--autoscaling-config={file}"] if file else []
    return ["python", "-u", "/x/ray/autoscaler/v2/monitor.py", f"--gcs-address={gcs}", *more]


def test_the_file_of_this_clusters_own_autoscaler_is_read(told, tmp_path):
    """Workers with their GPUs, limits and labels; another cluster's autoscaler on the machine is none of ours."""
    file = tmp_path / "cluster.yaml"
    file.write_text(CONFIG)
    told(commands=[["sleep"], monitor("/other.yaml", gcs="10.0.0.9:6379"), monitor(file)])
    found = autoscaler.growth()
    assert found == Growth(
        kinds=(
            NodeKind(name="cpu", gpus=0, most=3),
            NodeKind(name="gpu", gpus=2, most=4, labels={"pool": "llm"}),
            NodeKind(name="any", gpus=1, most=5),
        ),
        most_nodes=5,
    )
    assert found.may_bring_gpus


def test_an_autoscaler_without_a_file_only_reports(told):
    """A cluster that was started by hand has one, too: it brings nothing."""
    told(commands=[monitor()], report={"node_type_mapping": {"10.0.0.1": "head"}})
    assert autoscaler.growth() is None


@pytest.mark.parametrize(
    ("report", "version", "grows"),
    [
        ({"node_type_mapping": {"a": "gpu"}}, 0, True),
        ({"node_type_mapping": {"a": "node_0f"}}, 0, False),
        (None, 3, True),
    ],
)
def test_an_autoscaler_elsewhere_may_bring_anything(told, report, version, grows):
    """In a container of its own, as KubeRay's, its file cannot be read: that it is there is known, not its limits."""
    told(report=report, state=Names(autoscaler_state_version=version))
    assert autoscaler.growth() == (Growth(kinds=None) if grows else None)


def test_what_the_clusters_own_table_says_comes_first(told):
    """Hosted Ray puts the kinds of nodes there; -1 is without limit."""
    groups = [
        SimpleNamespace(name="a", resources={"GPU": 4}, max_count=-1),
        SimpleNamespace(name="b", resources={}, max_count=3),
    ]
    told(config=SimpleNamespace(node_group_configs=groups, max_resources={"GPU": 16}))
    found = autoscaler.growth()
    assert [(kind.gpus, kind.most) for kind in found.kinds] == [(4, float("inf")), (0, 3)]
    assert found.most_gpus == 16


def test_a_door_of_ray_that_is_gone_costs_nothing(monkeypatch):
    """They are private: the cluster then counts as fixed, and what it does as unknown."""
    monkeypatch.setattr(autoscaler, "STATE", None)
    monkeypatch.setattr(autoscaler, "KV", None)
    assert autoscaler.growth() is None
    assert autoscaler.outlook(PLAN) == Outlook()


def test_the_older_autoscaler_tells_what_comes_and_what_was_refused(told):
    """Nodes asked for and nodes that start are on the way; a kind that the provider lacks is named with its words."""
    lacking = {"is_available": False, "unavailable_node_information": {"description": "no capacity"}}
    told(
        report={
            "node_type_mapping": {"10.0.0.1": "head"},
            "pending_launches": {"gpu": 1},
            "pending_nodes": [["10.0.0.2", "gpu", "setting-up"]],
            "node_availability_summary": {"node_availabilities": {"any": lacking}},
        }
    )
    assert autoscaler.outlook(PLAN) == Outlook(scales=True, coming={"gpu": 2}, refused="any: no capacity")


def test_the_newer_one_tells_also_what_no_node_can_hold(told):
    """Only a request that looks like ours counts: the same GPUs, the same labels."""
    label = Names(label_constraints=[Names(label_key="pool")])
    ours = Names(resources_bundle={"GPU": 1.0}, label_selectors=[label])
    state = Names(
        autoscaler_state_version=4,
        pending_instance_requests=[Names(ray_node_type_name="gpu", count=1)],
        pending_instances=[Names(ray_node_type_name="gpu")],
        failed_instance_requests=[Names(ray_node_type_name="any", reason="no quota")],
        infeasible_resource_requests=[ours],
    )
    told(state=state)
    found = autoscaler.outlook(PLAN)
    assert found == Outlook(scales=True, coming={"gpu": 2}, refused="any: no quota", is_infeasible=True)
    state.infeasible_resource_requests = [Names(resources_bundle={"GPU": 4.0}, label_selectors=[label])]
    assert not autoscaler.outlook(PLAN).is_infeasible


@pytest.mark.parametrize(
    ("outlook", "fits", "words", "vain"),
    [
        (Outlook(scales=True, coming={"gpu": 2}), False, "for a node with 1 GPU: 2 × gpu on the way", False),
        (Outlook(scales=True, coming={"gpu": 2}), True, "for a node with 1 GPU: 2 × gpu on the way", False),
        (
            Outlook(scales=True, is_infeasible=True),
            True,
            "for 1 GPU that is free, or for its process there",
            False,
        ),
        (Outlook(scales=True, coming={"cpu": 1}, is_infeasible=True), False, "no kind of node", True),
        (Outlook(scales=True, refused="gpu: no quota"), False, "the provider refused: gpu: no quota", False),
        (Outlook(scales=True), False, "for the autoscaler to bring a node with 1 GPU", True),
        (Outlook(), False, "for a node with 1 GPU: there is none", True),
    ],
)
def test_what_is_waited_for_is_said(outlook, fits, words, vain):
    """Nodes on the way, others' work, a provider that has none just now: worth waiting; else in vain."""
    found = pending_words(outlook, fits_now=fits, needs="1 GPU")
    assert words in found.words
    assert found.is_vain is vain


class Told:
    """A clock that is told the time, and what a wait told."""

    def __init__(self):
        self.now_s = 100.0
        self.words = []

    def monotonic(self):
        return self.now_s


def test_waiting_in_vain_ends():
    """A place that nothing can give is given up after a while; anything better begins the while anew."""
    clock = Told()
    wait = Wait("llm-0", 300.0, clock, clock.words.append)
    vain, better = Pending("waits in vain", is_vain=True), Pending("waits for a node")
    for pending in (vain, vain, better, vain):
        wait.unplaced(pending)
        clock.now_s += waiting.VAIN_S
    assert clock.words == ["llm-0 waits in vain", "llm-0 waits for a node", "llm-0 waits in vain"]
    clock.now_s += 1.0
    with pytest.raises(NoPlace, match="given up after 60 s: waits in vain"):
        wait.unplaced(vain)


def test_an_engine_may_take_its_time_as_long_as_it_says_something_new():
    """A download that goes on is no engine that hangs; the time until there is a place does not count."""
    clock = Told()
    wait = Wait("llm-0", 5.0, clock, clock.words.append)
    wait.unplaced(Pending("waits"))
    clock.now_s += 1_000.0
    for state in ("10 %", "20 %", "20 %"):
        wait.placed(state)
        clock.now_s += 4.0
    with pytest.raises(TransportError, match="its engine did not start within 5 s: 20 %"):
        wait.placed("20 %")
