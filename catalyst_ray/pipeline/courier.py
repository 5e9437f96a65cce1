"""Carries alerts from the outbox to the sinks: at least once, each sink at its own pace.

``unknown`` is written before a sink is called, so that a crash in between leaves a row that is tried
again and counted as a possible double; ``sent`` is written only after the sink said so.

An alert that was revised since it was sent is an edit. Edits come after all alerts, the newest revision only; the
same edit twice does no harm, so one whose outcome is unknown is just done again.
"""

from __future__ import annotations

import asyncio
import functools
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
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from datetime import datetime
    from typing import Any

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
        # Of its own: a sink may limit edits alone, and no alert waits for an edit.
        self._edits_resume_s = dict.fromkeys(self._sinks, 0.0)
        self._edits = 0
        self.on_sent: Callable[[Delivery], None] | None = None
        """Called for each alert that a sink took; not for edits."""
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

    def take_edits(self) -> int:
        """Return how many edits the sinks took since the last call."""
        done, self._edits = self._edits, 0
        return done

    async def run(self) -> None:
        """Deliver until cancelled; the delivery in hand is finished first.

        Raises:
            StoreError: The outbox could not be read or written; no sink is served any more.
        """
        await self._retire()  # before any sink is called
        await together([self._keep_retiring(), *(self._serve(name) for name in self._sinks)])

    async def settle(self, timeout_s: float, *, retries: bool = False) -> None:
        """Wait until neither alert nor edit is due, at most ``timeout_s``; with ``retries`` until none is open.

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
        states = (DeliveryState.PENDING.value, DeliveryState.UNKNOWN.value, "editing")
        return any(counts.get(f"{sink}/{state}") for sink in self._sinks for state in states)

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
            self._given_up.append(f"sink {sink}: {number} old deliveries or edits given up: {why}")

    async def _serve(self, sink: str) -> None:
        event = self._events[sink]
        while True:
            event.clear()
            wakes = self._wakes
            rows = await asyncio.to_thread(
                self._store.due_deliveries, sink, now_utc=self._clock.now_utc(), limit=BATCH
            )
            for row in rows:
                if self._resume_s[sink] <= self._clock.monotonic():
                    await self._whole(row, self._deliver)
            if rows:
                await self._clock.sleep(self._resume_s[sink] - self._clock.monotonic())
                continue
            if await self._edit_one(sink):
                continue
            self._idle_since[sink] = wakes
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await event.wait()
            except TimeoutError:
                continue  # a row's retry time may have come

    async def _edit_one(self, sink: str) -> bool:
        """Do the oldest edit that is due; one only, since an alert may have come meanwhile."""
        if self._edits_resume_s[sink] > self._clock.monotonic():
            return False
        rows = await asyncio.to_thread(self._store.due_edits, sink, now_utc=self._clock.now_utc(), limit=1)
        for row in rows:
            await self._whole(row, self._edit)
        return bool(rows)

    async def _whole(self, row: Delivery, act: Callable[[Delivery], Coroutine[Any, Any, None]]) -> None:
        """Carry one row to its end, even while being cancelled."""
        task = asyncio.ensure_future(act(row))
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
            receipt = await self._call(row, self._sinks[row.sink].send)
        except DeliveryError as error:
            await self._failed(row, error)
        else:
            await self._finish(row, DeliveryState.SENT, message_id=receipt.message_id)
            self._errors.pop(row.sink, None)
            if self.on_sent:
                self.on_sent(row)
        if self.on_busy:
            self.on_busy(self._clock.monotonic() - started)

    async def _edit(self, row: Delivery) -> None:
        started = self._clock.monotonic()
        edit = functools.partial(self._sinks[row.sink].edit, message_id=row.message_id)
        try:
            await self._call(row, edit)
        except DeliveryError as error:
            await self._edit_failed(row, error)
        else:
            await self._finish_edit(row)
            self._errors.pop(row.sink, None)
            self._edits += 1
        if self.on_busy:
            self.on_busy(self._clock.monotonic() - started)

    async def _call(self, row: Delivery, say: Callable[..., Awaitable[Receipt]]) -> Receipt:
        chart = await asyncio.to_thread(_read, row.alert.chart_path)
        try:
            gauge = self._gauge(row.alert.value)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await say(row.alert, chart=chart, gauge=gauge)
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
        wait_s = self._wait_s(error, failures=row.attempts + 1)
        state = DeliveryState.PENDING if error.outcome_known else DeliveryState.UNKNOWN
        again = self._clock.now_utc() + timedelta(seconds=wait_s)
        await self._finish(row, state, error=str(error), next_attempt_utc=again)
        if error.retry_after_s is not None:
            self._resume_s[row.sink] = self._clock.monotonic() + wait_s

    async def _edit_failed(self, row: Delivery, error: DeliveryError) -> None:
        log.warning("edit failed", extra={"sink": row.sink, "alert_id": row.alert.id, "error": str(error)})
        if error.permanent:
            # Told, but no trouble of the sink: it has the alert, and may take the next one.
            await self._finish_edit(row, error=str(error))
            self._given_up.append(f"sink {row.sink}: edit of alert {row.alert.id} given up: {error.message}")
            return
        self._errors[row.sink] = error.message
        wait_s = self._wait_s(error, failures=max(1, row.attempts))  # the post was the first attempt
        again = self._clock.now_utc() + timedelta(seconds=wait_s)
        await self._finish_edit(row, error=str(error), next_attempt_utc=again)
        if error.retry_after_s is not None:
            self._edits_resume_s[row.sink] = self._clock.monotonic() + wait_s

    def _wait_s(self, error: DeliveryError, *, failures: int) -> float:
        if error.retry_after_s is None:
            return backoff_s(failures, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, jitter=self._chance())
        return min(max(error.retry_after_s, LOOK_AGAIN_S), PAUSE_CAP_S)

    async def _finish_edit(
        self, row: Delivery, *, error: str | None = None, next_attempt_utc: datetime | None = None
    ) -> None:
        await asyncio.to_thread(
            self._store.finish_edit,
            row.id,
            row.alert.revision,
            now_utc=self._clock.now_utc(),
            error=error,
            next_attempt_utc=next_attempt_utc,
        )

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
            revision=row.alert.revision,
        )


def _read(path: str | None) -> bytes | None:
    """Return a chart's bytes; a file that is gone leaves a card without it."""
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
