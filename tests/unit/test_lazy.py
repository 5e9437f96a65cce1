"""Services that are opened when they are first asked for."""

from __future__ import annotations

import asyncio

import pytest

from catalyst_ray.cluster.lazy import Lazy

pytestmark = pytest.mark.anyio


class Starts:
    """Counts starts; each waits for ``gate`` and may fail."""

    def __init__(self) -> None:
        self.count = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        """Open."""
        self.count += 1
        await self.gate.wait()
        if self.error:
            raise self.error
        return f"service {self.count}"


async def test_it_is_opened_once_for_all_who_ask() -> None:
    """Nothing is opened before somebody asks; one who gives up does not end the start for the others."""
    starts = Starts()
    lazy = Lazy(starts)
    assert (lazy.opened, starts.count) == (None, 0)
    asking = [asyncio.ensure_future(lazy.get()) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    assert lazy.opened is None
    starts.gate.set()
    assert await asyncio.gather(*asking[1:]) == ["service 1", "service 1"]
    assert (lazy.opened, await lazy.get(), starts.count) == ("service 1", "service 1", 1)


async def test_a_start_that_failed_is_tried_anew() -> None:
    """All who waited for it are told; the next one who asks starts it again."""
    starts = Starts()
    starts.gate.set()
    starts.error = ConnectionError("nobody there")
    lazy = Lazy(starts)
    outcomes = await asyncio.gather(lazy.get(), lazy.get(), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["nobody there", "nobody there"]
    assert (lazy.opened, starts.count) == (None, 1)
    starts.error = None
    assert await lazy.get() == "service 2"
