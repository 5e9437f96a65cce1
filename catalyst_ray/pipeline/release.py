"""From a decided alert to the outbox: its slot or its hold, its pictures, and its revisions. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.models import Action, Reason, Trace

if TYPE_CHECKING:
    from catalyst_ray.models import Alert, Decision, Item, Score, Verdict
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.pictures import Pictures, PictureSet
    from catalyst_ray.pipeline.round import Round
    from catalyst_ray.ports import Clock, Store

CAP = Reason("cap", "MAX_ALERTS_PER_CYCLE reached: waits for the next cycle")


class Releaser:
    """Stores alerts and hands them to the courier."""

    def __init__(self, *, clock: Clock, store: Store, pictures: Pictures, courier: Courier) -> None:
        self._clock = clock
        self._store = store
        self._pictures = pictures
        self._courier = courier

    async def draw(self, item: Item, ticker: str, score: Score, priority: int) -> PictureSet:
        """Return the pictures of an item's alert."""
        return await self._pictures.take(
            alert_id(item.key),
            ticker,
            mark_utc=item.published_utc or item.received_utc,
            label=score.events[0].label if score.events else "News",
            priority=priority,
        )

    async def issue(self, alert: Alert, early: asyncio.Task[PictureSet] | None, shared: Round) -> Alert:
        """Send an alert if a slot is left, else hold it; return it as it is stored.

        Args:
            alert: A new one.
            early: Its pictures, where they are being made already.
            shared: The cycle whose slots count.
        """
        if not shared.take_slot():
            reasons = (CAP, *alert.decision.reasons)
            held = replace(alert, decision=replace(alert.decision, action=Action.HOLD, reasons=reasons))
            with shared.tally.stage("commit"):
                await asyncio.to_thread(self._store.hold_alert, held, now_utc=self._clock.now_utc())
            return held
        pictures = early or self.draw(alert.item, alert.ticker, alert.score, alert.decision.priority)
        return await self._commit(alert, await pictures, shared)

    async def release(self, alert: Alert, shared: Round) -> None:
        """Send an alert that an earlier cycle held back; the caller has checked the cap."""
        reasons = tuple(r for r in alert.decision.reasons if r.code != CAP.code)
        released = replace(
            alert,
            decision=replace(alert.decision, action=Action.ALERT, reasons=(*reasons, Reason("released"))),
        )
        pictures = await self.draw(alert.item, alert.ticker, alert.score, alert.decision.priority)
        await self._commit(released, pictures, shared)
        shared.tally.counts["released"] += 1

    async def revise(self, alert: Alert, verdict: Verdict, decision: Decision) -> bool:
        """Store what a later verdict makes of an alert that is out or held; whether it was still there.

        An alert that is out stays one, whatever the verdict: its card says what became of it. One that is
        held and sinks below the threshold does not go out.
        """
        now = self._clock.now_utc()
        if alert.decision.action is Action.HOLD and decision.action is not Action.ALERT:
            return await asyncio.to_thread(self._store.withdraw_hold, alert.item.key, decision, now_utc=now)
        revised = replace(
            alert,
            verdict=verdict,
            decision=replace(decision, action=alert.decision.action),
            revision=alert.revision + 1,
            revised_utc=now,
            trace=Trace(steps=(*alert.trace.steps, ("revised", now))),
        )
        if alert.decision.action is Action.HOLD:
            held = replace(
                revised,
                decision=replace(revised.decision, reasons=(CAP, *decision.reasons)),
                revision=alert.revision,
            )
            await asyncio.to_thread(self._store.hold_alert, held, now_utc=now)
            return True
        if not await asyncio.to_thread(self._store.revise_alert, revised, now_utc=now):
            return False
        self._courier.wake()
        return True

    async def _commit(self, alert: Alert, pictures: PictureSet, shared: Round) -> Alert:
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
        return whole


def alert_id(item_key: str) -> str:
    """Return an alert's id: the same for the same item, so that a double can be told."""
    return hashlib.sha256(item_key.encode()).hexdigest()[:10]
