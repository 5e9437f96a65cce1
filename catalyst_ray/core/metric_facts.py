"""What a report, a queue or a card says in figures of ``core/metric_list``. Exports nothing.

A fact of a counter is an increment, or a total since somebody's start: ``Totals`` makes increments of those.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core import metric_list as m
from catalyst_ray.core.message_text import plain
from catalyst_ray.core.reasons import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.core.metric_list import Metric
    from catalyst_ray.models import CycleReport, Delivery, GpuSample, StoreStatus

LONGEST_VALUE = 60
_OUTCOMES = {outcome: "expired" if outcome == "timed_out" else outcome for outcome in m.OUTCOMES}


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of a metric.

    Args:
        labels: Values, in the order of the metric's labels.
        is_total: Of a counter: the value is a sum since somebody's start, not an increment.
    """

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()
    is_total: bool = False


class Totals:
    """Makes increments of sums that only grow, and begin anew when who counts does."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, tuple[str, ...]], float] = {}

    def increment(self, fact: Fact) -> float:
        """Return how much was added since the last fact of its kind."""
        key = (fact.metric.name, fact.labels)
        before = self._last.get(key, 0.0)
        self._last[key] = fact.value
        return fact.value - before if fact.value >= before else fact.value


class Bounds:
    """Keeps labels within their bounds: what is too much is told as ``other``."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def tags(self, fact: Fact) -> dict[str, str]:
        """Return a fact's labels by name, each within its bound."""
        pairs = zip(fact.metric.labels, fact.labels, strict=True)
        return {label.key: self._value(label, value) for label, value in pairs}

    def _value(self, label: m.Label, value: str) -> str:
        if label.values:
            return value if value in label.values else m.OTHER
        value = plain(value)[:LONGEST_VALUE]
        known = self._known.setdefault(label.key, set())
        if value not in known and len(known) >= label.most:
            return m.OTHER
        known.add(value)
        return value


def zero_facts(*, feeds: Iterable[str], sinks: Iterable[str]) -> Iterator[Fact]:
    """Yield 0 for every counter whose labels are known before anything happens: else its first event is not seen."""
    known = {"feed": tuple(feeds), "sink": tuple(sinks)}
    for metric in m.METRICS:
        if metric.kind is not m.MetricKind.COUNTER:
            continue
        rows: list[tuple[str, ...]] = [()]
        for label in metric.labels:
            values = label.values or known.get(label.key, ())
            rows = [(*row, value) for row in rows for value in values]
        yield from (Fact(metric, 0.0, row) for row in rows)


def cycle_facts(report: CycleReport) -> Iterator[Fact]:
    """Yield what a cycle did."""
    counts = report.counts
    yield Fact(m.CYCLES, 1)
    yield Fact(m.CYCLE_SECONDS, report.seconds)
    yield Fact(m.PROBLEMS, len(report.problems))
    for histogram, kind, spent in (
        (m.STAGE_ELAPSED, "elapsed", report.elapsed),
        (m.STAGE_WORK, "work", report.stages),
    ):
        for stage, seconds in spent.items():
            yield Fact(histogram, seconds, (stage,))
            yield Fact(m.STAGE_SPENT, seconds, (stage, kind))
    for decision in m.DECISIONS:
        yield Fact(m.ITEMS, counts.get(decision, 0), (decision,))
    for effect in m.LATE_EFFECTS:
        yield Fact(m.LATE_VERDICTS, counts.get(effect, 0), (effect,))
    yield Fact(m.ALERTS, alerts_of(report))
    for feed in report.feeds:
        if feed.status in {"ok", "not_modified", "failed"}:
            yield Fact(m.FEED_SECONDS, feed.seconds, (feed.feed,))
        yield Fact(m.FEED_ERRORS, feed.status == "failed", (feed.feed,))
        yield Fact(m.FEED_NEW, feed.new, (feed.feed,))


def alerts_of(report: CycleReport) -> int:
    """Return how many alerts a cycle sent to the outbox."""
    return sum(report.counts.get(name, 0) for name in ("alert", "released", "lifted"))


