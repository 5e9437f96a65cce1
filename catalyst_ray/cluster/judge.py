"""The slow tier: an item's prompt, the cache, the pool, and the answer read. Implements the port ``Judge``."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.cluster.llm_pool import why
from catalyst_ray.core.prompt import ask_about, read_answer
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError, ParseError, StoreError
from catalyst_ray.models import LlmAnswer, LlmUse, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.cluster.fleet import Fleet
    from catalyst_ray.cluster.llm_pool import LlmPool
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.core.prompt import Question
    from catalyst_ray.models import EngineInfo, FilingText, Item, Link, LlmRequest, Score
    from catalyst_ray.ports import Clock, DocumentSource, Store

log = logging.getLogger(__name__)

READ_PATIENCE_S = 60.0
"""How long fetching and reading a filing may take: a burst waits for SEC's pace, seven documents a second."""


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

    async def judge(
        self,
        item: Item,  # noqa: ARG002  (the port)
        link: Link,  # noqa: ARG002
        score: Score,  # noqa: ARG002
        *,
        use: LlmUse,  # noqa: ARG002
        priority: int,  # noqa: ARG002
    ) -> Verdict:
        """Return the reason."""
        return Verdict(None, Reason(Code.LLM_OFF, self.lack))

    def expected_s(self, ahead: int) -> float:  # noqa: ARG002  (the port)
        """Return 0: it answers at once."""
        return 0.0

    def stats(self) -> Mapping[str, float]:
        """Return nothing: nothing is queued."""
        return {}

    def replicas(self) -> Sequence[ReplicaInfo]:
        """Return nothing: none runs."""
        return ()

    async def close(self) -> None:
        """Do nothing."""


class LlmJudge:
    """Judges items by a language model behind a pool.

    Args:
        info: The engine behind the pool; its name is part of the cache's key.
        documents: Gets what filings say; None judges them by the feed's few words.
        cache_ttl_s: Seconds that an answer is kept in the store; 0 keeps none.
        timeout_s: Deadline of a request, waiting included; reading a filing comes before it.
        fleet: Looks after the pool's replicas; closed with the judge.
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
        documents: DocumentSource | None = None,
        fleet: Fleet | None = None,
        words: str = "",
    ) -> None:
        self._pool = pool
        self._store = store
        self._clock = clock
        self._info = info
        self._documents = documents
        self._cache_ttl_s = cache_ttl_s
        self._timeout_s = timeout_s
        self._fleet = fleet
        self._counts = {
            "unreadable": 0,
            "cut": 0,
            "orders_removed": 0,
            "filings_read": 0,
            "unread_filings": 0,
        }
        self._keeping: set[asyncio.Task[None]] = set()
        self.words = words

    async def judge(self, item: Item, link: Link, score: Score, *, use: LlmUse, priority: int) -> Verdict:
        """Return a verdict by the deadline; a slow or broken model gives one without judgement."""
        document = await self._document(item) if use is LlmUse.FILING else None
        if use is LlmUse.FILING and document is None:
            use = LlmUse.HEADLINE  # of the feed's few words nothing but the headline's questions can be asked
        # In a thread: cleaning a long document of orders takes some ten milliseconds.
        question = await asyncio.to_thread(
            ask_about,
            item,
            link,
            score,
            use=use,
            document=document,
            model=f"{self._info.engine}/{self._info.model}",
            timeout_s=self._timeout_s,
            priority=priority,
        )
        self._note_orders(question)
        text = await self._cached(question.request)
        if text is not None:
            self._pool.tell_cached()
            answer = LlmAnswer(text=text, model=self._info.model, engine=self._info.engine)
            return self._read(answer, question, cached=True)
        outcome = await self._pool.ask(question.request)
        if isinstance(outcome, Reason):
            return Verdict(None, outcome)
        verdict = self._read(outcome, question, cached=False)
        if verdict.judgement is not None and self._cache_ttl_s > 0:
            # Beside it: of a burst, verdicts would wait for each other's turn to write.
            keeping = asyncio.create_task(self._keep(question.request, outcome))
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)
        return verdict

    def expected_s(self, ahead: int) -> float:
        """Return the time for all before it, by the speed of late and the slots of the replicas that serve.

        Nothing is known before the first answer: 0.
        """
        slots = sum(seat.replica.workers for seat in self._pool.seats if seat.is_up)
        if slots == 0:
            return math.inf
        return math.ceil((ahead + 1) / slots) * self._pool.seconds_each

    def stats(self) -> Mapping[str, float]:
        """Return the queue's counts, the replicas', and what became of answers.

        ``prompt_tokens`` and ``answer_tokens`` are sums over answers that came from an engine, not from the cache;
        ``unreadable`` answers, words ``cut`` for want of a source, ``orders_removed`` from texts that
        address the model, ``filings_read`` and ``unread_filings`` whose document could not be had.
        """
        stats = self._pool.stats()
        seats = self._pool.seats
        return {
            **asdict(stats),
            "timed_out": stats.expired,
            "mean_seconds": stats.mean_seconds,
            "replicas": self._fleet.serving if self._fleet else len(seats),
            "restarts": self._fleet.restarts if self._fleet else 0,
            "workers": sum(seat.replica.workers for seat in seats),
            "prompt_tokens": self._pool.prompt_tokens,
            "answer_tokens": self._pool.answer_tokens,
            **self._counts,
        }

    def replicas(self) -> Sequence[ReplicaInfo]:
        """Return where the model's replicas run."""
        return self._fleet.places if self._fleet is not None else ()

    async def close(self) -> None:
        """Write what is still to be kept, and end the pool and its replicas."""
        await asyncio.gather(*self._keeping)
        if self._fleet is not None:
            await self._fleet.close()
        await self._pool.close()

    async def _document(self, item: Item) -> FilingText | None:
        if self._documents is None:
            return None
        try:
            async with asyncio.timeout(READ_PATIENCE_S):
                document = await self._documents.text(item)
        except (CatalystError, TimeoutError) as error:
            self._counts["unread_filings"] += 1
            log.info("filing not read", extra={"key": item.key, "error": str(error) or "too slow"})
            return None
        self._counts["filings_read"] += 1
        return document

    def _note_orders(self, question: Question) -> None:
        if question.removed:
            self._counts["orders_removed"] += question.removed
            words = {"key": question.item_key, "passages": question.removed}
            log.warning("text that gives the model orders was cut", extra=words)

    def _read(self, answer: LlmAnswer, question: Question, *, cached: bool) -> Verdict:
        try:
            reading = read_answer(answer, question, self._info, cached=cached)
        except ParseError as error:
            self._counts["unreadable"] += 1
            log.info("unreadable answer", extra={"error": str(error)})
            return Verdict(None, Reason(Code.LLM_FAILED, why(error)))
        self._counts["cut"] += reading.cut
        judgement = reading.judgement
        return Verdict(judgement, Reason(Code.LLM_JUDGED, judgement.model, judgement.direction))

    async def _cached(self, request: LlmRequest) -> str | None:
        if self._cache_ttl_s <= 0:
            return None
        return await asyncio.to_thread(self._store.cached, request.key, now_utc=self._clock.now_utc())

    async def _keep(self, request: LlmRequest, answer: LlmAnswer) -> None:
        expires_utc = self._clock.now_utc() + timedelta(seconds=self._cache_ttl_s)
        try:
            await asyncio.to_thread(self._store.cache, request.key, answer.text, expires_utc=expires_utc)
        except StoreError as error:
            log.warning("an answer could not be kept", extra={"error": str(error)})
