"""The handing over of alerts to one sink: what is written before and after each call, and what a failure means.

``unknown`` is written before the sink is called, so that a crash in between leaves a row that is tried again and
counted as a possible double; ``sent`` is written only after the sink said so. The rows of a digest are written in one
transaction, before and after. Decides nothing about order: that is the lane's.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from collections import Counter, deque
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.core.breaker import Breaker
from catalyst_ray.core.limits import backoff_s
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import DeliveryState
from catalyst_ray.ports import DigestNotifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from typing import Any

    from catalyst_ray.models import Alert, Delivery, Receipt
    from catalyst_ray.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)

RETRY_BASE_S = 2.0
RETRY_CAP_S = 600.0
FAILURES = 3
REST_S, LONGEST_REST_S = 8.0, 60.0
"""Of a sink that failed so often in a row; then one row probes it. Alerts wait a minute longer than it is down."""
SHORTEST_PAUSE_S = 0.5
PAUSE_CAP_S = 3600.0
"""A sink is asked again after this, whatever it said; a dead one too, since a gateway may have said so by mistake."""
GIVEN_UP_KEPT = 100
OUTCOMES = ("sent", "edited", "failed", "given_up")
"""What may become of an alert or an edit; a try that failed is repeated."""
SEND_TIMEOUT_S = 60.0
"""A sink that takes longer is given up; it has time-outs of its own below this."""


class Rest(Breaker):
    """When a sink that fails, or asked for a pause, may be called again."""

    def left_s(self, now_s: float) -> float:
        """Return how long it rests yet; 0 while a call may go or is under way."""
        at_s = self.retry_at_s()
        return max(0.0, at_s - now_s) if math.isfinite(at_s) else 0.0


class Handover:
    """Calls one sink.

    Args:
        gauge: Gives the gauge's PNG for a score.
        chance: Draws a number in [0, 1) for the jitter of retries.
        on_sent: Called for each alert that the sink took; not for edits.
        on_busy: Told the seconds of each call.
    """

    def __init__(
        self,
        sink: Notifier,
        *,
        store: Store,
        clock: Clock,
        gauge: Callable[[float], bytes],
        chance: Callable[[], float],
        on_sent: Callable[[Delivery], None],
        on_busy: Callable[[float], None],
    ) -> None:
        self._sink = sink
        self._store = store
        self._clock = clock
        self._gauge = gauge
        self._chance = chance
        self._on_sent = on_sent
        self._on_busy = on_busy
        self.digests = sink if isinstance(sink, DigestNotifier) else None
        """The sink, if it takes digests."""
        self.lists_late = self.lists_news = self.digests is not None
        """Whether late alerts, and news of those, go several in a message: until it refused such a one."""
        self.rest = Rest(failures=FAILURES, rest_s=REST_S, longest_rest_s=LONGEST_REST_S, name=sink.name)
        self.edit_rest = Rest(failures=FAILURES, rest_s=REST_S, longest_rest_s=LONGEST_REST_S, name=sink.name)
        """Of its own: a sink may limit edits alone, and no alert waits for an edit."""
        self.trouble: str | None = None
        """What is wrong with the sink, until it takes something."""
        self.is_dead = False
        """Whether it takes nothing until somebody mends it."""
        self.given_up: deque[str] = deque(maxlen=GIVEN_UP_KEPT)
        self.edits = 0
        """Edits that it took, until somebody sets it back."""
        self.outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        """What became of alerts and edits since the start."""

    async def deliver(self, row: Delivery) -> None:
        """Send one alert."""
        if not await asyncio.to_thread(self._store.begin_delivery, row.id, now_utc=self._clock.now_utc()):
            return  # given up since it was read
        try:
            receipt = await self._call(self.rest, functools.partial(self._show, _as_told(row)))
        except DeliveryError as error:
            await self._failed([row], error)
        else:
            await self._finish([row], DeliveryState.SENT, message_id=receipt.message_id)
            self._took([row])

    async def deliver_digest(self, rows: Sequence[Delivery]) -> None:
        """Send several alerts as one message."""
        now = self._clock.now_utc()
        begun = await asyncio.to_thread(self._store.begin_digest, [row.id for row in rows], now_utc=now)
        rows = [row for row in rows if row.id in begun]
        if not rows:
            return
        alerts = [_as_told(row) for row in rows]
        tell = functools.partial(self._list, alerts, now_utc=now, is_news=False)
        try:
            # One that is left of a list goes as the card that it is.
            receipt = await self._call(self.rest, tell if len(rows) > 1 else lambda: self._show(alerts[0]))
        except DeliveryError as error:
            await self._failed(rows, error)
        else:
            await self._finish(rows, DeliveryState.SENT, message_id=receipt.message_id)
            self._took(rows)
            log.info("late alerts told in one message", extra={"sink": self._sink.name, "alerts": len(rows)})

    async def edit(self, row: Delivery) -> None:
        """Replace one alert's message by its newest revision."""
        await self._edit(
            [row], functools.partial(self._show, _as_told(row), edit=True, message_id=row.message_id)
        )

    async def tell_news(self, rows: Sequence[Delivery]) -> None:
        """Say in a new message what became of alerts that digests told of: those tell of others too, and stay."""
        alerts = [_as_told(row) for row in rows]
        now = self._clock.now_utc()
        await self._edit(rows, functools.partial(self._list, alerts, now_utc=now, is_news=True))

    async def _show(self, alert: Alert, *, edit: bool = False, message_id: str | None = None) -> Receipt:
        chart = await asyncio.to_thread(_read, alert.chart_path)
        gauge = self._gauge(alert.value)
        async with asyncio.timeout(SEND_TIMEOUT_S):
            if edit:
                return await self._sink.edit(alert, message_id=message_id, chart=chart, gauge=gauge)
            return await self._sink.send(alert, chart=chart, gauge=gauge)

    async def _list(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        if self.digests is None:
            raise DeliveryError("takes no lists", key=self._sink.name, permanent=True)
        async with asyncio.timeout(SEND_TIMEOUT_S):
            return await self.digests.send_digest(alerts, now_utc=now_utc, is_news=is_news)

    async def _call(self, rest: Rest, say: Callable[[], Awaitable[Receipt]]) -> Receipt:
        """Call the sink, and learn from it whether it works.

        Raises:
            DeliveryError: Whatever it was that failed.
        """
        name = self._sink.name
        started_s = self._clock.monotonic()
        rest.sent()
        try:
            receipt = await say()
        except asyncio.CancelledError:
            rest.gave_up()
            raise
        except DeliveryError as error:
            self._learn(rest, error)
            raise
        except Exception as error:  # the stage's one boundary: a broken sink must not stop the others
            if isinstance(error, TimeoutError):
                failure = DeliveryError("no answer in time", key=name, outcome_known=False)
            else:
                log.exception("sink broke", extra={"sink": name})
                words = f"{type(error).__name__}: {error}"
                failure = DeliveryError(words, key=name, outcome_known=False)
            self._learn(rest, failure)
            raise failure from error
        finally:
            self._on_busy(self._clock.monotonic() - started_s)
        rest.succeeded()
        return receipt

    def _learn(self, rest: Rest, error: DeliveryError) -> None:
        now_s = self._clock.monotonic()
        if error.permanent:
            rest.succeeded()  # it answered: only this alert is refused
        elif error.sink_dead:
            rest.failed(now_s, retry_after_s=PAUSE_CAP_S)
        elif error.retry_after_s is not None:
            rest.failed(now_s, retry_after_s=min(max(error.retry_after_s, SHORTEST_PAUSE_S), PAUSE_CAP_S))
        else:
            rest.failed(now_s)

    def _took(self, rows: Sequence[Delivery]) -> None:
        self.trouble, self.is_dead = None, False
        self.outcomes["sent"] += len(rows)
        for row in rows:
            self._on_sent(row)

    async def _failed(self, rows: Sequence[Delivery], error: DeliveryError) -> None:
        self._note(rows, error, "delivery failed")
        if error.permanent:
            await self._refused(rows, error)
            return
        self.outcomes["failed"] += len(rows)
        state = DeliveryState.PENDING if error.outcome_known else DeliveryState.UNKNOWN
        wait_s = self._wait_s(self.rest, error, failures=rows[0].attempts + 1)
        await self._finish(rows, state, error=str(error), next_attempt_utc=self._after(wait_s))

    def _note(self, rows: Sequence[Delivery], error: DeliveryError, what: str) -> None:
        """Keep what is wrong with the sink: a dead one is told by every report until it takes something."""
        self.trouble = error.message
        told = {"sink": self._sink.name, "alert_id": rows[0].alert.id, "error": str(error)}
        if not error.sink_dead:
            log.warning(what, extra=told)
            return
        self.is_dead = True
        self.trouble = f"{error.message}; its alerts wait: {error.hint}" if error.hint else error.message
        log.error("the sink is dead: its alerts wait until it is mended", extra=told)

    async def _refused(self, rows: Sequence[Delivery], error: DeliveryError) -> None:
        sink = self._sink.name
        if len(rows) == 1:
            await self._finish(rows, DeliveryState.DEAD, error=str(error))
            self.outcomes["given_up"] += 1
            self.given_up.append(f"sink {sink}: alert {rows[0].alert.id} given up: {error.message}")
            return
        self.lists_late = False
        self.outcomes["failed"] += len(rows)
        await self._finish(rows, DeliveryState.PENDING, error=str(error))
        self.given_up.append(
            f"sink {sink}: a list of {len(rows)} alerts was refused, they go one by one: {error.message}"
        )

    def _wait_s(self, rest: Rest, error: DeliveryError, *, failures: int) -> float | None:
        """Return how long a row waits; None where the sink's own rest is all, also after a restart."""
        if error.sink_dead:
            return None
        rest_s = rest.left_s(self._clock.monotonic())
        if rest_s:  # the row is no worse than the sink: it must not wait longer
            return rest_s
        return backoff_s(failures, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, jitter=self._chance())

    def _after(self, wait_s: float | None) -> datetime | None:
        return None if wait_s is None else self._clock.now_utc() + timedelta(seconds=wait_s)

    async def _edit(self, rows: Sequence[Delivery], say: Callable[[], Awaitable[Receipt]]) -> None:
        try:
            await self._call(self.edit_rest, say)
        except DeliveryError as error:
            await self._edit_failed(rows, error)
        else:
            for row in rows:
                await self._finish_edit(row)
            self.trouble, self.is_dead = None, False
            self.edits += len(rows)
            self.outcomes["edited"] += len(rows)

    async def _edit_failed(self, rows: Sequence[Delivery], error: DeliveryError) -> None:
        if error.permanent and len(rows) > 1:  # none of them may suffer for another
            self.lists_news = False
            self.outcomes["failed"] += len(rows)
            for row in rows:
                await self._finish_edit(row, error=str(error), next_attempt_utc=self._clock.now_utc())
            return
        if error.permanent:
            # Told, but no trouble of the sink: it has the alert, and may take the next one.
            self.outcomes["given_up"] += len(rows)
            for row in rows:
                await self._finish_edit(row, error=str(error))
                words = f"sink {row.sink}: edit of alert {row.alert.id} given up: {error.message}"
                self.given_up.append(words)
            return
        self._note(rows, error, "edit failed")
        self.outcomes["failed"] += len(rows)
        # The post was the first attempt.
        wait_s = self._wait_s(self.edit_rest, error, failures=max(1, rows[0].attempts))
        again = self._after(wait_s or 0.0)
        for row in rows:
            await self._finish_edit(row, error=str(error), next_attempt_utc=again)

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

    async def _finish(self, rows: Sequence[Delivery], state: DeliveryState, **outcome: Any) -> None:
        now = self._clock.now_utc()
        if len(rows) == 1:
            (row,) = rows
            finish = functools.partial(self._store.finish_delivery, row.id, revision=row.alert.revision)
        else:
            revisions = {row.id: row.alert.revision for row in rows}
            finish = functools.partial(self._store.finish_digest, revisions)
        await asyncio.to_thread(finish, state, now_utc=now, **outcome)


def _as_told(row: Delivery) -> Alert:
    """Return a row's alert, marked where the sink may have it already."""
    is_repeat = row.state is DeliveryState.UNKNOWN or row.doubles > 0
    return replace(row.alert, is_repeat=True) if is_repeat else row.alert


def _read(path: str | None) -> bytes | None:
    """Return a chart's bytes; a file that is gone leaves a card without it."""
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
