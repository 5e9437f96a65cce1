"""How many charts a second a pool draws, each of other bars, so that nothing is cached or joined."""

from __future__ import annotations

import asyncio
import random
import statistics
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalyst_ray.bench.figures import ChartRate
from catalyst_ray.models import Bars
from catalyst_ray.pipeline.charting import ChartLook

if TYPE_CHECKING:
    from catalyst_ray.cluster.chart_pool import ChartPool
    from catalyst_ray.models import ChartRequest
    from catalyst_ray.ports import Clock

CANDLES = 192
OPENED_S = 1_764_167_400
"""The opening in New York on the day before Thanksgiving 2025."""
ALONE = 20
AHEAD = 10
"""Charts asked for at once, by worker: enough that none ever waits for the next."""


def walk_bars(name: str) -> Bars:
    """Return a day of bars on a random walk; equal names walk alike."""
    chance = random.Random(name)  # noqa: S311  (a picture, no secret)
    close, columns = 20.0, []
    for number in range(CANDLES):
        opened, close = close, close * (1 + chance.gauss(0, 0.003))
        low, high = sorted((opened, close))
        columns.append((OPENED_S + 120 * number, opened, high * 1.001, low * 0.999, close, chance.random()))
    times, opens, highs, lows, closes, volumes = zip(*columns, strict=True)
    return Bars(
        ticker=name,
        timeframe="1D",
        times_s=times,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=tuple(round(1e5 * volume) for volume in volumes),
        previous_close=19.5,
        source="walk",
    )


async def chart_rate(
    pool: ChartPool, *, charts: int, workers: int, clock: Clock, look: ChartLook | None = None
) -> ChartRate:
    """Return how fast a pool that was started draws, first one by one and then all at once.

    Raises:
        CatalystError: A chart failed.
    """
    mark = datetime.fromtimestamp(OPENED_S + 3600, UTC)
    look = look or ChartLook()

    def request(number: int) -> ChartRequest:
        return look.request(walk_bars(f"T{number}"), mark_utc=mark, label="Contract won")

    alone = []
    for number in range(min(ALONE, charts)):
        begun_s = clock.monotonic()
        await pool.draw(request(number), priority=5)
        alone.append(clock.monotonic() - begun_s)
    requests = [request(ALONE + number) for number in range(charts)]
    free = asyncio.Semaphore(AHEAD * workers)

    async def draw(one: ChartRequest) -> None:
        async with free:
            await pool.draw(one, priority=5)

    begun_s = clock.monotonic()
    await asyncio.gather(*map(draw, requests))
    seconds = clock.monotonic() - begun_s
    return ChartRate(
        charts=charts,
        workers=workers,
        per_s=charts / seconds,
        alone_s=statistics.median(alone),
        draw_s=pool.stats()["draw_seconds"],
    )
