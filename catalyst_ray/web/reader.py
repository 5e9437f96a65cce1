"""Work that blocks, done in threads of the page's own: bounded in number and in time.

The driver's threads are for its cycle; a store that hangs may hold up these, and the page says so.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

THREADS = 4
MAX_WAITING = 32


class Reader:
    """Runs one piece of work a thread.

    Args:
        timeout_s: How long an asker waits; the work itself cannot be ended and keeps its thread until it does.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="page")
        self._timeout_s = timeout_s
        self._open = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns.

        Raises:
            StoreError: Too much is waiting already, or it took too long.
        """
        if self._open >= MAX_WAITING:
            raise StoreError("too many questions at once", key="page", hint="try again in a moment")
        self._open += 1
        job = asyncio.get_running_loop().run_in_executor(self._pool, work)
        job.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(job)
        except TimeoutError as error:
            words = f"the store did not answer within {self._timeout_s:g} s"
            raise StoreError(words, key="page", hint="try again in a moment") from error

    def close(self) -> None:
        """Take no more work, and forget what has not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, job: asyncio.Future[T]) -> None:
        self._open -= 1
        if not job.cancelled():
            job.exception()  # its asker may have gone: nothing else would look at it
