"""How many charts a second two workers draw, each with other bars, as the program draws them by default."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.pipeline.charting import ChartLook
from tests.bench.chart_soak import OPENED_S, Walk

CHARTS = 300
WORKERS = 2
AT_ONCE = 20


def measure() -> dict[str, float]:
    """Return the rate, and the seconds from request to picture of a chart that is asked for alone."""
    with ray_session(None, dashboard=False):
        return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    pool = ChartPool(clock=SystemClock(), workers=WORKERS, cache_ttl_s=0, timeout_s=60)
    await pool.start()
    requests = []
    for number in range(CHARTS):
        bars = await Walk().bars(f"T{number}", "1D")
        if bars is not None:
            mark = datetime.fromtimestamp(OPENED_S + 3600, UTC)
            requests.append(ChartLook().request(bars, mark_utc=mark, label="Contract won"))
    started = time.perf_counter()
    for one in requests[:AT_ONCE]:
        await pool.draw(one, priority=5)
    alone_s = (time.perf_counter() - started) / AT_ONCE
    free = asyncio.Semaphore(AT_ONCE)

    async def draw(number: int) -> None:
        async with free:
            await pool.draw(requests[number], priority=5)

    started = time.perf_counter()
    await asyncio.gather(*(draw(number) for number in range(CHARTS)))
    rate = CHARTS / (time.perf_counter() - started)
    await pool.close()
    return {"charts_per_s_2_workers": rate, "chart_through_pool_s": alone_s}
