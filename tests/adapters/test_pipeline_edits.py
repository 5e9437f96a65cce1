"""Edits: after alerts, at least once, of the newest revision only, and given up in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import DeliveryState, Receipt
from catalyst_ray.pipeline import handover as rules
from catalyst_ray.pipeline import lane
from tests.adapters.outbox_steps import counts, post, revise
from tests.adapters.pipeline_world import NOW, FakeSink, open_world, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalyst_ray.models import Alert, Delivery
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio


class EditableSink(FakeSink):
    """A sink that takes edits too; ``edit_errors`` are raised first."""

    def __init__(self, name: str = "wall") -> None:
        super().__init__(name)
        self.edit_errors: list[Exception] = []
        self.edited: list[tuple[str, int]] = []
        self.tried: list[tuple[str, int]] = []
        self.message_ids: list[str | None] = []
        self.pictures: list[tuple[bytes | None, bytes | None]] = []
        self.on_edit: Callable[[Alert], None] | None = None

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        """Take an edit."""
        self.tried.append((alert.id, alert.revision))
        if self.on_edit:
            self.on_edit(alert)
        if self.edit_errors:
            raise self.edit_errors.pop(0)
        self.edited.append((alert.id, alert.revision))
        self.message_ids.append(message_id)
        self.pictures.append((chart, gauge))
        return Receipt(message_id)


@pytest.fixture
def wall(world: World) -> EditableSink:
    """Give the world's one sink, which takes edits."""
    return _put_up(world)


def _put_up(world: World) -> EditableSink:
    sink = EditableSink()
    world.sinks = [sink]
    world.courier = world.new_courier()
    return sink


async def _sent(world: World, *names: str, **changes: Any) -> None:
    post(world, *names, **changes)
    await world.courier.settle(10)


async def test_a_revised_alert_is_edited_once(world: World, wall: EditableSink) -> None:
    """The sink gets its message's id and the pictures; no second post, nothing due afterwards."""
    chart = world.folder / "a.png"
    chart.write_bytes(b"png")
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a", chart_path=str(chart))
        await world.courier.settle(10)
        await world.courier.settle(10)
    assert wall.edited == [("id-url:a", 1)]
    assert wall.message_ids == ["wall-1"]
    assert wall.pictures == [(b"png", b"gauge")]
    assert len(wall.calls) == 1
    assert counts(world) == {"wall/sent": 1, "possible_doubles": 0}


async def test_what_was_not_sent_yet_is_sent_as_it_is_now(world: World, wall: EditableSink) -> None:
    """A revision before the post costs no edit."""
    post(world, "a")
    revise(world, "a")
    async with world.delivering():
        await world.courier.settle(10)
    assert [alert.revision for alert in wall.taken] == [1]
    assert wall.tried == []


async def test_a_revision_during_the_post_is_an_edit(world: World, wall: EditableSink) -> None:
    """The sink has the old one by the time it answers: it is told of the new one right after."""
    wall.on_call = lambda _alert: revise(world, "a")
    async with world.delivering():
        await _sent(world, "a")
        await world.courier.settle(10)
    assert [alert.revision for alert in wall.taken] == [0]
    assert wall.edited == [("id-url:a", 1)]


async def test_a_revision_during_an_edit_is_one_more_edit(world: World, wall: EditableSink) -> None:
    """Of three revisions the sink may miss the middle one, never the last."""

    def revise_once(alert: Alert) -> None:
        if alert.revision == 2:
            revise(world, "a", revision=3)

    wall.on_edit = revise_once
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a", revision=1)
        revise(world, "a", revision=2)
        await world.courier.settle(10)
    assert wall.edited[-2:] == [("id-url:a", 2), ("id-url:a", 3)]
    assert wall.edited.count(("id-url:a", 2)) == 1


async def test_alerts_go_before_edits(world: World, wall: EditableSink) -> None:
    """Also one that comes between two edits."""
    order: list[str] = []

    def note(alert: Alert) -> None:
        order.append(f"edit {alert.item.key}")
        if len(order) == 2:
            post(world, "urgent")

    wall.on_call = lambda alert: order.append(f"post {alert.item.key}")
    async with world.delivering():
        await _sent(world, "a", "b")
    order.clear()
    wall.on_edit = note
    post(world, "c")
    revise(world, "a", "b")
    async with world.delivering():
        await world.courier.settle(10)
    assert order == ["post url:c", "edit url:a", "post url:urgent", "edit url:b"]


@pytest.mark.parametrize(
    "error", [DeliveryError("busy"), DeliveryError("cut off", outcome_known=False), RuntimeError("odd")]
)
async def test_a_failed_edit_is_tried_again_after_a_doubling_wait(
    world: World, wall: EditableSink, error: Exception
) -> None:
    """Whatever failed; the row stays sent, and an unknown outcome is no possible double."""
    wall.edit_errors = [error, error]
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a")
        for tries, wait_s in enumerate((2.0, 4.0), start=1):
            await world.courier.settle(10)
            assert len(wall.tried) == tries
            (row,) = world.store.due_edits("wall", now_utc=NOW.replace(year=2027), limit=5)
            assert row.state is DeliveryState.SENT
            assert row.next_attempt_utc is not None
            waits_s = (row.next_attempt_utc - world.clock.now_utc()).total_seconds()
            assert waits_s == pytest.approx(wait_s, abs=0.5)
            assert world.courier.problems() == [f"sink wall: {row.last_error.removeprefix('wall: ')}"]
            world.clock.advance(wait_s + 0.5)
        await world.courier.settle(10)
    assert wall.edited == [("id-url:a", 1)]
    assert world.courier.problems() == []
    assert counts(world) == {"wall/sent": 1, "possible_doubles": 0}


