"""From a decided alert to the outbox: its slot or its hold, its pictures, and its revisions. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Action, Reason, Trace

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.models import Alert, Decision, Item, Score, Verdict
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.pictures import Pictures, PictureSet
    from catalyst_ray.pipeline.round import Round
    from catalyst_ray.ports import Clock, Store

CAP = Reason(Code.CAP, "MAX_ALERTS_PER_CYCLE is reached")
RETELL_AFTER = timedelta(seconds=2)
"""How long after a copy its alert's message is edited: copies come in swarms, and one edit tells of them all."""


class Releaser:
    """Stores alerts and hands them to the courier."""

    def __init__(self, *, clock: Clock, store: Store, pictures: Pictures, courier: Courier) -> None:
        self._clock = clock
        self._store = store
        self._pictures = pictures
        self._courier = courier
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, ticker: str) -> asyncio.Lock:
        """Return the lock under which alerts on a ticker are compared, made and changed, in whatever cycle."""
        return self._locks.setdefault(ticker, asyncio.Lock())

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
        """Send an alert that an earlier cycle held back; the caller has taken its slot.

        What is stored by now counts: a late verdict may have changed the alert, or withdrawn it.
        """
        async with self.lock(alert.ticker):
            stored = await asyncio.to_thread(self._store.alert_of, alert.item.key)
            if stored is None or stored.decision.action is not Action.HOLD:
                shared.slots += 1
                return
            reasons = tuple(r for r in stored.decision.reasons if r.code != CAP.code)
            reasons = (*reasons, Reason(Code.RELEASED), *stored.notices)
            decision = replace(stored.decision, action=Action.ALERT, reasons=reasons)
            pictures = await self.draw(stored.item, stored.ticker, stored.score, decision.priority)
            await self._commit(replace(stored, decision=decision), pictures, shared)
        shared.tally.counts["released"] += 1

    async def revise(self, alert: Alert, verdict: Verdict, decision: Decision) -> bool:
        """Store what a later verdict makes of an alert that is out or held; whether it was still there.

        An alert that is out stays one, whatever the verdict: its card says what became of it. One that is
        held and sinks below the threshold does not go out.
        """
        async with self.lock(alert.ticker):
            # What is stored by now counts: copies and corrections may have changed it.
            stored = await asyncio.to_thread(self._store.alert_of, alert.item.key)
            if stored is None or stored.item != alert.item:
                return False
            if stored.decision.action is Action.HOLD:
                return await self._revise_held(stored, verdict, decision)
            reasons = (*decision.reasons, *stored.notices)
            told = replace(decision, action=Action.ALERT, reasons=reasons)
            now = self._clock.now_utc()
            revised = self._next(self._revised(stored, verdict, told))
            if not await asyncio.to_thread(self._store.revise_alert, revised, now_utc=now):
                return False
        self._courier.wake()
        return True

    async def retell(self, item: Item, key: str, decision: Decision | None, changed: Alert | None) -> None:
        """Store that an item tells the story of the alert on another one; the caller holds the ticker's lock.

        Args:
            item: What tells it too, corrects it or takes it back.
            key: The alert's item.
            decision: On ``item``; None where it was decided as it was claimed.
            changed: The alert as it is from now on; None where its card says the same as before.
        """
        is_out = changed is not None and changed.decision.action is Action.ALERT
        if changed is not None and is_out:
            listed = [notice for notice in changed.notices if notice not in changed.decision.reasons]
            reasons = (*changed.decision.reasons, *listed)
            changed = self._next(replace(changed, decision=replace(changed.decision, reasons=reasons)))
        now = self._clock.now_utc()
        await asyncio.to_thread(
            self._store.join_story,
            item,
            key,
            decision=decision,
            alert=changed,
            edit_utc=now + RETELL_AFTER,
            now_utc=now,
        )

    def _next(self, alert: Alert) -> Alert:
        return replace(alert, revision=alert.revision + 1, revised_utc=self._clock.now_utc())

    async def _revise_held(self, alert: Alert, verdict: Verdict, decision: Decision) -> bool:
        now = self._clock.now_utc()
        if decision.action is not Action.ALERT:
            return await asyncio.to_thread(self._store.withdraw_hold, alert, decision, now_utc=now)
        held = replace(decision, action=Action.HOLD, reasons=(CAP, *decision.reasons))
        revised = self._revised(alert, verdict, held)
        return await asyncio.to_thread(self._store.hold_alert, revised, now_utc=now)

    def _revised(self, alert: Alert, verdict: Verdict, decision: Decision) -> Alert:
        trace = Trace(steps=(*alert.trace.steps, ("revised", self._clock.now_utc())))
        return replace(alert, verdict=verdict, decision=decision, trace=trace)

    async def _commit(self, alert: Alert, pictures: PictureSet, shared: Round) -> Alert:
        shared.tally.add("draw", pictures.seconds)
        now = self._clock.now_utc()
        whole = replace(
            alert,
            decision=replace(
                alert.decision, reasons=tuple(dict.fromkeys((*alert.decision.reasons, *pictures.remarks)))
            ),
            created_utc=now,
            price_usd=pictures.price_usd,
            change_pct=pictures.change_pct,
            chart_path=pictures.chart_path,
            chart_reason=pictures.reason,
            trace=_with_drawing(alert.trace, pictures.drawn_utc),
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


def _with_drawing(trace: Trace, drawn_utc: datetime | None) -> Trace:
    """Return a trace with the chart's step in its place: it may have been drawn while the model thought."""
    if drawn_utc is None:
        return trace
    return Trace(steps=tuple(sorted((*trace.steps, ("drawn", drawn_utc)), key=lambda step: step[1])))
