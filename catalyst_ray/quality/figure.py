"""Owns a figure with its interval, and the bootstrap by which intervals are made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

ROUNDS = 1_000
"""Resamples of the bootstrap."""
LEVEL = 0.95
_SEED = 20_260_112
_CHUNK = 4_000_000
"""Most cells of the matrix of draws that is held at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Args:
        key: Constant name, the key of the JSON.
        title: What was measured, for the table.
        value: None where the folder lacks the data.
        low: Lower end of the 95 % bootstrap interval; None where it has none.
        n: Samples that count.
        aim: The bar; None for a figure that is only reported.
        smaller_is_better: How value and aim compare.
        unit: Written behind the value (``ms``); empty for shares and scores.
        is_count: The value is a number of cases, not a share or score.
        baselines: The same figure of simpler judges, by name.
        details: Lines for the documentation: confusion tables, the rule that picks the samples.
    """

    key: str
    title: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    aim: float | None = None
    smaller_is_better: bool = False
    unit: str = ""
    is_count: bool = False
    baselines: Mapping[str, float] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool | None:
        """Return whether the figure reaches its aim; None without a value or an aim."""
        if self.value is None or self.aim is None:
            return None
        return self.value <= self.aim if self.smaller_is_better else self.value >= self.aim

    def measured(
        self,
        found: Estimate,
        *,
        n: int,
        baselines: Mapping[str, float] | None = None,
        details: tuple[str, ...] = (),
    ) -> Figure:
        """Return the figure with what was found over ``n`` samples."""
        return replace(
            self,
            value=found.value,
            low=found.low,
            high=found.high,
            n=n,
            baselines=baselines or {},
            details=details,
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with the ends of its interval."""

    value: float
    low: float
    high: float


def estimate(
    rows: Sequence[Sequence[float]] | NDArray[Any], statistic: Callable[[NDArray[Any]], NDArray[Any]]
) -> Estimate:
    """Return a statistic of sums over samples, with its percentile bootstrap interval.

    Args:
        rows: One row of k figures a sample, at least one (true and false positives; products; a one).
        statistic: Takes sums of rows, shape (m, k), gives m values; it must not divide by zero.
    """
    table = np.asarray(rows, dtype=float)
    count = len(table)
    draws = np.random.default_rng(_SEED)
    share = np.full(count, 1 / count)
    step = max(1, _CHUNK // count)
    values = [
        statistic(draws.multinomial(count, share, size=min(step, ROUNDS - done)) @ table)
        for done in range(0, ROUNDS, step)
    ]
    return _estimate(float(statistic(table.sum(axis=0)[None, :])[0]), np.concatenate(values))


def estimate_of(samples: Sequence[float], statistic: Callable[[NDArray[Any]], float]) -> Estimate:
    """Return a statistic of single figures that is no function of sums (a median), with its interval."""
    table = np.asarray(samples, dtype=float)
    draws = np.random.default_rng(_SEED)
    values = [statistic(draws.choice(table, len(table))) for _ in range(ROUNDS)]
    return _estimate(statistic(table), np.asarray(values))


def _estimate(value: float, values: NDArray[Any]) -> Estimate:
    edge = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [edge, 100 - edge])
    return Estimate(value, float(low), float(high))


def f1_of_counts(sums: NDArray[Any]) -> NDArray[Any]:
    """Return F1 of sums of (found, false, missed)."""
    found, false, missed = sums.T
    return np.asarray(2 * found / np.maximum(2 * found + false + missed, 1e-9))


def mean_of(sums: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of sums of (value, one)."""
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1e-9))


def confusion_rows(pairs: Sequence[tuple[int, int]], classes: int) -> NDArray[Any]:
    """Return one row a sample for ``macro_f1``: its (truth, guess) pair as one of ``classes``² cells."""
    rows = np.zeros((len(pairs), classes * classes))
    for index, (truth, guess) in enumerate(pairs):
        rows[index, truth * classes + guess] = 1
    return rows


def macro_f1(sums: NDArray[Any], classes: int) -> NDArray[Any]:
    """Return the mean F1 over classes of sums of ``confusion_rows``; a class never seen counts 0."""
    cells = sums.reshape(len(sums), classes, classes)
    right = np.diagonal(cells, axis1=1, axis2=2)
    both = cells.sum(axis=1) + cells.sum(axis=2)
    return np.asarray((2 * right / np.maximum(both, 1e-9)).mean(axis=1))
