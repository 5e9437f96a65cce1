"""The way of an item from claim to decision, and of an alert into the outbox. Fetches nothing."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.dedupe import find_near_duplicate
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, Alert, Decision, Item, Reason, Score, Trace, Verdict
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.core.fast_tier import FastTier, Reading
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.pictures import Pictures, PictureSet
    from catalyst_ray.pipeline.tally import Tally
    from catalyst_ray.ports import Clock, Judge, Store

log = logging.getLogger(__name__)

STORY_WINDOW = timedelta(hours=24)
"""How far back an alert on the same ticker counts as the same story."""
STORY_LIMIT = 200
IN_HAND = 512
"""Items between score and decision at once; the rest of a burst waits its turn."""
NOT_NEEDED = Verdict(None, Reason("llm_not_needed"))


@dataclass(slots=True)
class Round:
    """What the items of one cycle share: sums, alert slots, and a lock per ticker."""

    tally: Tally
    slots: int
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    early: int = 0
    drawn: set[str] = field(default_factory=set)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_HAND))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take_slot(self) -> bool:
        """Take one of the cycle's alerts, if any is left."""
        if self.slots <= 0:
            return False
        self.slots -= 1
        return True

    def lock(self, ticker: str) -> asyncio.Lock:
        """Return the lock under which alerts on a ticker are compared and made."""
        return self.locks.setdefault(ticker, asyncio.Lock())


