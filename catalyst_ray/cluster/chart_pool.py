"""Charts as Ray tasks: bounded, joined, cached, with a deadline. Knows nothing of what is drawn.

Tasks share Ray's idle workers with other tasks; the session sees to it that Ray keeps those alive, and this that
those which draw have matplotlib loaded: at the start, and again after one had to be killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import pickle
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from catalyst_ray.core.charts import draw_chart, warm_up
from catalyst_ray.core.picture_cache import PictureCache
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
CACHE_BYTES = 16 * 1024 * 1024
WARM_UP_TIMEOUT_S = 20.0
"""Charts wait no longer for their workers to be warm: a node may have to come first, or be busy."""
WARM_UP_ROUNDS = 6
WARM_UP_PAUSE_S = 0.5
"""A worker process takes about so long to start, and Ray starts one only when there is a task for it."""
TASK = {"num_cpus": 1, "max_retries": 1}
"""A lost worker costs one more try; a chart that fails by itself is not tried again."""


def render(request: ChartRequest) -> tuple[bytes, float]:
    """Draw a chart in a worker and return the PNG and the seconds it took."""
    started = time.perf_counter()
    png = draw_chart(request)
    return png, time.perf_counter() - started


def warm_worker() -> tuple[str, int]:
    """Load matplotlib and fonts in a worker; return which worker it was, by node and process."""
    warm_up()
    return RAY.get_runtime_context().get_node_id(), os.getpid()


class ChartPool:
    """Draws charts on the cluster; implements the port ``Artist``.

    Args:
        workers: Tasks in flight at most.
        cache_ttl_s: Seconds that a picture is kept for an equal request.
        timeout_s: Deadline of a request, waiting included, where it names none.
    """

    def __init__(self, *, clock: Clock, workers: int, cache_ttl_s: float, timeout_s: float) -> None:
        self._clock = clock
        self._workers = workers
        self._timeout_s = timeout_s
        self._queue: RequestQueue[ChartRequest] = RequestQueue(QUEUE_SIZE)
        self._futures: dict[int, asyncio.Future[Picture]] = {}
        self._cache = PictureCache(ttl_s=cache_ttl_s, max_bytes=CACHE_BYTES)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._warming: asyncio.Future[None] | None = None
        self._drawn = 0
        self._drawn_s = 0.0
        self._is_closed = False
        # The name is constant: it is a row of the dashboard's task table and a label of its metrics.
        self._task = RAY.remote(**TASK)(render).options(name="chart:render")
        self._warm_task = RAY.remote(**TASK)(warm_worker).options(name="chart:warm-up")

    async def start(self) -> None:
        """Load matplotlib and fonts in as many workers as will draw, so that the first chart is fast."""
        self._warm_up()
        if self._warming is not None:
            _, late = await asyncio.wait((self._warming,), timeout=WARM_UP_TIMEOUT_S)
            if late:
                log.warning("chart workers are not warm yet", extra={"waited_s": WARM_UP_TIMEOUT_S})

    async def draw(self, request: ChartRequest, *, priority: int, timeout_s: float | None = None) -> Picture:
        """Draw a chart, or share one that is cached or being drawn; see the port ``Artist``."""
        if self._is_closed:
            raise CatalystError("charts are closed", key=request.bars.ticker)
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        now = self._clock.monotonic()
        # The whole request: whatever changes the picture changes the key.
        key = hashlib.sha256(pickle.dumps(request, protocol=5)).hexdigest()
        cached = self._cache.get(key, now)
        if cached:
            self._queue.tell_cached()
            return cached
        admission = self._queue.offer(key, request, priority=priority, deadline_s=now + timeout_s, now_s=now)
        self._fail(admission.displaced, "refused: more urgent charts fill the queue")
        if admission.outcome is Outcome.REFUSED:
            raise CatalystError(f"chart refused: {admission.reason}", key=request.bars.ticker)
        future: asyncio.Future[Picture] = asyncio.get_running_loop().create_future()
        self._futures[admission.ticket] = future
        self._pump()
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError as error:
            self._queue.expire(max(self._clock.monotonic(), now + timeout_s))
            raise CatalystError(
                f"chart not drawn within {timeout_s:g} s",
                key=request.bars.ticker,
                hint="raise CHART_TIMEOUT_SECS or add CPUs",
            ) from error
        finally:
            self._queue.cancel(admission.ticket)
            self._futures.pop(admission.ticket, None)

    def stats(self) -> Mapping[str, float]:
        """Return true counts since the start.

        ``mean_seconds`` is from hand-out to answer, ``draw_seconds`` what a worker took for one chart that was
        drawn; ``busy`` counts tasks that are with Ray, ``workers`` how many may be.
        """
        stats = self._queue.stats(self._clock.monotonic())
        return {
            **asdict(stats),
            "mean_seconds": stats.mean_seconds,
            "draw_seconds": self._drawn_s / self._drawn if self._drawn else 0.0,
            "busy": len(self._running),
            "workers": self._workers,
        }

    async def close(self) -> None:
        """Give up what is being drawn or waits."""
        self._is_closed = True
        tasks = [*self._running.values(), *([self._warming] if self._warming else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail(tuple(self._futures), "chart given up: charts are closed")

    def _pump(self) -> None:
        free = self._workers - len(self._running)
        if free <= 0 or self._is_closed:
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
            png, seconds = await self._result(ref, work)
        except (RayError, TimeoutError) as error:
            RAY.cancel(ref, force=True)  # matplotlib is C code: nothing softer ends it
            now = self._clock.monotonic()
            self._queue.expire(now)  # late callers are told by their own time-out
            if isinstance(error, RayTaskError):
                words = str(error).splitlines()[-1][:200]
            else:  # it did not fail by itself: its worker is gone
                words = f"its worker was lost twice ({type(error).__name__})"
                self._warm_up()
            self._fail(self._queue.failed(work.key, now), f"chart failed: {words}")
            return
        except asyncio.CancelledError:
            RAY.cancel(ref, force=True)
            raise
        now = self._clock.monotonic()
        self._drawn, self._drawn_s = self._drawn + 1, self._drawn_s + seconds
        picture = Picture(png=png, seconds=seconds)
        self._cache.put(work.key, picture, now)
        for ticket in self._queue.done(work.key, now):
            future = self._futures.get(ticket)
            if future is not None and not future.done():  # a cancelled caller leaves a moment later
                future.set_result(picture)

    async def _result(self, ref: Any, work: Work[ChartRequest]) -> tuple[bytes, float]:
        """Return what a worker drew, as long as somebody waits for it.

        Raises:
            TimeoutError: Nobody does any more.
        """
        answer = asyncio.wrap_future(ref.future())
        answer.add_done_callback(_take_note)
        until_s = work.deadline_s
        while not answer.done():
            now = self._clock.monotonic()
            if now >= until_s:
                until_s = self._queue.deadline_s(work.key)  # who joined later may wait longer
                if now >= until_s:
                    raise TimeoutError
            await asyncio.wait((answer,), timeout=until_s - now)
        result: tuple[bytes, float] = answer.result()
        return result

    def _fail(self, tickets: tuple[int, ...], words: str) -> None:
        for ticket in tickets:
            future = self._futures.get(ticket)
            if future is not None and not future.done():
                future.set_exception(CatalystError(words))

    def _warm_up(self) -> None:
        """Begin to warm workers up; charts that wait do the same, and come first."""
        if self._is_closed or len(self._queue) or (self._warming and not self._warming.done()):
            return
        self._warming = asyncio.ensure_future(self._warm_workers())

    async def _warm_workers(self) -> None:
        count = max(1, min(self._workers, int(RAY.cluster_resources().get("CPU", 1))))
        for _ in range(WARM_UP_ROUNDS):
            try:
                warm = await asyncio.gather(*(self._warm_task.remote() for _ in range(count)))
            except RayError as error:
                log.warning("a chart worker did not warm up", extra={"error": str(error)[:300]})
                return
            if len(set(warm)) == count:
                return
            await self._clock.sleep(WARM_UP_PAUSE_S)


def _take_note(answer: asyncio.Future[Any]) -> None:
    """Look at what became of a chart that nobody waits for, lest asyncio warns of it."""
    if not answer.cancelled():
        answer.exception()
