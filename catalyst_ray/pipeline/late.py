"""Verdicts that come after their item was decided: awaits them, and has them applied. Judges nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from catalyst_ray.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from catalyst_ray.models import Verdict

log = logging.getLogger(__name__)

MOST = 2_048
"""Verdicts awaited at once; the model's own queue is shorter in general."""


class LateVerdicts:
    """Follows verdicts that are still to come."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter()

    def follow(self, asking: asyncio.Task[Verdict], apply: Callable[[Verdict], Awaitable[str]]) -> None:
        """Await a verdict and have it applied; over the bound it is given up.

        Args:
            asking: What is awaited; cancelled when it is given up.
            apply: Told of the verdict, also of one that has no judgement; returns what it did, a name to count by.
        """
        if len(self._tasks) >= MOST:
            asking.cancel()
            self._counts["unanswered"] += 1
            return
        task = asyncio.create_task(self._one(asking, apply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def open(self) -> int:
        """Return how many verdicts are awaited."""
        return len(self._tasks)

    def take_counts(self) -> Mapping[str, int]:
        """Return what became of late verdicts since the last call, by name."""
        counts, self._counts = self._counts, Counter()
        return counts

    async def settle(self, timeout_s: float) -> None:
        """Wait until none is awaited, at most ``timeout_s``."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)

    async def close(self) -> None:
        """Give up what is awaited; the alerts stay as they went out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, asking: asyncio.Task[Verdict], apply: Callable[[Verdict], Awaitable[str]]) -> None:
        try:
            done = await apply(await asking)
        except asyncio.CancelledError:
            asking.cancel()
            raise
        except StoreError as error:
            log.warning("a late verdict could not be stored", extra={"error": str(error)})
            done = "failed"
        except Exception:  # the stage's one boundary: the item was decided without it
            log.exception("a late verdict broke")
            done = "failed"
        self._counts[done] += 1