class Flow:
    """Decides on items: fast tier, language model where wanted, near-duplicates, cap, pictures."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        fast: FastTier,
        judge: Judge,
        pictures: Pictures,
        courier: Courier,
    ) -> None:
        self._clock = clock
        self._store = store
        self.fast = fast
        self._judge = judge
        self._pictures = pictures
        self._courier = courier

    async def decide_all(self, items: Sequence[Item], parsed_utc: datetime, shared: Round) -> None:
        """Give every item a decision; returns when all are stored."""
        if not items:
            return
        claimed_utc = self._clock.now_utc()
        with shared.tally.stage("score"):
            readings, broken = await asyncio.to_thread(self._read_all, items, claimed_utc)
        for item, error in broken:
            await self._failed(item, error, shared)
        dull = [(r.item, r.early) for r in readings if r.early is not None]
        await self._write(dull, shared)
        # The most urgent come first to the model, the charts and the slots.
        keen = sorted((r for r in readings if r.early is None), key=lambda r: r.priority)
        steps = (("parsed", parsed_utc), ("claimed", claimed_utc), ("scored", self._clock.now_utc()))
        await together(self._guarded(reading, steps, shared) for reading in keen)

    def _read_all(
        self, items: Sequence[Item], now_utc: datetime
    ) -> tuple[list[Reading], list[tuple[Item, Exception]]]:
        readings, broken = [], []
        for item in items:
            try:
                readings.append(self.fast.read(item, now_utc=now_utc))
            except Exception as error:  # the stage's one boundary: one broken item costs only itself
                log.exception("item could not be scored", extra={"key": item.key})
                broken.append((item, error))
        return readings, broken

    async def _write(self, decisions: Sequence[tuple[Item, Decision]], shared: Round) -> None:
        if not decisions:
            return
        with shared.tally.stage("commit"):
            await asyncio.to_thread(self._store.decide, decisions, now_utc=self._clock.now_utc())
        for _, decision in decisions:
            shared.tally.counts[decision.action.value] += 1

    async def _guarded(
        self, reading: Reading, steps: tuple[tuple[str, datetime], ...], shared: Round
    ) -> None:
        async with shared.gate:
            try:
                await self._one(reading, steps, shared)
            except StoreError:
                raise
            except Exception as error:  # the stage's one boundary: one broken item costs only itself
                log.exception("item failed", extra={"key": reading.item.key})
                await self._failed(reading.item, error, shared)

    async def _failed(self, item: Item, error: Exception, shared: Round) -> None:
        words = f"{type(error).__name__}: {error}"[:200]
        failed = Decision(action=Action.DROP, reasons=(Reason("failed", words),))
        await asyncio.to_thread(self._store.decide, [(item, failed)], now_utc=self._clock.now_utc())
        shared.tally.counts["failed"] += 1
        shared.tally.problem(f"item {item.key}: {words}")

    async def _one(self, reading: Reading, steps: tuple[tuple[str, datetime], ...], shared: Round) -> None:
        early = self._start_early(reading, shared)
        try:
            verdict = await self._ask(reading, shared)
            async with shared.lock(reading.ticker):
                decision = await self._decide(reading, verdict, shared)
                if decision.action is not Action.ALERT:
                    await self._write([(reading.item, decision)], shared)
                    return
                now = self._clock.now_utc()
                trace = Trace(
                    steps=(
                        *_published(reading.item),
                        ("first_byte", reading.item.received_utc),
                        *steps,
                        ("judged", now),
                    )
                )
                alert = Alert(
                    id=alert_id(reading.item.key),
                    item=reading.item,
                    link=reading.link,
                    score=reading.score,
                    verdict=verdict,
                    decision=decision,
                    created_utc=now,
                    trace=trace,
                )
                await self._alert(alert, early, shared)
        finally:
            if early:
                shared.early -= 1
                early.cancel()

    def _start_early(self, reading: Reading, shared: Round) -> asyncio.Task[PictureSet] | None:
        # The chart is drawn while the model thinks, where the fast tier alone would alert.
        # A second item on a ticker is likely a copy of the first one's story: it waits for the decision.
        likely = self.fast.decide(reading, NOT_NEEDED, near_duplicate=None).action is Action.ALERT
        if not likely or shared.early >= shared.slots or reading.ticker in shared.drawn:
            return None
        shared.drawn.add(reading.ticker)
        shared.early += 1
        return asyncio.ensure_future(
            self._draw(reading.item, reading.ticker, reading.score, reading.priority)
        )

    async def _draw(self, item: Item, ticker: str, score: Score, priority: int) -> PictureSet:
        return await self._pictures.take(
            alert_id(item.key),
            ticker,
            mark_utc=item.published_utc or item.received_utc,
            label=self.fast.label(score),
            priority=priority,
        )

    async def _ask(self, reading: Reading, shared: Round) -> Verdict:
        if self.fast.wants_model(reading) is None:
            return NOT_NEEDED
        with shared.tally.stage("judge"):
            return await self._judge.judge(
                reading.item, reading.link, reading.score, priority=reading.priority
            )

    async def _decide(self, reading: Reading, verdict: Verdict, shared: Round) -> Decision:
        since = self._clock.now_utc() - STORY_WINDOW
        async with shared.turn:  # threads would mix up the order of urgency
            recent = await asyncio.to_thread(
                self._store.recent_titles, reading.ticker, since_utc=since, limit=STORY_LIMIT
            )
        others = [(key, title) for key, title in recent if key != reading.item.key]
        twin = find_near_duplicate(reading.item.title, others)
        return self.fast.decide(reading, verdict, near_duplicate=twin)

    async def _alert(self, alert: Alert, early: asyncio.Task[PictureSet] | None, shared: Round) -> None:
        if not shared.take_slot():
            reasons = (
                Reason("cap", "MAX_ALERTS_PER_CYCLE reached: waits for the next cycle"),
                *alert.decision.reasons,
            )
            held = replace(alert, decision=replace(alert.decision, action=Action.HOLD, reasons=reasons))
            with shared.tally.stage("commit"):
                await asyncio.to_thread(self._store.hold_alert, held, now_utc=self._clock.now_utc())
            shared.tally.counts[Action.HOLD.value] += 1
            return
        pictures = early or self._draw(alert.item, alert.ticker, alert.score, alert.decision.priority)
        await self._commit(alert, await pictures, shared)
        shared.tally.counts[Action.ALERT.value] += 1

    async def release(self, alert: Alert, shared: Round) -> None:
        """Send an alert that an earlier cycle held back; the caller has checked the cap."""
        reasons = tuple(r for r in alert.decision.reasons if r.code != "cap")
        released = replace(
            alert,
            decision=replace(alert.decision, action=Action.ALERT, reasons=(*reasons, Reason("released"))),
        )
        pictures = await self._draw(alert.item, alert.ticker, alert.score, alert.decision.priority)
        await self._commit(released, pictures, shared)
        shared.tally.counts["released"] += 1

    async def _commit(self, alert: Alert, pictures: PictureSet, shared: Round) -> None:
        shared.tally.add("draw", pictures.seconds)
        now = self._clock.now_utc()
        whole = replace(
            alert,
            created_utc=now,
            price_usd=pictures.price_usd,
            change_pct=pictures.change_pct,
            chart_path=pictures.chart_path,
            chart_reason=pictures.reason,
            trace=Trace(steps=(*alert.trace.steps, ("drawn", now))),
        )
        with shared.tally.stage("commit"):
            is_first = await asyncio.to_thread(
                self._store.commit_alert, whole, self._courier.names, now_utc=now
            )
        if not is_first:
            shared.slots += 1  # two versions of one filing were in hand at once: nothing more goes out
        self._courier.wake()


def alert_id(item_key: str) -> str:
    """Return an alert's id: the same for the same item, so that a double can be told."""
    return hashlib.sha256(item_key.encode()).hexdigest()[:10]


def _published(item: Item) -> tuple[tuple[str, datetime], ...]:
    return (("published", item.published_utc),) if item.published_utc else ()
