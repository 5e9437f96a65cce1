"""The language model for scripts: free prompts through the same scheduler. Knows no news and no item."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.cluster.service import Service, join_service, open_service
from catalyst_ray.errors import CatalystError, ConfigError, StoreError, TransportError
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


class ModelClient:
    """Answers prompts; opens its replicas when the first is asked, or joins those of a running driver.

    Args:
        choose: Chooses the engine.
        store: Keeps answers.
        cache_ttl_s: For so long; 0 keeps none.
    """

    def __init__(
        self,
        *,
        choose: Callable[[], Awaitable[EngineChoice]],
        opening: Opening,
        store: Store,
        clock: Clock,
        cache_ttl_s: float,
    ) -> None:
        self._choose = choose
        self._opening = opening
        self._store = store
        self._clock = clock
        self._cache_ttl_s = cache_ttl_s
        self._service: Service | None = None
        self._starting: asyncio.Task[Service] | None = None
        self._waiting = 0
        self._unserved = 0
        self._past: Counter[str] = Counter()

    async def ask(self, request: LlmRequest) -> str:
        """Return the answer; ``request.timeout_s`` counts from the moment that a replica serves.

        ``request.key`` is made here: the same words to the same model are asked once.

        Raises:
            CatalystError: There is no engine, none serves in time, or no answer in time.
        """
        service = await self._serving()
        engine = service.info.engine
        asked = [engine.engine, engine.model, request.system, request.prompt, request.schema]
        digest = hashlib.sha256(json.dumps([*asked, request.max_tokens]).encode()).hexdigest()
        key = f"llm:{digest}"
        cached = await self._cached(key)
        if cached is not None:
            service.pool.tell_cached()
            return cached
        outcome = await service.pool.ask(replace(request, key=key))
        if isinstance(outcome, Reason) and self._is_forsaken(service):
            service = await self._serving()  # the driver that we shared has ended: once more, elsewhere
            outcome = await service.pool.ask(replace(request, key=key))
        if isinstance(outcome, Reason):
            raise TransportError(str(outcome), key="language model")
        await self._keep(key, outcome)
        return outcome.text

    def statistics(self) -> LlmStatistics:
        """Return the counts so far, with those who were turned away before a replica served."""
        now = asdict(self._service.pool.stats()) if self._service else {}
        total = Counter(self._past)
        total.update(now)
        turned_away = sum(total[name] for name in ("failed", "refused", "expired", "cancelled"))
        seats = self._service.pool.seats if self._service else []
        return LlmStatistics(
            requests=int(total["requests"]) + self._unserved + self._waiting,
            hits=int(total["cached"]),
            joined=int(total["joined"]),
            failed=int(turned_away) + self._unserved,
            mean_seconds=total["seconds"] / total["worked"] if total["worked"] else 0.0,
            busy=now.get("busy", 0),
            workers=sum(seat.replica.workers for seat in seats),
            queue_length=now.get("waiting", 0) + self._waiting,
            queue_age_s=now.get("oldest_age_s", 0.0),
        )

    async def close(self) -> None:
        """End the replicas that are ours."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._service is not None:
            await self._service.close()

    async def _serving(self) -> Service:
        """Return the service, opened once for all who wait; one that lost its last replica is opened anew."""
        if self._service is not None and not self._is_forsaken(self._service):
            return self._service
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._open())
        limits = self._opening.limits
        if self._waiting >= limits.queue_size:
            self._unserved += 1
            raise TransportError(f"{self._waiting} requests wait already", key="language model")
        self._waiting += 1
        try:
            async with asyncio.timeout(limits.start_timeout_s):
                # Shielded: a caller who gives up must not end the start for all others.
                return await asyncio.shield(self._starting)
        except TimeoutError as error:
            self._unserved += 1
            limit = f"{limits.start_timeout_s:g} s"
            hint = "see `ray status` for what the cluster lacks, or raise LLM_START_TIMEOUT_SECS"
            raise TransportError(f"no replica within {limit}", key="language model", hint=hint) from error
        except CatalystError:
            self._unserved += 1
            raise
        finally:
            self._waiting -= 1

    @staticmethod
    def _is_forsaken(service: Service) -> bool:
        # Its driver has ended, and with it every replica: none comes back.
        return service.is_joined and service.fleet.serving == 0

    async def _open(self) -> Service:
        old, self._service = self._service, None
        if old is not None:
            log.info("the replicas are gone; looking for others")
            await old.close()
            self._past.update(asdict(old.pool.stats()))
        service = await join_service(self._opening) or await self._own()
        log.info("the language model is ready", extra={"plan": service.plan.words})
        self._service = service
        return service

    async def _own(self) -> Service:
        choice = await self._choose()
        if choice.spec is None:
            raise ConfigError(
                choice.words, key="LLM_ENGINE", hint="`catalyst-ray doctor` says what is missing"
            )
        service = await open_service(choice.spec, self._opening)
        if not isinstance(service, Service):
            raise CatalystError(service.words, key="LLM_GPUS_PER_REPLICA")
        return service

    async def _cached(self, key: str) -> str | None:
        if self._cache_ttl_s <= 0:
            return None
        return await asyncio.to_thread(self._store.cached, key, now_utc=self._clock.now_utc())

    async def _keep(self, key: str, answer: LlmAnswer) -> None:
        if self._cache_ttl_s <= 0:
            return
        expires_utc = self._clock.now_utc() + timedelta(seconds=self._cache_ttl_s)
        try:
            await asyncio.to_thread(self._store.cache, key, answer.text, expires_utc=expires_utc)
        except StoreError as error:
            log.warning("an answer could not be kept", extra={"error": str(error)})
