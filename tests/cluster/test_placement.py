"""Which replicas fit a cluster, on which nodes, and what is said of a shortfall."""

from __future__ import annotations

import math

import pytest

from catalyst_ray.cluster.growth import Growth, NodeKind
from catalyst_ray.cluster.placement import (
    ClusterView,
    NodeGpus,
    ReplicaWish,
    matches,
    node_selector,
    plan_replicas,
    replica_options,
    who_leaves,
)
from catalyst_ray.errors import ConfigError


def view(*gpus, free=None, grow=None, labels=()):
    """Return a cluster of nodes with so many GPUs each; all free unless said."""
    frees = gpus if free is None else free
    marks = [*labels, *({} for _ in range(len(gpus) - len(labels)))]
    nodes = [
        NodeGpus(total=total, free=left, labels=mark)
        for total, left, mark in zip(gpus, frees, marks, strict=True)
    ]
    kinds = () if grow is None else (NodeKind(name="more", gpus=1, most=grow - sum(gpus)),)
    return ClusterView(nodes=tuple(nodes), growth=Growth(kinds=kinds))


def plan(cluster, least=1, most=8, gpus_each=1.0, **selector):
    """Return the plan of a wish."""
    return plan_replicas(cluster, ReplicaWish(least=least, most=most, gpus_each=gpus_each, selector=selector))


@pytest.mark.parametrize(
    ("gpus", "share", "limit"),
    [
        ((2,), 1.0, 2),
        ((2,), 0.5, 4),
        ((2,), 0.4, 4),  # a card's remainder is no use to another
        ((1,), 0.1, 10),
        ((1, 1), 2.0, 0),  # a replica's cards are on one node
        ((4, 2), 2.0, 3),
        ((8, 8), 1.0, 8),
    ],
)
def test_replicas_fit_the_cards(gpus, share, limit):
    """As many as the nodes hold, whole cards for whole shares, at most what is wanted."""
    found = plan(view(*gpus), most=10 if share == 0.1 else 8, gpus_each=share)
    assert (found.limit, found.start) == (limit, min(1, limit))


def test_a_shortfall_is_said_in_words():
    """Asked, there, to come, and what starts: one sentence."""
    words = plan(view(2, grow=3), least=4).words
    assert words == (
        "asked 4 × 1 GPU, the cluster has 2 and may grow to 3: starting 3 replicas, all that fit; "
        "2 can start now, the others wait for a node"
    )
    assert "none fits" in plan(view(1), gpus_each=2.0).words
    assert "up to 8 under load" in plan(view(8)).words


def test_a_busy_cluster_is_waited_for_visibly():
    """GPUs that others hold count as there, and the plan says that it waits."""
    found = plan(view(2, free=(0,)))
    assert (found.start, found.num_gpus) == (1, 1.0)
    assert "0 can start now, the others wait for a free GPU" in found.words


def test_a_cluster_without_gpu_runs_on_cpu_and_says_so():
    """None there and none to come: the least number, no GPU reserved, never more."""
    found = plan(view(0, 0), least=2)
    assert (found.start, found.limit, found.num_gpus) == (2, 2, 0.0)
    assert found.words == "no GPU in the cluster: 2 replicas on CPU"


def test_without_gpus_the_labels_still_choose_the_nodes():
    """On CPUs a kind of card means nothing and a label of one's own does; none that fits is said."""
    cluster = view(0, 0, labels=({"pool": "llm"}, {}))
    found = plan(cluster, **node_selector("L4", "pool=llm"))
    assert (found.limit, found.selector) == (1, {"pool": "llm"})
    assert "(pool=llm)" in found.words
    missing = plan(cluster, **node_selector("", "pool=other"))
    assert missing.limit == 0
    assert "no such node" in missing.words


def test_who_asks_for_no_gpu_gets_none():
    """A client of somebody else's server needs no card: replicas run beside those that are in use."""
    found = plan(view(2, free=(0,)), gpus_each=0.0)
    assert (found.start, found.limit, found.num_gpus) == (1, 8, 0.0)
    assert "LLM_GPUS_PER_REPLICA=0" in found.words


def test_a_cluster_that_may_get_gpus_waits_for_them():
    """Nodes to come count: the pending replica is what makes the autoscaler bring them."""
    found = plan(view(0, grow=2))
    assert (found.start, found.limit, found.num_gpus) == (1, 2, 1.0)
    assert "may grow: starting" in plan(view(0, grow=math.inf)).words


@pytest.mark.parametrize(
    ("kinds", "most_nodes", "selector", "limit"),
    [
        ((("big", 4, 2, {}), ("small", 1, 8, {})), math.inf, {}, 1 + 8 + 8),
        ((("big", 4, 2, {}), ("small", 1, 8, {})), 3, {}, 1 + 8 + 1),
        ((("big", 4, 2, {"pool": "x"}), ("small", 1, 8, {"pool": "llm"})), math.inf, {"pool": "llm"}, 8),
        (
            (("small", 1, 3, {}),),
            math.inf,
            {"ray.io/accelerator-type": "L4"},
            3,
        ),  # told when the node is there
        ((("cpu", 0, 9, {}),), math.inf, {}, 1),
    ],
)
def test_what_may_come_is_counted_by_kinds_of_nodes(kinds, most_nodes, selector, limit):
    """Each kind up to its own limit and all up to the cluster's, by their labels, beside the node that stays."""
    made = tuple(
        NodeKind(name=name, gpus=gpus, most=most, labels=labels) for name, gpus, most, labels in kinds
    )
    nodes = (NodeGpus(total=1, free=1), NodeGpus(total=1, free=1, kind="small", labels={"pool": "llm"}))
    cluster = ClusterView(
        nodes=nodes[: 2 if selector.get("pool") else 1], growth=Growth(kinds=made, most_nodes=most_nodes)
    )
    assert plan(cluster, most=100, **selector).limit == limit


