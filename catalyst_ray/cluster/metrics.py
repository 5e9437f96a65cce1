"""Exports the metrics of ``core/metric_list`` through Ray's agents, from the driver alone.

Metrics of processes that come and go stay in an agent for as long as it lives, so workers have none: they return
what they measured. A gauge is gone some seconds after it was last set, so all are set anew every ``TICK_S``; that
also shows the queues in the middle of a long cycle. No error here reaches a cycle.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ray.util import metrics as ray_metrics

from catalyst_ray.core import metric_facts as facts
from catalyst_ray.core import metric_list as m
from catalyst_ray.core.market_hours import Session, session
from catalyst_ray.core.metric_facts import Bounds, Fact, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.models import CycleReport, Delivery, GpuSample, StoreStatus
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

TICK_S = 5.0
STORE_TICKS = 3
"""The store is asked for what is open at every third tick only."""
STORE_PATIENCE_S = 0.5
"""A tick waits no longer for the store's answer; the next one takes it."""
TOLD_ERRORS = 5
"""So many errors are logged; all are counted."""


class StatusStore(Protocol):
    """What is asked of the store."""

    def status(self, *, now_utc: datetime, since_utc: datetime, limit: int) -> StoreStatus:
        """Return where it stands."""
        ...

    def delivery_counts(self) -> Mapping[str, int]:
        """Return the number of outbox rows by ``sink/state``."""
        ...


class Cards(Protocol):
    """What is asked of those who watch the GPUs."""

    @property
    def hosts(self) -> frozenset[str]:
        """The nodes that are watched."""
        ...

    async def window(self, seconds: float) -> tuple[GpuSample, ...]:
        """Return what every card did in the last ``seconds``."""
        ...


