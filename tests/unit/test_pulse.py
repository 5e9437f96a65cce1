"""Signs of life: ready with the first cycle, none when cycles stop, and what systemd's variables mean."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from catalyst_ray.models import CycleReport
from catalyst_ray.pipeline.pulse import Pulse
from catalyst_ray.settings import supervision
from tests.adapters.pipeline_world import NOW, FakeClock, until

pytestmark = pytest.mark.anyio


class FakeSupervisor:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.is_closed = False

    def tell(self, **states: str) -> None:
        """Keep it."""
        self.told.append(states)

    def close(self) -> None:
        """Note it."""
        self.is_closed = True

    def count(self, name: str) -> int:
        """Return in how many messages a state was told."""
        return sum(name in states for states in self.told)


class Rig:
    """A pulse that is wanted every 30 s and takes 600 s without a cycle for a hang."""

    def __init__(self, watchdog_s: float | None = 30.0) -> None:
        self.clock = FakeClock()
        self.supervisor = FakeSupervisor()
        self.pulse = Pulse(self.supervisor, clock=self.clock, watchdog_s=watchdog_s, patience_s=600.0)
        self.stop = asyncio.Event()

    async def stopped(self) -> None:
        """Wait for the stop."""
        await self.stop.wait()

    async def pass_s(self, seconds: float, *, beats: int) -> None:
        """Let time pass in steps of the pulse, until ``beats`` signs were given in all."""
        for _ in range(round(seconds / 10)):
            await until(self.clock.sleepers)
            self.clock.advance(10)
        await until(lambda: self.supervisor.count("WATCHDOG") >= beats)


def report(number: int = 3, **changes: object) -> CycleReport:
    """Return a cycle's report."""
    counts = Counter({"new": 20, "alert": 2, "released": 1})
    parts = {"started_utc": NOW, "seconds": 2.41, "counts": counts, "feeds": (), **changes}
    return CycleReport(number=number, stages={}, queues={}, deliveries={}, **parts)


async def test_the_first_cycle_makes_it_ready() -> None:
    """Not the warm-up before it; and once only."""
    rig = Rig()
    async with rig.pulse.beating(rig.stopped):
        await until(lambda: rig.supervisor.count("WATCHDOG"))
        assert rig.supervisor.count("READY") == 0
        rig.pulse.cycle_begins()
        rig.pulse.cycle_begins()
    assert rig.supervisor.count("READY") == 1
    assert rig.supervisor.is_closed


async def test_it_beats_three_times_in_each_period() -> None:
    """So that one late turn of a busy loop costs nothing."""
    rig = Rig()
    async with rig.pulse.beating(rig.stopped):
        rig.pulse.cycle_begins()
        await rig.pass_s(60, beats=7)
        assert rig.supervisor.count("WATCHDOG") == 7


async def test_a_cycle_that_never_ends_stops_the_pulse(caplog: pytest.LogCaptureFixture) -> None:
    """As long as cycles begin it goes on; without one it ends, and the log says why."""
    rig = Rig()
    async with rig.pulse.beating(rig.stopped):
        for turn in range(4):
            rig.pulse.cycle_begins()
            await rig.pass_s(300, beats=30 * (turn + 1))
        assert not caplog.records
        await rig.pass_s(310, beats=151)
        await until(lambda: caplog.records)
        before = rig.supervisor.count("WATCHDOG")
        rig.clock.advance(3_600)
        await asyncio.sleep(0)
    assert rig.supervisor.count("WATCHDOG") == before
    assert "no cycle has begun for too long" in caplog.text


async def test_nobody_asked_for_a_pulse() -> None:
    """Without a watchdog there is none, and all else is told."""
    rig = Rig(watchdog_s=None)
    async with rig.pulse.beating(rig.stopped):
        rig.pulse.cycle_begins()
    assert rig.supervisor.count("WATCHDOG") == 0
    assert rig.supervisor.count("READY") == 1


async def test_a_stop_is_told_at_once() -> None:
    """Systemd then waits for the end rather than for signs of life."""
    rig = Rig()
    async with rig.pulse.beating(rig.stopped):
        rig.pulse.cycle_begins()
        rig.stop.set()
        await until(lambda: rig.supervisor.count("STOPPING"))


async def test_the_status_is_the_last_cycle_in_words() -> None:
    """With its first problem, where there was one."""
    rig = Rig()
    rig.pulse.tell(report())
    rig.pulse.tell(report(problems=("sink discord: down", "another")))
    words = "cycle 3 took 2.4 s: 20 new items, 3 alerts"
    assert [states["STATUS"] for states in rig.supervisor.told] == [words, f"{words}; sink discord: down"]


@pytest.mark.parametrize(
    ("usec", "pid", "watchdog_s"),
    [
        ("30000000", None, 30.0),
        ("30000000", str(os.getpid()), 30.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_what_systemd_asks_for(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, watchdog_s: float | None
) -> None:
    """The period of the watchdog, unless it is another process's; where to answer; nothing outside systemd."""
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    assert supervision() == ("/run/notify", watchdog_s)
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    assert supervision().address is None
