"""The loop: one driver a store, cycles from start to start, a clean stop, failures that end it or do not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.cluster import driver as rules
from catalyst_ray.cluster.driver import LEASE_TTL_S, Driver
from catalyst_ray.cluster.stop import StopSignal
from catalyst_ray.errors import ConfigError, StoreError
from catalyst_ray.models import CycleReport
from catalyst_ray.pipeline.housekeeping import Housekeeping
from tests.adapters.pipeline_world import FakeClock, headline, rss, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

TTL = timedelta(seconds=LEASE_TTL_S)


class FakeCycle:
    """Reports its number; takes ``takes_s`` of the clock, raises ``errors`` first, waits for ``gate``."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.takes_s = 0.0
        self.errors: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self.started: list[float] = []
        self.waits: list[float] = []
        self.cancelled = 0

    async def run(self, number: int, *, wait_for_retries_s: float = 0.0) -> CycleReport:
        """Return a report."""
        self.started.append(self._clock.monotonic())
        self.waits.append(wait_for_retries_s)
        self._clock.advance(self.takes_s)
        try:
            if self.gate:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.errors:
            raise self.errors.pop(0)
        return _report(number)


class FakeCourier:
    """Runs until cancelled, or until ``breaks`` is set to an error."""

    def __init__(self) -> None:
        self.breaks: asyncio.Future[None] | None = None
        self.running = False

    async def run(self) -> None:
        """Run."""
        self.running = True
        self.breaks = asyncio.get_running_loop().create_future()
        try:
            await self.breaks
        finally:
            self.running = False


class NoHousekeeping:
    """Does nothing, and says what went wrong in it."""

    async def run(self, _report: CycleReport) -> tuple[str, ...]:
        """Return one problem."""
        return ("page: disk full",)


def _report(number: int, started: Any = None) -> CycleReport:
    return CycleReport(
        number=number,
        started_utc=started,
        seconds=1.0,
        stages={},
        counts={},
        feeds=(),
        queues={},
        deliveries={},
    )


class Rig:
    """A driver with its fakes over the real store."""

    def __init__(self, world: World, *, sleep_s: float = 60.0) -> None:
        self.store = world.store
        self.clock = world.clock
        self.cycle: Any = FakeCycle(self.clock)
        self.courier: Any = FakeCourier()
        self.housekeeping: Any = NoHousekeeping()
        self.reports: list[int] = []
        self.begun: list[float] = []
        self.stop = StopSignal()
        self.sleep_s = sleep_s

    def driver(self, on_report: Callable[[CycleReport], None] | None = None) -> Driver:
        """Return a driver of its own."""
        return Driver(
            clock=self.clock,
            store=self.store,
            cycle=self.cycle,
            courier=self.courier,
            housekeeping=self.housekeeping,
            sleep_s=self.sleep_s,
            on_begin=lambda: self.begun.append(self.clock.monotonic()),
            on_report=on_report or (lambda report: self.reports.append(report.number)),
            stop=self.stop,
        )

    def lease_is_free(self) -> bool:
        """Return whether a stranger could take the lease now; takes and gives it back."""
        is_free = self.store.acquire_lease("stranger", now_utc=self.clock.now_utc(), ttl=TTL)
        self.store.release_lease("stranger")
        return bool(is_free)


@pytest.fixture
def rig(world: World) -> Rig:
    """Give a rig over an empty store."""
    return Rig(world)


async def test_it_runs_the_cycles_asked_for_and_returns_the_last_report(rig: Rig) -> None:
    """Three cycles, three reports told, the third returned; then the lease is free and nothing runs."""
    before = asyncio.all_tasks()
    run = asyncio.ensure_future(rig.driver().run(cycles=3))
    for done in (1, 2):
        await until(lambda done=done: len(rig.reports) == done)
        await until(lambda: rig.clock.sleepers() == 2)
        assert not rig.lease_is_free()
        rig.clock.advance(60)
    report = await run
    assert report is not None
    assert report.number == 3
    assert rig.reports == [1, 2, 3]
    assert rig.begun == [0, 60, 120]
    assert rig.lease_is_free()
    assert not rig.courier.running
    assert asyncio.all_tasks() == before


