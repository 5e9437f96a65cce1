"""Charts as Ray tasks: bounded, joined, cached, with a deadline. Knows nothing of what is drawn."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import pickle
import time
from collections import OrderedDict
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

from catalyst_ray.core.charts import draw_chart, warm_up
from catalyst_ray.core.queueing import Outcome, RequestQueue, Work
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import ChartRequest, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""

QUEUE_SIZE = 1_000
CACHE_SIZE = 256
WARM_UP_TIMEOUT_S = 60.0
TASK = {"num_cpus": 1, "max_retries": 1}
"""A lost worker costs one more try; a chart that fails by itself is not tried again."""


def render(request: ChartRequest | None) -> tuple[bytes, float]:
    """Draw a chart in a worker and return the PNG and the seconds it took; None only warms up."""
    started = time.perf_counter()
    if request is None:
        warm_up()
        return b"", time.perf_counter() - started
    png = draw_chart(request)
    return png, time.perf_counter() - started


class ChartPool:
    """Draws charts on the cluster; implements the port ``Artist``.

    Args:
        workers: Tasks in flight at most.
        cache_ttl_s: Seconds that a picture is kept for an equal request.
        timeout_s: Deadline of a request, waiting included.
    """

    def __init__(self, *, clock: Clock, workers: int, cache_ttl_s: float, timeout_s: float) -> None:
        self._clock = clock
        self._workers = workers
        self._cache_ttl_s = cache_ttl_s
        self._timeout_s = timeout_s
        self._queue: RequestQueue[ChartRequest] = RequestQueue(QUEUE_SIZE)
        self._futures: dict[int, asyncio.Future[Picture]] = {}
        self._cache: OrderedDict[str, tuple[float, Picture]] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        # The name is constant: it is a row of the dashboard's task table and a label of its metrics.
        self._task = RAY.remote(**TASK)(render).options(name="chart:render")

    async def start(self) -> None:
        """Load matplotlib and fonts in as many workers as will draw, so that the first chart is fast."""
        count = max(1, min(self._workers, int(RAY.cluster_resources().get("CPU", 1))))
        refs = [self._task.remote(None) for _ in range(count)]
        try:
            async with asyncio.timeout(WARM_UP_TIMEOUT_S):
                await asyncio.gather(*refs)
        except (TimeoutError, RayError) as error:
            log.warning("chart workers did not warm up", extra={"error": str(error)[:300]})

    async def draw(self, request: ChartRequest, *, priority: int) -> Picture:
        """Draw a chart, or share one that is cached or being drawn; see the port ``Artist``."""
        now = self._clock.monotonic()
        key = hashlib.sha256(pickle.dumps(request, protocol=5)).hexdigest()
        cached = self._cached(key, now)
        if cached:
            self._queue.tell_cached()
            return replace(cached, cached=True)
        admission = self._queue.offer(
            key, request, priority=priority, deadline_s=now + self._timeout_s, now_s=now
        )
        for ticket in admission.displaced:
            self._fail((ticket,), "refused: more urgent charts fill the queue")
        if admission.outcome is Outcome.REFUSED:
            raise CatalystError(f"chart refused: {admission.reason}", key=request.bars.ticker)
        future: asyncio.Future[Picture] = asyncio.get_running_loop().create_future()
        self._futures[admission.ticket] = future
        self._pump()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await future
        except TimeoutError as error:
            raise CatalystError(
                f"chart not drawn within {self._timeout_s:g} s",
                key=request.bars.ticker,
                hint="raise CHART_TIMEOUT_SECS or add CPUs",
            ) from error
        finally:
            self._queue.expire(self._clock.monotonic())
            self._queue.cancel(admission.ticket)
            self._futures.pop(admission.ticket, None)

    def stats(self) -> Mapping[str, float]:
        """Return true counts since the start, and the mean seconds a chart took to draw."""
        stats = self._queue.stats(self._clock.monotonic())
        return {**asdict(stats), "mean_seconds": stats.mean_seconds, "workers": self._workers}

    async def close(self) -> None:
        """Give up what is being drawn."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _pump(self) -> None:
        free = self._workers - len(self._running)
        if free <= 0:
            return
        for work in self._queue.take(self._clock.monotonic(), free).work:
            task = asyncio.ensure_future(self._run(work))
            self._running[work.key] = task
            task.add_done_callback(partial(self._ended, work.key))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        if self._running.get(key) is task:  # the same chart may have been begun anew a moment before
            del self._running[key]
        self._pump()

    async def _run(self, work: Work[ChartRequest]) -> None:
        ref = self._task.remote(work.payload)
        try:
            async with asyncio.timeout(max(0.0, work.deadline_s - self._clock.monotonic())):
                png, seconds = await ref
        except (RayError, CatalystError, TimeoutError) as error:
            RAY.cancel(ref, force=True)  # matplotlib is C code: nothing softer ends it
            now = self._clock.monotonic()
            self._queue.expire(now)  # late callers are told by their own time-out
            words = str(error).splitlines()[-1][:200] if str(error) else type(error).__name__
            self._fail(self._queue.failed(work.key, now), f"chart failed: {words}")
            return
        now = self._clock.monotonic()
        picture = Picture(png=png, seconds=seconds)
        self._keep(work.key, picture, now)
        for ticket in self._queue.done(work.key, now):
            future = self._futures.get(ticket)
            if future is not None and not future.done():  # a cancelled caller leaves a moment later
                future.set_result(picture)

    def _fail(self, tickets: tuple[int, ...], words: str) -> None:
        for ticket in tickets:
            future = self._futures.get(ticket)
            if future is not None and not future.done():
                future.set_exception(CatalystError(words))

    def _cached(self, key: str, now_s: float) -> Picture | None:
        until, picture = self._cache.get(key, (0.0, None))
        return picture if until > now_s else None

    def _keep(self, key: str, picture: Picture, now_s: float) -> None:
        if self._cache_ttl_s <= 0:
            return
        self._cache[key] = (now_s + self._cache_ttl_s, picture)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
