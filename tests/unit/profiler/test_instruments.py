"""The instruments find what is planted."""

from __future__ import annotations

import asyncio
import sys

from catalyst_ray.profiler.instruments import WAITING, CallMeter, GrowthMeter, short

HELD: list[bytearray] = []


def busy() -> int:
    """Take some time."""
    return sum(number % 7 for number in range(200_000))


async def turn() -> None:
    """Work and wait by turns."""
    for _ in range(3):
        busy()
        await asyncio.sleep(0.01)


def test_a_planted_function_is_found_with_its_calls() -> None:
    """The busy function comes with its three calls; the loop's waiting is named, and is no work."""
    meter = CallMeter()

    async def measured() -> None:
        meter.start()
        await turn()
        meter.stop()

    asyncio.run(measured())
    found = {call.where.split()[-1]: call for call in meter.top()}
    assert found["busy"].calls == 3
    assert any(call.where == WAITING and call.total_s > 0.02 for call in meter.top())
    assert not any("/" in call.where.split(":")[0][:1] for call in meter.top())


def test_stopping_what_never_began_does_nothing() -> None:
    """A run that ended early leaves empty tables."""
    calls, growth = CallMeter(), GrowthMeter()
    calls.stop()
    growth.stop()
    assert (calls.top(), growth.top()) == ((), ())


def test_planted_growth_is_found_at_its_line() -> None:
    """Three megabytes kept after the mark are told with the line that keeps them; those before it are not."""
    meter = GrowthMeter()
    meter.start()
    HELD.append(bytearray(5_000_000))
    meter.mark()
    line = sys._getframe().f_lineno + 1
    HELD.append(bytearray(3_000_000))
    meter.stop()
    HELD.clear()
    top = meter.top()[0]
    assert top.where.endswith(f"test_instruments.py:{line}")
    assert 3_000_000 <= top.bytes < 3_100_000


def test_paths_say_nothing_of_the_machine() -> None:
    """Source files are named from their package on."""
    assert short(asyncio.base_events.__file__) == "asyncio/base_events.py"
    assert short("/opt/x/site-packages/ray/actor.py") == "ray/actor.py"
    assert short("/home/me/secret/tool.py") == "tool.py"
    from catalyst_ray.core import text

    assert short(text.__file__) == "catalyst_ray/core/text.py"
