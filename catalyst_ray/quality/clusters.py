"""Owns the adjusted Rand index (Hubert and Arabie 1985), as sums over parts of the data that can be drawn again."""

from __future__ import annotations

from collections import Counter
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    Pair = tuple[Hashable, Hashable]
    """True story and found story of one item."""


def index_rows(pairs: Sequence[Pair]) -> NDArray[Any]:
    """Return one row a part, where no story of one part shares an item with one of another.

    Its columns: items, pairs of items that are together in truth and as found, in truth, as found.
    """
    parts = _parts(pairs)
    rows = []
    for part in parts:
        both, true, found = Counter(part), Counter(t for t, _ in part), Counter(f for _, f in part)
        rows.append([len(part), *(sum(comb(n, 2) for n in sizes.values()) for sizes in (both, true, found))])
    return np.asarray(rows, dtype=float)


def adjusted_rand(sums: NDArray[Any]) -> NDArray[Any]:
    """Return the adjusted Rand index of sums of ``index_rows``; 1 where nothing is to be told apart."""
    items, both, true, found = sums.T
    by_chance = true * found / np.maximum(items * (items - 1) / 2, 1)
    most = (true + found) / 2
    apart = most - by_chance
    return np.asarray(
        np.where(np.abs(apart) < 1e-12, 1.0, (both - by_chance) / np.where(apart == 0, 1, apart))
    )


def _parts(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Group items that hang together by a true or a found story."""
    roots: dict[Pair, Pair] = {}

    def root(node: Pair) -> Pair:
        while roots.setdefault(node, node) != node:
            roots[node] = node = roots[roots[node]]
        return node

    for true, found in pairs:
        roots[root(("true", true))] = root(("found", found))
    parts: dict[Pair, list[Pair]] = {}
    for pair in pairs:
        parts.setdefault(root(("true", pair[0])), []).append(pair)
    return list(parts.values())
