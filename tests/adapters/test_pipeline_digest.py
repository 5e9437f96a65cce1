"""Digests: after an outage what waited too long is told in as few messages as it takes, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import DeliveryState, Receipt
from catalyst_ray.pipeline import lane
from catalyst_ray.pipeline.courier import Courier
from tests.adapters.outbox_steps import counts, post, revise, row
from tests.adapters.pipeline_world import FakeSink, open_world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.models import Alert
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio
HALF_AN_HOUR = 1800.0


class ListingSink(FakeSink):
    """A sink that takes digests of at most ``room`` alerts."""

    def __init__(self, name: str = "wall") -> None:
        super().__init__(name)
        self.room = 40
        self.order: list[Any] = []
        self.lists: list[list[Alert]] = []
        self.news: list[list[str]] = []
        self.list_errors: list[Exception] = []
        self.on_list: Any = None
        self.on_call = lambda alert: self.order.append(alert.item.key)

    def digest_room(self, alerts: Sequence[Alert], *, now_utc: datetime) -> int:
        """Return what fits."""
        return min(len(alerts), self.room)

    async def send_digest(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        """Take a list."""
        keys = [alert.item.key for alert in alerts]
        if self.on_list:
            self.on_list()
        if self.list_errors:
            raise self.list_errors.pop(0)
        if is_news:
            self.news.append(keys)
        else:
            self.lists.append(list(alerts))
            self.order.append(keys)
        return Receipt(f"list-{len(self.lists)}")


@pytest.fixture
def wall(world: World) -> ListingSink:
    """Give the world's one sink, which takes digests."""
    return _put_up(world)


def _put_up(world: World, *, digest_after_s: float = HALF_AN_HOUR) -> ListingSink:
    sink = ListingSink()
    world.sinks = [sink]
    world.courier = Courier(
        store=world.store,
        sinks=world.sinks,
        clock=world.clock,
        gauge=lambda _value: b"gauge",
        chance=lambda: world.jitter,
        digest_after_s=digest_after_s,
    )
    return sink


def _give_up_as_a_list_begins(world: World, name: str) -> None:
    gone, begin = row(world, name).id, world.store.begin_digest

    def meanwhile(ids: list[int], *, now_utc: datetime) -> list[int]:
        world.store.finish_delivery(gone, DeliveryState.DEAD, now_utc=now_utc)
        return begin(ids, now_utc=now_utc)

    world.store.begin_digest = meanwhile  # type: ignore[method-assign]


async def _settled(world: World) -> None:
    async with world.delivering():
        await world.courier.settle(30)


async def test_what_waited_too_long_is_one_message_in_order_of_urgency(
    world: World, wall: ListingSink
) -> None:
    """Fresh alerts go first and alone; the rows of the list have its message's id and are sent."""
    post(world, "mild", "tame", priority=7)
    post(world, "urgent", priority=0)
    world.clock.advance(HALF_AN_HOUR + 1)
    post(world, "fresh", priority=9)
    told: list[str] = []
    world.courier.on_sent = lambda row: told.append(row.alert.item.key)
    await _settled(world)
    assert wall.order == ["url:fresh", ["url:urgent", "url:mild", "url:tame"]]
    assert counts(world) == {"wall/sent": 4, "possible_doubles": 0}
    assert {row(world, name).message_id for name in ("urgent", "mild", "tame")} == {"list-1"}
    assert [row(world, name).in_digest for name in ("urgent", "mild", "tame", "fresh")] == [
        True,
        True,
        True,
        False,
    ]
    assert sorted(told) == ["url:fresh", "url:mild", "url:tame", "url:urgent"]


async def test_the_age_is_the_rows_not_the_news(world: World, wall: ListingSink) -> None:
    """An alert that was held for hours by the cap is fresh when it is released."""
    world.clock.advance(6 * 3600)
    post(world, "released", "too")  # made and published at the start
    await _settled(world)
    assert (len(wall.taken), wall.lists) == (2, [])


