"""The language model for scripts: free prompts through the same scheduler. Knows no news and no item."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.cluster.service import Service, join_service, open_service
from catalyst_ray.errors import CatalystError, ConfigError, TransportError
from catalyst_ray.models import LlmAnswer, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.cluster.service import Opening
    from catalyst_ray.models import LlmRequest
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmStatistics:
    """What the queue did since it was opened; ``str`` gives it in the guide's form.

    Args:
        requests: Calls, those answered from the cache included.
        hits: Answered from the cache.
        joined: Shared another's request.
        failed: Got no answer: refused, too late or broken.
        mean_seconds: From hand-out to answer.
        busy: Requests in a replica now.
        workers: Requests that all replicas serve at a time.
        queue_length: Requests that wait now.
        queue_age_s: How long the oldest of them has waited.
    """

    requests: int = 0
    hits: int = 0
    joined: int = 0
    failed: int = 0
    mean_seconds: float = 0.0
    busy: int = 0
    workers: int = 0
    queue_length: int = 0
    queue_age_s: float = 0.0

    def __str__(self) -> str:
        """Return one line a figure."""
        return "\n".join(
            (
                f"LLM requests: {self.requests} ({self.hits} cache hits, {self.joined} joined, {self.failed} failed)",
                f"Average processing: {self.mean_seconds:.2f} s",
                f"Workers busy: {min(self.busy, self.workers)} of {self.workers}",
                f"Queue: {self.queue_length} waiting, the oldest for {self.queue_age_s:.1f} s",
            )
        )


@dataclass(slots=True)
class ModelClient:
    """Answers prompts; opens its replicas when the first is asked, or joins those of a running driver.

    Args:
        choose: Chooses the engine.
        store: Keeps answers.
        cache_ttl_s: For so long; 0 keeps none.
    """

    choose: Callable[[], Awaitable[EngineChoice]]
    opening: Opening
    store: Store
    clock: Clock
    cache_ttl_s: float
    _service: Service | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, request: LlmRequest) -> str:
        """Return the answer; ``request.timeout_s`` counts from the moment that a replica serves.

        ``request.key`` is made here: the same words to the same model are asked once.

        Raises:
            CatalystError: There is no engine, or no answer in time.
        """
        service = await self._opened()
        engine = service.info.engine
        asked = [
            engine.engine,
            engine.model,
            request.system,
            request.prompt,
            request.schema,
            request.max_tokens,
        ]
        key = f"llm:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}"
        cached = await self._cached(key)
        if cached is not None:
            service.pool.tell_cached()
            return cached
        outcome = await service.pool.ask(replace(request, key=key))
        if isinstance(outcome, Reason):
            raise TransportError(str(outcome), key="language model")
        await self._keep(key, outcome)
        return outcome.text

    def statistics(self) -> LlmStatistics:
        """Return the counts so far; zeros before the first request."""
        if self._service is None:
            return LlmStatistics()
        stats = self._service.pool.stats()
        return LlmStatistics(
            requests=stats.requests,
            hits=stats.cached,
            joined=stats.joined,
            failed=stats.failed + stats.refused + stats.expired + stats.cancelled,
            mean_seconds=stats.mean_seconds,
            busy=stats.busy,
            workers=sum(seat.replica.workers for seat in self._service.pool.seats),
            queue_length=stats.waiting,
            queue_age_s=stats.oldest_age_s,
        )

    async def close(self) -> None:
        """End the replicas that are ours."""
        if self._service is not None:
            await self._service.close()

    async def _opened(self) -> Service:
        async with self._lock:
            if self._service is None:
                self._service = await join_service(self.opening) or await self._own()
                log.info("the language model is ready", extra={"plan": self._service.plan.words})
            return self._service

    async def _own(self) -> Service:
        choice = await self.choose()
        if choice.spec is None:
            raise ConfigError(
                choice.words, key="LLM_ENGINE", hint="`catalyst-ray doctor` says what is missing"
            )
        service = await open_service(choice.spec, self.opening)
        if not isinstance(service, Service):
            raise CatalystError(service.words, key="LLM_GPUS_PER_REPLICA")
        return service

    async def _cached(self, key: str) -> str | None:
        if self.cache_ttl_s <= 0:
            return None
        return await asyncio.to_thread(self.store.cached, key, now_utc=self.clock.now_utc())

    async def _keep(self, key: str, answer: LlmAnswer) -> None:
        if self.cache_ttl_s > 0:
            expires_utc = self.clock.now_utc() + timedelta(seconds=self.cache_ttl_s)
            await asyncio.to_thread(self.store.cache, key, answer.text, expires_utc=expires_utc)
