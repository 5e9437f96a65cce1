"""Deliveries: at least once, each sink at its own pace, every possible double counted, a clean stop."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import DeliveryError, StoreError
from catalyst_ray.models import DeliveryState
from catalyst_ray.pipeline import handover as rules
from catalyst_ray.pipeline import lane
from catalyst_ray.pipeline.courier import Courier
from tests.adapters.pipeline_world import NOW, FakeSink, Telling, World, open_world, until
from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio


def _post(world: World, *names: str, priority: int = 5, chart_path: str | None = None) -> None:
    for name in names:
        alert = alert_on(news(name), priority=priority, chart_path=chart_path, created_utc=NOW)
        world.store.commit_alert(alert, world.courier.names, now_utc=NOW)


def _calls(world: World) -> list[str]:
    return [name for name in _log(world.store) if name in {"begin_delivery", "finish_delivery", "send"}]


def _log(store: Telling) -> list[str]:
    if not hasattr(store, "log"):
        store.log = []  # type: ignore[attr-defined]
        store.tell = lambda name, _: store.log.append(name)  # type: ignore[attr-defined]
    return store.log  # type: ignore[attr-defined,no-any-return]


def _two_sinks(world: World) -> FakeSink:
    world.sinks.append(FakeSink("other"))
    world.courier = world.new_courier()
    return world.sinks[1]


def _counts(world: World) -> dict[str, int]:
    return dict(world.store.delivery_counts())


async def test_unknown_is_written_before_the_sink_is_called_and_sent_after_it_answered(world: World) -> None:
    """begin, send, finish; and at the moment of the call the row is ``unknown``."""
    _post(world, "a")
    log = _log(world.store)
    during: list[DeliveryState] = []

    def look(_alert: Any) -> None:
        log.append("send")
        during.extend(d.state for d in world.store._store.due_deliveries("wall", now_utc=NOW, limit=5))

    world.wall.on_call = look
    async with world.delivering():
        await world.courier.settle(10)
    assert _calls(world) == ["begin_delivery", "send", "finish_delivery"]
    assert during == [DeliveryState.UNKNOWN]
    assert _counts(world) == {"wall/sent": 1, "possible_doubles": 0}


async def test_the_receipt_and_the_pictures_reach_their_place(world: World, tmp_path: Path) -> None:
    """The sink gets the chart's bytes; the row keeps the message id; a file that is gone costs nothing."""
    chart = tmp_path / "a.png"
    chart.write_bytes(b"png")
    _post(world, "a", chart_path=str(chart))
    _post(world, "b", chart_path=str(tmp_path / "gone.png"))
    async with world.delivering():
        await world.courier.settle(10)
    assert world.wall.charts == [b"png", None]
    (record,) = world.store.explain("url:a", limit=1)
    assert record.deliveries[0].message_id == "wall-1"


async def test_the_most_urgent_goes_first(world: World) -> None:
    """Not the oldest."""
    _post(world, "mild", priority=7)
    _post(world, "urgent", priority=0)
    async with world.delivering():
        await world.courier.settle(10)
    assert world.wall.calls == ["id-url:urgent", "id-url:mild"]


async def test_a_row_in_flight_is_never_sent_again_by_the_same_courier(world: World) -> None:
    """The store returns rows in flight as due; waking and settling meanwhile calls the sink no second time."""
    world.wall.gate = asyncio.Event()
    _post(world, "a")
    async with world.delivering():
        await until(lambda: world.wall.calls)
        for _ in range(5):
            world.courier.wake()
            await world.courier.settle(0.02)
        assert world.store.due_deliveries("wall", now_utc=NOW, limit=5)[0].state is DeliveryState.UNKNOWN
        _post(world, "b")
        world.wall.gate.set()
        await world.courier.settle(10)
    assert world.wall.calls == ["id-url:a", "id-url:b"]
    assert _counts(world)["possible_doubles"] == 0