async def test_only_the_last_cycle_waits_for_retries(rig: Rig) -> None:
    """In a loop retries go on between cycles; at the end they would be left."""
    run = asyncio.ensure_future(rig.driver().run(cycles=2))
    await until(lambda: rig.clock.sleepers() == 2)
    rig.clock.advance(60)
    await run
    assert rig.cycle.waits == [0.0, rules.ONCE_RETRY_S]


@pytest.mark.parametrize(("takes_s", "apart_s"), [(0.0, 60), (45.0, 60), (100.0, 100)])
async def test_cycles_are_counted_from_start_to_start(rig: Rig, takes_s: float, apart_s: float) -> None:
    """A cycle's own time is part of the pause; one that overran is followed at once."""
    rig.cycle.takes_s = takes_s
    run = asyncio.ensure_future(rig.driver().run(cycles=2))
    await until(lambda: rig.cycle.started)
    while len(rig.cycle.started) < 2:
        await asyncio.sleep(0.002)
        if takes_s < 60:
            rig.clock.advance(0.5)
    await run
    first, second = rig.cycle.started
    assert second - first == pytest.approx(apart_s, abs=1.0)


async def test_a_second_driver_is_refused_after_waiting(world: World) -> None:
    """It waits as long as a killed driver's lease would last, then says what to do; no cycle of it ran."""
    first, second = Rig(world), Rig(world)
    first.cycle.gate = asyncio.Event()
    running = asyncio.ensure_future(first.driver().run(cycles=1))
    await until(lambda: first.cycle.started)
    started = world.clock.monotonic()
    refused = asyncio.ensure_future(second.driver().run(cycles=1))
    while not refused.done():
        world.clock.advance(0.25)
        await asyncio.sleep(0.005)
    with pytest.raises(ConfigError, match="another driver works on this store"):
        await refused
    assert world.clock.monotonic() - started > LEASE_TTL_S
    assert second.cycle.started == []
    assert not second.courier.running
    first.cycle.gate.set()
    assert await running is not None


async def test_a_killed_drivers_lease_is_taken_over(rig: Rig) -> None:
    """The lease of a driver that no longer renews it ends, and the next one starts by itself."""
    rig.store.acquire_lease("killed", now_utc=rig.clock.now_utc(), ttl=TTL)
    run = asyncio.ensure_future(rig.driver().run(cycles=1))
    while not run.done():
        rig.clock.advance(0.25)
        await asyncio.sleep(0.005)
    assert (await run) is not None
    assert rig.cycle.started[0] >= LEASE_TTL_S


async def test_the_lease_is_renewed_while_a_cycle_runs(rig: Rig) -> None:
    """A cycle longer than the lease keeps it."""
    rig.cycle.gate = asyncio.Event()
    renewals: list[str] = []
    rig.store.tell = lambda name, args: renewals.append(args[0]) if name == "acquire_lease" else None
    run = asyncio.ensure_future(rig.driver().run(cycles=1))
    await until(lambda: rig.cycle.started)
    for count in range(2, 8):
        await until(lambda: rig.clock.sleepers() == 1)
        rig.clock.advance(LEASE_TTL_S / 3)
        await until(lambda count=count: len(renewals) == count)
    await until(lambda: rig.clock.sleepers() == 1)
    assert len(set(renewals)) == 1
    assert not rig.lease_is_free()
    rig.cycle.gate.set()
    await run


