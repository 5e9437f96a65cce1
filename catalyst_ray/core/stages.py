"""The stages of a cycle by what they serve, as people are shown them. Owns the names and the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BRANCHES: Mapping[str, tuple[str, ...]] = {
    "Feeds": ("fetch", "parse", "claim"),
    "Classification": ("score", "read", "gate"),
    "Language model": ("judge",),
    "Charts": ("draw",),
    "Posting": ("commit", "deliver"),
}
"""Stages by what they serve; others stand by themselves."""
OTHER = "Other"
"""The seconds of a cycle in which no stage is under way."""
TARGET_S = 5.0
"""What a cycle should take at most."""


def covered_s(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of what spans of time cover together."""
    total_s, reached_s = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total_s += max(0.0, end - max(begin, reached_s))
        reached_s = max(reached_s, end)
    return total_s