async def test_a_refused_delivery_is_tried_again_after_a_doubling_wait(world: World) -> None:
    """Known outcomes cost no possible double; the waits are 2, 4, 8 seconds."""
    world.wall.errors = [DeliveryError("busy") for _ in range(3)]
    _post(world, "a")
    async with world.delivering():
        for wait_s in (2.0, 4.0, 8.0):
            await world.courier.settle(10)
            (row,) = world.store.due_deliveries("wall", now_utc=NOW.replace(year=2027), limit=5)
            assert row.state is DeliveryState.PENDING
            assert (row.next_attempt_utc - world.clock.now_utc()).total_seconds() == pytest.approx(
                wait_s, abs=0.5
            )
            calls = len(world.wall.calls)
            world.clock.advance(wait_s - 1)
            await world.courier.settle(10)
            assert len(world.wall.calls) == calls
            world.clock.advance(1.5)
        await world.courier.settle(10)
    assert len(world.wall.taken) == 1
    assert _counts(world) == {"wall/sent": 1, "possible_doubles": 0}
    assert world.courier.problems() == []


async def test_a_retry_needs_no_waking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The courier looks again by itself when a row's time may have come."""
    monkeypatch.setattr(lane, "LOOK_AGAIN_S", 0.01)
    world.wall.errors = [DeliveryError("busy")]
    _post(world, "a")
    async with world.delivering():
        await world.courier.settle(10)
        assert world.wall.taken == []
        world.clock.advance(3)
        await until(lambda: world.wall.taken)


@pytest.mark.parametrize(
    "error",
    [DeliveryError("cut off", outcome_known=False), RuntimeError("odd"), TimeoutError(), StoreError("x")],
)
async def test_an_unknown_outcome_is_tried_again_and_counted(world: World, error: Exception) -> None:
    """Nobody knows whether it was taken: it is sent again, and stands as one possible double."""
    world.wall.errors = [error]
    _post(world, "a")
    async with world.delivering():
        await world.courier.settle(10)
        assert _counts(world) == {"wall/unknown": 1, "possible_doubles": 0}
        world.clock.advance(3)
        await world.courier.settle(10)
    assert _counts(world) == {"wall/sent": 1, "possible_doubles": 1}


