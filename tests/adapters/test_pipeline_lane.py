"""A lane: the sink's pace, its rests, a dead sink; edits beside alerts; and that repeats say so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import DeliveryState
from catalyst_ray.pipeline import handover, lane
from tests.adapters.outbox_steps import counts, post, revise, row
from tests.adapters.pipeline_world import NOW, FakeSink, open_world, until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from catalyst_ray.models import Alert, Receipt
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

DEAD = DeliveryError("the webhook is dead (HTTP 404)", sink_dead=True, hint="make a new one")


class PacedSink(FakeSink):
    """A sink that knows when it is free."""

    def __init__(self, name: str = "wall") -> None:
        super().__init__(name)
        self.waits: list[float] = []
        self.recalled: list[list[float]] = []
        self.edit_gate: asyncio.Event | None = None

    def free_in_s(self) -> float:
        """Return the next of the waits."""
        return self.waits.pop(0) if self.waits else 0.0

    def recall(self, ages_s: Sequence[float]) -> None:
        """Remember."""
        self.recalled.append(list(ages_s))

    async def edit(self, alert: Alert, **options: Any) -> Receipt:
        """Take an edit, once it may."""
        if self.edit_gate:
            await self.edit_gate.wait()
        return await super().edit(alert, **options)


@pytest.fixture
def wall(world: World) -> PacedSink:
    """Give the world's one sink, which is paced."""
    return _put_up(world)


def _put_up(world: World) -> PacedSink:
    sink = PacedSink()
    world.sinks = [sink]
    world.courier = world.new_courier()
    return sink


async def test_a_wait_for_the_pace_comes_before_the_row_is_marked(world: World, wall: PacedSink) -> None:
    """A crash in the wait is no possible double; and whatever is most urgent after it goes first."""
    wall.waits = [10.0]
    post(world, "mild", priority=7)
    async with world.delivering():
        await until(lambda: 10.0 in world.clock.slept)
        assert row(world, "mild").state is DeliveryState.PENDING
        assert row(world, "mild").attempts == 0
        post(world, "urgent", priority=0)
        await world.courier.settle(10)
        assert wall.calls == []
        assert world.clock.monotonic() < 5, "a long wait is not waited for"
        world.clock.advance(10)
        await until(lambda: len(wall.taken) == 2)
    assert wall.calls == ["id-url:urgent", "id-url:mild"]


async def test_the_end_of_a_cycle_sits_out_a_short_wait(world: World, wall: PacedSink) -> None:
    """A bucket that is free again in a moment."""
    wall.waits = [0.15, 0.0, 0.15]
    post(world, "a", "b", "c")
    async with world.delivering():
        await world.courier.settle(10)
    assert len(wall.taken) == 3


async def test_a_stop_in_a_wait_is_quick_and_leaves_nothing_unknown(world: World, wall: PacedSink) -> None:
    """The row waits for the next start, as if it had not been read."""
    wall.waits = [60.0]
    post(world, "a")
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(world.courier.run())
    await until(lambda: 60.0 in world.clock.slept)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counts(world) == {"wall/pending": 1, "possible_doubles": 0}
    assert asyncio.all_tasks() == before


async def test_calls_of_an_earlier_process_are_recalled(tmp_path: Path) -> None:
    """Those of the last minute, by their age; a courier that begins anew does not count its own twice."""
    first = open_world(tmp_path)
    _put_up(first)
    post(first, "old")
    async with first.delivering():
        await first.courier.settle(10)
        first.clock.advance(70)
        post(first, "a", "b")
        await first.courier.settle(10)
    first.store.close()
    second = open_world(tmp_path)
    second.clock.advance(first.clock.monotonic() + 20)
    sink = _put_up(second)
    for _ in range(2):
        async with second.delivering():
            await second.courier.settle(10)
    (ages,) = sink.recalled
    assert ages == pytest.approx([20.0, 20.0], abs=0.5)
    second.store.close()


async def test_a_sink_that_fails_three_times_rests_and_is_probed_by_one_row(
    world: World, wall: PacedSink
) -> None:
    """A dead server is not asked once for every row; when it is back, no row waits longer than the sink."""
    wall.always = DeliveryError("no network")
    post(world, *(f"n{number}" for number in range(9)))
    async with world.delivering():
        await world.courier.settle(10)
        assert len(wall.calls) == 3
        for rest_s, calls in ((8.0, 4), (16.0, 5), (32.0, 6), (60.0, 7), (60.0, 8)):
            assert world.clock.slept[-1] == pytest.approx(rest_s, abs=0.5)
            world.clock.advance(rest_s + 1)
            await until(lambda calls=calls: len(wall.calls) == calls and world.clock.sleepers() == 2)
        wall.always = None
        world.clock.advance(61)
        await until(lambda: len(wall.taken) == 9)
    assert counts(world) == {"wall/sent": 9, "possible_doubles": 0}


async def test_one_alert_that_fails_stops_no_other(world: World, wall: PacedSink) -> None:
    """It waits alone, twice as long each time; the sink is well."""

    def fail(alert: Alert) -> None:
        if alert.id == "id-url:poison":
            raise DeliveryError("busy")

    wall.on_call = fail
    post(world, "poison", priority=0)
    post(world, *(f"n{number}" for number in range(6)))
    async with world.delivering():
        await world.courier.settle(10)
        assert len(wall.taken) == 6
        for number in range(5):
            post(world, f"later{number}")
            await world.courier.settle(10)
            world.clock.advance(2.0**number * 2 + 0.5)
            await world.courier.settle(10)
    assert wall.calls.count("id-url:poison") == 6
    assert len(wall.taken) == 11


