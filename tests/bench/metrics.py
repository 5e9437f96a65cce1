"""What exporting metrics costs the driver: seconds of a cycle's report, and of a tick, as a share of one core."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.processes import own_rss_bytes
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.metrics import STORE_TICKS, TICK_S, Metrics, Watched
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.core.metric_list import STAGES
from catalyst_ray.core.queueing import QueueStats
from catalyst_ray.models import CycleReport, FeedReport, GpuSample
from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    from collections.abc import Mapping

FEEDS = [f"feed_{number}" for number in range(15)]
SINKS = ["console", "file", "discord"]
ALERTS = 3_000
CYCLES, TICKS = 300, 300
CARDS = tuple(
    GpuSample(
        index=number,
        uuid=str(number),
        name="H100",
        node="rack",
        utilisation_pct=50.0,
        memory_used_bytes=1,
        memory_total_bytes=2,
        power_w=300.0,
        energy_j=9.0,
        temperature_c=60.0,
    )
    for number in range(8)
)
REPORT = CycleReport(
    number=1,
    started_utc=datetime(2026, 3, 17, 14, tzinfo=UTC),
    seconds=2.5,
    stages=dict.fromkeys(STAGES, 0.5),
    elapsed=dict.fromkeys(STAGES, 0.25),
    counts={"alert": 2, "hold": 1, "suppress": 3, "drop": 40, "failed": 0, "released": 1},
    feeds=tuple(FeedReport(feed=feed, status="ok", seconds=0.5, new=3) for feed in FEEDS),
    queues={},
    deliveries={},
)


class Cards:
    """Eight cards of a node."""

    hosts = frozenset({"rack"})

    async def window(self, _seconds: float) -> tuple[GpuSample, ...]:
        """Return them."""
        return CARDS


def measure() -> dict[str, float]:
    """Return figures of a driver with 15 feeds, three sinks, eight cards and a store of 3,000 alerts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ray_session(None, dashboard=False),
        SqlStore.open(f"sqlite:///{Path(folder) / 'store.db'}") as store,
    ):
        for number in range(ALERTS):
            store.commit_alert(alert_on(news(str(number))), SINKS, now_utc=datetime.now(UTC))
        return asyncio.run(_measure(store))


async def _measure(store: SqlStore) -> dict[str, float]:
    llm: Mapping[str, float] = asdict(QueueStats()) | dict.fromkeys(
        ("workers", "replicas", "restarts", "unreadable", "prompt_tokens", "answer_tokens"), 1
    )
    watched = Watched(
        store=store,
        cards=Cards(),
        queues={"llm": lambda: llm, "charts": lambda: llm, "filings": dict},
        deadlines_s={"llm": 20.0, "charts": 10.0},
        outcomes=lambda: {sink: {"sent": 1} for sink in SINKS},
        rss=own_rss_bytes,
        feeds=FEEDS,
        sinks=SINKS,
        period_s=60.0,
    )
    metrics = Metrics(watched, clock=SystemClock())
    metrics.cycle(REPORT)
    await metrics.tick()
    begun_s = time.process_time()
    for _ in range(CYCLES):
        metrics.cycle(REPORT)
    cycle_s = (time.process_time() - begun_s) / CYCLES
    begun_s = time.process_time()
    for _ in range(TICKS * STORE_TICKS):
        await metrics.tick()
    tick_s = (time.process_time() - begun_s) / (TICKS * STORE_TICKS)
    return {"metrics_s_a_cycle": cycle_s, "metrics_s_a_tick": tick_s, "metrics_cpu_share": tick_s / TICK_S}
