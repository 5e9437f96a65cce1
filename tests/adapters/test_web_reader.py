"""Questions to the store in threads: bounded in number and time, whoever asks."""

from __future__ import annotations

import asyncio
import threading

import pytest

from catalyst_ray.errors import StoreError
from catalyst_ray.web.reader import MAX_WAITING, Reader

pytestmark = pytest.mark.anyio


async def test_a_crowd_is_refused_and_the_next_one_is_not() -> None:
    """So many may wait, one more is told to come again; places come back with the answers."""
    reader, gate = Reader(timeout_s=10), threading.Event()
    try:
        asked = [asyncio.ensure_future(reader.run(gate.wait)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="too many questions"):
            await reader.run(gate.wait)
        gate.set()
        assert await asyncio.gather(*asked) == [True] * MAX_WAITING
        assert await reader.run(gate.is_set)
    finally:
        gate.set()
        reader.close()


async def test_a_slow_answer_is_not_waited_for_and_keeps_its_place() -> None:
    """Its asker leaves; the thread that it holds still counts, so that slow questions cannot pile up."""
    reader, gate = Reader(timeout_s=0.01), threading.Event()
    try:
        for _ in range(MAX_WAITING):
            with pytest.raises(StoreError, match=r"within 0\.01 s"):
                await reader.run(gate.wait)
        with pytest.raises(StoreError, match="too many questions"):
            await reader.run(gate.wait)
    finally:
        gate.set()
        reader.close()
