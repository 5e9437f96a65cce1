"""The request to stop: by SIGTERM, by Ctrl-C or by the program; and work that ends when it comes."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

log = logging.getLogger(__name__)

T = TypeVar("T")

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """Set once, by the first signal; the second ends the process at once.

    As a context manager it takes the signals of the running loop. Enter it after ``ray.init``, which takes
    SIGTERM's handler for itself.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._usual: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            self._usual[number] = signal.getsignal(number)
            loop.add_signal_handler(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, self._usual[number])  # asyncio alone would leave Python's default

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take Ctrl-C where no loop runs yet or any more: an exception in the midst of Ray's start or end breaks it."""
        usual = signal.signal(signal.SIGINT, lambda *_: self._signalled())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    @property
    def is_set(self) -> bool:
        """Return whether a stop was asked for."""
        return self._asked.is_set()

    def request(self) -> None:
        """Ask for a clean stop."""
        if not self.is_set:
            log.info("stopping")
        self._asked.set()

    async def wait(self) -> None:
        """Wait until a stop is asked for."""
        await self._asked.wait()

    async def unless_stopped(
        self,
        work: Coroutine[Any, Any, T],
        *,
        grace_s: float = 0.0,
        beside: Sequence[asyncio.Future[Any]] = (),
    ) -> T | None:
        """Await ``work``; None when a stop came first and the grace was not enough.

        Args:
            work: Cancelled when it is given up.
            grace_s: How long it may go on after the stop.
            beside: What must go on meanwhile: the first that ends gives up the work, and raises its error.
        """
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({task, stop, *beside}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and stop.done():
                await asyncio.wait({task}, timeout=grace_s)
            for other in beside:
                if other.done():
                    other.result()
            return task.result() if task.done() else None
        finally:
            for leftover in (task, stop):
                leftover.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    def _signalled(self) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.request()
