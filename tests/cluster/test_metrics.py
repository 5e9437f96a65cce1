"""The exporter: sets all anew, counts by difference, and whatever breaks costs figures only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from ray._private import profiling  # noqa: TID253  (the test is about Ray's switch)

from catalyst_ray.cluster import metrics as exporter
from catalyst_ray.cluster.metrics import STORE_TICKS, TICK_S, TOLD_ERRORS, Metrics, RayBook, Watched
from catalyst_ray.cluster.spans import timeline_span
from catalyst_ray.core import metric_list as m
from catalyst_ray.core.queueing import QueueStats
from catalyst_ray.models import CycleReport, FeedReport, GpuSample, StoreStatus

pytestmark = pytest.mark.anyio

OPEN_UTC = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
"""Ten o'clock in New York, on a Tuesday."""
CARD = GpuSample(index=0, uuid="a", name="L4", node="rack", utilisation_pct=40.0, energy_j=50.0)


class FakeApi:
    """Ray's metrics, kept in a table of (name, tags) to value; gauges are gone when nobody sets them."""

    def __init__(self):
        self.made = []
        self.gauges = {}
        self.counters = {}
        self.observed = {}
        self.broken = set()

    def _metric(self, name, words, *, tag_keys, boundaries=None):
        self.made.append(name)

        def key(tags):
            assert tuple(tags) == tag_keys
            return (name, *tags.values())

        def set_(value, tags):
            if name in self.broken:
                raise RuntimeError("not connected")
            self.gauges[key(tags)] = value

        def add(value, tags):
            self.counters[key(tags)] = self.counters.get(key(tags), 0.0) + value

        return SimpleNamespace(
            set=set_,
            inc=add,
            _record=add,
            observe=lambda value, tags: self.observed.setdefault(key(tags), []).append(value),
        )

    Counter = Gauge = Histogram = _metric


class ToldClock:
    """Time that moves when told."""

    def __init__(self):
        self.now_s = 1000.0

    def monotonic(self):
        return self.now_s

    def now_utc(self):
        return OPEN_UTC + timedelta(seconds=self.now_s - 1000.0)

    async def sleep(self, seconds):
        await asyncio.sleep(3600)


class World:
    """All that the exporter looks at, each part to be changed by a test."""

    def __init__(self):
        self.llm = asdict(QueueStats(completed=4, waiting=2, oldest_age_s=3.0)) | {
            "workers": 3,
            "replicas": 1,
            "restarts": 0,
            "unreadable": 0,
            "prompt_tokens": 100,
            "answer_tokens": 10,
        }
        self.outcomes = {"wall": {"sent": 1}}
        self.cards = [CARD]
        self.hosts = frozenset({"rack"})
        self.asked = []
        self.looks = 0
        self.oldest = {}

    async def window(self, seconds):
        self.asked.append(seconds)
        return tuple(self.cards)

    def status(self, *, now_utc, since_utc, limit):
        self.looks += 1
        return StoreStatus(
            schema_version=1,
            size_bytes=7,
            free_bytes=0,
            driver=None,
            held=2,
            oldest_open_utc=self.oldest,
            dead=(),
        )

    def delivery_counts(self):
        return {"wall/pending": 1}


@pytest.fixture
def scene():
    """Return a world, its clock, the table of what is exported, and the exporter."""
    world, clock, api = World(), ToldClock(), FakeApi()
    watched = Watched(
        store=world,
        cards=world,
        queues={
            "llm": lambda: world.llm,
            "charts": lambda: asdict(QueueStats()) | {"workers": 4},
            "filings": lambda: {"read": 2},
        },
        deadlines_s={"llm": 20.0, "charts": 10.0},
        outcomes=lambda: world.outcomes,
        rss=lambda: 123,
        feeds=["wire", "sec"],
        sinks=["wall"],
        period_s=60.0,
    )
    return SimpleNamespace(
        world=world, clock=clock, api=api, metrics=Metrics(watched, clock=clock, book=RayBook(api=api))
    )


