"""The last look at an item that would be alerted: was its ticker alerted just now, and do price and volume allow it.

Only brings together what the rules need (``core.gates``) and the store and the price source know.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.gates import cooldown, price_stop, price_unknown, stopped
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Action

if TYPE_CHECKING:
    from catalyst_ray.core.fast_tier import Reading
    from catalyst_ray.core.gates import Gates
    from catalyst_ray.models import Alert, Decision
    from catalyst_ray.pipeline.quotes import Quotes
    from catalyst_ray.ports import Clock, Store

EARLIER = 20
"""Alerts on one ticker that a new one is compared with, the newest first."""


class Gatekeeper:
    """Turns alerts down for what stands outside the item. Asks only where a limit is set."""

    def __init__(self, *, gates: Gates, store: Store, quotes: Quotes, clock: Clock) -> None:
        self._gates = gates
        self._store = store
        self._quotes = quotes
        self._clock = clock

    async def cooled(self, reading: Reading, decision: Decision) -> Decision:
        """Return the decision, turned down where the ticker was alerted a short time ago."""
        if decision.action is not Action.ALERT or not self._gates.cooldown_s:
            return decision
        now_utc = self._clock.now_utc()
        since_utc = now_utc - timedelta(seconds=self._gates.cooldown_s)
        earlier = await asyncio.to_thread(
            self._store.alerts_since, since_utc, limit=EARLIER, ticker=reading.ticker
        )
        reason = cooldown(
            reading.item,
            reading.score,
            decision.value or 0.0,
            [alert for alert in earlier if alert.item.key != reading.item.key],
            now_utc=now_utc,
            gates=self._gates,
        )
        return stopped(decision, reason) if reason else decision

    def noted(self, decision: Decision, alert: Alert) -> Decision:
        """Return a later decision on an alert with what was found out about it before: no limit is applied anew."""
        notes = tuple(reason for reason in alert.decision.reasons if reason.code == Code.PRICE_UNKNOWN)
        return replace(decision, reasons=decision.reasons + notes)

    async def priced(self, reading: Reading, decision: Decision) -> Decision:
        """Return the decision, turned down where price or volume is out of its limits.

        What is not known stops nothing: an alert is not lost for want of a price, and says so.
        """
        has_volume = self._gates.min_average_volume is not None
        if decision.action is not Action.ALERT or not (self._gates.needs_price or has_volume):
            return decision
        quote = await self._quotes.get(reading.ticker, with_volume=has_volume)
        if reason := price_stop(quote, self._gates):
            return stopped(decision, reason)
        note = price_unknown(quote, self._gates)
        return replace(decision, reasons=(*decision.reasons, note)) if note else decision