class RayBook:
    """Writes facts into Ray's metrics; each metric is made at its first fact, once in a process."""

    def __init__(self, *, api: Any = ray_metrics) -> None:
        self._api = api
        self._made: dict[str, Any] = {}
        self._totals = Totals()
        self._bounds = Bounds()

    def write(self, told: Iterable[Fact]) -> None:
        """Write facts, in order."""
        for fact in told:
            self._write(fact)

    def _write(self, fact: Fact) -> None:
        metric = self._metric(fact.metric)
        tags = self._bounds.tags(fact)
        if fact.metric.kind is m.MetricKind.GAUGE:
            metric.set(float(fact.value), tags)
        elif fact.metric.kind is m.MetricKind.HISTOGRAM:
            metric.observe(float(fact.value), tags)
        else:
            added = self._totals.increment(fact) if fact.is_total else fact.value
            if added > 0:
                metric.inc(float(added), tags)

    def begin(self, told: Iterable[Fact]) -> None:
        """Write counters that stand at 0: Prometheus sees no increase where a series begins."""
        for fact in told:
            tags = self._bounds.tags(fact)
            self._metric(fact.metric)._record(0.0, tags)  # noqa: SLF001  (``inc`` refuses 0)

    def _metric(self, metric: m.Metric) -> Any:
        made = self._made.get(metric.name)
        if made is None:
            made = self._made[metric.name] = self._make(metric)
        return made

    def _make(self, metric: m.Metric) -> Any:
        keys = tuple(label.key for label in metric.labels)
        if metric.kind is m.MetricKind.HISTOGRAM:
            return self._api.Histogram(
                metric.name, metric.help, boundaries=list(metric.buckets), tag_keys=keys
            )
        made = self._api.Counter if metric.kind is m.MetricKind.COUNTER else self._api.Gauge
        return made(metric.name, metric.help, tag_keys=keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the metrics are made of, beside reports of cycles.

    Args:
        queues: Statistics by name: ``llm``, ``charts``, ``filings``.
        deadlines_s: Of the queues that have one, by name.
        outcomes: What sinks made of alerts and edits, by sink.
        rss: Returns the memory of this process.
        feeds: Names of the feeds that are taken.
        sinks: Names of the sinks.
        period_s: From one cycle's start to the next.
    """

    store: StatusStore
    cards: Cards
    queues: Mapping[str, Callable[[], Mapping[str, float]]]
    deadlines_s: Mapping[str, float]
    outcomes: Callable[[], Mapping[str, Mapping[str, int]]]
    rss: Callable[[], int | None]
    feeds: Sequence[str]
    sinks: Sequence[str]
    period_s: float


class Metrics:
    """Exports what a driver does, from ``start`` to ``close``."""

    def __init__(self, watched: Watched, *, clock: Clock, book: RayBook | None = None) -> None:
        self._watched = watched
        self._clock = clock
        self._book = book or RayBook()
        self._since_utc = self._ended_utc = self._alert_utc = clock.now_utc()
        self._answered_s = dict.fromkeys(watched.feeds, clock.monotonic())
        self._cards_s = clock.monotonic()
        self._seen: dict[tuple[str, str], None] = {}
        self._open: list[Fact] = []
        self._ticks = 0
        self._errors = 0
        self._ticking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[list[Fact]] | None = None

    def start(self) -> None:
        """Begin to export; needs a running event loop."""
        with self._guarded():
            zeros = facts.zero_facts(feeds=self._watched.feeds, sinks=self._watched.sinks)
            self._book.begin(zeros)
        self._ticking = asyncio.create_task(self._keep_ticking(), name="metrics")

    def cycle(self, report: CycleReport) -> None:
        """Take a cycle's report."""
        self._ended_utc = self._clock.now_utc()
        if facts.alerts_of(report):
            self._alert_utc = self._ended_utc
        now_s = self._clock.monotonic()
        for feed in report.feeds:
            if feed.status in {"ok", "not_modified"}:
                self._answered_s[feed.feed] = now_s
        with self._guarded():
            self._book.write(facts.cycle_facts(report))

    def posted(self, row: Delivery) -> None:
        """Take an alert that a sink took."""
        with self._guarded():
            fact = facts.posted_fact(row, since_utc=self._since_utc, now_utc=self._clock.now_utc())
            self._book.write([fact] if fact else [])

    async def tick(self) -> None:
        """Write where everything stands now."""
        await self._look_at_store()
        with self._guarded():
            self._book.write(await self._of_cards())
        for told in (self._of_driver, self._of_queues, self._of_sinks):
            with self._guarded():  # each by itself: what one cannot tell must not silence the others
                self._book.write(told())

    async def close(self) -> None:
        """End it."""
        running = [task for task in (self._ticking, self._looking) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _keep_ticking(self) -> None:
        while True:
            await self.tick()
            await self._clock.sleep(TICK_S)

    def _of_driver(self) -> Iterator[Fact]:
        now_utc, now_s = self._clock.now_utc(), self._clock.monotonic()
        yield Fact(m.DRIVER_UP, 1)
        yield Fact(m.MARKET_OPEN, session(now_utc) is Session.REGULAR)
        yield Fact(m.CYCLE_PERIOD, self._watched.period_s)
        yield Fact(m.CYCLE_ENDED, self._ended_utc.timestamp())
        yield Fact(m.ALERT_LAST, self._alert_utc.timestamp())
        for feed, answered_s in self._answered_s.items():
            yield Fact(m.FEED_AGE, now_s - answered_s, (feed,))
        if (rss := self._watched.rss()) is not None:
            yield Fact(m.DRIVER_MEMORY, rss)

    def _of_queues(self) -> Iterator[Fact]:
        stats = {name: ask() for name, ask in self._watched.queues.items()}
        for name, deadline_s in self._watched.deadlines_s.items():
            yield Fact(m.QUEUE_DEADLINE, deadline_s, (name,))
            yield from facts.queue_facts(name, stats[name])
        yield from facts.model_facts(stats["llm"])
        yield from facts.filing_facts(stats["filings"])

    def _of_sinks(self) -> Iterator[Fact]:
        yield from facts.delivery_facts(self._watched.outcomes())
        yield from self._open

    async def _look_at_store(self) -> None:
        """Ask the store what is open, if it is time; one that is slow holds up no other figure."""
        if self._ticks % STORE_TICKS == 0 and self._looking is None:
            self._looking = asyncio.create_task(asyncio.to_thread(self._of_store), name="metrics-store")
        self._ticks += 1
        if self._looking is None:
            return
        await asyncio.wait((self._looking,), timeout=STORE_PATIENCE_S)
        if self._looking.done():
            looked, self._looking = self._looking, None
            with self._guarded():
                self._open = looked.result()

    def _of_store(self) -> list[Fact]:
        now_utc, store = self._clock.now_utc(), self._watched.store
        # Nothing that was given up is listed: only where it stands is asked for.
        status = store.status(now_utc=now_utc, since_utc=now_utc + timedelta(days=1), limit=1)
        counts = store.delivery_counts()
        return list(facts.store_facts(status, counts, self._watched.sinks, now_utc=now_utc))

    async def _of_cards(self) -> list[Fact]:
        now_s = self._clock.monotonic()
        cards = await self._watched.cards.window(now_s - self._cards_s)
        self._cards_s = now_s
        here = dict.fromkeys(row for row, _ in facts.named_cards(cards))
        # A card is missed where its node is still watched: one that went with its node was let go.
        hosts = self._watched.cards.hosts
        missing = [row for row in self._seen if row not in here and row[0] in hosts]
        self._seen = {**here, **dict.fromkeys(missing)}
        return [*facts.gpu_facts(cards), Fact(m.GPUS_MISSING, len(missing))]

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # the boundary: no figure is worth a cycle
            self._errors += 1
            if self._errors <= TOLD_ERRORS:
                log.exception("metrics could not be read or written")
            with suppress(Exception):
                self._book.write([Fact(m.METRIC_ERRORS, 1)])
