"""The console's output when its reader pauses: nothing else may stand still."""

from __future__ import annotations

import asyncio
import os

import pytest

from catalyst_ray.adapters.console import Console
from catalyst_ray.errors import DeliveryError
from tests.unit.core.factories import make_alert

pytestmark = pytest.mark.anyio


async def test_a_reader_that_pauses_stops_nothing_else() -> None:
    """The loop goes on, the next alert is to be tried again, and all is written when reading goes on."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = 0
    try:
        while True:
            filled += os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    with os.fdopen(writing, "w") as stream:
        sink = Console(stream)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sink.send(make_alert(id="first"), chart=None, gauge=None)
        with pytest.raises(DeliveryError, match="nobody reads") as caught:
            await sink.send(make_alert(id="second"), chart=None, gauge=None)
        assert (caught.value.permanent, caught.value.outcome_known) == (False, True)
        while filled > 0:
            filled -= len(os.read(reading, filled))
        assert sink._writing is not None
        await sink._writing
        await sink.send(make_alert(id="second"), chart=None, gauge=None)
    lines = os.read(reading, 1 << 20).decode().splitlines()
    os.close(reading)
    assert [one in line for one, line in zip(("first", "second"), lines, strict=True)] == [True, True]
