"""One cycle: the cap, what is held, feeds at once or in turn, and a store that fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import DeliveryError, StoreError
from catalyst_ray.models import GpuSample
from tests.adapters.pipeline_world import (
    MILD,
    NOW,
    STRONG,
    TICKERS,
    URGENT,
    FakeSink,
    balance,
    headline,
    rss,
    until,
)

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

GPU = GpuSample(index=0, uuid="GPU-0", name="L4", utilisation_pct=12.0)


def _out(report: CycleReport) -> int:
    return report.counts["alert"] + report.counts["released"]


def _fail_at(step: str) -> Any:
    def broken(name: str, _args: Any) -> None:
        if name == step:
            raise StoreError("the disk is full", hint="make room")

    return broken


async def test_alerts_over_the_cap_are_held_and_all_go_out_later(world: World) -> None:
    """No cycle sends more than the cap, and none of eight is lost or sent twice."""
    world.max_alerts = 3
    titles = [headline(ticker) for ticker in TICKERS]
    world.feed("wire", rss(*titles))
    reports = [await world.run() for _ in range(3)]
    assert [_out(report) for report in reports] == [3, 3, 2]
    assert (reports[0].counts["hold"], reports[1].counts["released"]) == (5, 3)
    assert sorted(world.wall.titles()) == sorted(titles)
    assert all(came == left for came, left in map(balance, reports))
    assert world.store.held_alerts(limit=5) == []


async def test_held_alerts_say_why_and_released_ones_that_they_were_held(world: World) -> None:
    """The reason ``cap`` stands while it waits; after that ``released`` does, and no ``cap``."""
    world.max_alerts = 1
    world.feed("wire", rss(headline("QLLN", URGENT), headline("MRPK", MILD)))
    await world.run()
    assert world.action(headline("MRPK", MILD)) == "hold"
    assert world.codes(headline("MRPK", MILD))[0] == "cap"
    await world.run()
    assert world.action(headline("MRPK", MILD)) == "alert"
    codes = world.codes(headline("MRPK", MILD))
    assert "released" in codes
    assert "cap" not in codes


async def test_the_most_urgent_held_alert_goes_first(world: World) -> None:
    """Not the oldest."""
    world.max_alerts = 1
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    for ticker, what in (("MRPK", MILD), ("TRVX", STRONG), ("OSTL", URGENT)):
        # A slot for news of a cycle is taken before these come, so that they are held.
        world.feed("wire", rss(headline(ticker, what)))
        await _with_no_slot(world)
    world.feed("wire", rss())
    for _ in range(3):
        await world.run()
    assert world.wall.titles()[1:] == [
        headline("OSTL", URGENT),
        headline("TRVX", STRONG),
        headline("MRPK", MILD),
    ]


async def _with_no_slot(world: World) -> None:
    most, world.max_alerts = world.max_alerts, 0
    await world.run()
    world.max_alerts = most


async def test_held_alerts_get_half_the_slots_and_news_the_others(world: World) -> None:
    """Neither waits for ever: of four slots two are for what waited, two for what is new."""
    world.feed("wire", rss(*(headline(ticker) for ticker in TICKERS[:4])))
    await _with_no_slot(world)
    world.max_alerts = 4
    world.feed("wire", rss(*(headline(ticker) for ticker in TICKERS[4:])))
    report = await world.run()
    assert (report.counts["released"], report.counts["alert"], report.counts["hold"]) == (2, 2, 2)


async def test_held_alerts_take_the_slots_that_news_leave(world: World) -> None:
    """With no news at all every slot is theirs."""
    world.feed("wire", rss(*(headline(ticker) for ticker in TICKERS[:5])))
    await _with_no_slot(world)
    world.max_alerts = 4
    report = await world.run()
    assert (report.counts["released"], report.counts["alert"]) == (4, 0)


async def test_a_held_alert_stays_held_when_its_release_fails(world: World) -> None:
    """The store fails in the commit: the next cycle sends it, once."""
    world.feed("wire", rss(headline("QLLN")))
    await _with_no_slot(world)
    world.store.tell = _fail_at("commit_alert")
    with pytest.raises(StoreError):
        await world.run()
    world.store.tell = lambda *_: None
    report = await world.run()
    assert report.counts["released"] == 1
    assert world.wall.titles() == [headline("QLLN")]


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize(
    "step",
    [
        "feed_states",
        "undecided",
        "held_alerts",
        "claim",
        "alerts_since",
        "commit_alert",
        "untold_copies",
        "save_feed_state",
    ],
)
async def test_a_store_that_fails_ends_the_cycle_as_itself_and_the_next_one_works(
    world: World, step: str, parallel: bool
) -> None:
    """A StoreError comes out plain, leaves no task and no unawaited coroutine, and nothing is lost."""
    world.parallel = parallel
    world.feed("first", rss(headline("QLLN"), site="first"))
    world.feed("second", rss(headline("MRPK"), site="second"))
    world.store.tell = _fail_at(step)
    before = asyncio.all_tasks()
    with pytest.raises(StoreError, match="disk is full") as caught:
        await world.run()
    assert type(caught.value) is StoreError
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    world.store.tell = lambda *_: None
    reports = [await world.run(), await world.run()]
    assert sorted(world.wall.titles()) == [headline("MRPK"), headline("QLLN")]
    assert all(came == left for came, left in map(balance, reports))


async def test_feeds_are_taken_at_once(world: World) -> None:
    """A feed that hangs costs the others nothing: their alerts are posted while it hangs."""
    hanging = asyncio.Event()
    world.feed("slow", hanging)
    world.feed("wire", rss(headline("QLLN")))
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(world.run())
        await until(lambda: world.wall.taken)
        assert not run.done()
        hanging.set()
    assert {feed.feed: feed.status for feed in run.result().feeds} == {"slow": "ok", "wire": "ok"}


async def test_feeds_are_taken_in_turn_when_told_so(world: World) -> None:
    """With ``parallel`` off the second feed is asked only when the first one's items are decided."""
    world.parallel = False
    world.judge.gate = asyncio.Event()
    world.feed("first", rss(headline("QLLN")))
    world.feed("second", rss(headline("MRPK")))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(world.run())
        await until(lambda: world.judge.judged)
        assert world.fetcher.times_asked("second") == 0
        world.judge.gate.set()
    assert world.fetcher.times_asked("second") == 1