async def test_a_sink_that_never_answers_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is ``unknown`` and the sink serves the next row."""
    monkeypatch.setattr(rules, "SEND_TIMEOUT_S", 0.01)
    world.wall.gate = asyncio.Event()
    _post(world, "a")
    async with world.delivering():
        await world.courier.settle(10)
        world.wall.gate = None
        _post(world, "b")
        await world.courier.settle(10)
    assert [alert.id for alert in world.wall.taken] == ["id-url:b"]
    assert _counts(world) == {"wall/sent": 1, "wall/unknown": 1, "possible_doubles": 0}
    assert world.courier.problems() == []


async def test_a_crash_between_begin_and_finish_leaves_a_row_that_is_sent_again(tmp_path: Path) -> None:
    """A new process on the same store sends it and counts the possible double."""
    first = open_world(tmp_path)
    _post(first, "a")
    (row,) = first.store.due_deliveries("wall", now_utc=NOW, limit=5)
    first.store.begin_delivery(row.id, now_utc=NOW)
    first.store.close()
    second = open_world(tmp_path)
    async with second.delivering():
        await second.courier.settle(10)
    assert len(second.wall.taken) == 1
    assert _counts(second) == {"wall/sent": 1, "possible_doubles": 1}
    second.store.close()


async def test_a_rate_limit_pauses_only_its_sink(world: World) -> None:
    """No row of that sink is tried until the time it named; the other sink takes all."""
    other = _two_sinks(world)
    world.wall.errors = [DeliveryError("slow down", retry_after_s=30.0)]
    _post(world, "a", "b", "c")
    async with world.delivering():
        await world.courier.settle(10)
        assert len(other.taken) == 3
        assert len(world.wall.calls) == 1
        world.clock.advance(29)
        await world.courier.settle(10)
        assert len(world.wall.calls) == 1
        world.clock.advance(2)
        await until(lambda: len(world.wall.taken) == 3)
    assert _counts(world)["possible_doubles"] == 0


async def test_settle_does_not_wait_for_a_sink_that_asked_for_a_pause(world: World) -> None:
    """Rows behind a rate limit are not due: the cycle goes on."""
    world.wall.errors = [DeliveryError("slow down", retry_after_s=30.0)]
    _post(world, "a", "b", "c")
    async with world.delivering():
        await until(lambda: world.wall.calls)
        started = world.clock.monotonic()
        await world.courier.settle(10)
        await world.courier.settle(10)
        assert world.clock.monotonic() - started < 5


@pytest.mark.parametrize(("asked_s", "waits_s"), [(0.0, rules.SHORTEST_PAUSE_S), (1e300, rules.PAUSE_CAP_S)])
async def test_an_odd_pause_is_bounded(world: World, asked_s: float, waits_s: float) -> None:
    """A sink that says "at once" for ever is not hammered, and none is switched off."""
    world.wall.errors = [DeliveryError("slow down", retry_after_s=asked_s)]
    _post(world, "a")
    async with world.delivering():
        await until(lambda: world.clock.sleepers() == 2)  # the other looks for old rows
        assert world.clock.slept[-1] == pytest.approx(waits_s, abs=0.1)


async def test_a_permanent_error_is_final_and_told_even_when_the_next_alert_is_taken(world: World) -> None:
    """The row is dead; the alert stands in the problems once, though the sink works again."""
    world.wall.errors = [DeliveryError("refused the message", permanent=True)]
    _post(world, "a", "b")
    async with world.delivering():
        await world.courier.settle(10)
        world.clock.advance(10_000)
        await world.courier.settle(10)
    assert world.wall.calls == ["id-url:a", "id-url:b"]
    assert _counts(world) == {"wall/dead": 1, "wall/sent": 1, "possible_doubles": 0}
    assert world.courier.problems() == ["sink wall: alert id-url:a given up: refused the message"]
    assert world.courier.problems() == []


async def test_a_sink_in_trouble_stays_a_problem_until_it_takes_something(world: World) -> None:
    """Its last error is told by every report; what it gave up is bounded."""
    world.wall.always = DeliveryError("the webhook is dead", permanent=True)
    _post(world, *(f"n{number}" for number in range(4)))
    async with world.delivering():
        await world.courier.settle(10)
        assert len(world.courier.problems()) == 5
        assert world.courier.problems() == ["sink wall: the webhook is dead"]
        world.wall.always = None
        _post(world, "good")
        await world.courier.settle(10)
    assert world.courier.problems() == []


async def test_a_sink_that_raises_anything_does_not_stop_the_others(world: World) -> None:
    """Not even one that raises at every call."""
    other = _two_sinks(world)
    world.wall.always = ZeroDivisionError("broken sink")
    _post(world, "a", "b")
    async with world.delivering() as task:
        await world.courier.settle(10)
        assert not task.done()
    assert len(other.taken) == 2
    assert world.courier.problems() == ["sink wall: ZeroDivisionError: broken sink"]


async def test_a_gauge_that_cannot_be_drawn_ends_nothing(world: World) -> None:
    """It is this row's failure; the courier goes on."""

    def no_gauge(_value: float) -> bytes:
        raise ValueError("no gauge")

    world.courier = Courier(
        store=world.store, sinks=world.sinks, clock=world.clock, gauge=no_gauge, chance=random.random
    )
    _post(world, "a")
    async with world.delivering() as task:
        await world.courier.settle(10)
        assert not task.done()
    assert world.courier.problems() == ["sink wall: ValueError: no gauge"]


async def test_a_slow_sink_does_not_hold_up_another(world: World) -> None:
    """Each has a worker of its own; settle waits for the slow one at most as long as told."""
    other = _two_sinks(world)
    world.wall.gate = asyncio.Event()
    _post(world, "a", "b")
    async with world.delivering():
        await until(lambda: len(other.taken) == 2)
        await world.courier.settle(0.05)
        assert world.wall.taken == []
        world.wall.gate.set()
        await world.courier.settle(10)
    assert len(world.wall.taken) == 2


async def test_cancelling_finishes_the_delivery_in_hand_and_no_other(world: World) -> None:
    """What the sink took is marked sent before the courier ends; the rest stays for the next start."""
    world.wall.gate = asyncio.Event()
    _post(world, "a", "b")
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(world.courier.run())
    await until(lambda: world.wall.calls)
    task.cancel()
    await asyncio.sleep(0.005)
    assert not task.done()
    world.wall.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _counts(world) == {"wall/pending": 1, "wall/sent": 1, "possible_doubles": 0}
    assert asyncio.all_tasks() == before


