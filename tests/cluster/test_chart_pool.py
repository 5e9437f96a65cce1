"""Charts as Ray tasks: joined, cached, bounded in time and number, and failing by themselves."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster import chart_pool
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Bars, ChartRequest

pytestmark = pytest.mark.anyio
# Ray's workers cannot import a test file: what it defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def request(ticker: str = "ABCD", bars: int = 40) -> ChartRequest:
    """Return a chart of slowly rising bars."""
    steps = range(bars)
    price = tuple(10 + 0.1 * i for i in steps)
    return ChartRequest(
        bars=Bars(
            ticker=ticker,
            timeframe="1D",
            times_s=tuple(1_764_000_000 + 300 * i for i in steps),
            open=price,
            high=tuple(p + 0.2 for p in price),
            low=tuple(p - 0.2 for p in price),
            close=price,
            volume=tuple(1000.0 for _ in steps),
        )
    )


def slow(asked: ChartRequest | None) -> tuple[bytes, float]:
    """Stand in for a chart that takes its time."""
    time.sleep(float(asked.label or 0) if asked else 0)
    return b"png", 0.0


def dying(asked: ChartRequest | None) -> tuple[bytes, float]:
    """Stand in for a chart that breaks."""
    raise ValueError("no such colour")


@pytest.fixture
async def pool(ray_session):
    """Open a pool with room for two charts."""
    made = ChartPool(clock=SystemClock(), workers=2, cache_ttl_s=60, timeout_s=30)
    yield made
    await made.close()


async def test_a_chart_is_a_png(pool) -> None:
    """The picture that comes back from a worker is a whole PNG of the size asked."""
    await pool.start()
    picture = await pool.draw(request(), priority=5)
    assert picture.png.startswith(b"\x89PNG")
    assert int.from_bytes(picture.png[16:20], "big") == 1000
    assert picture.png.endswith(b"IEND\xaeB`\x82")


async def test_equal_requests_are_drawn_once(pool) -> None:
    """Two at once share one drawing, a later one comes from the cache, and the counts say so."""
    first, second = await asyncio.gather(*(pool.draw(request(), priority=5) for _ in range(2)))
    third = await pool.draw(request(), priority=5)
    stats = pool.stats()
    assert first.png == second.png == third.png
    assert (third.cached, stats["requests"], stats["joined"], stats["cached"], stats["worked"]) == (
        True,
        3,
        1,
        1,
        1,
    )


async def test_late_chart_is_given_up(ray_session, monkeypatch) -> None:
    """A chart that is not there by its deadline fails, is counted as late, and frees its place."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=1.0)
    late = ChartRequest(bars=request().bars, label="30")
    with pytest.raises(CatalystError, match="CHART_TIMEOUT_SECS"):
        await pool.draw(late, priority=5)
    await asyncio.sleep(0.3)
    picture = await ChartPool.draw(pool, ChartRequest(bars=request().bars, label="0"), priority=5)
    assert picture.png == b"png"
    assert pool.stats()["expired"] == 1
    await pool.close()


async def test_broken_chart_says_why(ray_session, monkeypatch) -> None:
    """A chart that breaks in its worker ends in one error with the worker's words."""
    monkeypatch.setattr(chart_pool, "render", dying)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=60, timeout_s=10)
    with pytest.raises(CatalystError, match="no such colour"):
        await pool.draw(request(), priority=5)
    assert pool.stats()["failed"] == 1
    await pool.close()


async def test_no_more_at_once_than_allowed(ray_session, monkeypatch) -> None:
    """However many are asked for, at most ``workers`` are with Ray."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=2, cache_ttl_s=0, timeout_s=30)
    asked = [ChartRequest(bars=request(f"T{i}").bars, label="0.1") for i in range(8)]
    drawing = asyncio.gather(*(pool.draw(one, priority=5) for one in asked))
    busiest = 0
    while not drawing.done():
        busiest = max(busiest, int(pool.stats()["busy"]))
        await asyncio.sleep(0.01)
    assert len(await drawing) == 8
    assert busiest == 2
    await pool.close()


async def test_a_run_that_ends_late_does_not_forget_the_next_of_its_kind(ray_session) -> None:
    """The same chart may be begun anew before the loop told that the first run ended: it stays counted."""
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=1.0)
    first, second = (asyncio.ensure_future(asyncio.sleep(0)) for _ in range(2))
    pool._running["key"] = second
    pool._ended("key", first)
    assert pool._running == {"key": second}
    pool._ended("key", second)
    assert pool._running == {}
    await asyncio.gather(first, second)
    await pool.close()
