"""Findings on many nodes in few lines: equal ones are grouped, those that differ are named. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.models import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.core.node_health import NodeFinding

NAMED = 3
"""Nodes that a line names; the others are counted."""
MOST_LINES = 6
"""Lines of one check; what differs in more ways is counted in the last."""
STATUSES = ("ok", "warn", "fail")
FIRST = "node"
"""Nodes of which nothing is known stand before what is known of the others."""

Group = list[tuple[str, "NodeFinding"]]


def group(found: Mapping[str, Sequence[NodeFinding]], *, part: str) -> list[Finding]:
    """Return one finding for all that are alike, in the order of the checks, what is well first.

    Where they differ in a figure only, the worst one is told, with its node.
    """
    checks: dict[str, dict[tuple[str, ...], Group]] = {FIRST: {}}
    for node, findings in found.items():
        for one in findings:
            key = (one.status, one.mend, one.words if one.rank is None else "")
            checks.setdefault(one.name, {}).setdefault(key, []).append((node, one))
    return [
        _finding(members, total=len(found), part=part, kinds=kinds)
        for groups in checks.values()
        for members, kinds in _few(sorted(groups.values(), key=_status))
    ]


def where(nodes: Sequence[str], *, total: int) -> str:
    """Return nodes in a few words."""
    if len(nodes) == total > 1:
        return f"all {total} nodes"
    more = len(nodes) - NAMED
    if more <= 1:  # one more takes no more room than its count
        return ", ".join(nodes)
    return f"{', '.join(nodes[:NAMED])} and {more} more"


def _status(members: Group) -> int:
    return STATUSES.index(members[0][1].status)


def _few(groups: list[Group]) -> list[tuple[Group, int]]:
    """Return the groups of a check, each with the number of kinds in it: the last may hold several."""
    if len(groups) <= MOST_LINES:
        return [(members, 1) for members in groups]
    kept, rest = groups[: MOST_LINES - 1], groups[MOST_LINES - 1 :]
    # The worst first: it is the one that is told.
    merged = [member for members in reversed(rest) for member in members]
    return [*((members, 1) for members in kept), (merged, len(rest))]


def _finding(members: Group, *, total: int, part: str, kinds: int) -> Finding:
    node, worst = members[0]
    words = worst.words
    nodes = tuple(dict.fromkeys(name for name, _ in members))
    if kinds > 1:
        words = f"{node}: {words}; the others differ in {kinds - 1} more ways"
    elif worst.rank is not None:
        node, worst = min(members, key=lambda member: member[1].rank or 0.0)
        is_one = len({one.words for _, one in members}) == 1 or len(nodes) == 1
        words = worst.words if is_one else f"at worst {worst.words} ({node})"
    return Finding(
        worst.name, worst.status, words, worst.mend, part, nodes=nodes, where=where(nodes, total=total)
    )