async def test_as_many_messages_as_the_limit_needs(world: World, wall: ListingSink) -> None:
    """A sink takes as many lines as it says; a single alert that is left needs no list."""
    wall.room = 4
    post(world, *(f"n{number}" for number in range(9)))
    world.clock.advance(HALF_AN_HOUR + 1)
    await _settled(world)
    assert [len(some) for some in wall.lists] == [4, 4]
    assert len(wall.taken) == 1
    assert counts(world) == {"wall/sent": 9, "possible_doubles": 0}


@pytest.mark.parametrize("case", ["never", "no support"])
async def test_one_by_one_where_there_are_no_digests(world: World, case: str) -> None:
    """With 0, and for a sink that can do without only."""
    if case == "never":
        sink: Any = _put_up(world, digest_after_s=0)
    else:
        sink = world.wall
        world.courier = Courier(
            store=world.store,
            sinks=[sink],
            clock=world.clock,
            gauge=lambda _value: b"gauge",
            chance=lambda: 0.0,
            digest_after_s=HALF_AN_HOUR,
        )
    post(world, "a", "b", "c")
    world.clock.advance(HALF_AN_HOUR + 1)
    await _settled(world)
    assert len(sink.taken) == 3


async def test_a_flood_of_fresh_alerts_does_not_keep_a_digest_waiting(
    world: World, wall: ListingSink
) -> None:
    """After some of them it has its turn."""
    post(world, "old", "older")
    world.clock.advance(HALF_AN_HOUR + 1)
    post(world, *(f"n{number}" for number in range(3 * lane.DIGEST_AFTER)))
    await _settled(world)
    assert wall.order.index(["url:old", "url:older"]) == lane.DIGEST_AFTER


async def test_all_rows_are_unknown_while_the_sink_is_called(world: World, wall: ListingSink) -> None:
    """And sent together, in one transaction each."""
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 1)
    states: list[DeliveryState] = []
    calls: list[str] = []
    wall.on_list = lambda: states.extend(row(world, name).state for name in ("a", "b"))
    world.store.tell = lambda name, _args: calls.append(name)
    await _settled(world)
    assert states == [DeliveryState.UNKNOWN] * 2
    assert [name for name in calls if name.startswith(("begin", "finish"))] == [
        "begin_digest",
        "finish_digest",
    ]


@pytest.mark.parametrize("finished", [False, True], ids=["before", "after"])
async def test_a_crash_around_the_call_loses_and_doubles_nothing_uncounted(
    tmp_path: Path, finished: bool
) -> None:
    """Before ``sent`` was written the list is repeated, marked and counted; after it nothing is."""
    first = open_world(tmp_path)
    _put_up(first)
    post(first, "a", "b")
    first.clock.advance(HALF_AN_HOUR + 1)
    now = first.clock.now_utc()
    rows = first.store.due_deliveries("wall", now_utc=now, limit=5)
    assert first.store.begin_digest([row.id for row in rows], now_utc=now) == [row.id for row in rows]
    if finished:
        revisions = {row.id: 0 for row in rows}
        first.store.finish_digest(revisions, DeliveryState.SENT, now_utc=now, message_id="list-1")
    first.store.close()
    second = open_world(tmp_path)
    second.clock.advance(first.clock.monotonic())
    sink = _put_up(second)
    await _settled(second)
    told = [(alert.item.key, alert.is_repeat) for some in sink.lists for alert in some]
    assert told == ([] if finished else [("url:a", True), ("url:b", True)])
    assert counts(second) == {"wall/sent": 2, "possible_doubles": 0 if finished else 2}
    second.store.close()


async def test_an_unknown_outcome_is_tried_again_with_a_mark(world: World, wall: ListingSink) -> None:
    """Every alert of the list counts as one possible double."""
    wall.list_errors = [DeliveryError("cut off", outcome_known=False)]
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 1)
    async with world.delivering():
        await world.courier.settle(10)
        assert counts(world) == {"wall/unknown": 2, "possible_doubles": 0}
        world.clock.advance(3)
        await world.courier.settle(10)
    assert [alert.is_repeat for alert in wall.lists[0]] == [True, True]
    assert counts(world) == {"wall/sent": 2, "possible_doubles": 2}