async def test_a_driver_that_lost_its_lease_ends(rig: Rig) -> None:
    """One that stood still while another took over must not go on posting."""
    rig.cycle.gate = asyncio.Event()
    run = asyncio.ensure_future(rig.driver().run(cycles=1))
    await until(lambda: rig.clock.sleepers() == 1)
    later = rig.clock.now_utc() + timedelta(days=1)
    assert rig.store.acquire_lease("other", now_utc=later, ttl=TTL)
    rig.clock.advance(LEASE_TTL_S)
    with pytest.raises(ConfigError, match="took the store over"):
        await run
    assert rig.cycle.cancelled == 1
    assert not rig.store.acquire_lease("third", now_utc=later, ttl=TTL)


async def test_two_drivers_of_one_process_are_two(rig: Rig) -> None:
    """Host name and process number may be shared by containers; the owner's name is not."""
    assert rig.driver()._owner != rig.driver()._owner


async def test_a_stop_while_it_sleeps_ends_at_once_with_the_last_report(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to give grace to."""
    monkeypatch.setattr(rules, "GRACE_S", 1e6)
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.clock.sleepers() == 2)
    rig.stop.request()
    report = await run
    assert report is not None
    assert report.number == 1
    assert rig.lease_is_free()


async def test_a_stop_lets_a_cycle_that_is_nearly_done_end(rig: Rig) -> None:
    """Its report counts; no other cycle begins."""
    rig.cycle.gate = asyncio.Event()
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.cycle.started)
    rig.stop.request()
    await asyncio.sleep(0.01)
    rig.cycle.gate.set()
    report = await run
    assert report is not None
    assert rig.reports == [1]
    assert len(rig.cycle.started) == 1


async def test_a_stop_in_a_cycle_that_goes_on_ends_it_after_the_grace(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cycle is cancelled, no task is left, and the report of the cycle before is returned."""
    monkeypatch.setattr(rules, "GRACE_S", 0.01)
    before = asyncio.all_tasks()
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.clock.sleepers() == 2)
    rig.cycle.gate = asyncio.Event()
    rig.clock.advance(60)
    await until(lambda: len(rig.cycle.started) == 2)
    rig.stop.request()
    report = await run
    assert report is not None
    assert report.number == 1
    assert rig.cycle.cancelled == 1
    assert rig.lease_is_free()
    assert asyncio.all_tasks() == before


async def test_a_stop_in_the_first_cycle_returns_no_report(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """None says that no cycle ended."""
    monkeypatch.setattr(rules, "GRACE_S", 0.01)
    rig.cycle.gate = asyncio.Event()
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.cycle.started)
    rig.stop.request()
    assert await run is None


async def test_a_stop_while_it_waits_for_the_lease_ends_it(rig: Rig) -> None:
    """It does not first take the store over, and posts nothing."""
    rig.store.acquire_lease("other", now_utc=rig.clock.now_utc(), ttl=timedelta(days=1))
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.clock.sleepers() == 1)
    rig.stop.request()
    rig.clock.advance(0.5)
    assert await run is None
    assert rig.cycle.started == []
    assert not rig.courier.running


async def test_a_store_that_fails_in_one_cycle_does_not_end_the_loop(rig: Rig) -> None:
    """It is logged, and the next cycle runs when it is due."""
    rig.cycle.errors = [StoreError("locked")]
    run = asyncio.ensure_future(rig.driver().run(cycles=2))
    await until(lambda: rig.clock.sleepers() == 2)
    rig.clock.advance(60)
    report = await run
    assert report is not None
    assert rig.reports == [2]


async def test_a_store_that_fails_in_the_last_cycle_ends_the_run_with_that(rig: Rig) -> None:
    """``--once`` must not look like a success; the lease is given back all the same."""
    rig.cycle.errors = [StoreError("locked")]
    with pytest.raises(StoreError, match="locked"):
        await rig.driver().run(cycles=1)
    assert rig.lease_is_free()
    assert not rig.courier.running


