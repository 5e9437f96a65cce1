"""Finished pages, kept for as long as the store's mark says that nothing changed, and two seconds at most.

A change calls every open page back at once: those that ask for the same are answered by one look at the store.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from catalyst_ray.ports import Clock
    from catalyst_ray.web.answers import Answer

MAX_PAGES = 32
MAX_AGE_S = 2.0


class Kept:
    """Pages by address, of one mark at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mark = ""
        self._jobs: dict[str, tuple[float, asyncio.Future[Answer]]] = {}

    async def get(self, address: str, mark: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return a page made since ``mark`` was seen; without a mark, one made now."""
        if not mark:
            return await make()
        if mark != self._mark:
            self._jobs.clear()
            self._mark = mark
        now_s = self._clock.monotonic()
        begun_s, job = self._jobs.get(address, (0.0, None))
        if job is None or now_s - begun_s > MAX_AGE_S or (job.done() and job.exception() is not None):
            while len(self._jobs) >= MAX_PAGES:
                del self._jobs[next(iter(self._jobs))]
            job = asyncio.ensure_future(make())
            job.add_done_callback(_looked_at)
            self._jobs[address] = now_s, job
        return await asyncio.shield(job)


def _looked_at(job: asyncio.Future[Answer]) -> None:
    """Look at a failure: those who asked may have gone."""
    if not job.cancelled():
        job.exception()
