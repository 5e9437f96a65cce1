"""What a cluster's autoscaler may bring, and what a replica without a place waits for. Pure: asks nobody."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RAYS_OWN = "ray.io/"
"""Start of the labels that Ray gives a node when it is there; a kind of node does not show them beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """A kind of node that an autoscaler may start: so many at most, each with so many GPUs and these labels."""

    name: str
    gpus: float
    most: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What an autoscaler may grow the cluster to.

    Args:
        kinds: The kinds of workers; None where an autoscaler is there and does not say what it may start.
        most_nodes: Workers of all kinds together at most.
        most_gpus: GPUs at most.
    """

    kinds: tuple[NodeKind, ...] | None
    most_nodes: float = math.inf
    most_gpus: float = math.inf

    @property
    def may_bring_gpus(self) -> bool:
        """Return whether a node with a GPU may come, as far as is known."""
        return self.kinds is None or any(kind.gpus and kind.most for kind in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the autoscaler does for the replicas that have no place.

    Args:
        scales: There is an autoscaler.
        coming: Nodes that are being started, by kind.
        refused: Why nodes that it asked for did not come, in the provider's words.
        is_infeasible: It says that no kind of node has room for such a replica.
    """

    scales: bool = False
    coming: Mapping[str, int] = field(default_factory=dict)
    refused: str = ""
    is_infeasible: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """What a replica without a process waits for, and whether nothing shows that it will ever get it."""

    words: str
    is_vain: bool = False


def pending_words(outlook: Outlook, *, fits_now: bool, needs: str) -> Pending:
    """Say what a replica waits for.

    Args:
        outlook: What the autoscaler does.
        fits_now: A living node would hold the replica, if nobody else were on it.
        needs: What it asks for, as in "1 GPU".
    """
    if fits_now and not outlook.coming:
        return Pending(f"waits for {needs} that is free, or for its process there (see `ray status`)")
    if outlook.is_infeasible and not fits_now:
        return Pending(f"waits for {needs}: no kind of node that may come has it", is_vain=True)
    if outlook.coming:
        coming = " and ".join(f"{count} × {kind}" for kind, count in sorted(outlook.coming.items()))
        return Pending(f"waits for a node with {needs}: {coming} on the way")
    if outlook.refused:
        return Pending(f"waits for a node with {needs}, which the provider refused: {outlook.refused}")
    if outlook.scales:
        return Pending(f"waits for the autoscaler to bring a node with {needs}", is_vain=True)
    return Pending(f"waits for a node with {needs}: there is none", is_vain=True)
