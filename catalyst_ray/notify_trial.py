"""Sends one invented alert through the real outbox and the real sinks, and says what became of it at each.

The outbox is a store of its own that goes afterwards: the test is no alert in the user's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from catalyst_ray import wiring
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.gauge import GaugeBook
from catalyst_ray.demo.sample import sample_alert, sample_directory
from catalyst_ray.doctor.sinks import MEND, NO_SINK
from catalyst_ray.errors import ConfigError, DeliveryError
from catalyst_ray.models import DeliveryState
from catalyst_ray.pipeline.courier import Courier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import Alert, Delivery, Receipt
    from catalyst_ray.ports import Clock, Notifier
    from catalyst_ray.settings import Settings

ON_THIS_MACHINE = frozenset({"console", "file"})
REFUSED = "the same message would be refused again: what it answered says why"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the test at one sink; ``state`` is ``sent``, or ``dead``, ``pending`` or ``unknown``."""

    sink: str
    state: str
    seconds: float
    attempts: int
    message_id: str | None = None
    error: str = ""
    mend: str = ""

    @property
    def is_taken(self) -> bool:
        """Return whether the sink said that it has it."""
        return self.state == DeliveryState.SENT


async def send_test(
    settings: Settings, names: Sequence[str], *, wait_s: float, out: TextIO, is_terminal: bool
) -> list[Outcome]:
    """Send a test alert and return what each sink made of it.

    Args:
        settings: Checked settings.
        names: Sinks by name; none means all that leave this machine.
        wait_s: How long refused and slowed deliveries are tried again.
        out: Where the console sink writes.
        is_terminal: A person reads it.

    Raises:
        ConfigError: There is no such sink, or none at all.
    """
    clock = SystemClock()
    sinks = wiring.make_sinks(settings, out=out, is_terminal=is_terminal)
    chosen = [_Watched(sink, clock) for sink in _chosen(settings, sinks, names)]
    try:
        with tempfile.TemporaryDirectory(prefix="catalyst-test-") as folder:
            rows = await _deliver(settings, chosen, clock, Path(folder), wait_s)
    finally:
        for sink in sinks:
            await sink.close()
    return [_outcome(row, watched) for row in rows for watched in chosen if watched.name == row.sink]


class _Watched:
    """A sink, unchanged, with a stopwatch and a memory of its last error."""

    def __init__(self, sink: Notifier, clock: Clock) -> None:
        self.name = sink.name
        self.seconds = 0.0
        self.error = self.mend = ""
        self._sink = sink
        self._clock = clock

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:
        started = self._clock.monotonic()
        try:
            return await self._sink.send(alert, chart=chart, gauge=gauge)
        except DeliveryError as error:
            self.error, self.mend = error.message, error.hint or ""
            raise
        finally:
            self.seconds = self._clock.monotonic() - started

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        return await self._sink.edit(alert, message_id=message_id, chart=chart, gauge=gauge)

    async def close(self) -> None:
        await self._sink.close()


def _chosen(settings: Settings, sinks: Sequence[Notifier], names: Sequence[str]) -> list[Notifier]:
    there = {sink.name: sink for sink in sinks}
    unknown = [name for name in names if name not in there]
    hint = "unset DRY_RUN: it keeps all alerts on this machine" if settings.dry_run else NO_SINK
    if unknown:
        raise ConfigError(
            f"there is no sink named {', '.join(unknown)}; there are {', '.join(there)}",
            key="--sink",
            hint=hint if settings.is_dry_run else None,
        )
    found = [there[name] for name in dict.fromkeys(names)] or [
        sink for name, sink in there.items() if name not in ON_THIS_MACHINE
    ]
    if not found:
        raise ConfigError("no sink leaves this machine", key="notify-test", hint=hint)
    return found


async def _deliver(
    settings: Settings, sinks: Sequence[_Watched], clock: Clock, folder: Path, wait_s: float
) -> Sequence[Delivery]:
    fast = wiring.make_fast_tier(settings, sample_directory())
    alert = await asyncio.to_thread(
        sample_alert, fast, folder, now_utc=clock.now_utc(), theme=settings.picture_theme
    )
    gauges = GaugeBook(theme=settings.picture_theme)
    store = await asyncio.to_thread(SqlStore.open, f"sqlite:///{folder / 'outbox.db'}")
    try:
        courier = Courier(
            store=store,
            sinks=sinks,
            clock=clock,
            gauge=gauges.get,
            chance=random.Random().random,  # noqa: S311  (jitter, no secret)
        )
        await asyncio.to_thread(store.commit_alert, alert, courier.names, now_utc=clock.now_utc())
        await _run(courier, wait_s)
        (record,) = await asyncio.to_thread(store.explain, alert.id, limit=1)
        return record.deliveries
    finally:
        store.close()


async def _run(courier: Courier, wait_s: float) -> None:
    """Let the courier work until nothing is open or the time is up.

    Raises:
        StoreError: The outbox failed.
    """
    work = asyncio.ensure_future(courier.run())
    settled = asyncio.ensure_future(courier.settle(wait_s, retries=True))
    await asyncio.wait({work, settled}, return_when=asyncio.FIRST_COMPLETED)
    for task in (settled, work):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _outcome(row: Delivery, watched: _Watched) -> Outcome:
    is_sent = row.state is DeliveryState.SENT
    return Outcome(
        sink=row.sink,
        state=row.state.value,
        seconds=round(watched.seconds, 3),
        attempts=row.attempts,
        message_id=row.message_id,
        error="" if is_sent else watched.error or row.last_error or _why_nothing(row),
        mend="" if is_sent else watched.mend or (REFUSED if row.state is DeliveryState.DEAD else MEND),
    )


def _why_nothing(row: Delivery) -> str:
    """Say why a delivery failed without an error: it was given up while it still waited for an answer, or never began."""
    return "no answer while it was waited for" if row.attempts else "its turn did not come in time"
