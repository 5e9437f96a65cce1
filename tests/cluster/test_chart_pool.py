"""Charts as Ray tasks: joined, cached, bounded in time and number, and failing by themselves."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster import chart_pool
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Bars, ChartRequest
from tests.bench.chart_soak import soak

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


def slow(asked: ChartRequest) -> tuple[bytes, float]:
    """Stand in for a chart that takes its time."""
    time.sleep(float(asked.label or 0))
    return b"png", 0.0


def dying(asked: ChartRequest) -> tuple[bytes, float]:
    """Stand in for a chart that breaks."""
    raise ValueError("no such colour")


def tried(asked: ChartRequest) -> tuple[bytes, float]:
    """Stand in for a chart whose first try hangs in its worker; leaves a file for each try."""
    folder = Path(asked.label)
    is_first = not any(folder.iterdir())
    (folder / str(os.getpid())).touch()
    time.sleep(60 if is_first else 0)
    return b"png", 0.0


def lost(asked: ChartRequest) -> tuple[bytes, float]:
    """Stand in for a chart that takes its worker's process with it, whenever it is tried."""
    (Path(asked.label) / str(os.getpid())).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return b"", 0.0


def counted(asked: ChartRequest) -> tuple[bytes, float]:
    """Stand in for a chart that breaks, and leaves a file for each try."""
    (Path(asked.label) / str(time.monotonic_ns())).touch()
    raise ValueError("no such colour")


MARKS = Path()
"""Where ``marking`` leaves its files; travels to the workers with it."""


def marking() -> tuple[str, int]:
    """Stand in for the warm-up of a worker; the first two times it says that it was the same worker, then never."""
    mark = time.monotonic_ns()
    (MARKS / f"{mark}-{os.getpid()}").touch()
    return "node", 1 if len(list(MARKS.iterdir())) <= 2 else mark


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


async def test_a_lost_worker_costs_one_more_try(ray_session, monkeypatch, tmp_path) -> None:
    """Its process is killed while it draws: another one draws the chart, and nothing counts as failed."""
    monkeypatch.setattr(chart_pool, "render", tried)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    drawing = asyncio.ensure_future(pool.draw(replace(request(), label=str(tmp_path)), priority=5))
    while not (tries := list(tmp_path.iterdir())):  # noqa: ASYNC110  (a file tells, from another process)
        await asyncio.sleep(0.02)
    os.kill(int(tries[0].name), signal.SIGKILL)
    assert (await drawing).png == b"png"
    assert len(list(tmp_path.iterdir())) == 2
    assert (pool.stats()["completed"], pool.stats()["failed"]) == (1, 0)
    await pool.close()


async def test_a_worker_lost_twice_is_told_in_words_for_a_card(ray_session, monkeypatch, tmp_path) -> None:
    """There is no third try, and the reason names no process and no address."""
    monkeypatch.setattr(chart_pool, "render", lost)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    with pytest.raises(CatalystError) as caught:
        await pool.draw(replace(request(), label=str(tmp_path)), priority=5)
    assert caught.value.message == "chart failed: its worker was lost twice (WorkerCrashedError)"
    assert len(list(tmp_path.iterdir())) == 2
    assert pool.stats()["failed"] == 1
    await pool.close()


async def test_a_chart_that_breaks_by_itself_is_not_tried_again(ray_session, monkeypatch, tmp_path) -> None:
    """The same bars would break it again."""
    monkeypatch.setattr(chart_pool, "render", counted)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    with pytest.raises(CatalystError, match="no such colour"):
        await pool.draw(replace(request(), label=str(tmp_path)), priority=5)
    assert len(list(tmp_path.iterdir())) == 1
    await pool.close()


async def test_workers_are_warmed_up_until_each_was(ray_session, monkeypatch, tmp_path) -> None:
    """One worker that took both warm-ups is not two warm workers: they are sent once more."""
    monkeypatch.setattr(chart_pool, "warm_worker", marking)
    monkeypatch.setattr(sys.modules[__name__], "MARKS", tmp_path)
    pool = ChartPool(clock=SystemClock(), workers=2, cache_ttl_s=0, timeout_s=30)
    await pool.start()
    assert len(list(tmp_path.iterdir())) == 4
    await pool.close()


async def test_workers_are_warm_again_after_one_had_to_be_killed(ray_session, monkeypatch, tmp_path) -> None:
    """A hung chart takes its worker with it; the one that comes instead is warmed up before it is needed."""
    monkeypatch.setattr(chart_pool, "render", slow)
    monkeypatch.setattr(chart_pool, "warm_worker", marking)
    monkeypatch.setattr(sys.modules[__name__], "MARKS", tmp_path)
    pool = ChartPool(clock=SystemClock(), workers=2, cache_ttl_s=0, timeout_s=30)
    with pytest.raises(CatalystError, match="not drawn within"):
        await pool.draw(replace(request(), label="30"), priority=5, timeout_s=0.5)
    while pool.stats()["busy"]:  # noqa: ASYNC110  (the pool tells in a count)
        await asyncio.sleep(0.02)
    assert pool._warming is not None
    await asyncio.wait_for(pool._warming, 30)
    assert len(list(tmp_path.iterdir())) >= 2
    await pool.close()