@pytest.mark.parametrize("is_asleep", [True, False])
async def test_with_counted_cycles_a_courier_that_breaks_ends_the_run(
    rig: Rig, caplog: pytest.LogCaptureFixture, is_asleep: bool
) -> None:
    """Whether a cycle runs or sleeps, the run ends at once, and does not say that it tries again."""
    if not is_asleep:
        rig.cycle.gate = asyncio.Event()
    before = asyncio.all_tasks()
    run = asyncio.ensure_future(rig.driver().run(cycles=2))
    await until(lambda: rig.cycle.started and rig.clock.sleepers() == (2 if is_asleep else 1))
    rig.courier.breaks.set_exception(StoreError("the outbox is gone"))
    with pytest.raises(StoreError, match="the outbox is gone"):
        await run
    assert rig.lease_is_free()
    assert asyncio.all_tasks() == before
    assert "trying again" not in caplog.text


async def test_a_run_without_end_begins_deliveries_anew(rig: Rig) -> None:
    """A store that failed under the courier for some seconds costs neither the run nor the cycle in hand."""
    rig.cycle.gate = asyncio.Event()
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.cycle.started and rig.clock.sleepers() == 1)
    first = rig.courier.breaks
    first.set_exception(StoreError("the server restarts"))
    await until(lambda: rules.HELP_BASE_S in rig.clock.slept)
    assert not rig.courier.running
    rig.clock.advance(rules.HELP_BASE_S)
    await until(lambda: rig.courier.running and rig.courier.breaks is not first)
    assert rig.cycle.cancelled == 0
    rig.cycle.gate.set()
    await until(lambda: rig.reports)
    rig.stop.request()
    assert await run is not None


async def test_a_lease_that_cannot_be_renewed_for_a_while_is_renewed_before_deliveries_go_on(
    rig: Rig,
) -> None:
    """The courier runs again only after the store said that this driver still holds it."""
    order: list[str] = []

    def tell(name: str, _args: Any) -> None:
        if name == "acquire_lease":
            order.append("running" if rig.courier.running else "stopped")
            if 1 < len(order) < 4:
                raise StoreError("the server restarts")

    rig.store.tell = tell
    run = asyncio.ensure_future(rig.driver().run())
    for seconds in (LEASE_TTL_S / 3, rules.HELP_BASE_S, 2 * rules.HELP_BASE_S):
        await until(lambda seconds=seconds: seconds in rig.clock.slept)
        rig.clock.advance(seconds)
    await until(lambda: len(order) == 4 and rig.courier.running)
    assert order == ["stopped", "running", "stopped", "stopped"]
    rig.stop.request()
    await run


async def test_a_store_taken_over_during_a_failure_is_left_alone(rig: Rig) -> None:
    """After the failure the lease is another's: the run ends, and no courier is begun."""
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.clock.sleepers() == 2)
    rig.courier.breaks.set_exception(StoreError("gone"))
    await until(lambda: rules.HELP_BASE_S in rig.clock.slept)
    later = rig.clock.now_utc() + timedelta(days=1)
    assert rig.store.acquire_lease("other", now_utc=later, ttl=TTL)
    rig.clock.advance(rules.HELP_BASE_S)
    with pytest.raises(ConfigError, match="took the store over"):
        await run
    assert not rig.courier.running


async def test_a_store_that_goes_on_failing_ends_the_run(rig: Rig) -> None:
    """After ten minutes without a good one the error comes out, though cycles would go on for ever."""
    failing = False

    def broken(name: str, _args: Any) -> None:
        if failing and name == "acquire_lease":
            raise StoreError("still gone")

    rig.store.tell = broken
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: rig.clock.sleepers() == 2)
    failing = True
    started = rig.clock.monotonic()
    while not run.done():
        rig.clock.advance(5)
        await asyncio.sleep(0.002)
    with pytest.raises(StoreError, match="still gone"):
        await run
    assert rig.clock.monotonic() - started == pytest.approx(rules.STORE_PATIENCE_S, abs=60)
    assert max(rig.clock.slept) <= 60


