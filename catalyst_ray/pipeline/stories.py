"""Which alert tells an item's story, and what the item changes on it. The likeness of texts is ``core.stories``'.

The index is a copy in memory of what the store has; it is filled from there at first, so that a restart knows as
much. An item that joins an alert and what it changes on the alert are one transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_ray.core.dedupe import telling_of
from catalyst_ray.core.notices import Notice, notice_in
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.retold import with_copy, with_notice
from catalyst_ray.core.stories import LIMIT, WINDOW, StoryIndex
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, Reason

if TYPE_CHECKING:
    from catalyst_ray.core.fast_tier import Reading
    from catalyst_ray.models import Alert, Decision, Item
    from catalyst_ray.pipeline.release import Releaser
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)

VERSIONS = 1_000
"""Corrected versions known beside their first one."""
_TOLD = frozenset({Code.NEAR_DUPLICATE, Code.CORRECTED, Code.RETRACTED})
COPIES_A_CYCLE = 500
"""Exact copies, dropped as they were claimed, that one cycle adds to their alerts."""


@dataclass(frozen=True, slots=True)
class Told:
    """That an alert tells an item's story: the key of the alert's item, its ticker, what the item does to it."""

    key: str
    ticker: str
    notice: Notice | None = None


class Stories:
    """Finds the alert that tells an item's story, and tells it of the item."""

    def __init__(self, *, clock: Clock, store: Store, releaser: Releaser) -> None:
        self._clock = clock
        self._store = store
        self._releaser = releaser
        self._index = StoryIndex(window=WINDOW, limit=LIMIT)
        self._versions: OrderedDict[str, str] = OrderedDict()
        """Stories of the index that are a corrected version, with the key of the alert's item."""
        self._loading = asyncio.Lock()
        self._is_loaded = False

    async def load(self) -> None:
        """Read the window's alerts from the store, once."""
        async with self._loading:
            if self._is_loaded:
                return
            since_utc = self._clock.now_utc() - WINDOW
            for alert in reversed(await asyncio.to_thread(self._store.alerts_since, since_utc, limit=LIMIT)):
                self.add(alert)
            self._is_loaded = True

    def add(self, alert: Alert) -> None:
        """Know an alert from now on, held or out."""
        telling = telling_of(alert.item, alert.link, alert.score)
        self._index.add(telling, story=alert.item.key, now_utc=alert.created_utc)
        for item in alert.corrections:
            self._add_version(item, alert)

    def find(self, reading: Reading) -> Told | None:
        """Return the alert that tells an item's story, or that it corrects or takes back."""
        item = reading.item
        telling = telling_of(item, reading.link, reading.score)
        notice = notice_in(item)
        if notice:
            story = self._index.mended(telling)
        else:
            match = self._index.find(telling, besides=item.key)
            story = match.story if match else None
        if story is None:
            return None
        key = self._versions.get(story, story)
        # The version's ticker is the alert's, whose own text may have left the window before it.
        return None if key == item.key else Told(key, self._index.ticker_of(story), notice)

    def find_unlinked(self, reading: Reading) -> Told | None:
        """Return the alert for an item that is none by itself: it names no ticker, or is a notice."""
        early = reading.early
        if early is None or reading.item.form:
            return None
        is_unlinked = early.reasons[0].code == Code.NO_TICKER
        return self.find(reading) if is_unlinked or notice_in(reading.item) else None

    def lock(self, told: Told) -> asyncio.Lock:
        """Return the lock under which an item may join its story's alert."""
        return self._releaser.lock(told.ticker)

    async def join(self, told: Told, item: Item, decision: Decision) -> Decision | None:
        """Add an item to its story's alert, whose lock the caller holds; return its decision as stored.

        None where there is no such alert any more: whoever asks again gets another answer.
        """
        alert = await asyncio.to_thread(self._store.alert_of, told.key)
        if alert is None:
            self._index.forget(told.key)
            self._versions = OrderedDict((k, v) for k, v in self._versions.items() if v != told.key)
            return None
        final = _of_story(told, decision)
        await self._change(alert, item, told.notice, final)
        return final

    async def add_copies(self) -> None:
        """Add the copies that were dropped as they were claimed to the alerts of what they are copies of.

        One that came under its first one's identity may still be a notice: wires mend a release in its place.
        """
        since_utc = self._clock.now_utc() - WINDOW
        rows = await asyncio.to_thread(self._store.untold_copies, since_utc=since_utc, limit=COPIES_A_CYCLE)
        for item, key in rows:
            try:
                await self._add_copy(item, key)
            except StoreError:
                raise
            except Exception:  # the stage's one boundary: one broken copy costs only itself
                log.exception("copy not told", extra={"key": item.key})

    async def _add_copy(self, item: Item, key: str) -> None:
        alert = await asyncio.to_thread(self._store.alert_of, key)
        if alert is None:
            return
        async with self._releaser.lock(alert.ticker):
            newest = await asyncio.to_thread(self._store.alert_of, key)
            if newest is not None:
                notice = notice_in(item) if item.title != newest.item.title else None
                await self._change(newest, item, notice, None)

    async def _change(self, alert: Alert, item: Item, notice: Notice | None, final: Decision | None) -> None:
        """Store that an item tells an alert's story, and what that changes on the alert."""
        if notice is Notice.RETRACTED and await self._withdraw(alert):
            changed = None
        else:
            changed = with_notice(alert, notice, item) if notice else with_copy(alert, item)
        await self._releaser.retell(item, alert.item.key, final, changed)
        if changed and notice is Notice.CORRECTED:
            self._add_version(item, changed)

    async def _withdraw(self, alert: Alert) -> bool:
        """Take back an alert that is not out yet; False where it is."""
        if alert.decision.action is not Action.HOLD:
            return False
        reasons = (Reason(Code.RETRACTED), *alert.decision.reasons)
        decision = replace(alert.decision, action=Action.SUPPRESS, reasons=reasons)
        now = self._clock.now_utc()
        return await asyncio.to_thread(self._store.withdraw_hold, alert, decision, now_utc=now)

    def _add_version(self, item: Item, alert: Alert) -> None:
        """Know the corrected version beside the first: copies of either are the alert's."""
        telling = telling_of(item, alert.link, alert.score)
        self._index.add(telling, story=item.key, now_utc=item.received_utc)
        self._versions[item.key] = alert.item.key
        if len(self._versions) > VERSIONS:
            self._versions.popitem(last=False)


def is_told(decision: Decision) -> bool:
    """Return whether another alert told the story: no verdict makes this item one."""
    return decision.reasons[0].code in _TOLD


def not_alone(reading: Reading, decision: Decision) -> Decision:
    """Return the decision on an item of which no alert tells the story; a retraction is none by itself."""
    if decision.action is not Action.ALERT or notice_in(reading.item) is not Notice.RETRACTED:
        return decision
    why = Reason(Code.RETRACTED, "no alert told it")
    return replace(decision, action=Action.SUPPRESS, reasons=(why, *decision.reasons[1:]))


def _of_story(told: Told, decision: Decision) -> Decision:
    heads = {
        None: Reason(Code.NEAR_DUPLICATE, told.key),
        Notice.CORRECTED: Reason(Code.CORRECTED, told.key),
        Notice.RETRACTED: Reason(Code.RETRACTED, told.key),
    }
    others = (reason for reason in decision.reasons if reason.code != Code.NEAR_DUPLICATE)
    return replace(decision, action=Action.SUPPRESS, reasons=(heads[told.notice], *others))
