"""One sink's way out of the outbox: its alerts in order, those that waited too long as a digest, edits beside them.

Owns the order and the waits of one sink. Alerts and edits have a worker each: no alert waits for an edit, and edits
begin only while no alert is due or none may go. What a call means for the outbox is the handover's.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.pipeline.together import together
from catalyst_ray.ports import PacedNotifier

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from typing import Any

    from catalyst_ray.models import Delivery
    from catalyst_ray.pipeline.handover import Handover
    from catalyst_ray.ports import Clock, Notifier, Store

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH = 5
"""Few: in a burst it is read anew after every alert, so that a more urgent one may overtake the rest."""
EDIT_BATCH = 10
DIGEST_BATCH = 100
"""More lines than one message holds."""
DIGEST_AFTER = 10
"""Fresh alerts go first, but after so many of them a digest has its turn: under a flood it would wait for ever."""
LOOK_AGAIN_S = 0.5
SHORT_WAIT_S = 3.0
"""A wait that the end of a cycle sits out; for longer ones nothing waits."""
LAST_WAIT_S = 5.0
"""How long a stop waits for the delivery in hand."""
PACE_MEMORY = timedelta(seconds=60)
"""How far back the calls of an earlier process count for a sink's limits."""


class Lane:
    """Drains one sink's rows while ``run`` runs.

    Args:
        digest_after: Alerts that waited longer go as lines of one message, where the sink can do that; None is never.
    """

    def __init__(
        self,
        sink: Notifier,
        *,
        handover: Handover,
        store: Store,
        clock: Clock,
        digest_after: timedelta | None,
    ) -> None:
        self._name = sink.name
        self._pace = sink if isinstance(sink, PacedNotifier) else None
        self.handover = handover
        self._store = store
        self._clock = clock
        self._digest_after = digest_after
        self._fresh_in_row = 0
        self._recalled = False
        self._paced_until_s = 0.0
        self._in_hand = 0
        self._event, self._edit_event = asyncio.Event(), asyncio.Event()
        self._quiet = asyncio.Event()
        """Set while no alert is due, or none may go."""
        self._wakes = 0
        self._idle_since, self._edits_idle_since = -1, -1

    def wake(self) -> None:
        """Say that there are new rows."""
        self._wakes += 1
        if self._paced_until_s <= self._clock.monotonic():
            self._quiet.clear()
        self._event.set()
        self._edit_event.set()

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is due; what waits for a sink that asked for a pause is not."""
        if self._in_hand:
            return False
        now_s = self._clock.monotonic()
        if self.handover.rest.left_s(now_s) or self._paced_until_s - now_s > SHORT_WAIT_S:
            return True
        edits = self._edits_idle_since == self._wakes or self.handover.edit_rest.left_s(now_s) > 0
        return self._idle_since == self._wakes and edits

    async def run(self) -> None:
        """Deliver until cancelled; the delivery in hand is finished first.

        Raises:
            StoreError: The outbox could not be read or written.
        """
        await self._recall()
        await together([self._serve(), self._serve_edits()])

    async def _recall(self) -> None:
        """Tell a paced sink of the calls of an earlier process: its limits do not end with a process."""
        if self._pace is None or self._recalled:
            return
        now = self._clock.now_utc()
        since = now - PACE_MEMORY
        calls = await asyncio.to_thread(self._store.attempts_since, self._name, since, now_utc=now)
        self._pace.recall([max(0.0, (now - call).total_seconds()) for call in calls])
        self._recalled = True

    async def _serve(self) -> None:
        while True:
            self._event.clear()
            wakes = self._wakes
            if await self._rest() or await self._round():
                self._edits_idle_since = -1  # what was sent may have been revised meanwhile
                continue
            self._idle_since = wakes
            self._quiet.set()
            await _wait_for(self._event)

    async def _rest(self) -> bool:
        """Sit out a wait that the sink needs; False when it needs none."""
        rest_s = self.handover.rest.left_s(self._clock.monotonic())
        if rest_s:
            self._quiet.clear()  # in trouble, or told us to wait: it gets no edits either
            await self._clock.sleep(rest_s)
            return True
        wait_s = self._pace.free_in_s() if self._pace else 0.0
        if not wait_s:
            return False
        self._paced_until_s = self._clock.monotonic() + wait_s
        self._quiet.set()  # no alert may go for now: an edit holds up none
        await self._clock.sleep(wait_s)
        return True

    async def _round(self) -> bool:
        """Deliver some of what is due, fresh alerts first; False when nothing is."""
        stale_utc = self._stale_before()
        fresh = await self._due(limit=BATCH, since_utc=stale_utc)
        if stale_utc and (not fresh or self._fresh_in_row >= DIGEST_AFTER):
            self._fresh_in_row = 0
            if await self._deliver_stale(stale_utc):
                return True
        for place, row in enumerate(fresh):
            self._quiet.clear()
            if place and not self._may_go_on():
                break
            self._fresh_in_row += 1
            await self._whole(self.handover.deliver, row)
        return bool(fresh)

    def _may_go_on(self) -> bool:
        """Return whether the next row of a batch may go: nothing came meanwhile, and the sink needs no wait."""
        if self._event.is_set() or self.handover.rest.left_s(self._clock.monotonic()):
            return False
        return self._pace is None or not self._pace.free_in_s()

    async def _due(
        self, *, limit: int, since_utc: datetime | None = None, before_utc: datetime | None = None
    ) -> list[Delivery]:
        return await asyncio.to_thread(
            self._store.due_deliveries,
            self._name,
            now_utc=self._clock.now_utc(),
            limit=limit,
            since_utc=since_utc,
            before_utc=before_utc,
        )

    def _stale_before(self) -> datetime | None:
        if not self.handover.lists_late or self._digest_after is None:
            return None
        return self._clock.now_utc() - self._digest_after

    async def _deliver_stale(self, before_utc: datetime) -> bool:
        rows = self._fitting(await self._due(limit=DIGEST_BATCH, before_utc=before_utc))
        if rows:
            self._quiet.clear()
        if len(rows) > 1:
            await self._whole(self.handover.deliver_digest, rows)
        elif rows:
            await self._whole(self.handover.deliver, rows[0])  # one alert needs no list
        return bool(rows)

    def _fitting(self, rows: list[Delivery]) -> list[Delivery]:
        """Return the rows, from the first, that one message can tell of."""
        if not rows or self.handover.digests is None:
            return rows[:1]
        alerts = [row.alert for row in rows]
        return rows[: self.handover.digests.digest_room(alerts, now_utc=self._clock.now_utc())]

    async def _serve_edits(self) -> None:
        while True:
            self._edit_event.clear()
            wakes = self._wakes
            await self._quiet.wait()
            if await self._edit_round():
                continue
            self._edits_idle_since = wakes
            await _wait_for(self._edit_event)

    async def _edit_round(self) -> bool:
        """Do the oldest edit that is due; one only, since an alert may have come meanwhile."""
        if self.handover.edit_rest.left_s(self._clock.monotonic()):
            return False
        rows = await asyncio.to_thread(
            self._store.due_edits, self._name, now_utc=self._clock.now_utc(), limit=EDIT_BATCH
        )
        if rows and rows[0].in_digest:
            told = [row for row in rows if row.in_digest] if self.handover.lists_news else rows[:1]
            await self._whole(self.handover.tell_news, self._fitting(told))
        elif rows:
            await self._whole(self.handover.edit, rows[0])
        return bool(rows)

    async def _whole(self, act: Callable[[T], Coroutine[Any, Any, None]], what: T) -> None:
        """Carry one call to its end, even while being cancelled."""
        task = asyncio.ensure_future(act(what))
        self._in_hand += 1
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=LAST_WAIT_S)
            task.cancel()  # the row stays ``unknown``, as after a crash
            for error in await asyncio.gather(task, return_exceptions=True):
                if isinstance(error, Exception):
                    log.warning("the last delivery failed", extra={"sink": self._name, "error": str(error)})
            raise
        finally:
            self._in_hand -= 1


async def _wait_for(event: asyncio.Event) -> None:
    """Wait until something came, or a row's retry time may have."""
    try:
        async with asyncio.timeout(LOOK_AGAIN_S):
            await event.wait()
    except TimeoutError:
        return
