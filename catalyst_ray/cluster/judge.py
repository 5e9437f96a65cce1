"""The slow tier: an item's prompt, the cache, the pool, and the answer read. Implements the port ``Judge``."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ray

from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.cluster.placement import plan_replicas
from catalyst_ray.cluster.remote_replica import start_replicas
from catalyst_ray.core.prompt import headline_request, read_answer
from catalyst_ray.errors import CatalystError, ParseError
from catalyst_ray.models import LlmAnswer, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.models import EngineInfo, Item, Link, LlmRequest, Score
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)

NO_WEIGHT_TIMEOUT_S = 5.0
"""A verdict that cannot change anything may not hold an alert back for longer than this."""


class NoJudge:
    """No language model: every verdict says so, and why."""

    def __init__(self, words: str) -> None:
        self.words = words

    async def judge(self, item: Item, link: Link, score: Score, *, priority: int) -> Verdict:  # noqa: ARG002  (the port)
        """Return the reason."""
        return Verdict(None, Reason("llm_off", self.words[:200]))

    def stats(self) -> Mapping[str, float]:
        """Return nothing: nothing is queued."""
        return {}

    async def close(self) -> None:
        """Do nothing."""


class LlmJudge:
    """Judges items by a language model behind a pool.

    Args:
        info: The engine behind the pool; its name is part of the cache's key.
        cache_ttl_s: Seconds that an answer is kept in the store; 0 keeps none.
        timeout_s: Deadline of a verdict, waiting included.
        words: Which engine runs and where, for the log.
    """

    def __init__(
        self,
        pool: LlmPool,
        *,
        store: Store,
        clock: Clock,
        info: EngineInfo,
        cache_ttl_s: float,
        timeout_s: float,
        replicas: int = 1,
        words: str = "",
    ) -> None:
        self._pool = pool
        self._store = store
        self._clock = clock
        self._info = info
        self._cache_ttl_s = cache_ttl_s
        self._timeout_s = timeout_s
        self._replicas = replicas
        self._unreadable = 0
        self._cut = 0
        self.words = words

    async def judge(self, item: Item, link: Link, score: Score, *, priority: int) -> Verdict:  # noqa: ARG002  (the port)
        """Return a verdict by the deadline; a slow or broken model gives one without judgement."""
        request = headline_request(
            item,
            link,
            model=f"{self._info.engine}/{self._info.model}",
            timeout_s=self._timeout_s,
            priority=priority,
        )
        text = await self._cached(request)
        if text is not None:
            self._pool.tell_cached()
            answer = LlmAnswer(text=text, model=self._info.model, engine=self._info.engine)
            return self._read(answer, item, cached=True)
        outcome = await self._pool.ask(request)
        if isinstance(outcome, Reason):
            return Verdict(None, outcome)
        verdict = self._read(outcome, item, cached=False)
        if verdict.judgement is not None:
            await self._keep(request, outcome)
        return verdict

    def stats(self) -> Mapping[str, float]:
        """Return the queue's counts, and ``unreadable`` answers and sentences ``cut`` for want of a source."""
        stats = self._pool.stats()
        return {
            **asdict(stats),
            "timed_out": stats.expired,
            "mean_seconds": stats.mean_seconds,
            "replicas": self._replicas,
            "unreadable": self._unreadable,
            "cut": self._cut,
        }

    async def close(self) -> None:
        """End the pool and its replicas."""
        await self._pool.close()

    def _read(self, answer: LlmAnswer, item: Item, *, cached: bool) -> Verdict:
        try:
            reading = read_answer(answer, item, self._info, cached=cached)
        except ParseError as error:
            self._unreadable += 1
            return Verdict(None, Reason("llm_failed", error.message[:200]))
        self._cut += reading.cut
        judgement = reading.judgement
        return Verdict(judgement, Reason("llm_judged", judgement.model, judgement.direction))

    async def _cached(self, request: LlmRequest) -> str | None:
        if self._cache_ttl_s <= 0:
            return None
        return await asyncio.to_thread(self._store.cached, request.key, now_utc=self._clock.now_utc())

    async def _keep(self, request: LlmRequest, answer: LlmAnswer) -> None:
        if self._cache_ttl_s > 0:
            expires_utc = self._clock.now_utc() + timedelta(seconds=self._cache_ttl_s)
            await asyncio.to_thread(self._store.cache, request.key, answer.text, expires_utc=expires_utc)


async def open_judge(
    choice: EngineChoice,
    *,
    store: Store,
    clock: Clock,
    workers: int,
    queue_size: int,
    cache_ttl_s: float,
    timeout_s: float,
    min_replicas: int,
    max_replicas: int,
    gpus_per_replica: float,
    no_weight_timeout_s: float = NO_WEIGHT_TIMEOUT_S,
    start_timeout_s: float = 300.0,
    label: str = "llm",
) -> LlmJudge | NoJudge:
    """Start the replicas on the joined cluster and return a judge; ``words`` of it say what runs.

    An engine that does not start gives a judge that says why: alerts go out without it.

    Raises:
        ConfigError: Limits that contradict each other.
    """
    if choice.spec is None:
        return NoJudge(choice.words)
    api: Any = ray
    plan = plan_replicas(
        api.cluster_resources().get("GPU", 0.0), min_replicas, max_replicas, gpus_per_replica
    )
    try:
        started = await start_replicas(
            choice.spec, plan, workers=workers, timeout_s=start_timeout_s, label=label
        )
    except CatalystError as error:
        return NoJudge(str(error))
    pool = LlmPool([replica for replica, _ in started], clock=clock, queue_size=queue_size)
    pool.start()
    info = started[0][1]
    return LlmJudge(
        pool,
        store=store,
        clock=clock,
        info=info,
        cache_ttl_s=cache_ttl_s,
        timeout_s=timeout_s if info.has_weight else min(timeout_s, no_weight_timeout_s),
        replicas=len(started),
        words=f"{choice.words}; {plan.words}; {info.engine} runs {info.model} on {info.device}",
    )