def test_gpus_have_a_limit_of_their_own():
    """Hosted clusters limit the GPUs beside the nodes."""
    growth = Growth(kinds=(NodeKind(name="g", gpus=4, most=math.inf),), most_gpus=6)
    found = plan(ClusterView(nodes=(), growth=growth), most=100)
    assert found.limit == 6
    assert "the cluster has 0 and may grow to 6" in found.words


def test_an_autoscaler_that_does_not_say_its_limits_is_asked():
    """Replicas for all that is wanted: whether a node can come shows then."""
    found = plan(ClusterView(nodes=(NodeGpus(total=0, free=0),), growth=Growth(kinds=None)), most=3)
    assert (found.start, found.limit, found.num_gpus) == (1, 3, 1.0)
    assert "the cluster has 0 and may grow: starting 1 replica, up to 3 under load" in found.words


def test_no_replica_need_stay():
    """With nothing at least one starts all the same: without it nothing is known of the model."""
    assert plan(view(2), least=0).start == 1
    assert plan(view(0), least=0).limit == 1


@pytest.mark.parametrize(
    ("nodes", "number", "left"),
    [("ab", 1, "a"), ("aabb", 2, "aa"), ("abab", 2, "aa"), ("abab", 3, "a"), ("aba", 1, "aa"), ("ab", 5, "")],
)
def test_whole_nodes_fall_idle_the_last_first(nodes, number, left):
    """Of replicas on several nodes those go first whose node came last."""
    going = who_leaves(nodes, number)
    assert "".join(node for place, node in enumerate(nodes) if place not in going) == left


def test_only_nodes_with_the_labels_count():
    """A kind of card that no node has fits nothing; one that some have fits there."""
    cluster = view(2, 4, labels=({"ray.io/accelerator-type": "L4"}, {"ray.io/accelerator-type": "A100"}))
    wanted = node_selector("A100", "")
    assert plan(cluster, **wanted).limit == 4
    assert plan(cluster, **wanted).selector == {"ray.io/accelerator-type": "A100"}
    missing = plan(cluster, **node_selector("H100", ""))
    assert missing.limit == 0
    assert "asked 1 × 1 GPU (ray.io/accelerator-type=H100), the cluster has 0: none fits" in missing.words


def test_selectors_are_written_as_ray_writes_them():
    """Names of cards become one label; pairs are taken over, also with lists and exclusions."""
    assert node_selector("L4, A100", "zone=!b, pool=in(x,y)") == {
        "ray.io/accelerator-type": "in(L4,A100)",
        "zone": "!b",
        "pool": "in(x,y)",
    }
    assert node_selector("", " ") == {}
    for wrong in ("zone", "zone=", "=b", "a=b c=d", "a=in(x"):
        with pytest.raises(ConfigError, match="key=value"):
            node_selector("", wrong)


@pytest.mark.parametrize(
    ("wanted", "label", "fits"),
    [
        ("a", "a", True),
        ("a", None, False),
        ("!a", "b", True),
        ("!a", None, True),
        ("in(a,b)", "b", True),
        ("in(a, b)", "c", False),
        ("!in(a,b)", "c", True),
        ("!in(a,b)", "a", False),
    ],
)
def test_a_label_satisfies_its_selector(wanted, label, fits):
    """Equal, not equal, one of, none of; a label that is not there equals nothing."""
    assert matches({} if label is None else {"k": label}, {"k": wanted}) is fits


@pytest.mark.parametrize("share", [-1.0, 1.5, math.inf, math.nan])
def test_a_share_that_ray_refuses_is_a_configuration_error(share):
    """Fractions above one GPU, nothing and nonsense are told by the setting's name."""
    with pytest.raises(ConfigError, match="LLM_GPUS_PER_REPLICA"):
        ReplicaWish(least=1, most=1, gpus_each=share)


def test_limits_must_agree():
    """More at least than at most, and none at most, are configuration errors."""
    for least, most in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ConfigError, match="LLM_MIN_REPLICAS"):
            ReplicaWish(least=least, most=most)


def test_a_replica_holds_no_cpu_and_comes_back():
    """A GPU actor that left its CPUs unset would hold one for life; health has slots of its own."""
    options = replica_options("llm-0", namespace="n", plan=plan(view(2), zone="!b"), workers=3)
    assert (options["num_cpus"], options["num_gpus"]) == (0, 1.0)
    assert (options["max_restarts"], options["max_task_retries"]) == (-1, 0)
    assert options["concurrency_groups"] == {"health": 2}
    assert options["label_selector"] == {"zone": "!b"}
    assert "lifetime" not in options
    assert "label_selector" not in replica_options("x", namespace="n", plan=plan(view(0)), workers=3)
