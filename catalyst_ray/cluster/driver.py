"""The loop: a cycle, its report, sleep until the next is due; a clean stop; one driver per store."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.limits import backoff_s
from catalyst_ray.errors import ConfigError, StoreError
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.cluster.stop import StopSignal
    from catalyst_ray.models import CycleReport
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.cycle import Cycle
    from catalyst_ray.pipeline.housekeeping import Housekeeping
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)

LEASE_TTL_S = 12.0
"""A killed driver's lease is free again after this long; a living one renews it three times in it."""
GRACE_S = 1.5
"""How long a cycle may go on after a stop was asked for; what it leaves is taken up at the next start."""
STORE_PATIENCE_S = 600.0
"""How long a store that fails without end is waited for: a server's restart, another program's lock."""
STEADY_S = 60.0
"""Deliveries that ran for so long worked: the next failure is a new one."""
HELP_BASE_S, HELP_CAP_S = 1.0, 15.0
ONCE_RETRY_S = 30.0
"""How long ``--once`` waits for deliveries that must be tried again."""


class Driver:
    """Runs cycles until ``stop`` is set.

    Args:
        sleep_s: From the start of one cycle to the start of the next.
        on_begin: Called when a cycle begins.
        on_report: Told of every cycle's report, in a thread.
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
        on_begin: Callable[[], None],
        on_report: Callable[[CycleReport], None],
        stop: StopSignal,
    ) -> None:
        self._clock = clock
        self._store = store
        self._cycle = cycle
        self._courier = courier
        self._housekeeping = housekeeping
        self._sleep_s = sleep_s
        self._on_begin = on_begin
        self._on_report = on_report
        self._stop = stop
        # Containers may share host name and process number, so these alone do not tell drivers apart.
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    async def run(self, *, cycles: int | None = None) -> CycleReport | None:
        """Run ``cycles`` cycles (for ever when None) and return the last report, if a cycle ended.

        Raises:
            ConfigError: Another driver works on this store.
            StoreError: The store failed in the last cycle asked for; or under the courier or the lease:
                at once when cycles are counted, else when it went on for ``STORE_PATIENCE_S``.
        """
        return await self._run_alone(cycles) if await self._take_lease() else None

    async def _run_alone(self, cycles: int | None) -> CycleReport | None:
        helper = asyncio.ensure_future(self._help(patience_s=STORE_PATIENCE_S if cycles is None else 0.0))
        try:
            return await self._loop(cycles, helper)
        finally:
            helper.cancel()
            await asyncio.gather(helper, return_exceptions=True)
            await self._give_back_lease()

    async def _loop(self, cycles: int | None, helper: asyncio.Future[None]) -> CycleReport | None:
        report = None
        number = 0
        while not self._stop.is_set:
            number += 1
            last = number == cycles
            self._on_begin()
            due_s = self._clock.monotonic() + self._sleep_s
            try:
                work = self._one(number, last=last)
                done = await self._stop.unless_stopped(work, grace_s=GRACE_S, beside=(helper,))
                report = done or report
            except StoreError as error:
                if last or helper.done():
                    raise
                log.error("the store failed; trying again", extra={"cycle": number, "error": str(error)})  # noqa: TRY400  (an expected failure: its words say all)
            if last:
                break
            left_s = due_s - self._clock.monotonic()
            await self._stop.unless_stopped(self._clock.sleep(left_s), beside=(helper,))
        return report

    async def _one(self, number: int, *, last: bool) -> CycleReport:
        report = await self._cycle.run(number, wait_for_retries_s=ONCE_RETRY_S if last else 0.0)
        for problem in await self._housekeeping.run(report):
            log.warning("after the cycle", extra={"problem": problem})
        try:
            # In a thread: whoever reads the reports may stop reading, and the lease must be renewed.
            await asyncio.to_thread(self._on_report, report)
        except OSError as error:
            log.error(  # noqa: TRY400  (an expected failure: its words say all)
                "the report could not be written",
                extra={"cycle": number, "error": str(error), "hint": "free disk space, check OUT_DIR"},
            )
        return report

    async def _help(self, *, patience_s: float) -> None:
        """Deliver and keep the lease; begin anew when the store fails, until that went on too long."""
        failures, since_s = 0, 0.0
        while True:
            begun_s = self._clock.monotonic()
            try:
                if failures:
                    await self._renew()  # nothing is posted before it is sure that the store is still ours
                await together([self._courier.run(), self._keep_lease()])
            except StoreError as error:
                now_s = self._clock.monotonic()
                if not failures or now_s - begun_s > STEADY_S:
                    failures, since_s = 0, now_s
                failures += 1
                if now_s - since_s >= patience_s:
                    raise
                wait_s = backoff_s(failures, base_s=HELP_BASE_S, cap_s=HELP_CAP_S, jitter=0.0)
                words = {"error": str(error), "again_in_s": wait_s}
                log.error("the store failed; deliveries wait", extra=words)  # noqa: TRY400  (as above)
                await self._clock.sleep(wait_s)

    async def _take_lease(self) -> bool:
        """Wait for the lease; False when told to stop before it was free."""
        deadline = self._clock.monotonic() + LEASE_TTL_S + 1.0
        told = False
        while not await self._lease():
            if self._stop.is_set:
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

    async def _keep_lease(self) -> None:
        while True:
            await self._clock.sleep(LEASE_TTL_S / 3)
            await self._renew()

    async def _renew(self) -> None:
        if not await self._lease():
            raise ConfigError(
                "another driver took the store over while this one stood still",
                key="DATABASE_URL",
                hint="run one driver on a store",
            )
