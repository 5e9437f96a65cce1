"""A kind of GPU that nobody has: told where it is a slip, and where it can never come; not where it may."""

from __future__ import annotations

import pytest
from ray.util.accelerators import accelerators  # noqa: TID253  (Ray's names are the point)

from catalyst_ray.cluster import capacity
from catalyst_ray.cluster.accelerators import doubt
from catalyst_ray.cluster.growth import Growth, NodeKind
from catalyst_ray.cluster.placement import (
    ACCELERATOR_LABEL,
    ClusterView,
    NodeGpus,
    ReplicaWish,
    node_selector,
    plan_replicas,
)
from catalyst_ray.doctor import cluster

KNOWN = capacity._accelerators()


def told(asked: str, *there: str, may_come: bool = False) -> str:
    """Return what is told of LLM_ACCELERATOR_TYPE as it is set."""
    selector = node_selector(asked, "")
    kinds = tuple(NodeKind(name=kind, gpus=1, most=1) for kind in ("gpu",) if may_come)
    nodes = tuple(NodeGpus(total=1, free=1, labels={ACCELERATOR_LABEL: kind}) for kind in there)
    view = ClusterView(nodes=nodes, growth=Growth(kinds=kinds), accelerators=KNOWN)
    return plan_replicas(view, ReplicaWish(least=1, most=8, selector=selector)).doubt


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("H1000", "H100"), ("H 100", "H100"), ("h100", "H100"), ("A-100", "A100"), ("L4,L40", "L40S")],
)
@pytest.mark.parametrize("may_come", [False, True])
def test_a_slip_is_told_with_what_was_meant(asked: str, meant: str, may_come: bool) -> None:
    """Whether or not nodes may come: none will ever have a kind that Ray does not know."""
    assert f"did you mean {meant}? (LLM_ACCELERATOR_TYPE)" in told(asked, "L4", may_come=may_come)


def test_a_kind_that_is_not_there() -> None:
    """Without an autoscaler that may bring it none will come; with one, or with another that is there, all is well."""
    assert told("H100", "L4", "A100") == (
        "no node has the accelerator H100, they have A100, L4 (LLM_ACCELERATOR_TYPE)"
    )
    assert told("H100", "L4", may_come=True) == ""
    assert told("H100,L4", "L4") == ""
    assert told("", "L4") == ""


def test_a_kind_of_ones_own() -> None:
    """A label that somebody gave their nodes is none that Ray knows, and is there."""
    assert told("our-card", "our-card") == ""
    assert doubt(["our-card"], there=(), known=KNOWN, may_come=True).startswith("no node has")


def test_a_kind_of_node_that_says_what_it_has() -> None:
    """What the autoscaler's nodes will have is told beforehand where their labels say so."""
    kind = NodeKind(name="gpu", gpus=1, most=1, labels={ACCELERATOR_LABEL: "L4"})
    view = ClusterView(nodes=(), growth=Growth(kinds=(kind,)), accelerators=KNOWN)
    plans = [
        plan_replicas(view, ReplicaWish(least=1, most=8, selector={ACCELERATOR_LABEL: name}))
        for name in ("L4", "H100", "!L4")
    ]
    assert [bool(plan.doubt) for plan in plans] == [False, True, False]


def test_the_doctor_warns_of_it() -> None:
    """Of replicas that wait for a node that may never come, too."""
    view = ClusterView(nodes=(), growth=Growth(kinds=None), accelerators=KNOWN)
    plan = plan_replicas(view, ReplicaWish(least=1, most=8, selector={ACCELERATOR_LABEL: "H1000"}))
    found = cluster._replicas(plan, least=1)
    assert (found.status, "did you mean H100?" in found.words) == ("warn", True)
    assert "LLM_ACCELERATOR_TYPE" in found.mend


def test_rays_names_are_read() -> None:
    """Those that are written in small letters in part, too."""
    assert {"H100", "RTX-PRO-6000", "AMD-Instinct-MI300X-OAM", accelerators.APPLE_M1} <= KNOWN
    assert not [name for name in KNOWN if "/" in name or "ray" in name]
