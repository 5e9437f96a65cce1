"""The machine's clock, the one place that reads it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Wall-clock and monotonic time of this machine."""

    def now_utc(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  (this is the clock that everything else takes)

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()  # noqa: TID251  (same reason)

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero and less."""
        if seconds > 0:
            await asyncio.sleep(seconds)
