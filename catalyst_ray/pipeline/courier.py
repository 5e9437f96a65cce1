"""Carries alerts from the outbox to the sinks: at least once, each sink at its own pace.

``unknown`` is written before a sink is called, so that a crash in between leaves a row that is tried
again and counted as a possible double; ``sent`` is written only after the sink said so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.core.limits import backoff_s
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import DeliveryState
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from catalyst_ray.models import Delivery, Receipt
    from catalyst_ray.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)

BATCH = 50
LOOK_AGAIN_S = 0.5
LAST_WAIT_S = 5.0
"""How long a stop waits for the delivery in hand."""
RETRY_BASE_S = 2.0
RETRY_CAP_S = 600.0
PAUSE_CAP_S = 3600.0
"""A sink is asked again after this, whatever it said."""
GIVEN_UP_KEPT = 100
MAX_DELIVERY_AGE = timedelta(hours=24)
"""News that no sink took for so long is none any more: it must not pour out when the sink is back."""
RETIRE_EVERY_S = 3600.0
SEND_TIMEOUT_S = 60.0
"""A sink that takes longer is given up; it has time-outs of its own below this."""


class Courier:
    """Drains the outbox while ``run`` runs, each sink by a worker of its own.

    Args:
        store: The outbox.
        sinks: Where alerts go; rows of other sinks are left alone until they are too old.
        clock: Time.
        gauge: Gives the gauge's PNG for a score.
        chance: Draws a number in [0, 1) for the jitter of retries.
    """

    def __init__(
        self,
        *,
        store: Store,
        sinks: Sequence[Notifier],
        clock: Clock,
        gauge: Callable[[float], bytes],
        chance: Callable[[], float],
    ) -> None:
        self._store = store
        self._sinks = {sink.name: sink for sink in sinks}
        self._clock = clock
        self._gauge = gauge
        self._chance = chance
        self._events = {name: asyncio.Event() for name in self._sinks}
        self._wakes = 0
        self._idle_since = dict.fromkeys(self._sinks, -1)
        self._resume_s = dict.fromkeys(self._sinks, 0.0)
        self.on_sent: Callable[[Delivery], None] | None = None
        self.on_busy: Callable[[float], None] | None = None
        self._errors: dict[str, str] = {}
        self._given_up: deque[str] = deque(maxlen=GIVEN_UP_KEPT)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the sinks that an alert gets an outbox row for."""
        return tuple(self._sinks)

    def wake(self) -> None:
        """Say that there are new rows."""
        self._wakes += 1
        for event in self._events.values():
            event.set()

    def problems(self) -> list[str]:
        """Return the alerts given up since the last call, and the error of each sink that is in trouble."""
        words = [*self._given_up, *(f"sink {sink}: {error}" for sink, error in self._errors.items())]
        self._given_up.clear()
        return words

    async def run(self) -> None:
        """Deliver until cancelled; the delivery in hand is finished first.

        Raises:
            StoreError: The outbox could not be read or written; no sink is served any more.
        """
        await self._retire()  # before any sink is called
        await together([self._keep_retiring(), *(self._serve(name) for name in self._sinks)])

    async def settle(self, timeout_s: float, *, retries: bool = False) -> None:
        """Wait until nothing is due, at most ``timeout_s``; with ``retries`` until nothing is open.

        What waits for a sink that asked for a pause is not due.
        """
        deadline = self._clock.monotonic() + timeout_s
        self.wake()
        while self._clock.monotonic() < deadline:
            idle = all(self._is_idle(sink) for sink in self._sinks)
            if idle and not (retries and await asyncio.to_thread(self._open)):
                return
            await self._clock.sleep(0.005 if not idle else 0.1)

    def _is_idle(self, sink: str) -> bool:
        return self._idle_since[sink] == self._wakes or self._resume_s[sink] > self._clock.monotonic()

    def _open(self) -> bool:
        counts = self._store.delivery_counts()
        states = (DeliveryState.PENDING, DeliveryState.UNKNOWN)
        return any(counts.get(f"{sink}/{state.value}") for sink in self._sinks for state in states)

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
                if sink in self._sinks
                else "the sink is not set up any more"
            )
            log.warning("old deliveries given up", extra={"sink": sink, "deliveries": number, "why": why})
            self._given_up.append(f"sink {sink}: {number} old deliveries given up: {why}")

    async def _serve(self, sink: str) -> None:
        event = self._events[sink]
        while True:
            event.clear()
            wakes = self._wakes
            rows = await asyncio.to_thread(
                self._store.due_deliveries, sink, now_utc=self._clock.now_utc(), limit=BATCH
            )
            for row in rows:
                await self._whole(row)
            if rows:
                await self._clock.sleep(self._resume_s[sink] - self._clock.monotonic())
                continue
            self._idle_since[sink] = wakes
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await event.wait()
            except TimeoutError:
                continue  # a row's retry time may have come

    async def _whole(self, row: Delivery) -> None:
        """Deliver one row to its end, even while being cancelled."""
        if self._resume_s[row.sink] > self._clock.monotonic():
            return
        task = asyncio.ensure_future(self._deliver(row))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=LAST_WAIT_S)
            task.cancel()  # the row stays ``unknown``, as after a crash
            for error in await asyncio.gather(task, return_exceptions=True):
                if isinstance(error, Exception):
                    log.warning("the last delivery failed", extra={"sink": row.sink, "error": str(error)})
            raise

    async def _deliver(self, row: Delivery) -> None:
        started = self._clock.monotonic()
        if not await asyncio.to_thread(self._store.begin_delivery, row.id, now_utc=self._clock.now_utc()):
            return  # given up since it was read
        try:
            receipt = await self._send(row)
        except DeliveryError as error:
            await self._failed(row, error)
        else:
            await self._finish(row, DeliveryState.SENT, message_id=receipt.message_id)
            self._errors.pop(row.sink, None)
            if self.on_sent:
                self.on_sent(row)
        if self.on_busy:
            self.on_busy(self._clock.monotonic() - started)

    async def _send(self, row: Delivery) -> Receipt:
        chart = await asyncio.to_thread(_read, row.alert.chart_path)
        try:
            gauge = self._gauge(row.alert.value)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._sinks[row.sink].send(row.alert, chart=chart, gauge=gauge)
        except TimeoutError as error:
            raise DeliveryError("no answer in time", key=row.sink, outcome_known=False) from error
        except DeliveryError:
            raise
        except Exception as error:  # the stage's one boundary: a broken sink must not stop the others
            log.exception("sink broke", extra={"sink": row.sink, "alert_id": row.alert.id})
            raise DeliveryError(
                f"{type(error).__name__}: {error}", key=row.sink, outcome_known=False
            ) from error

    async def _failed(self, row: Delivery, error: DeliveryError) -> None:
        self._errors[row.sink] = error.message
        log.warning(
            "delivery failed", extra={"sink": row.sink, "alert_id": row.alert.id, "error": str(error)}
        )
        if error.permanent:
            await self._finish(row, DeliveryState.DEAD, error=str(error))
            self._given_up.append(f"sink {row.sink}: alert {row.alert.id} given up: {error.message}")
            return
        if error.retry_after_s is None:
            wait_s = backoff_s(
                row.attempts + 1, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, jitter=self._chance()
            )
        else:
            wait_s = min(max(error.retry_after_s, LOOK_AGAIN_S), PAUSE_CAP_S)
        state = DeliveryState.PENDING if error.outcome_known else DeliveryState.UNKNOWN
        again = self._clock.now_utc() + timedelta(seconds=wait_s)
        await self._finish(row, state, error=str(error), next_attempt_utc=again)
        if error.retry_after_s is not None:
            self._resume_s[row.sink] = self._clock.monotonic() + wait_s

    async def _finish(
        self,
        row: Delivery,
        state: DeliveryState,
        *,
        message_id: str | None = None,
        error: str | None = None,
        next_attempt_utc: datetime | None = None,
    ) -> None:
        await asyncio.to_thread(
            self._store.finish_delivery,
            row.id,
            state,
            now_utc=self._clock.now_utc(),
            message_id=message_id,
            error=error,
            next_attempt_utc=next_attempt_utc,
        )


def _read(path: str | None) -> bytes | None:
    """Return a chart's bytes; a file that is gone leaves a card without it."""
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