def report(*feeds, **changes):
    """Return a cycle's report."""
    whole = CycleReport(
        number=1,
        started_utc=OPEN_UTC,
        seconds=2.0,
        stages={"fetch": 1.0},
        counts={"alert": 1},
        feeds=feeds,
        queues={},
        deliveries={},
    )
    return replace(whole, **changes)


async def test_every_gauge_is_set_at_every_tick(scene):
    """Ray drops a gauge that is not set for some seconds: in a long cycle each must be set without a report."""
    await scene.metrics.tick()
    gauges = {name for name, *_ in scene.api.gauges}
    told_by_this_card = {m.GPU_MEMORY_USED, m.GPU_MEMORY_TOTAL, m.GPU_POWER, m.GPU_TEMPERATURE}
    expected = {x.name for x in m.METRICS if x.kind is m.MetricKind.GAUGE and x not in told_by_this_card}
    assert gauges == expected
    scene.api.gauges.clear()
    scene.clock.now_s += TICK_S
    await scene.metrics.tick()
    assert {name for name, *_ in scene.api.gauges} == expected
    assert scene.api.gauges["catalyst_market_open",] == 1.0
    assert scene.api.gauges["catalyst_queue_oldest_seconds", "llm"] == 3.0


async def test_the_store_is_not_asked_at_every_tick(scene):
    """What is open is told at every tick, and read at every third."""
    for _ in range(STORE_TICKS + 1):
        scene.api.gauges.clear()
        await scene.metrics.tick()
        assert scene.api.gauges["catalyst_outbox_open", "wall", "pending"] == 1.0
    assert scene.world.looks == 2


async def test_a_store_that_hangs_holds_up_nothing_else(scene, monkeypatch):
    """Every other figure is exported meanwhile, the store is asked once, and its answer comes when it comes."""
    monkeypatch.setattr(exporter, "STORE_PATIENCE_S", 0.01)
    free = threading.Event()
    look = scene.world.status

    def slow(**question):
        free.wait(10)
        return look(**question)

    scene.world.status = slow
    for _ in range(STORE_TICKS * 2):
        await scene.metrics.tick()
    assert scene.api.gauges["catalyst_driver_up",] == 1.0
    assert "catalyst_store_bytes" not in {name for name, *_ in scene.api.gauges}
    free.set()
    async with asyncio.timeout(5):
        while ("catalyst_store_bytes",) not in scene.api.gauges:
            await scene.metrics.tick()
    assert scene.world.looks == 1


async def test_sums_are_exported_by_difference(scene):
    """A tick adds what came since the last one; a judge that was opened anew begins at nought."""
    await scene.metrics.tick()
    scene.world.llm = scene.world.llm | {"completed": 9, "answer_tokens": 25}
    await scene.metrics.tick()
    await scene.metrics.tick()
    assert scene.api.counters["catalyst_queue_requests", "llm", "completed"] == 9.0
    assert scene.api.counters["catalyst_llm_answer_tokens",] == 25.0
    scene.world.llm = scene.world.llm | {"completed": 2, "answer_tokens": 5}
    await scene.metrics.tick()
    assert scene.api.counters["catalyst_llm_answer_tokens",] == 30.0
    assert scene.api.counters["catalyst_deliveries", "wall", "sent"] == 1.0


async def test_feeds_age_until_they_answer(scene):
    """A feed is as old as its last good answer; a failed one ages on, in the middle of a cycle too."""
    scene.clock.now_s += 100
    ok, failed = FeedReport(feed="wire", status="not_modified"), FeedReport(feed="sec", status="failed")
    scene.metrics.cycle(report(ok, failed))
    scene.clock.now_s += 30
    await scene.metrics.tick()
    assert scene.api.gauges["catalyst_feed_age_seconds", "wire"] == 30.0
    assert scene.api.gauges["catalyst_feed_age_seconds", "sec"] == 130.0
    assert scene.api.counters["catalyst_feed_errors", "sec"] == 1.0


