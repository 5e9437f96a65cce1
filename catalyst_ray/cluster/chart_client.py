"""Charts of a ticker for scripts: finds bars, has the pool draw them, counts what became of each request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.cluster.lazy import Lazy
from catalyst_ray.errors import CatalystError
from catalyst_ray.pipeline.charting import find_bars

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from catalyst_ray.cluster.chart_pool import ChartPool
    from catalyst_ray.models import Bars
    from catalyst_ray.pipeline.charting import ChartLook
    from catalyst_ray.ports import Clock, PriceSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOrder:
    """What a caller wants drawn, and how long it will wait; priority 0 is the most urgent, 9 the least."""

    ticker: str
    timeframe: str
    mark_utc: datetime | None = None
    label: str = ""
    priority: int = 5
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartStatistics:
    """True counts since the start. Every request is in ``requests`` once.

    Args:
        requests: Those answered from the cache, still open, or without bars included.
        hits: Answered from the cache.
        joined: Shared another's request.
        mean_seconds: What a worker took to draw one chart.
        busy: Charts with a worker now.
        workers: Charts drawn at a time at most.
        queue_length: Charts that wait for a worker now.
        queue_age_s: How long the oldest of them has waited.
        failed: No bars, a chart that broke, or given up by its caller or at the end.
        timed_out: Not there in time.
        refused: Turned away since the queue was full.
    """

    requests: int = 0
    hits: int = 0
    joined: int = 0
    mean_seconds: float = 0.0
    busy: int = 0
    workers: int = 0
    queue_length: int = 0
    queue_age_s: float = 0.0
    failed: int = 0
    timed_out: int = 0
    refused: int = 0

    def __str__(self) -> str:
        """Return one line a figure."""
        lost = f"{self.failed} failed, {self.timed_out} timed out, {self.refused} refused"
        return "\n".join(
            (
                f"Chart requests: {self.requests} ({self.hits} cache hits, {self.joined} joined, {lost})",
                f"Average generation: {self.mean_seconds:.3f} s",
                f"Workers busy: {self.busy} of {self.workers}",
                f"Queue: {self.queue_length} waiting, the oldest for {self.queue_age_s:.1f} s",
            )
        )


class ChartClient:
    """Answers orders with pictures.

    Args:
        start: Opens the source of bars and a pool that is warm, at the first order; both are closed with this.
        workers: Charts that the pool draws at a time.
        look: How charts look.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Coroutine[None, None, tuple[PriceSource, ChartPool]]],
        workers: int,
        look: ChartLook,
        clock: Clock,
    ) -> None:
        self._parts = Lazy(start)
        self._workers = workers
        self._look = look
        self._clock = clock
        self._preparing = 0
        self._failed = 0
        self._timed_out = 0

    async def draw(self, order: ChartOrder) -> bytes:
        """Return the PNG; ``order.timeout_s`` counts from the moment that the pool is open.

        Raises:
            CatalystError: There are no bars, or no chart in time.
        """
        self._preparing += 1
        try:
            prices, pool = await self._parts.get()
            bars, left_s = await self._bars(prices, order)
        except _TooLate:
            self._timed_out += 1
            raise
        except BaseException:
            self._failed += 1
            raise
        finally:
            self._preparing -= 1
        request = self._look.request(bars, mark_utc=order.mark_utc, label=order.label)
        picture = await pool.draw(request, priority=order.priority, timeout_s=left_s)
        return picture.png

    def statistics(self) -> ChartStatistics:
        """Return the counts so far; from the event loop's thread only."""
        parts = self._parts.opened
        pool = dict(parts[1].stats()) if parts else {}
        count = {name: int(pool.get(name, 0)) for name in _COUNTS}
        return ChartStatistics(
            requests=count["requests"] + self._preparing + self._failed + self._timed_out,
            hits=count["cached"],
            joined=count["joined"],
            mean_seconds=pool.get("draw_seconds", 0.0),
            busy=count["busy"],
            workers=self._workers,
            queue_length=count["waiting"],
            queue_age_s=pool.get("oldest_age_s", 0.0),
            failed=count["failed"] + count["cancelled"] + self._failed,
            timed_out=count["expired"] + self._timed_out,
            refused=count["refused"],
        )

    async def close(self) -> None:
        """Give up what is open and close connections."""
        if self._parts.opened is not None:
            prices, pool = self._parts.opened
            await pool.close()
            await prices.close()

    async def _bars(self, prices: PriceSource, order: ChartOrder) -> tuple[Bars, float]:
        """Return the bars, and the seconds that are left for the chart."""
        started = self._clock.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(order.timeout_s):
                bars = await find_bars(prices, order.ticker, order.timeframe)
            if bars is None:
                hint = "set PRICE_SOURCE" if prices.name == "none" else None
                raise CatalystError(f"{prices.name} has no bars", key=order.ticker, hint=hint)
            left_s = order.timeout_s - (self._clock.monotonic() - started)
            if left_s > 0:
                return bars, left_s
        raise _TooLate(
            f"{prices.name} gave no bars within {order.timeout_s:g} s",
            key=order.ticker,
            hint="raise CHART_TIMEOUT_SECS, or see that PRICE_SOURCE answers",
        )


_COUNTS = ("requests", "cached", "joined", "busy", "waiting", "failed", "cancelled", "expired", "refused")


class _TooLate(CatalystError):
    """The bars did not come in time."""
