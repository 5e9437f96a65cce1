"""Tells the supervisor that the driver is ready, what it did last and that it lives; or does not tell, when it hangs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from catalyst_ray.models import CycleReport
    from catalyst_ray.ports import Clock, Supervisor

log = logging.getLogger(__name__)


class Pulse:
    """The driver's signs of life.

    They are sent from the driver's own loop, so that a loop that stands still sends none, and only while cycles begin,
    so that a cycle that never ends is noticed too.

    Args:
        supervisor: Who is told.
        clock: Time.
        watchdog_s: Within which the supervisor wants a sign of life; None = it does not.
        patience_s: Longest time from one cycle's start to the next that is no hang.
    """

    def __init__(
        self, supervisor: Supervisor, *, clock: Clock, watchdog_s: float | None, patience_s: float
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._watchdog_s = watchdog_s
        self._patience_s = patience_s
        self._began_s: float | None = None

    def cycle_begins(self) -> None:
        """Note that a cycle begins; the first one makes the driver ready."""
        if self._began_s is None:
            self._supervisor.tell(READY="1", STATUS="the first cycle is under way")
        self._began_s = self._clock.monotonic()

    def tell(self, report: CycleReport) -> None:
        """Put a cycle in words, for ``systemctl status``."""
        counts = report.counts
        alerts = counts["alert"] + counts["released"]
        problems = f"; {report.problems[0]}" if report.problems else ""
        self._supervisor.tell(
            STATUS=f"cycle {report.number} took {report.seconds:.1f} s: {counts['new']} new items, {alerts} alerts"
            + problems
        )

    @asynccontextmanager
    async def beating(self, stopped: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Give signs of life until left; ``stopped`` returns when a stop was asked for."""
        tasks = [asyncio.ensure_future(self._tell_of_stop(stopped))]
        if self._watchdog_s is not None:
            tasks.append(asyncio.ensure_future(self._beat(self._watchdog_s / 3)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._supervisor.close()

    async def _tell_of_stop(self, stopped: Callable[[], Awaitable[None]]) -> None:
        await stopped()
        self._supervisor.tell(STOPPING="1", STATUS="finishing the delivery in hand")

    async def _beat(self, every_s: float) -> None:
        while not self._is_hung():
            self._supervisor.tell(WATCHDOG="1")
            await self._clock.sleep(every_s)
        log.error(
            "no cycle has begun for too long: the supervisor is told nothing more, and restarts this",
            extra={"patience_s": self._patience_s, "hint": "CYCLE_HANG_SECS says how long is too long"},
        )

    def _is_hung(self) -> bool:
        return self._began_s is not None and self._clock.monotonic() - self._began_s > self._patience_s