async def test_a_cycle_moves_the_marks_of_the_last_one_and_of_the_last_alert(scene):
    """A cycle without an alert leaves that mark where it was."""
    started = OPEN_UTC.timestamp()
    scene.clock.now_s += 10
    scene.metrics.cycle(report())
    scene.clock.now_s += 10
    scene.metrics.cycle(report(counts={"alert": 0, "hold": 3}))
    await scene.metrics.tick()
    assert scene.api.gauges["catalyst_cycle_last_end_timestamp_seconds",] == started + 20
    assert scene.api.gauges["catalyst_alert_last_timestamp_seconds",] == started + 10
    assert scene.api.counters["catalyst_cycles",] == 2.0
    assert scene.api.observed["catalyst_cycle_seconds",] == [2.0, 2.0]


async def test_cards_are_asked_for_spans_side_by_side(scene):
    """Energy adds up: each tick asks for the time since the last."""
    for passed_s in (2.0, 5.0, 7.0):
        scene.clock.now_s += passed_s
        await scene.metrics.tick()
    assert scene.world.asked == [2.0, 5.0, 7.0]
    assert scene.api.counters["catalyst_gpu_energy_joules", "rack", "0"] == 150.0


async def test_a_card_is_missed_while_its_node_is_there(scene):
    """One that fell off counts as missing until it is back; one that went with its node does not."""

    async def missing():
        await scene.metrics.tick()
        return scene.api.gauges["catalyst_gpus_missing",]

    assert await missing() == 0
    scene.world.cards = []
    assert [await missing(), await missing()] == [1, 1]
    scene.world.cards = [CARD]
    assert await missing() == 0
    scene.world.cards, scene.world.hosts = [], frozenset()
    assert await missing() == 0
    scene.world.hosts = frozenset({"rack"})
    assert await missing() == 0


async def test_what_breaks_costs_its_own_figures_only(scene, caplog):
    """Cards, queues and store may raise: the rest is exported, the error is counted, and not told for ever."""
    scene.world.llm = {"waiting": 1}
    scene.world.status = None
    scene.world.window = None
    for _ in range(STORE_TICKS * 4):
        await scene.metrics.tick()
    assert scene.api.gauges["catalyst_driver_up",] == 1.0
    assert scene.api.gauges["catalyst_feed_age_seconds", "wire"] == 0.0
    assert scene.api.counters["catalyst_metric_errors",] == STORE_TICKS * 8 + 4
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == TOLD_ERRORS
    scene.api.broken.add("catalyst_driver_up")
    scene.metrics.cycle(report())
    await scene.metrics.tick()
    assert scene.api.counters["catalyst_cycles",] == 1.0


async def test_it_goes_on_by_itself_until_closed(scene):
    """Counters begin at nought, the first tick comes at once, and nothing runs after the end."""
    scene.metrics.start()
    assert scene.api.counters["catalyst_alerts",] == 0.0
    assert scene.api.counters["catalyst_feed_errors", "sec"] == 0.0
    async with asyncio.timeout(5):
        while ("catalyst_driver_up",) not in scene.api.gauges:  # noqa: ASYNC110  (Ray tells nobody)
            await asyncio.sleep(0.001)
    await scene.metrics.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "metrics"]
    assert len(scene.api.made) == len(set(scene.api.made))


def test_a_span_that_cannot_be_opened_costs_no_cycle(monkeypatch, caplog):
    """Without Ray's switch there is none; with it, one that fails is told and passed over."""
    monkeypatch.setattr(profiling, "PROFILING_ENABLED", False)
    assert timeline_span() is None
    opened = []

    def profile(name, *, extra_data):
        if opened:
            raise RuntimeError("not connected")
        opened.append((name, extra_data))
        return contextlib.nullcontext()

    monkeypatch.setattr(profiling, "PROFILING_ENABLED", True)
    monkeypatch.setattr(profiling, "profile", profile)
    span = timeline_span()
    with span("fetch", 7), span("parse", 7):
        pass
    assert opened == [("cycle:fetch", {"cycle": "7"})]
    assert "could not be opened" in caplog.text