def queue_facts(name: str, stats: Mapping[str, float]) -> Iterator[Fact]:
    """Yield where a queue stands, of its statistics; nothing where there are none."""
    if not stats:
        return
    row = (name,)
    yield Fact(m.QUEUE_WAITING, stats["waiting"], row)
    yield Fact(m.QUEUE_BUSY, stats["busy"], row)
    yield Fact(m.QUEUE_SLOTS, stats["workers"], row)
    yield Fact(m.QUEUE_OLDEST, stats["oldest_age_s"], row)
    for outcome, key in _OUTCOMES.items():
        yield Fact(m.QUEUE_REQUESTS, stats[key], (name, outcome), is_total=True)
    yield Fact(m.QUEUE_JOINED, stats["joined"], row, is_total=True)
    yield Fact(m.QUEUE_WORKED, stats["worked"], row, is_total=True)
    yield Fact(m.QUEUE_WORK_SECONDS, stats["seconds"], row, is_total=True)


def model_facts(stats: Mapping[str, float]) -> Iterator[Fact]:
    """Yield what the language model did, of its statistics; nothing where there is none."""
    if not stats:
        return
    yield Fact(m.LLM_REPLICAS, stats["replicas"])
    for metric, key in (
        (m.LLM_PROMPT_TOKENS, "prompt_tokens"),
        (m.LLM_ANSWER_TOKENS, "answer_tokens"),
        (m.LLM_RESTARTS, "restarts"),
        (m.LLM_UNREADABLE, "unreadable"),
    ):
        yield Fact(metric, stats[key], is_total=True)


def filing_facts(stats: Mapping[str, float]) -> Iterator[Fact]:
    """Yield how filings were had."""
    for outcome in m.FILING_OUTCOMES:
        yield Fact(m.FILINGS, stats.get(outcome, 0), (outcome,), is_total=True)


def delivery_facts(outcomes: Mapping[str, Mapping[str, int]]) -> Iterator[Fact]:
    """Yield what sinks made of alerts and edits, by sink and outcome."""
    for sink, counts in outcomes.items():
        for outcome, count in counts.items():
            yield Fact(m.DELIVERIES, count, (sink, outcome), is_total=True)


def store_facts(
    status: StoreStatus, deliveries: Mapping[str, int], sinks: Sequence[str], *, now_utc: datetime
) -> Iterator[Fact]:
    """Yield what is open, of where the store stands and its outbox rows by ``sink/state``."""
    yield Fact(m.STORE_SIZE, status.size_bytes)
    yield Fact(m.ALERTS_HELD, status.held)
    for sink in sinks:
        for state in m.OPEN_STATES:
            yield Fact(m.OUTBOX_OPEN, deliveries.get(f"{sink}/{state}", 0), (sink, state))
        oldest = status.oldest_open_utc.get(sink)
        age_s = max(0.0, (now_utc - oldest).total_seconds()) if oldest else 0.0
        yield Fact(m.OUTBOX_OLDEST, age_s, (sink,))


def gpu_facts(cards: Sequence[GpuSample]) -> Iterator[Fact]:
    """Yield what cards did in the span that they were asked for; what a card does not tell has no fact."""
    yield Fact(m.GPUS, len(cards))
    for row, card in named_cards(cards):
        share = None if card.utilisation_pct is None else card.utilisation_pct / 100.0
        figures = (
            (m.GPU_UTILISATION, share),
            (m.GPU_MEMORY_USED, card.memory_used_bytes),
            (m.GPU_MEMORY_TOTAL, card.memory_total_bytes),
            (m.GPU_POWER, card.power_w),
            (m.GPU_TEMPERATURE, card.temperature_c),
            (m.GPU_ENERGY, card.energy_j),
        )
        for metric, value in figures:
            if value is not None and math.isfinite(value):
                yield Fact(metric, value, row)


def named_cards(cards: Sequence[GpuSample]) -> list[tuple[tuple[str, str], GpuSample]]:
    """Return each card with its node and its name there: its index, and of a part of it (MIG) the part's too."""
    parts: Counter[tuple[str, int]] = Counter()
    named = []
    for card in cards:
        node, name = card.node or "", str(card.index)
        if card.mig_of is not None:
            parts[node, card.index] += 1
            name = f"{name}.{parts[node, card.index]}"
        named.append(((node, name), card))
    return named


def posted_fact(row: Delivery, *, since_utc: datetime, now_utc: datetime) -> Fact | None:
    """Return how long an alert took to a sink, from its feed's first byte; None for one that waited on purpose.

    That is one that was held for want of a slot, or taken up from before ``since_utc``, when the driver started.
    """
    received_utc = row.alert.item.received_utc
    released = any(reason.code == Code.RELEASED for reason in row.alert.decision.reasons)
    if released or received_utc < since_utc:
        return None
    return Fact(m.POSTED_SECONDS, max(0.0, (now_utc - received_utc).total_seconds()), (row.sink,))