async def test_a_deleted_message_is_told_once_and_is_no_trouble_of_the_sink(
    world: World, wall: EditableSink
) -> None:
    """The edit is finished; the sink takes the next alert, and no report complains for ever."""
    wall.edit_errors = [DeliveryError("the message was deleted", permanent=True)]
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a")
        await world.courier.settle(10)
        world.clock.advance(10_000)
        await world.courier.settle(10)
    assert len(wall.tried) == 1
    assert world.courier.problems() == ["sink wall: edit of alert id-url:a given up: the message was deleted"]
    assert world.courier.problems() == []
    assert world.courier.take_edits() == 0
    assert counts(world) == {"wall/sent": 1, "possible_doubles": 0}


async def test_an_edit_is_given_up_after_a_day(world: World, wall: EditableSink) -> None:
    """News of yesterday is not edited any more when the sink is back."""
    wall.edit_errors = [DeliveryError("no network")]
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a")
        await world.courier.settle(10)
    world.courier.problems()
    world.clock.advance(25 * 3600)
    async with world.delivering():
        await world.courier.settle(10)
    assert len(wall.tried) == 1
    assert world.courier.problems()[0] == (
        "sink wall: 1 old deliveries or edits given up: not taken within 24 hours"
    )
    assert counts(world) == {"wall/sent": 1, "possible_doubles": 0}


async def test_a_limit_on_edits_holds_up_no_alert(world: World, wall: EditableSink) -> None:
    """Edits wait for the time that the sink named, posts do not; settle does not wait for what is paused."""
    wall.edit_errors = [DeliveryError("slow down", retry_after_s=30.0)]
    async with world.delivering():
        await _sent(world, "a", "b")
        revise(world, "a", "b")
        await world.courier.settle(10)
        await _sent(world, "c")
        assert len(wall.taken) == 3
        assert len(wall.tried) == 1
        assert world.clock.monotonic() < 5
        world.clock.advance(31)
        await world.courier.settle(10)
    assert sorted(wall.edited) == [("id-url:a", 1), ("id-url:b", 1)]


async def test_a_sink_that_asked_for_a_pause_gets_no_edit_meanwhile(world: World, wall: EditableSink) -> None:
    """Its posts are slowed down: it is left alone."""
    async with world.delivering():
        await _sent(world, "a")
        wall.errors = [DeliveryError("slow down", retry_after_s=30.0)]
        await _sent(world, "b")
        revise(world, "a")
        await world.courier.settle(1)
        assert wall.tried == []
        world.clock.advance(31)
        await until(lambda: wall.edited)


async def test_settle_waits_for_edits(
    world: World, wall: EditableSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With retries it waits for those too that failed, since ``--once`` ends after it."""
    monkeypatch.setattr(lane, "LOOK_AGAIN_S", 0.01)
    wall.edit_errors = [DeliveryError("busy", retry_after_s=0.6)]
    async with world.delivering():
        await _sent(world, "a")
        revise(world, "a")
        await world.courier.settle(100, retries=True)
        assert wall.edited == [("id-url:a", 1)]


async def test_edits_are_counted_and_told_apart_from_posts(world: World, wall: EditableSink) -> None:
    """The report's figure starts anew each time it is taken; the speed of posts is of posts alone."""
    sent: list[Delivery] = []
    world.courier.on_sent = sent.append
    async with world.delivering():
        await _sent(world, "a", "b")
        revise(world, "a", "b")
        await world.courier.settle(10)
    assert wall.edited
    assert len(sent) == 2
    assert [world.courier.take_edits(), world.courier.take_edits()] == [2, 0]


async def test_a_crash_after_the_edit_repeats_it(tmp_path: Path) -> None:
    """The sink took it and the mark was never written: a new process does the same edit again."""
    first = open_world(tmp_path)
    _put_up(first)
    async with first.delivering():
        await _sent(first, "a")
    revise(first, "a")
    first.store.close()
    second = open_world(tmp_path)
    sink = _put_up(second)
    async with second.delivering():
        await second.courier.settle(10)
    assert (sink.edited, sink.calls) == ([("id-url:a", 1)], [])
    second.store.close()


async def test_cancelling_finishes_the_edit_in_hand(world: World, wall: EditableSink) -> None:
    """What the sink took is marked before the courier ends."""
    async with world.delivering():
        await _sent(world, "a")
    revise(world, "a")
    task = asyncio.ensure_future(world.courier.run())
    wall.on_edit = lambda _alert: task.cancel() and None
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.store.due_edits("wall", now_utc=NOW.replace(year=2027), limit=5) == []


async def test_a_sink_that_never_answers_an_edit_is_left(
    world: World, wall: EditableSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit is due again later, and the sink's next alert goes out."""
    monkeypatch.setattr(rules, "SEND_TIMEOUT_S", 0.01)

    async def hang(*_: Any, **__: Any) -> Receipt:
        await asyncio.Event().wait()
        raise AssertionError

    async with world.delivering():
        await _sent(world, "a")
        monkeypatch.setattr(wall, "edit", hang)
        revise(world, "a")
        await world.courier.settle(10)
        await _sent(world, "b")
    assert len(wall.taken) == 2
    (row,) = world.store.due_edits("wall", now_utc=NOW.replace(year=2027), limit=5)
    assert row.last_error == "wall: no answer in time"
