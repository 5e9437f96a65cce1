"""Makes the exporter of metrics from the settings and the parts of a run, and has it told of every cycle."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.adapters.processes import own_rss_bytes
from catalyst_ray.cluster.metrics import Metrics, Watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from catalyst_ray.cluster.metrics import Cards, StatusStore
    from catalyst_ray.models import CycleReport
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.ports import Clock
    from catalyst_ray.settings import Settings
    from catalyst_ray.wiring import FeedChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The parts of a run that metrics are made of."""

    store: StatusStore
    courier: Courier
    queues: Mapping[str, Callable[[], Mapping[str, float]]]
    cards: Cards
    feeds: FeedChoice


@asynccontextmanager
async def exporting(
    settings: Settings, seen: Seen, *, clock: Clock, on_report: Callable[[CycleReport], None]
) -> AsyncIterator[Callable[[CycleReport], None]]:
    """Export metrics meanwhile, unless ``METRICS`` is 0; gives what is to be told of reports, from any thread."""
    if not settings.metrics:
        yield on_report
        return
    watched = Watched(
        store=seen.store,
        cards=seen.cards,
        queues=seen.queues,
        deadlines_s={"llm": settings.llm_timeout_secs, "charts": settings.chart_timeout_secs},
        outcomes=seen.courier.outcomes,
        rss=own_rss_bytes,
        feeds=[feed.name for feed in seen.feeds.active],
        sinks=seen.courier.names,
        period_s=settings.sleep_seconds,
    )
    metrics = Metrics(watched, clock=clock)
    seen.courier.watch = metrics.posted
    loop = asyncio.get_running_loop()

    def tell(report: CycleReport) -> None:
        loop.call_soon_threadsafe(metrics.cycle, report)
        on_report(report)

    metrics.start()
    try:
        yield tell
    finally:
        await metrics.close()