async def test_a_list_that_is_refused_goes_one_by_one(world: World, wall: ListingSink) -> None:
    """One bad line costs nobody else the alert; it is told once."""
    wall.list_errors = [DeliveryError("refused the message", permanent=True)]
    post(world, "a", "b", "c")
    world.clock.advance(HALF_AN_HOUR + 1)
    await _settled(world)
    assert len(wall.taken) == 3
    assert world.courier.problems() == [
        "sink wall: a list of 3 alerts was refused, they go one by one: refused the message"
    ]
    assert counts(world) == {"wall/sent": 3, "possible_doubles": 0}


async def test_a_row_given_up_meanwhile_is_not_in_the_list(world: World, wall: ListingSink) -> None:
    """Each is asked for again as the list is begun."""
    post(world, "a", "b", "c")
    world.clock.advance(HALF_AN_HOUR + 1)
    _give_up_as_a_list_begins(world, "b")
    await _settled(world)
    assert [[alert.item.key for alert in some] for some in wall.lists] == [["url:a", "url:c"]]
    assert counts(world) == {"wall/dead": 1, "wall/sent": 2, "possible_doubles": 0}


async def test_one_that_is_left_of_a_list_goes_as_a_card(world: World, wall: ListingSink) -> None:
    """Its later news replaces the card, as any alert's does."""
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 1)
    _give_up_as_a_list_begins(world, "b")
    await _settled(world)
    assert (wall.lists, wall.order, row(world, "a").in_digest) == ([], ["url:a"], False)


async def test_news_of_listed_alerts_is_a_new_message_and_the_list_stays(
    world: World, wall: ListingSink
) -> None:
    """Several revisions at once are one message; one with a message of its own is edited as ever."""
    post(world, "a", "b", "c")
    world.clock.advance(HALF_AN_HOUR + 1)
    post(world, "own")
    async with world.delivering():
        await world.courier.settle(10)
        revise(world, "a", "c")
        await world.courier.settle(10)
        assert wall.news == [["url:a", "url:c"]]
        assert wall.edited == []
        revise(world, "own")
        revise(world, "a", revision=2)
        await world.courier.settle(10)
    assert wall.news == [["url:a", "url:c"], ["url:a"]]
    assert [alert.item.key for alert in wall.edited] == ["url:own"]
    assert row(world, "a").message_id == "list-1"
    assert (row(world, "a").revision, row(world, "a").in_digest) == (2, True)
    assert counts(world) == {"wall/sent": 4, "possible_doubles": 0}
    assert len(wall.lists) == 1


async def test_news_that_failed_comes_again(world: World, wall: ListingSink) -> None:
    """No revision is lost; the rows stay sent."""
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 1)
    async with world.delivering():
        await world.courier.settle(10)
        wall.list_errors = [DeliveryError("busy")]
        revise(world, "a")
        await world.courier.settle(10)
        assert wall.news == []
        world.clock.advance(3)
        await world.courier.settle(10)
    assert wall.news == [["url:a"]]
    assert counts(world) == {"wall/sent": 2, "possible_doubles": 0}


async def test_news_of_listed_alerts_survives_a_refused_list(world: World, wall: ListingSink) -> None:
    """Lists of late alerts that are refused cost no news; news that is refused together is told one by one."""
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 60)
    await _settled(world)
    post(world, "c", "d")
    world.clock.advance(HALF_AN_HOUR + 60)
    wall.list_errors = [DeliveryError("refused the message", permanent=True)]
    await _settled(world)
    wall.list_errors = [DeliveryError("refused the message", permanent=True)]
    revise(world, "a", "b")
    await _settled(world)
    assert wall.news == [["url:a"], ["url:b"]]
    assert [row(world, name).revision for name in "ab"] == [1, 1]


async def test_a_stop_finishes_the_list_in_hand(world: World, wall: ListingSink) -> None:
    """What the sink took is marked sent before the courier ends."""
    post(world, "a", "b")
    world.clock.advance(HALF_AN_HOUR + 1)
    task = asyncio.ensure_future(world.courier.run())
    wall.on_list = task.cancel
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counts(world) == {"wall/sent": 2, "possible_doubles": 0}
