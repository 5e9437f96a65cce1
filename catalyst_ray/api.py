"""For scripts and notebooks: the language model of the cluster by one call, without the rest of the program.

The first call joins the Ray cluster that runs (``RAY_ADDRESS``, a submitted job's own, or one on this machine) or
starts a local one, and uses the replicas of a running ``catalyst-ray run`` where there are any; all in the
background. Settings are the program's own. Owns the thread in which that happens, and nothing else.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from contextlib import ExitStack
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from catalyst_ray import settings_llm, wiring
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.model_client import LlmStatistics, ModelClient
from catalyst_ray.cluster.service import Opening
from catalyst_ray.cluster.session import any_session
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import LlmRequest
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from catalyst_ray.settings import Settings

__all__ = ["LlmStatistics", "close", "llm_statistics", "submit_llm_request"]

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 20.0


def submit_llm_request(
    prompt: str,
    *,
    priority: int = 5,
    callback: Callable[[str | None], None] | None = None,
    system: str = "",
    schema: str = "",
    max_tokens: int = 256,
    timeout_s: float | None = None,
) -> Future[str]:
    """Ask the language model; return at once.

    Args:
        prompt: What is asked.
        priority: 0 is the most urgent, 9 the least; equal ones are served in order.
        callback: Called exactly once, in a thread of its own: with the answer, or with None if there is none.
        system: Instructions that stand before the prompt.
        schema: JSON schema of the answer, as text; empty for free text.
        max_tokens: Longest answer.
        timeout_s: Deadline, from when a replica serves; ``LLM_TIMEOUT_SECS`` when None.

    Returns:
        A future of the answer. Its ``result()`` raises ``CatalystError`` with the reason when there is none:
        no engine, refused, too late, broken. Equal prompts are asked once, and kept for ``LLM_CACHE_TTL``.

    Raises:
        ConfigError: A setting is wrong.
        ValueError: ``priority`` is not 0 to 9, ``max_tokens`` or ``timeout_s`` not above 0.
    """
    background = _background()
    timeout_s = background.settings.llm_timeout_secs if timeout_s is None else timeout_s
    if not 0 <= priority <= 9 or max_tokens < 1 or not 0 < timeout_s < float("inf"):
        raise ValueError(
            f"priority must be 0 to 9, max_tokens and timeout_s above 0: {priority}, {max_tokens}, {timeout_s}"
        )
    request = LlmRequest(
        key="",
        system=system,
        prompt=prompt,
        schema=schema,
        max_tokens=max_tokens,
        priority=priority,
        timeout_s=timeout_s,
    )
    return background.submit(request, callback)


def llm_statistics() -> LlmStatistics:
    """Return what the queue did so far: requests, cache hits, joins, times, workers, length and age."""
    return _shared.statistics() if _shared else LlmStatistics()


def close() -> None:
    """End what the first call started; requests still open fail. Called at exit by itself."""
    global _shared
    with _lock:
        background, _shared = _shared, None
    if background is not None:
        background.close()


class _Background:
    """The event loop's thread, and one for callbacks: a slow callback must not hold up the answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        # No executor: Python shuts those down before it calls what is registered for its exit.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._client: ModelClient | None = None
        self._stack = ExitStack()
        self._starting: asyncio.Task[ModelClient] | None = None
        self._closing = False
        self._threads = [
            threading.Thread(target=work, name=f"catalyst-{name}", daemon=True)
            for name, work in (("llm", self._run), ("callbacks", self._call_back))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, request: LlmRequest, callback: Callable[[str | None], None] | None) -> Future[str]:
        future = asyncio.run_coroutine_threadsafe(self._ask(request), self._loop)
        if callback is not None:
            future.add_done_callback(lambda done: self._calls.put(partial(_call, callback, done)))
        return future

    def statistics(self) -> LlmStatistics:
        return self._client.statistics() if self._client else LlmStatistics()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(STOP_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._calls.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a callback may close as well
                thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._stack.close()
        self._loop.close()

    def _call_back(self) -> None:
        while call := self._calls.get():
            call()

    async def _ask(self, request: LlmRequest) -> str:
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.ensure_future(self._start())
        try:
            # Shielded: a caller who cancels must not end the start for all others.
            client = await asyncio.shield(self._starting)
            return await client.ask(request)
        except asyncio.CancelledError:
            if self._closing:
                raise CatalystError("it was closed", key="language model") from None
            raise

    async def _start(self) -> ModelClient:
        settings, clock = self.settings, SystemClock()
        # In this thread, which ends Ray again: what Ray starts dies with the thread that started it.
        self._stack.enter_context(any_session(settings.ray_address))
        wiring.make_folder(settings)
        store = await asyncio.to_thread(SqlStore.open, settings.store_url)
        self._stack.callback(store.close)
        self._client = ModelClient(
            choose=lambda: choose_engine(settings_llm.engine_wish(settings)),
            opening=Opening(clock=clock, limits=settings_llm.llm_limits(settings)),
            store=store,
            clock=clock,
            cache_ttl_s=settings.llm_cache_ttl,
        )
        return self._client

    async def _end(self) -> None:
        self._closing = True
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if self._client is not None:
            await self._client.close()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _call(callback: Callable[[str | None], None], done: Future[str]) -> None:
    error = None if done.cancelled() else done.exception()
    if isinstance(error, CatalystError):
        log.warning("no answer", extra={"error": str(error)})
    elif error is not None:
        log.error("no answer", exc_info=error)
    try:
        callback(None if error or done.cancelled() else done.result())
    except Exception:  # the caller's own code: it was called, and is not called again
        log.exception("a callback raised")


def _background() -> _Background:
    global _shared  # noqa: PLW0603  (one a process, as the guide has it)
    with _lock:
        if _shared is None:
            _shared = _Background(load_settings())
            atexit.register(close)
        return _shared


_lock = threading.Lock()
_shared: _Background | None = None
