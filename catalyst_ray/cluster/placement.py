"""How many replicas, on how many GPUs, with which actor options. Pure: the cluster is an argument."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalyst_ray.cluster.accelerators import doubt
from catalyst_ray.cluster.growth import RAYS_OWN, Growth
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.cluster.growth import NodeKind

SLACK_CALLS = 4
"""Calls beside the requests in flight that may be in an actor at once (start, stop, a late batch)."""
AHEAD_SHARE = 0.5
"""Requests sent ahead of a free slot, as a share of the slots: the engine then never waits for the driver."""
HEALTH = "health"
"""Concurrency group of health checks: they are answered while every slot of the replica is taken."""
ACCELERATOR_LABEL = "ray.io/accelerator-type"
"""Label that Ray gives each node after its GPU's name."""
_NO_LIMIT = 1e9  # where nothing is told, or by Ray its largest integer
_PAIR = re.compile(r"\s*([\w./-]+)\s*=\s*(!?in\([^()]*\)|!?[\w.-]+)\s*(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGpus:
    """A node's GPUs: all, and those that nobody holds; ``kind`` is the autoscaler's word for such nodes."""

    total: float
    free: float
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """What the cluster has, and what its autoscaler may bring (None: it does not scale).

    Args:
        accelerators: Names that Ray has for kinds of GPUs.
    """

    nodes: tuple[NodeGpus, ...]
    growth: Growth | None = None
    accelerators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaWish:
    """Replicas asked for: at least, at most, GPUs each, and the labels that their nodes must have.

    Raises:
        ConfigError: Limits that contradict each other, or a GPU share that Ray refuses.
    """

    least: int
    most: int
    gpus_each: float = 1.0
    selector: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = {}
        if not 0 <= self.least <= self.most or self.most < 1:
            words = f"must be from 0 to LLM_MAX_REPLICAS, and that at least 1; they are {self.least} and {self.most}"
            problems["LLM_MIN_REPLICAS"] = words
        share = self.gpus_each
        if not 0 <= share < math.inf or (share > 1 and share != math.floor(share)):
            words = f"must be 0, a fraction up to 1 or a whole number of GPUs, was {share}"
            problems["LLM_GPUS_PER_REPLICA"] = words
        if problems:
            lines = tuple(f"{key}: {words}" for key, words in problems.items())
            key, words = next(iter(problems.items()))
            raise ConfigError(words, problems=lines, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaPlan:
    """What can be had of a wish.

    Args:
        start: Replicas to start with.
        limit: Replicas that there can ever be; 0 when not even one fits.
        num_gpus: GPUs that each reserves; 0 on a cluster without any.
        selector: Labels that each asks for.
        words: What was asked and what there is, with any shortfall.
        doubt: Why the kind of GPU asked for may never be there.
    """

    start: int
    limit: int
    num_gpus: float
    words: str
    selector: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""


def plan_replicas(view: ClusterView, wish: ReplicaWish) -> ReplicaPlan:
    """Fit replicas into the cluster, so that no actor waits in silence for a GPU that does not exist.

    A replica's GPUs are all on one node; a fraction packs several on a card, whose remainder is no use to
    another. On a cluster that has no GPU, and cannot get any, the least number runs on CPUs.
    """
    growth = view.growth or Growth(kinds=())
    if not wish.gpus_each or not (growth.may_bring_gpus or any(node.total for node in view.nodes)):
        return _without_gpus(view, wish)
    fitting = [node for node in view.nodes if matches(node.labels, wish.selector)]
    there = sum(node.total for node in fitting)
    now = sum(_fits(node.total, wish.gpus_each) for node in fitting)
    brings, most_gpus = _brings(growth, fitting, wish)
    limit = int(min(wish.most, max(now, brings)))
    start = min(max(1, wish.least), limit)
    asked = f"asked {max(1, wish.least)} × {wish.gpus_each:g} GPU{_of_kind(wish.selector)}"
    words = f"{asked}, the cluster has {there:g}{_grows(there, most_gpus)}: {_outcome(start, limit, wish)}"
    free = sum(_fits(node.free, wish.gpus_each) for node in fitting)
    if start and free < start:
        words += f"; {free} can start now, the others wait for a {'free GPU' if limit <= now else 'node'}"
    doubts = _doubt(view, growth, wish.selector)
    return ReplicaPlan(
        start=start,
        limit=limit,
        num_gpus=wish.gpus_each,
        words=f"{words}; {doubts}" if doubts else words,
        selector=wish.selector,
        doubt=doubts,
    )


def _doubt(view: ClusterView, growth: Growth, selector: Mapping[str, str]) -> str:
    wanted = selector.get(ACCELERATOR_LABEL, "!")
    if wanted.startswith("!"):
        return ""
    kinds = [kind for kind in growth.kinds or () if kind.gpus and kind.most]
    labels = [*(node.labels for node in view.nodes), *(kind.labels for kind in kinds)]
    return doubt(
        _values(wanted),
        there={one[ACCELERATOR_LABEL] for one in labels if ACCELERATOR_LABEL in one},
        known=view.accelerators,
        may_come=growth.kinds is None or any(ACCELERATOR_LABEL not in kind.labels for kind in kinds),
    )


def holds_one(view: ClusterView, plan: ReplicaPlan) -> bool:
    """Return whether a living node would hold one replica of a plan, if nobody else were on it."""
    return any(matches(node.labels, plan.selector) and node.total >= plan.num_gpus for node in view.nodes)


def who_leaves(nodes: Sequence[str], number: int) -> list[int]:
    """Return which replicas go first, as places in ``nodes``: the node of each, the oldest replica first.

    Whole nodes fall idle, those that came last before others: a node with one replica left cannot be taken away.
    """
    came = {node: place for place, node in reversed(list(enumerate(nodes)))}
    return sorted(range(len(nodes)), key=lambda place: (came[nodes[place]], place), reverse=True)[:number]


def _brings(growth: Growth, fitting: Sequence[NodeGpus], wish: ReplicaWish) -> tuple[float, float]:
    """Return the replicas, and the GPUs, on the nodes that stay and all those that may come."""
    if growth.kinds is None:
        return wish.most, math.inf
    names = {kind.name for kind in growth.kinds}
    stay = [node for node in fitting if node.kind not in names]
    replicas: float = sum(_fits(node.total, wish.gpus_each) for node in stay)
    gpus = sum(node.total for node in stay)
    left = growth.most_nodes
    for kind in sorted(growth.kinds, key=lambda kind: -kind.gpus):
        each = _fits(kind.gpus, wish.gpus_each) if _may_match(kind, wish.selector) else 0
        if each:
            nodes = min(left, kind.most)
            left, replicas, gpus = left - nodes, replicas + nodes * each, gpus + nodes * kind.gpus
    if growth.most_gpus < gpus:
        replicas, gpus = min(replicas, _fits(growth.most_gpus, wish.gpus_each)), growth.most_gpus
    return replicas, gpus


def _may_match(kind: NodeKind, selector: Mapping[str, str]) -> bool:
    told = {key: value for key, value in selector.items() if key in kind.labels or RAYS_OWN not in key}
    return matches(kind.labels, told)


def _grows(there: float, most_gpus: float) -> str:
    if most_gpus <= there:
        return ""
    return " and may grow" + (f" to {most_gpus:g}" if most_gpus < _NO_LIMIT else "")


def _without_gpus(view: ClusterView, wish: ReplicaWish) -> ReplicaPlan:
    selector = {key: value for key, value in wish.selector.items() if key != ACCELERATOR_LABEL}
    if not any(matches(node.labels, selector) for node in view.nodes):
        words = f"asked {_replicas(max(1, wish.least))}{_of_kind(selector)}: no such node (see LLM_LABEL_SELECTOR)"
        return ReplicaPlan(start=0, limit=0, num_gpus=0.0, words=words)
    why = "no GPU in the cluster" if wish.gpus_each else "no GPU asked for (LLM_GPUS_PER_REPLICA=0)"
    # What serves on CPUs takes them from all else; only who asked for that may have more of it.
    start = max(1, wish.least)
    most = start if wish.gpus_each else wish.most
    words = f"{why}: {_replicas(start)} on CPU{_of_kind(selector)}"
    return ReplicaPlan(start=start, limit=most, num_gpus=0.0, words=words, selector=selector)


def node_selector(accelerator_types: str, labels: str) -> dict[str, str]:
    """Return the node labels to ask for, in Ray's own form of label selectors.

    Args:
        accelerator_types: Names of GPUs as Ray writes them, comma-separated; empty is any.
        labels: ``key=value`` pairs, comma-separated; a value may be ``!x``, ``in(a,b)`` or ``!in(a,b)``.

    Raises:
        ConfigError: ``labels`` is no list of pairs.
    """
    names = [name for name in re.split(r"[,\s]+", accelerator_types) if name]
    wanted = {}
    if names:
        wanted[ACCELERATOR_LABEL] = names[0] if len(names) == 1 else f"in({','.join(names)})"
    place = 0
    while place < len(labels.rstrip()):
        pair = _PAIR.match(labels, place)
        if pair is None:
            raise ConfigError(
                f"must be key=value pairs, comma-separated, was {labels!r}", key="LLM_LABEL_SELECTOR"
            )
        wanted[pair[1]] = pair[2]
        place = pair.end()
    return wanted


def matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Return whether a node's labels satisfy a selector, as Ray decides it."""
    return all(_satisfies(labels.get(key), wanted) for key, wanted in selector.items())


def replica_options(name: str, *, namespace: str, plan: ReplicaPlan, workers: int) -> dict[str, Any]:
    """Return the Ray options of one replica.

    ``namespace`` is the driver's own, or the replicas of a driver that is just ending would hold the names.
    ``num_cpus=0``: left unset, an actor with a GPU holds a whole CPU for life. ``max_task_retries=0``: what
    a lost replica had in hand goes to another one at once, not to the same one after its restart.
    """
    options: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "num_cpus": 0,
        "num_gpus": plan.num_gpus,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": workers + ahead_of(workers) + SLACK_CALLS,
        "concurrency_groups": {HEALTH: 2},
    }
    return options | ({"label_selector": dict(plan.selector)} if plan.selector else {})


def ahead_of(workers: int) -> int:
    """Return how many requests a replica is sent beyond those that it serves at a time."""
    return max(1, round(workers * AHEAD_SHARE))


def _fits(gpus: float, each: float) -> int:
    if each < 1:
        # 1/0.1 is 10, though ten times 0.1 is not quite 1. Of a card in use by others the rest counts.
        return math.floor(gpus) * math.floor(1 / each + 1e-9) + math.floor(gpus % 1 / each + 1e-9)
    return math.floor(gpus / each + 1e-9)


def _satisfies(label: str | None, wanted: str) -> bool:
    negated, rest = wanted.startswith("!"), wanted.removeprefix("!")
    return (label in _values(rest)) is not negated


def _values(wanted: str) -> list[str]:
    listed = wanted[3:-1].split(",") if wanted.startswith("in(") else [wanted]
    return [value.strip() for value in listed]


def _of_kind(selector: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{key}={value}' for key, value in selector.items())})" if selector else ""


def _outcome(start: int, limit: int, wish: ReplicaWish) -> str:
    if limit == 0:
        return "none fits (see LLM_GPUS_PER_REPLICA, LLM_ACCELERATOR_TYPE, LLM_LABEL_SELECTOR)"
    if limit < wish.least:
        return f"starting {_replicas(start)}, all that fit"
    return f"starting {_replicas(start)}" + (f", up to {limit} under load" if limit > start else "")


def _replicas(count: int) -> str:
    return f"{count} replica" if count == 1 else f"{count} replicas"
