"""The thread in which a script's requests are served: joins Ray at the first, opens what it asks for, ends it all.

Owns the event loop, the callbacks' thread and when each service starts. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray import settings_llm, wiring
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.chart_client import ChartClient
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.lazy import Lazy
from catalyst_ray.cluster.model_client import LlmStatistics, ModelClient
from catalyst_ray.cluster.service import Opening
from catalyst_ray.cluster.session import any_session
from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

    from catalyst_ray.cluster.chart_client import ChartOrder, ChartStatistics
    from catalyst_ray.models import LlmRequest
    from catalyst_ray.ports import PriceSource
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

STOP_TIMEOUT_S = 20.0


class Background:
    """The event loop's thread, and one for callbacks: a slow callback must not hold up the answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._model = Lazy(self._open_model)
        self._clock = SystemClock()
        self._charts = ChartClient(
            start=self._open_charts,
            workers=settings.chart_queue_workers,
            look=wiring.chart_look(settings),
            clock=self._clock,
        )
        self._loop = asyncio.new_event_loop()
        # No executor: Python shuts those down before it calls what is registered for its exit.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._stack = ExitStack()
        self._closing = False
        self._threads = [
            threading.Thread(target=work, name=f"catalyst-{name}", daemon=True)
            for name, work in (("requests", self._run), ("callbacks", self._call_back))
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, request: LlmRequest, callback: Callable[[str | None], None] | None) -> Future[str]:
        """Have a prompt answered."""

        async def answer() -> str:
            return await (await self._model.get()).ask(request)

        return self._submit(answer(), callback, "language model")

    def draw(self, order: ChartOrder, callback: Callable[[bytes | None], None] | None) -> Future[bytes]:
        """Have a chart drawn."""
        return self._submit(self._charts.draw(order), callback, "charts")

    def model_statistics(self) -> LlmStatistics:
        """Return what became of the prompts."""
        return self._read(lambda: self._model.opened.statistics() if self._model.opened else LlmStatistics())

    def chart_statistics(self) -> ChartStatistics:
        """Return what became of the charts."""
        return self._read(self._charts.statistics)

    def close(self) -> None:
        """End everything; what is open fails."""
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._calls.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a callback may close as well
                thread.join(STOP_TIMEOUT_S)

    def _read(self, count: Callable[[], T]) -> T:
        """Count in the loop's thread, where nothing changes meanwhile; a future's own callbacks are there already."""
        if threading.current_thread() is self._threads[0]:
            return count()

        async def counted() -> T:
            return count()

        return self._in_loop(counted())

    def _in_loop(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STOP_TIMEOUT_S)

    def _submit(
        self, work: Coroutine[None, None, T], callback: Callable[[T | None], None] | None, what: str
    ) -> Future[T]:
        future = asyncio.run_coroutine_threadsafe(self._until_closed(work, what), self._loop)
        if callback is not None:
            future.add_done_callback(lambda done: self._calls.put(partial(_call, callback, done, what)))
        return future

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._stack.close()
        self._loop.close()

    def _call_back(self) -> None:
        while call := self._calls.get():
            call()

    async def _until_closed(self, work: Awaitable[T], what: str) -> T:
        try:
            return await work
        except asyncio.CancelledError:
            if self._closing:
                raise CatalystError("it was closed", key=what) from None
            raise

    def _join(self) -> None:
        # In this thread, which ends Ray again: what Ray starts dies with the thread that started it. A second
        # time it finds itself joined.
        self._stack.enter_context(
            any_session(self.settings.ray_address, allow_open=self.settings.allow_open_dashboard)
        )

    async def _open_model(self) -> ModelClient:
        settings = self.settings
        self._join()
        wiring.make_folder(settings)
        store = await asyncio.to_thread(SqlStore.open, settings.store_url)
        self._stack.callback(store.close)
        return ModelClient(
            choose=lambda: choose_engine(settings_llm.engine_wish(settings)),
            opening=Opening(clock=self._clock, limits=settings_llm.llm_limits(settings)),
            store=store,
            clock=self._clock,
            cache_ttl_s=settings.llm_cache_ttl,
        )

    async def _open_charts(self) -> tuple[PriceSource, ChartPool]:
        settings = self.settings
        prices = wiring.make_prices(settings)
        self._join()
        pool = ChartPool(
            clock=self._clock,
            workers=settings.chart_queue_workers,
            cache_ttl_s=settings.chart_cache_ttl,
            timeout_s=settings.chart_timeout_secs,
        )
        await pool.start()
        return prices, pool

    async def _end(self) -> None:
        self._closing = True
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for service in (self._model.opened, self._charts):
            if service is not None:
                await service.close()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _call(callback: Callable[[T | None], None], done: Future[T], what: str) -> None:
    error = None if done.cancelled() else done.exception()
    if isinstance(error, CatalystError):
        log.warning(
            "no answer: %s", error
        )  # in the message: a script may have no log of ours, which shows extras
    elif error is not None:
        log.error("no answer for %s", what, exc_info=error)
    try:
        callback(None if error or done.cancelled() else done.result())
    except Exception:  # the caller's own code: it was called, and is not called again
        log.exception("a callback raised")
