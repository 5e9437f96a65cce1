"""The way of an item from claim to decision, and back again when the model's verdict comes late. Fetches nothing."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, Alert, Decision, Item, Reason, Trace, Verdict
from catalyst_ray.pipeline.release import alert_id
from catalyst_ray.pipeline.stories import is_told, not_alone
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from catalyst_ray.core.fast_tier import FastTier, Reading
    from catalyst_ray.pipeline.gatekeeper import Gatekeeper
    from catalyst_ray.pipeline.late import LateVerdicts
    from catalyst_ray.pipeline.paperwork import Paperwork
    from catalyst_ray.pipeline.pictures import PictureSet
    from catalyst_ray.pipeline.release import Releaser
    from catalyst_ray.pipeline.round import Round
    from catalyst_ray.pipeline.stories import Stories, Told
    from catalyst_ray.ports import Clock, Judge, Store

log = logging.getLogger(__name__)

LOOK_S = 0.1
"""How often an item that waits looks whether its verdict can still come in time; a cached one is there at once."""
NOT_NEEDED = Verdict(None, Reason(Code.LLM_NOT_NEEDED))
PENDING = Verdict(None, Reason(Code.LLM_PENDING, "the model had not answered when this was decided"))

Steps = tuple[tuple[str, "datetime"], ...]


class Flow:
    """Decides on items: fast tier, language model where wanted, near-duplicates.

    Args:
        paperwork: Reads filings before they are decided; None decides on their forms alone.
        stories: Knows the alert that tells an item's story.
        gatekeeper: Turns alerts down for what stands outside the item.
        releaser: Takes what became an alert.
        late: Awaits the verdicts that are not there in time.
        alert_wait_s: How long an item waits for the model, if a verdict may be expected in it; then the
            fast tier decides, and the verdict revises the alert, lifts an item that was none, or marks one
            that it sinks.
        on_revised: Told when an alert was revised.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        fast: FastTier,
        judge: Judge,
        stories: Stories,
        gatekeeper: Gatekeeper,
        releaser: Releaser,
        late: LateVerdicts,
        alert_wait_s: float,
        paperwork: Paperwork | None = None,
        on_revised: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._store = store
        self.fast = fast
        self._judge = judge
        self._stories = stories
        self._gatekeeper = gatekeeper
        self._releaser = releaser
        self._late = late
        self._alert_wait_s = alert_wait_s
        self._paperwork = paperwork
        self._on_revised = on_revised
        self._asked = 0

    async def decide_all(self, items: Sequence[Item], parsed_utc: datetime, shared: Round) -> None:
        """Give every item a decision; returns when all are stored."""
        if not items:
            return
        await self._stories.load()
        claimed_utc = self._clock.now_utc()
        with shared.tally.stage("score"):
            readings, broken = await asyncio.to_thread(self._read_all, items, claimed_utc)
        told, odd = self._told(readings)
        for item, error in (*broken, *odd):
            await self._failed(item, error, shared)
        readings = [r for r in readings if not any(r.item is item for item, _ in odd)]
        dull = [(r.item, r.early) for r in readings if r.early is not None and r.item.key not in told]
        await self._write(dull, shared)
        joining = [r for r in readings if r.item.key in told]
        await together(self._guarded(r, partial(self._join, r, told[r.item.key]), shared) for r in joining)
        # The most urgent come first to the model, the charts and the slots.
        keen = sorted((r for r in readings if r.early is None), key=lambda r: r.priority)
        steps = (("parsed", parsed_utc), ("claimed", claimed_utc), ("scored", self._clock.now_utc()))
        await together(self._guarded(r, partial(self._one, r, steps), shared) for r in keen)

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

    def _told(self, readings: Sequence[Reading]) -> tuple[dict[str, Told], list[tuple[Item, Exception]]]:
        """Return the alerts that tell items which are none by themselves; in the loop, whose the index is."""
        told, broken = {}, []
        for reading in readings:
            try:
                if found := self._stories.find_unlinked(reading):
                    told[reading.item.key] = found
            except Exception as error:  # the stage's one boundary: one broken item costs only itself
                log.exception("item could not be compared", extra={"key": reading.item.key})
                broken.append((reading.item, error))
        return told, broken

    async def _write(self, decisions: Sequence[tuple[Item, Decision]], shared: Round) -> None:
        if not decisions:
            return
        with shared.tally.stage("commit"):
            await asyncio.to_thread(self._store.decide, decisions, now_utc=self._clock.now_utc())
        for _, decision in decisions:
            shared.tally.counts[decision.action.value] += 1

    async def _guarded(
        self, reading: Reading, work: Callable[[Round], Awaitable[None]], shared: Round
    ) -> None:
        async with shared.gate:
            try:
                await work(shared)
            except StoreError:
                raise
            except Exception as error:  # the stage's one boundary: one broken item costs only itself
                log.exception("item failed", extra={"key": reading.item.key})
                await self._failed(reading.item, error, shared)

    async def _failed(self, item: Item, error: Exception, shared: Round) -> None:
        words = f"{type(error).__name__}: {error}"[:200]
        failed = Decision(action=Action.DROP, reasons=(Reason(Code.FAILED, words),))
        await asyncio.to_thread(self._store.decide, [(item, failed)], now_utc=self._clock.now_utc())
        shared.tally.counts["failed"] += 1
        shared.tally.problem(f"item {item.key}: {words}")

    async def _one(self, reading: Reading, steps: Steps, shared: Round) -> None:
        if self._paperwork:
            reading = await self._paperwork.read(reading, self.fast, shared.tally)
        if reading.early is not None:
            await self._write([(reading.item, reading.early)], shared)
            return
        early = self._start_early(reading, shared)
        ahead = self._asked
        asking = self._ask(reading)
        followed = False
        try:
            verdict = await self._patiently(asking, ahead, shared) if asking else NOT_NEEDED
            async with self._releaser.lock(reading.ticker):
                decision, alert = await self._settle(reading, steps, verdict, early, shared)
            shared.tally.counts[decision.action.value] += 1
            if asking and verdict is PENDING and not is_told(decision):
                self._late.follow(asking, lambda late: self._apply(reading, steps, late, alert, shared))
                followed = True
        finally:
            if early:
                shared.early -= 1
                early.cancel()
            if asking and not followed:
                asking.cancel()

    def _start_early(self, reading: Reading, shared: Round) -> asyncio.Task[PictureSet] | None:
        # The chart is drawn while the model thinks, where the fast tier alone would alert.
        # A second item on a ticker is likely a copy of the first one's story: it waits for the decision.
        likely = self.fast.decide(reading, NOT_NEEDED, near_duplicate=None).action is Action.ALERT
        if not likely or shared.early >= shared.slots or reading.ticker in shared.drawn:
            return None
        shared.drawn.add(reading.ticker)
        shared.early += 1
        return asyncio.ensure_future(
            self._releaser.draw(reading.item, reading.ticker, reading.score, reading.priority)
        )

    def _ask(self, reading: Reading) -> asyncio.Task[Verdict] | None:
        use = self.fast.wants_model(reading)
        if use is None:
            return None
        self._asked += 1
        asking = asyncio.ensure_future(
            self._judge.judge(reading.item, reading.link, reading.score, use=use, priority=reading.priority)
        )
        asking.add_done_callback(self._answered)
        return asking

    def _answered(self, _: asyncio.Task[Verdict]) -> None:
        self._asked -= 1

    async def _patiently(self, asking: asyncio.Task[Verdict], ahead: int, shared: Round) -> Verdict:
        now_s = asyncio.get_running_loop().time
        begun_s = now_s()
        left_s = self._alert_wait_s
        with shared.tally.stage("judge"):
            while left_s > 0 and not asking.done():
                await asyncio.wait({asking}, timeout=min(LOOK_S, left_s))
                waited_s = now_s() - begun_s
                left_s = self._alert_wait_s - waited_s
                if self._judge.expected_s(ahead) - waited_s > left_s:
                    break  # it cannot come in time: of a burst the last go out first
        return asking.result() if asking.done() else PENDING

    async def _settle(
        self,
        reading: Reading,
        steps: Steps,
        verdict: Verdict,
        early: asyncio.Task[PictureSet] | None,
        shared: Round,
    ) -> tuple[Decision, Alert | None]:
        """Decide on an item and store what becomes of it; the caller holds the ticker's lock."""
        while told := self._stories.find(reading):
            decision = self.fast.decide(reading, verdict, near_duplicate=told.key)
            joined = await self._stories.join(told, reading.item, decision)
            if joined:
                return joined, None
        decision = await self._decide(reading, verdict, shared)
        if decision.action is Action.ALERT:
            alert = self._alert(reading, steps, verdict, decision)
            alert = await self._releaser.issue(alert, early, shared)
            self._stories.add(alert)
            return alert.decision, alert
        with shared.tally.stage("commit"):
            now = self._clock.now_utc()
            await asyncio.to_thread(self._store.decide, [(reading.item, decision)], now_utc=now)
        return decision, None

    async def _decide(self, reading: Reading, verdict: Verdict, shared: Round) -> Decision:
        decision = not_alone(reading, self.fast.decide(reading, verdict, near_duplicate=None))
        async with shared.turn:  # threads would mix up the order of urgency
            decision = await self._gatekeeper.cooled(reading, decision)
        return await self._gatekeeper.priced(reading, decision)

    async def _join(self, reading: Reading, told: Told, shared: Round) -> None:
        """Let an item that is no alert by itself join its story's, or leave as it would have."""
        assert reading.early is not None  # noqa: S101  (what is told early was decided early)
        async with self._stories.lock(told):
            joined = await self._stories.join(told, reading.item, reading.early)
        if joined:
            shared.tally.counts[joined.action.value] += 1
        else:
            await self._write([(reading.item, reading.early)], shared)

    async def tell_copies(self) -> None:
        """Tell alerts of the exact copies that were dropped as they were claimed."""
        await self._stories.add_copies()

    def _alert(self, reading: Reading, steps: Steps, verdict: Verdict, decision: Decision) -> Alert:
        now = self._clock.now_utc()
        item = reading.item
        published = (("published", item.published_utc),) if item.published_utc else ()
        trace = Trace(steps=(*published, ("first_byte", item.received_utc), *steps, ("judged", now)))
        return Alert(
            id=alert_id(item.key),
            item=item,
            link=reading.link,
            score=reading.score,
            verdict=verdict,
            decision=decision,
            created_utc=now,
            trace=trace,
        )

    async def _apply(
        self, reading: Reading, steps: Steps, verdict: Verdict, alert: Alert | None, shared: Round
    ) -> str:
        """Apply a verdict that came after the decision, or why there is none; return what it did, for the counts."""
        answered = verdict.judgement is not None
        if alert is not None:
            decision = self.fast.decide(reading, verdict, near_duplicate=None)
            decision = self._gatekeeper.noted(decision, alert)
            if not await self._releaser.revise(alert, verdict, decision):
                return "unchanged"
            self._on_revised()
            if not answered:
                return "unanswered"
            return "revised" if decision.action is Action.ALERT else "sunk"
        async with self._releaser.lock(reading.ticker):
            _, lifted = await self._settle(reading, steps, verdict, None, shared)
        if lifted is not None:
            self._on_revised()
            return "lifted"
        return "unchanged" if answered else "unanswered"