async def test_failures_far_apart_are_not_added_up(rig: Rig) -> None:
    """Deliveries that worked for a while in between make the next failure the first again."""
    rig.cycle.gate = asyncio.Event()
    run = asyncio.ensure_future(rig.driver().run())
    for times in (1, 2, 3):
        await until(lambda: rig.courier.running and not rig.courier.breaks.done())
        await until(lambda: rig.clock.sleepers() == 1)
        rig.clock.advance(rules.STEADY_S + 1)
        rig.courier.breaks.set_exception(StoreError("gone"))
        await until(lambda times=times: rig.clock.slept.count(rules.HELP_BASE_S) == times)
        rig.clock.advance(rules.HELP_BASE_S)
    assert 2 * rules.HELP_BASE_S not in rig.clock.slept
    rig.cycle.gate.set()
    await until(lambda: rig.reports)
    rig.stop.request()
    await run


async def test_a_report_that_cannot_be_written_ends_nothing(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk is told with what to do, and the cycles go on."""

    def full(_report: CycleReport) -> None:
        raise OSError(28, "No space left on device")

    run = asyncio.ensure_future(rig.driver(full).run(cycles=2))
    await until(lambda: rig.clock.sleepers() == 2)
    rig.clock.advance(60)
    report = await run
    assert report is not None
    assert report.number == 2
    (first, _) = [record for record in caplog.records if "report could not" in record.message]
    assert "No space left" in first.error  # type: ignore[attr-defined]
    assert "disk space" in first.hint  # type: ignore[attr-defined]


async def test_a_lease_that_cannot_be_given_back_costs_nothing(rig: Rig) -> None:
    """It ends by itself; the report is returned."""

    def broken(name: str, _args: Any) -> None:
        if name == "release_lease":
            raise StoreError("gone")

    rig.store.tell = broken
    assert await rig.driver().run(cycles=1) is not None


async def test_an_error_that_nobody_expects_ends_the_run(rig: Rig) -> None:
    """A bug is not retried for ever; it comes out, and the lease is given back."""
    rig.cycle.errors = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await rig.driver().run()
    assert rig.lease_is_free()


async def test_what_housekeeping_could_not_do_is_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """It is told and ends nothing."""
    assert await rig.driver().run(cycles=1) is not None
    assert [record.problem for record in caplog.records if record.message == "after the cycle"] == [  # type: ignore[attr-defined]
        "page: disk full"
    ]


async def test_the_whole_pipeline_runs_under_the_driver(world: World) -> None:
    """Real cycle, courier and housekeeping: one alert is posted, the page is written, nothing is left."""
    rig = Rig(world)
    world.feed("wire", rss(headline("QLLN")))
    pages: list[int] = []
    rig.cycle, rig.courier = world.cycle(), world.courier
    rig.housekeeping = Housekeeping(
        clock=world.clock,
        store=world.store,
        pictures=world.pictures(),
        page=lambda alerts, _report: pages.append(len(alerts)),
        chart_keep_s=3600.0,
        retention=timedelta(days=7),
        trim=lambda: None,
    )
    before = asyncio.all_tasks()
    report = await rig.driver().run(cycles=1)
    assert report is not None
    assert report.counts["alert"] == 1
    assert world.wall.titles() == [headline("QLLN")]
    assert pages == [1]
    assert asyncio.all_tasks() == before


async def test_a_stop_in_the_middle_of_the_real_pipeline_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery in hand is finished, what is undecided is taken up by the next run, nothing doubles."""
    monkeypatch.setattr(rules, "GRACE_S", 0.01)
    rig = Rig(world)
    world.feed("first", rss(headline("QLLN"), site="first"))
    world.wall.gate = asyncio.Event()
    rig.cycle, rig.courier = world.cycle(), world.courier
    before = asyncio.all_tasks()
    run = asyncio.ensure_future(rig.driver().run())
    await until(lambda: world.wall.calls)
    rig.stop.request()
    await asyncio.sleep(0.03)
    world.wall.gate.set()
    assert await run is None
    assert asyncio.all_tasks() == before
    assert world.store.delivery_counts() == {"wall/sent": 1, "possible_doubles": 0}
