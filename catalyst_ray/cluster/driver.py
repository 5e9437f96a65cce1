"""The loop: a cycle, its report, sleep until the next is due; a clean stop; one driver per store."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from catalyst_ray.models import CycleReport
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.cycle import Cycle
    from catalyst_ray.pipeline.housekeeping import Housekeeping
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE_TTL_S = 12.0
"""A killed driver's lease is free again after this long; a living one renews it three times in it."""
GRACE_S = 1.5
"""How long a cycle may go on after a stop was asked for; what it leaves is taken up at the next start."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)
ONCE_RETRY_S = 30.0
"""How long ``--once`` waits for deliveries that must be tried again."""


class Driver:
    """Runs cycles until told to stop.

    Args:
        sleep_s: From the start of one cycle to the start of the next.
        on_report: Told of every cycle's report.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        cycle: Cycle,
        courier: Courier,
        housekeeping: Housekeeping,
        sleep_s: float,
        on_report: Callable[[CycleReport], None],
    ) -> None:
        self._clock = clock
        self._store = store
        self._cycle = cycle
        self._courier = courier
        self._housekeeping = housekeeping
        self._sleep_s = sleep_s
        self._on_report = on_report
        self._stop = asyncio.Event()
        # Containers may share host name and process number, so these alone do not tell drivers apart.
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def stop(self) -> None:
        """Ask for a clean stop; a second time ends the process at once."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        log.info("stopping")
        self._stop.set()

    async def run(self, *, cycles: int | None = None) -> CycleReport | None:
        """Run ``cycles`` cycles (for ever when None) and return the last report, if a cycle ended.

        Install this after ``ray.init``, which takes the SIGTERM handler for itself.

        Raises:
            ConfigError: Another driver works on this store.
            StoreError: The store failed in the last cycle asked for, or under the courier.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            return await self._run_alone(cycles) if await self._take_lease() else None
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    async def _run_alone(self, cycles: int | None) -> CycleReport | None:
        helpers = [asyncio.ensure_future(self._courier.run()), asyncio.ensure_future(self._renew())]
        try:
            return await self._loop(cycles, helpers)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._give_back_lease()

    async def _loop(self, cycles: int | None, helpers: Sequence[asyncio.Future[None]]) -> CycleReport | None:
        report = None
        number = 0
        while not self._stop.is_set():
            number += 1
            last = number == cycles
            due_s = self._clock.monotonic() + self._sleep_s
            try:
                work = self._one(number, last=last)
                report = await self._until_stopped(work, helpers, grace_s=GRACE_S) or report
            except StoreError as error:
                if last or any(helper.done() for helper in helpers):
                    raise
                log.error("the store failed; trying again", extra={"cycle": number, "error": str(error)})  # noqa: TRY400  (an expected failure: its words say all)
            if last:
                break
            left_s = due_s - self._clock.monotonic()
            await self._until_stopped(self._clock.sleep(left_s), helpers, grace_s=0.0)
        return report

    async def _one(self, number: int, *, last: bool) -> CycleReport:
        report = await self._cycle.run(number, wait_for_retries_s=ONCE_RETRY_S if last else 0.0)
        for problem in await self._housekeeping.run(report):
            log.warning("after the cycle", extra={"problem": problem})
        self._on_report(report)
        return report

    async def _until_stopped(
        self, work: Coroutine[Any, Any, T], helpers: Sequence[asyncio.Future[None]], *, grace_s: float
    ) -> T | None:
        """Await ``work``; on a stop give it a moment, then end it. A helper that breaks breaks this too."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stop, *helpers}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and stop.done():
                await asyncio.wait({task}, timeout=grace_s)
            for helper in helpers:
                if helper.done():
                    helper.result()
            return task.result() if task.done() else None
        finally:
            for leftover in (task, stop):
                leftover.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _take_lease(self) -> bool:
        """Wait for the lease; False when told to stop before it was free."""
        deadline = self._clock.monotonic() + LEASE_TTL_S + 1.0
        told = False
        while not await self._lease():
            if self._stop.is_set():
                return False
            if self._clock.monotonic() > deadline:
                raise ConfigError(
                    "another driver works on this store",
                    key="DATABASE_URL",
                    hint="stop it, or give this one its own DATABASE_URL or OUT_DIR",
                )
            if not told:
                log.warning("another driver holds the store, or was killed: waiting for its lease to end")
                told = True
            await self._clock.sleep(0.5)
        return True

    async def _give_back_lease(self) -> None:
        try:
            await asyncio.to_thread(self._store.release_lease, self._owner)
        except StoreError as error:
            log.warning("the lease could not be given back: it ends by itself", extra={"error": str(error)})

    async def _lease(self) -> bool:
        return await asyncio.to_thread(
            self._store.acquire_lease,
            self._owner,
            now_utc=self._clock.now_utc(),
            ttl=timedelta(seconds=LEASE_TTL_S),
        )

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(LEASE_TTL_S / 3)
            if not await self._lease():
                raise ConfigError(
                    "another driver took the store over while this one stood still",
                    key="DATABASE_URL",
                    hint="run one driver on a store",
                )
