"""Carries alerts from the outbox to the sinks: at least once, each sink at its own pace.

Owns what concerns all sinks: their lanes, waiting for them, what the cycle's report says of them, and what is given
up for its age. An alert that was revised since it was sent is an edit: the newest revision only; the same edit twice
does no harm, so one whose outcome is unknown is just done again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.models import DeliveryState
from catalyst_ray.pipeline.handover import GIVEN_UP_KEPT, Handover
from catalyst_ray.pipeline.lane import Lane
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalyst_ray.models import Delivery
    from catalyst_ray.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)

MAX_DELIVERY_AGE = timedelta(hours=24)
"""News that no sink took for so long is none any more: it must not pour out when the sink is back."""
RETIRE_EVERY_S = 3600.0


class Courier:
    """Drains the outbox while ``run`` runs, each sink by a worker of its own.

    Args:
        store: The outbox.
        sinks: Where alerts go; rows of other sinks are left alone until they are too old.
        clock: Time.
        gauge: Gives the gauge's PNG for a score.
        chance: Draws a number in [0, 1) for the jitter of retries.
        digest_after_s: Alerts that waited longer for a sink go there as lines of one message, if it can do that; 0 is
            never.
    """

    def __init__(
        self,
        *,
        store: Store,
        sinks: Sequence[Notifier],
        clock: Clock,
        gauge: Callable[[float], bytes],
        chance: Callable[[], float],
        digest_after_s: float = 0.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self.on_sent: Callable[[Delivery], None] | None = None
        """Called for each alert that a sink took; not for edits."""
        self.on_busy: Callable[[float], None] | None = None
        self.watch: Callable[[Delivery], None] | None = None
        """Called as ``on_sent`` is, by whoever looks on for as long as the program runs."""
        self._given_up: deque[str] = deque(maxlen=GIVEN_UP_KEPT)
        self._lanes = {
            sink.name: Lane(
                sink,
                handover=Handover(
                    sink,
                    store=store,
                    clock=clock,
                    gauge=gauge,
                    chance=chance,
                    on_sent=self._sent,
                    on_busy=self._busy,
                ),
                store=store,
                clock=clock,
                digest_after=timedelta(seconds=digest_after_s) if digest_after_s else None,
            )
            for sink in sinks
        }

    def _sent(self, row: Delivery) -> None:
        for told in (self.on_sent, self.watch):
            if told:
                told(row)

    def _busy(self, seconds: float) -> None:
        if self.on_busy:
            self.on_busy(seconds)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the sinks that an alert gets an outbox row for."""
        return tuple(self._lanes)

    def wake(self) -> None:
        """Say that there are new rows."""
        for lane in self._lanes.values():
            lane.wake()

    def problems(self) -> list[str]:
        """Return what was given up since the last call, and the trouble of each sink that is in some."""
        words = list(self._given_up)
        self._given_up.clear()
        for lane in self._lanes.values():
            words += lane.handover.given_up
            lane.handover.given_up.clear()
        troubles = {name: lane.handover.trouble for name, lane in self._lanes.items()}
        return [*words, *(f"sink {name}: {trouble}" for name, trouble in troubles.items() if trouble)]

    def outcomes(self) -> Mapping[str, Mapping[str, int]]:
        """Return what became of alerts and edits since the start, by sink and by ``handover.OUTCOMES``."""
        return {name: lane.handover.outcomes for name, lane in self._lanes.items()}

    def take_edits(self) -> int:
        """Return how many edits the sinks took since the last call."""
        done = 0
        for lane in self._lanes.values():
            done += lane.handover.edits
            lane.handover.edits = 0
        return done

    async def run(self) -> None:
        """Deliver until cancelled; the delivery in hand is finished first.

        Raises:
            StoreError: The outbox could not be read or written; no sink is served any more.
        """
        await self._retire()  # before any sink is called
        await together([self._keep_retiring(), *(lane.run() for lane in self._lanes.values())])

    async def settle(self, timeout_s: float, *, retries: bool = False) -> None:
        """Wait until neither alert nor edit is due, at most ``timeout_s``; with ``retries`` until none is open.

        What waits for a sink that asked for a pause is not due; what waits for one that is dead is not waited for.
        """
        deadline = self._clock.monotonic() + timeout_s
        self.wake()
        while self._clock.monotonic() < deadline:
            idle = all(lane.is_idle for lane in self._lanes.values())
            if idle and not (retries and await asyncio.to_thread(self._open)):
                return
            await self._clock.sleep(0.005 if not idle else 0.1)

    def _open(self) -> bool:
        counts = self._store.delivery_counts()
        states = (DeliveryState.PENDING.value, DeliveryState.UNKNOWN.value, "editing")
        alive = [name for name, lane in self._lanes.items() if not lane.handover.is_dead]
        return any(counts.get(f"{name}/{state}") for name in alive for state in states)

    async def _keep_retiring(self) -> None:
        while True:
            await self._clock.sleep(RETIRE_EVERY_S)
            await self._retire()

    async def _retire(self) -> None:
        now = self._clock.now_utc()
        gone = await asyncio.to_thread(
            self._store.retire_deliveries, self.names, before_utc=now - MAX_DELIVERY_AGE, now_utc=now
        )
        hours = MAX_DELIVERY_AGE // timedelta(hours=1)
        for sink, number in gone.items():
            why = (
                f"not taken within {hours} hours"
                if sink in self._lanes
                else "the sink is not set up any more"
            )
            log.warning("old deliveries given up", extra={"sink": sink, "deliveries": number, "why": why})
            if sink in self._lanes:
                self._lanes[sink].handover.outcomes["given_up"] += number
            self._given_up.append(f"sink {sink}: {number} old deliveries or edits given up: {why}")