async def test_the_more_urgent_chart_is_drawn_first(ray_session, monkeypatch) -> None:
    """While the one worker draws, an urgent chart overtakes those that wait."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    order: list[int] = []

    async def draw(priority: int) -> None:
        await pool.draw(ChartRequest(bars=request(f"T{priority}").bars, label="0.05"), priority=priority)
        order.append(priority)

    await asyncio.gather(*(draw(priority) for priority in (5, 9, 7, 0)))
    assert order == [5, 0, 7, 9]
    await pool.close()


async def test_whatever_changes_the_picture_is_drawn_anew(ray_session, monkeypatch) -> None:
    """Every field of a request is part of the cache's key."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=2, cache_ttl_s=60, timeout_s=30)
    plain = request()
    changes = {
        "bars": replace(plain.bars, close=(*plain.bars.close[:-1], 9.99)),
        "mark_utc": datetime(2026, 1, 2, 15, tzinfo=UTC),
        "label": "0.001",
        "theme": "light",
        "panels": ("volume", "rsi"),
        "width_px": 900,
        "height_px": 500,
    }
    assert set(changes) == {field.name for field in fields(ChartRequest)}
    for wanted in (plain, *(replace(plain, **{name: value}) for name, value in changes.items()), plain):
        await pool.draw(wanted, priority=5)
    assert (pool.stats()["worked"], pool.stats()["cached"]) == (len(changes) + 1, 1)
    await pool.close()


async def test_who_joins_late_may_wait_longer(ray_session, monkeypatch) -> None:
    """The first caller's time runs out; the chart is drawn on for the second, whose time does not."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    wanted = ChartRequest(bars=request().bars, label="1.0")
    first, second = await asyncio.gather(
        pool.draw(wanted, priority=5, timeout_s=0.3), pool.draw(wanted, priority=5), return_exceptions=True
    )
    assert isinstance(first, CatalystError)
    assert not isinstance(second, BaseException)
    stats = pool.stats()
    assert (stats["expired"], stats["completed"], stats["joined"], stats["worked"]) == (1, 1, 1, 1)
    await pool.close()


async def test_a_full_queue_refuses_the_least_urgent(ray_session, monkeypatch) -> None:
    """One is drawn and one waits: the third is told at once, and counted as refused."""
    monkeypatch.setattr(chart_pool, "render", slow)
    monkeypatch.setattr(chart_pool, "QUEUE_SIZE", 1)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=30)
    asked = [ChartRequest(bars=request(f"T{i}").bars, label="0.3") for i in range(3)]
    first = asyncio.ensure_future(pool.draw(asked[0], priority=5))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(pool.draw(asked[1], priority=9))
    await asyncio.sleep(0)
    third = await pool.draw(asked[2], priority=0)
    with pytest.raises(CatalystError, match="more urgent charts"):
        await second
    assert (third.png, (await first).png, pool.stats()["refused"]) == (b"png", b"png", 1)
    await pool.close()


async def test_closing_tells_everybody_and_begins_nothing(ray_session, monkeypatch) -> None:
    """Who is being drawn or waits is told at once, and so is who comes later."""
    monkeypatch.setattr(chart_pool, "render", slow)
    pool = ChartPool(clock=SystemClock(), workers=1, cache_ttl_s=0, timeout_s=60)
    asked = [ChartRequest(bars=request(f"T{i}").bars, label="50") for i in range(3)]
    drawing = [asyncio.ensure_future(pool.draw(one, priority=5)) for one in asked]
    await asyncio.sleep(0.1)
    await pool.close()
    for one in drawing:
        with pytest.raises(CatalystError, match="closed"):
            await one
    with pytest.raises(CatalystError, match="closed"):
        await pool.draw(asked[0], priority=5)
    assert (pool.stats()["busy"], pool._futures) == (0, {})


async def test_many_charts_leave_no_file_and_nothing_in_memory(ray_session, tmp_path) -> None:
    """After a few hundred charts of as many alerts nothing is in the folder, the queue or among the futures."""
    figures = await soak(200, folder=tmp_path, sample_every=50)
    assert figures["charts"] == 200
    assert (figures["files_left"], figures["files_swept"]) == (0, 200)
    assert (figures["open_callers"], figures["running"], figures["waiting"]) == (0, 0, 0)
    assert figures["cache_bytes"] <= chart_pool.CACHE_BYTES
