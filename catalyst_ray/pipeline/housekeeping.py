"""What is done after each cycle: its report is kept, the page, old chart files, old rows. Failures are told, never fatal.

Between cycles the page alone is written anew, when an alert was revised.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from catalyst_ray.models import Alert, CycleReport
    from catalyst_ray.pipeline.pictures import Pictures
    from catalyst_ray.ports import Clock, Store

log = logging.getLogger(__name__)

PAGE_ALERTS = 200
CYCLES_KEPT = 10_000
"""Reports kept at most: three days and a half of one every thirty seconds, some 50 MB."""
PURGE_EVERY_S = 600.0
TRIM_EVERY_S = 60.0
"""How often free memory goes back to the system, which takes some hundredths of a second."""
REFRESH_AFTER_S = 0.5
"""A burst of revisions writes the page once."""


class Housekeeping:
    """Keeps the page fresh and the disk bounded.

    Args:
        page: Writes the page from the latest alerts and the cycle's report.
        chart_keep_s: Age at which chart files go.
        retention: Age at which decided items and delivered alerts go.
        trim: Gives free memory back to the system.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        pictures: Pictures,
        page: Callable[[Sequence[Alert], CycleReport], None],
        chart_keep_s: float,
        retention: timedelta,
        trim: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._store = store
        self._pictures = pictures
        self._page = page
        self._chart_keep_s = chart_keep_s
        self._retention = retention
        self._next_purge_s = clock.monotonic()
        self._trim = trim
        self._next_trim_s = clock.monotonic()
        self._last_report: CycleReport | None = None
        self._refresh: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()  # an older page must not replace a newer one

    async def run(self, report: CycleReport) -> tuple[str, ...]:
        """Do it all and return what went wrong, one line each."""
        self._last_report = report
        return await self._do(
            report,
            ("report", self._keep_report),
            ("page", self._write_page),
            ("charts", self._sweep),
            ("retention", self._purge),
            ("memory", self._give_back_memory),
        )

    async def refresh_page(self) -> tuple[str, ...]:
        """Write the page with the alerts as they are now and the last cycle's report; before one, do nothing.

        Returns what went wrong, as ``run`` does.
        """
        if self._last_report is None:
            return ()
        return await self._do(self._last_report, ("page", self._write_page))

    def refresh_soon(self) -> None:
        """Have the page refreshed in a moment, once for all who ask until then; needs a running event loop."""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.ensure_future(self._refresh_in(REFRESH_AFTER_S))

    async def _refresh_in(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self.refresh_page()

    async def _do(
        self, report: CycleReport, *steps: tuple[str, Callable[[CycleReport], None]]
    ) -> tuple[str, ...]:
        problems = []
        for name, step in steps:
            try:
                async with self._turn:
                    await asyncio.to_thread(step, report)
            except (CatalystError, OSError) as error:
                log.warning("housekeeping failed", extra={"step": name, "error": str(error)})
                problems.append(f"{name}: {error}")
            except Exception as error:  # the stage's one boundary: no page is worth the run
                log.exception("housekeeping broke", extra={"step": name})
                problems.append(f"{name}: {type(error).__name__}: {error}")
        return tuple(problems)

    def _keep_report(self, report: CycleReport) -> None:
        self._store.save_cycle(report, keep=CYCLES_KEPT)

    def _write_page(self, report: CycleReport) -> None:
        self._page(self._store.recent_alerts(limit=PAGE_ALERTS), report)

    def _sweep(self, _report: CycleReport) -> None:
        needed = self._store.needed_files()
        gone = self._pictures.sweep(needed=needed, now_utc=self._clock.now_utc(), keep_s=self._chart_keep_s)
        if gone:
            log.info("old charts deleted", extra={"files": gone})

    def _purge(self, _report: CycleReport) -> None:
        if self._clock.monotonic() < self._next_purge_s:
            return
        self._next_purge_s = self._clock.monotonic() + PURGE_EVERY_S
        gone = self._store.purge(before_utc=self._clock.now_utc() - self._retention)
        if gone:
            log.info("old rows deleted", extra={"rows": gone})
        given = self._store.give_back()
        if given:
            log.info("space given back", extra={"bytes": given})

    def _give_back_memory(self, _report: CycleReport) -> None:
        if self._clock.monotonic() >= self._next_trim_s:
            self._next_trim_s = self._clock.monotonic() + TRIM_EVERY_S
            self._trim()