async def test_feeds_that_are_off_stand_in_the_report_with_the_mend(world: World) -> None:
    """A feed that lacks a setting is not forgotten."""
    world.off = {"sec": "set SEC_CONTACT"}
    (feed,) = (await world.run()).feeds
    assert (feed.feed, feed.status, feed.hint) == ("sec", "off", "set SEC_CONTACT")


async def test_the_report_has_queues_deliveries_stages_and_the_time_to_post(world: World) -> None:
    """What a cycle did is all there; the second cycle's figures are its own."""
    world.feed("wire", rss(headline("QLLN")))
    world.gpus = [GPU]
    report = await world.run()
    assert report.queues == {"llm": {"requests": 1}, "charts": {"requests": 1}}
    assert report.gpus == (GPU,)
    assert report.deliveries == {"wall/sent": 1, "possible_doubles": 0}
    assert set(report.stages) >= {"fetch", "parse", "claim", "score", "judge", "draw", "commit", "deliver"}
    assert {sink: len(seconds) for sink, seconds in report.posted_s.items()} == {"wall": 1}
    assert report.started_utc == NOW
    second = await world.run()
    assert (second.posted_s, second.counts["seen"], second.number) == ({}, 1, 2)


async def test_the_time_to_post_leaves_out_what_waited_on_purpose(world: World) -> None:
    """A held alert of an earlier cycle says nothing of speed."""
    world.feed("wire", rss(headline("QLLN")))
    await _with_no_slot(world)
    world.clock.advance(60)
    report = await world.run()
    assert report.counts["released"] == 1
    assert report.posted_s == {}


async def test_a_sink_in_trouble_is_named_and_does_not_hold_the_cycle(world: World) -> None:
    """The cycle ends while the retry waits; the problem says which sink and why."""
    world.sinks.append(FakeSink("broken"))
    world.sinks[1].always = DeliveryError("no network")
    world.courier = world.new_courier()
    world.feed("wire", rss(headline("QLLN")))
    report = await world.run()
    assert report.problems == ("sink broken: no network",)
    assert report.deliveries == {"broken/pending": 1, "wall/sent": 1, "possible_doubles": 0}
    assert report.seconds < 5


@pytest.mark.parametrize(("period_s", "waited_s"), [(60.0, 10.0), (8.0, 4.0), (1.0, 2.0)])
async def test_a_sink_that_hangs_holds_the_cycle_no_longer_than_half_its_period(
    world: World, period_s: float, waited_s: float
) -> None:
    """The report comes with the alert still being sent; between 2 and 10 s, so that a short period still sees its posts."""
    world.period_s = period_s
    world.wall.gate = asyncio.Event()
    world.feed("wire", rss(headline("QLLN")))
    report = await world.run()
    assert report.deliveries == {"wall/unknown": 1, "possible_doubles": 0}
    assert waited_s <= report.seconds < waited_s + 1


async def test_once_waits_for_a_delivery_that_must_be_tried_again(world: World) -> None:
    """With ``wait_for_retries_s`` the cycle ends when the row is sent."""
    world.wall.errors = [DeliveryError("busy")]
    world.jitter = 0.0
    world.feed("wire", rss(headline("QLLN")))

    async def pass_time() -> None:
        while not world.wall.taken:
            await asyncio.sleep(0.002)
            world.clock.advance(0.5)
            world.courier.wake()

    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(world.run(wait_for_retries_s=60.0))
        tasks.create_task(pass_time())
    assert run.result().deliveries == {"wall/sent": 1, "possible_doubles": 0}
    assert run.result().problems == ()


async def test_a_cycle_that_is_cancelled_leaves_no_task_and_loses_nothing(world: World) -> None:
    """What was claimed is taken up by the next cycle."""
    world.judge.gate = asyncio.Event()
    world.artist.gate = asyncio.Event()
    world.feed("wire", rss(headline("QLLN"), headline("MRPK")), etag="one")
    before = asyncio.all_tasks()
    run = asyncio.ensure_future(world.run())
    await until(lambda: len(world.artist.drawn) == 2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    world.judge.gate = world.artist.gate = None
    world.clock.advance(timedelta(minutes=1).total_seconds())
    report = await world.run()
    assert report.counts["recovered"] == 2
    assert len(world.wall.taken) == 2