async def test_alerts_of_a_dead_sink_wait_and_every_report_says_so(world: World, wall: PacedSink) -> None:
    """Nothing is given up, nothing more is asked for an hour, and settling does not wait for the mend."""
    wall.always = DEAD
    post(world, "a", "b")
    words = ["sink wall: the webhook is dead (HTTP 404); its alerts wait: make a new one"]
    async with world.delivering():
        await world.courier.settle(10)
        await world.courier.settle(1000, retries=True)
        assert [world.courier.problems() for _ in range(3)] == [words] * 3
        assert world.clock.monotonic() < 60
        world.clock.advance(3000)
        await world.courier.settle(10)
        assert len(wall.calls) == 1
        assert counts(world) == {"wall/pending": 2, "possible_doubles": 0}
        assert "dead" in row(world, "a").last_error
        world.clock.advance(700)
        await until(lambda: len(wall.calls) == 2)
        wall.always = None
        world.clock.advance(3601)
        await until(lambda: len(wall.taken) == 2)
    assert world.courier.problems() == []


async def test_a_mended_sink_gets_its_alerts_at_once_after_a_restart(tmp_path: Path) -> None:
    """The rest of a dead sink ends with the process: no row keeps an hour's wait."""
    first = open_world(tmp_path)
    sink = _put_up(first)
    post(first, "a")
    async with first.delivering():
        await first.courier.settle(10)
        sink.always = DEAD
        post(first, "b")
        await first.courier.settle(10)
    first.store.close()
    second = open_world(tmp_path)
    mended = _put_up(second)
    async with second.delivering():
        await second.courier.settle(10)
    assert [alert.id for alert in mended.taken] == ["id-url:b"]
    second.store.close()


async def test_no_alert_waits_for_an_edit(world: World, wall: PacedSink) -> None:
    """One that hangs holds up nothing."""
    wall.edit_gate = asyncio.Event()
    async with world.delivering():
        post(world, "a")
        await world.courier.settle(10)
        revise(world, "a")
        await until(lambda: world.courier._lanes["wall"]._in_hand)
        post(world, "b", "c")
        await until(lambda: len(wall.taken) == 3)
        assert wall.edited == []
        wall.edit_gate.set()
        await world.courier.settle(10)
    assert [alert.id for alert in wall.edited] == ["id-url:a"]


async def test_edits_use_the_time_in_which_no_alert_may_go(world: World, wall: PacedSink) -> None:
    """A backlog that drains at Discord's pace for half an hour holds up no edit."""
    async with world.delivering():
        post(world, "a")
        await world.courier.settle(10)
        wall.waits = [30.0]
        post(world, "b")
        await until(lambda: 30.0 in world.clock.slept)
        revise(world, "a")
        await until(lambda: wall.edited)
        assert len(wall.taken) == 1


@pytest.mark.parametrize("second", [None, DeliveryError("busy")], ids=["at once", "after a refusal"])
async def test_a_retry_after_an_unknown_outcome_says_that_it_may_be_a_repeat(
    world: World, wall: PacedSink, second: DeliveryError | None
) -> None:
    """However many known failures come after it, and in every edit; the first try says nothing."""
    told: list[bool] = []
    wall.on_call = lambda alert: told.append(alert.is_repeat)
    wall.errors = [DeliveryError("cut off", outcome_known=False), *([second] if second else [])]
    post(world, "a", "b")
    async with world.delivering():
        for _ in range(3):
            await world.courier.settle(10)
            world.clock.advance(5)
        await world.courier.settle(10)
        revise(world, "a")
        revise(world, "b")
        await world.courier.settle(10)
    repeats = {alert.id: alert.is_repeat for alert in wall.taken}
    assert repeats == {"id-url:a": True, "id-url:b": False}
    assert {alert.id: alert.is_repeat for alert in wall.edited} == repeats
    assert told[0] is False
    assert counts(world)["possible_doubles"] == 1


async def test_an_alert_that_a_crash_left_unknown_says_that_it_may_be_a_repeat(tmp_path: Path) -> None:
    """The process before may have sent it."""
    first = open_world(tmp_path)
    _put_up(first)
    post(first, "a")
    (row,) = first.store.due_deliveries("wall", now_utc=NOW, limit=5)
    first.store.begin_delivery(row.id, now_utc=NOW)
    first.store.close()
    second = open_world(tmp_path)
    sink = _put_up(second)
    async with second.delivering():
        await second.courier.settle(10)
    assert [alert.is_repeat for alert in sink.taken] == [True]
    second.store.close()


async def test_what_comes_meanwhile_is_not_behind_a_whole_batch(world: World, wall: PacedSink) -> None:
    """The most urgent of all goes next, not the next of those that were read."""
    post(world, *(f"n{number}" for number in range(lane.BATCH)))

    def once(_alert: Alert) -> None:
        wall.on_call = None
        post(world, "urgent", priority=0)

    wall.on_call = once
    async with world.delivering():
        await world.courier.settle(10)
    assert wall.calls[1] == "id-url:urgent"
    assert len(wall.taken) == lane.BATCH + 1


def test_rests_and_pauses_are_in_proportion() -> None:
    """A sink rests no shorter than one row would wait after as many failures, and never for long."""
    assert handover.REST_S == handover.RETRY_BASE_S * 2 ** (handover.FAILURES - 1)
    assert timedelta(seconds=handover.LONGEST_REST_S) == timedelta(minutes=1)
