"""A service that is opened when it is first asked for: once for all who ask, anew after a start that failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Lazy(Generic[T]):
    """Opens at the first ``get``.

    Args:
        start: Opens the service.
    """

    def __init__(self, start: Callable[[], Coroutine[None, None, T]]) -> None:
        self._start = start
        self._starting: asyncio.Task[T] | None = None

    @property
    def opened(self) -> T | None:
        """Return the service if it is open."""
        task = self._starting
        is_open = task is not None and task.done() and not task.cancelled() and not task.exception()
        return task.result() if task is not None and is_open else None

    async def get(self) -> T:
        """Return the service; raises what its start raises."""
        task = self._starting
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            self._starting = task = asyncio.ensure_future(self._start())
        # Shielded: a caller who cancels must not end the start for all others.
        return await asyncio.shield(task)