async def test_cancelling_gives_up_a_delivery_that_does_not_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds the row stays ``unknown`` and no task is left."""
    monkeypatch.setattr(lane, "LAST_WAIT_S", 0.01)
    world.wall.gate = asyncio.Event()
    _post(world, "a")
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(world.courier.run())
    await until(lambda: world.wall.calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _counts(world) == {"wall/unknown": 1, "possible_doubles": 0}
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("step", ["retire_deliveries", "due_deliveries", "begin_delivery", "finish_delivery"])
async def test_a_store_that_fails_ends_the_courier_with_all_its_workers(world: World, step: str) -> None:
    """The StoreError comes out as itself and no sink is served behind the driver's back."""
    _two_sinks(world)
    _post(world, "a")

    def broken(name: str, args: tuple[Any, ...]) -> None:
        if name == step and (name != "due_deliveries" or args[0] == "wall"):
            raise StoreError("gone")

    world.store.tell = broken
    before = asyncio.all_tasks()
    with pytest.raises(StoreError, match="gone"):
        await world.courier.run()
    assert asyncio.all_tasks() == before


async def test_rows_of_a_sink_that_is_off_are_left_alone(world: World) -> None:
    """They wait for it to be there again, for a day; settle does not wait for them."""
    alert = alert_on(news("a"))
    world.store.commit_alert(alert, ["discord"], now_utc=NOW)
    async with world.delivering():
        await world.courier.settle(10, retries=True)
    assert _counts(world) == {"discord/pending": 1, "possible_doubles": 0}
    assert world.clock.monotonic() < 5


async def test_what_is_too_old_is_given_up_before_any_sink_is_called(world: World) -> None:
    """After two days without Discord nothing old pours out, on any sink, and the problems name it."""
    alert = alert_on(news("old"))
    world.store.commit_alert(alert, ["discord", "wall"], now_utc=NOW)
    world.clock.advance(2 * 86_400)
    world.store.commit_alert(alert_on(news("new")), ["wall"], now_utc=world.clock.now_utc())
    async with world.delivering():
        await world.courier.settle(10)
    assert world.wall.calls == ["id-url:new"]
    assert _counts(world) == {"discord/dead": 1, "wall/dead": 1, "wall/sent": 1, "possible_doubles": 0}
    assert world.courier.problems() == [
        "sink discord: 1 old deliveries or edits given up: the sink is not set up any more",
        "sink wall: 1 old deliveries or edits given up: not taken within 24 hours",
    ]
    assert world.courier.problems() == []


async def test_a_running_courier_looks_for_old_rows_every_hour(world: World) -> None:
    """A sink that is down for a day loses what it did not take, not what is young."""
    world.wall.always = DeliveryError("no network")
    _post(world, "a")
    async with world.delivering():
        await until(world.clock.sleepers)
        world.clock.advance(23.5 * 3600)
        await until(world.clock.sleepers)
        assert _counts(world).get("wall/dead") is None
        # In steps: a row given up in the middle of an attempt is given up an hour later.
        await until(lambda: world.clock.advance(300) or _counts(world).get("wall/dead"))


async def test_a_row_given_up_since_it_was_read_is_not_sent(world: World) -> None:
    """Rows are read by the batch: each is asked for again before its sink is called."""
    _post(world, "a", "b")
    (_, second) = world.store.due_deliveries("wall", now_utc=NOW, limit=5)

    def retire(_alert: Any) -> None:
        world.store.finish_delivery(second.id, DeliveryState.DEAD, now_utc=NOW)

    world.wall.on_call = retire
    async with world.delivering() as task:
        await world.courier.settle(10)
        assert not task.done()
    assert world.wall.calls == ["id-url:a"]
    assert _counts(world) == {"wall/dead": 1, "wall/sent": 1, "possible_doubles": 0}


async def test_what_became_of_every_delivery_is_counted_by_sink(world: World) -> None:
    """A failed try, an alert that was refused for good and one that was taken; whoever looks on is told of the last."""
    world.sinks.append(FakeSink("other"))
    world.courier = world.new_courier()
    seen: list[tuple[str, str]] = []
    world.courier.watch = lambda row: seen.append((row.sink, row.alert.item.title))
    world.wall.errors = [DeliveryError("busy"), DeliveryError("no such channel", permanent=True)]
    _post(world, "a", "b")
    async with world.delivering():
        await world.courier.settle(5.0)
        world.clock.advance(10)
        await world.courier.settle(5.0)
    assert world.courier.outcomes()["wall"] == {"sent": 1, "edited": 0, "failed": 1, "given_up": 1}
    assert world.courier.outcomes()["other"]["sent"] == 2
    assert sorted(sink for sink, _ in seen) == ["other", "other", "wall"]
