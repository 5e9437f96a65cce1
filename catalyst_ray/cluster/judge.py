"""The slow tier: an item's prompt, the cache, the pool, and the answer read. Implements the port ``Judge``."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ray

from catalyst_ray.cluster.llm_pool import LlmPool, why
from catalyst_ray.cluster.placement import check_limits, plan_replicas
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmLimits:
    """How much the slow tier may take.

    Args:
        workers: Requests in flight a replica.
        queue_size: Requests that may wait.
        cache_ttl_s: Seconds that an answer is kept in the store; 0 keeps none.
        timeout_s: Deadline of a verdict, waiting included.
        no_weight_timeout_s: The same for a model without weight.
        gpus_per_replica: A fraction up to 1, or a whole number.
        start_timeout_s: How long a replica may take to be placed and to load its model.

    Raises:
        ConfigError: Limits that contradict each other, or a GPU share that Ray refuses.
    """

    workers: int
    queue_size: int
    cache_ttl_s: float
    timeout_s: float
    min_replicas: int
    max_replicas: int
    gpus_per_replica: float
    no_weight_timeout_s: float = NO_WEIGHT_TIMEOUT_S
    start_timeout_s: float = 300.0

    def __post_init__(self) -> None:
        check_limits(self.min_replicas, self.max_replicas, self.gpus_per_replica)


class NoJudge:
    """No language model: every verdict says so.

    Args:
        lack: Why, for cards: neither host nor path.
        words: Why, for the log.
        is_final: Looking again cannot find a model.
    """

    def __init__(self, lack: str, words: str = "", *, is_final: bool = False) -> None:
        self.lack = lack
        self.words = words or lack
        self.is_final = is_final

    async def judge(self, item: Item, link: Link, score: Score, *, priority: int) -> Verdict:  # noqa: ARG002  (the port)
        """Return the reason."""
        return Verdict(None, Reason("llm_off", self.lack))

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
            log.info("unreadable answer", extra={"error": str(error)})
            return Verdict(None, Reason("llm_failed", why(error)))
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
    choice: EngineChoice, limits: LlmLimits, *, store: Store, clock: Clock, label: str = "llm"
) -> LlmJudge | NoJudge:
    """Start the replicas on the joined cluster and return a judge; ``words`` of it say what runs.

    An engine that does not start gives a judge that says why: alerts go out without it.
    """
    if choice.spec is None:
        return NoJudge(choice.lack, choice.words, is_final=choice.is_final)
    api: Any = ray
    gpus: float = api.cluster_resources().get("GPU", 0.0)
    plan = plan_replicas(gpus, limits.min_replicas, limits.max_replicas, limits.gpus_per_replica)
    if plan.count == 0:
        return NoJudge("no GPU for the model", plan.words)
    try:
        started = await start_replicas(
            choice.spec, plan, workers=limits.workers, timeout_s=limits.start_timeout_s, label=label
        )
    except CatalystError as error:
        return NoJudge(why(error), str(error))
    pool = LlmPool([replica for replica, _ in started], clock=clock, queue_size=limits.queue_size)
    pool.start()
    info = started[0][1].engine
    patience_s = limits.timeout_s if info.has_weight else min(limits.timeout_s, limits.no_weight_timeout_s)
    return LlmJudge(
        pool,
        store=store,
        clock=clock,
        info=info,
        cache_ttl_s=limits.cache_ttl_s,
        timeout_s=patience_s,
        replicas=len(started),
        words=f"{choice.words}; {plan.words}; {info.engine} runs {info.model} on {info.device}",
    )
