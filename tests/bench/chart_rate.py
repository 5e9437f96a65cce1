"""How many charts a second two workers draw, each with other bars, as the program draws them by default."""

from __future__ import annotations

import asyncio

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.bench.charts import chart_rate
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.session import ray_session

CHARTS = 300
WORKERS = 2


def measure() -> dict[str, float]:
    """Return the rate, and the seconds from request to picture of a chart that is asked for alone."""
    with ray_session(None, dashboard=False):
        return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    clock = SystemClock()
    pool = ChartPool(clock=clock, workers=WORKERS, cache_ttl_s=0, timeout_s=60)
    await pool.start()
    rate = await chart_rate(pool, charts=CHARTS, workers=WORKERS, clock=clock)
    await pool.close()
    return {"charts_per_s_2_workers": rate.per_s, "chart_through_pool_s": rate.alone_s}
