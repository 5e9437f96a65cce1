"""The way of an item to its decision, and of an alert into the outbox, on the real store."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError, CircuitOpen, StoreError, TransportError
from catalyst_ray.models import Action, Judgement, Party, Reason, Verdict
from catalyst_ray.pipeline.release import alert_id
from catalyst_ray.pipeline.round import Round
from catalyst_ray.pipeline.tally import MAX_PROBLEMS, Tally
from tests.adapters.pipeline_world import (
    DULL,
    NOW,
    PNG,
    STRONG,
    TICKERS,
    URGENT,
    World,
    balance,
    headline,
    rss,
    two_bars,
    until,
)

if TYPE_CHECKING:
    from catalyst_ray.models import Alert

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

OFFERING = headline("QLLN", "announces pricing of $50 million public offering")
OTHER_OFFERING = headline("QLLN", "announces pricing of $80 million public offering")


def _only_alert(world: World) -> Alert:
    (alert,) = world.store.recent_alerts(limit=5)
    return alert


async def test_every_item_leaves_with_one_decision_and_the_counts_add_up(world: World) -> None:
    """Strong, noisy, weak and foreign items each count once, and in equals out."""
    titles = (headline("QLLN"), headline("MRPK", DULL), headline("TRVX", "has news"), "No company at all")
    world.feed("wire", rss(*titles))
    report = await world.run()
    assert balance(report) == (4, 4)
    assert [world.action(title) for title in titles] == ["alert", "suppress", "suppress", "drop"]
    assert (report.counts["alert"], report.counts["suppress"], report.counts["drop"]) == (1, 2, 1)
    assert report.problems == ()


async def test_an_alert_carries_prices_chart_and_its_steps_in_order(world: World) -> None:
    """The card has all that was made for it, and its trace never goes back in time."""
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    alert = _only_alert(world)
    assert (alert.price_usd, alert.change_pct) == (11.0, pytest.approx(10.0))
    assert alert.chart_reason is None
    assert world.wall.charts == [PNG]
    names = [name for name, _ in alert.trace.steps]
    assert names == ["published", "first_byte", "parsed", "claimed", "scored", "judged", "drawn"]
    times = [when for _, when in alert.trace.steps]
    assert times == sorted(times)
    assert alert.id == alert_id(alert.item.key)


async def test_an_item_whose_judgement_raises_costs_only_itself(world: World) -> None:
    """It leaves with a ``failed`` decision and stands in the problems; its neighbour is alerted."""
    world.judge.breaks_on = "Qlln"
    world.feed("wire", rss(headline("QLLN"), headline("MRPK")))
    report = await world.run()
    assert world.codes(headline("QLLN")) == ["failed"]
    assert world.wall.titles() == [headline("MRPK")]
    assert report.counts["failed"] == 1
    assert balance(report) == (2, 2)
    assert any("RuntimeError: the judge broke" in problem for problem in report.problems)


async def test_an_item_that_breaks_the_fast_tier_costs_only_itself(world: World) -> None:
    """Nor does a broken item stop the run at every later start: it is decided and not taken up again."""
    read = world.fast.read

    def broken(item: Any, **options: Any) -> Any:
        if "Qlln" in item.title:
            raise ValueError("no reading")
        return read(item, **options)

    world.fast.read = broken  # type: ignore[method-assign]
    world.feed("wire", rss(headline("QLLN"), headline("MRPK")))
    report = await world.run()
    assert world.codes(headline("QLLN")) == ["failed"]
    assert world.wall.titles() == [headline("MRPK")]
    assert balance(report) == (2, 2)
    assert world.store.undecided(limit=5) == []
    assert any("no reading" in problem for problem in report.problems)


async def test_problems_of_one_cycle_are_bounded(world: World) -> None:
    """However much goes wrong, a report holds so many lines."""
    tally = Tally(1, world.clock)
    for number in range(MAX_PROBLEMS + 50):
        tally.problem(f"{number}")
    assert len(tally.report(queues={}, deliveries={}).problems) == MAX_PROBLEMS


async def test_items_without_decision_are_a_problem_of_the_report(world: World) -> None:
    """A hole in the counts is told, not hidden."""
    tally = Tally(1, world.clock)
    tally.counts["new"] += 2
    tally.counts["drop"] += 1
    assert "1 items have no decision" in tally.report(queues={}, deliveries={}).problems[0]


async def test_undecided_items_of_an_earlier_run_are_taken_up(world: World) -> None:
    """What a crash left between claim and decision is decided by the next cycle, and alerted."""
    world.feed("wire", rss(headline("QLLN")), etag="one")

    def crash(name: str, _args: Any) -> None:
        if name == "commit_alert":
            raise StoreError("the disk is full")

    world.store.tell = crash
    with pytest.raises(StoreError):
        await world.run()
    world.store.tell = lambda *_: None
    report = await world.run()
    assert report.counts["recovered"] == 1
    assert report.counts["seen"] == 1
    assert balance(report) == (1, 1)
    assert world.wall.titles() == [headline("QLLN")]


async def test_items_of_this_cycle_are_not_mistaken_for_left_ones(world: World) -> None:
    """What was left is read before any feed claims, so no item is judged twice."""
    order: list[str] = []
    world.store.tell = lambda name, _: order.append(name)
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    assert order.index("undecided") < order.index("claim")


async def test_an_exact_copy_from_another_feed_is_a_duplicate(world: World) -> None:
    """The same headline elsewhere is dropped as it is claimed, and counted."""
    world.parallel = False
    world.feed("first", rss(headline("QLLN"), site="first"))
    world.feed("second", rss(headline("QLLN"), site="second"))
    report = await world.run()
    assert (report.counts["new"], report.counts["drop"], report.counts["alert"]) == (2, 1, 1)
    assert balance(report) == (2, 2)
    assert len(world.wall.taken) == 1


async def test_a_near_duplicate_from_another_source_is_suppressed_with_its_key(world: World) -> None:
    """The second telling of a story on a ticker names the first; another figure is another story."""
    world.parallel = False
    again = headline("QLLN", "announces the pricing of its $50 million public offering")
    world.feed("first", rss(OFFERING))
    world.feed("second", rss(again, OTHER_OFFERING, site="second"))
    report = await world.run()
    assert world.action(again) == "suppress"
    reason = world.record(again).decision.reasons[0]
    assert (reason.code, reason.detail) == ("near_duplicate", world.record(OFFERING).item.key)
    assert world.wall.titles() == [OFFERING, OTHER_OFFERING]
    assert balance(report) == (3, 3)


async def test_the_same_words_on_another_ticker_are_another_story(world: World) -> None:
    """Only alerts on the same ticker are compared."""
    world.feed("wire", rss(headline("QLLN"), headline("MRPK")))
    report = await world.run()
    assert report.counts["alert"] == 2


async def test_two_copies_racing_in_two_feeds_give_one_alert(world: World) -> None:
    """Both are judged at the same time; the one that is second at the ticker's lock is suppressed."""
    world.judge.gate = asyncio.Event()
    world.feed("first", rss(OFFERING))
    world.feed("second", rss(headline("QLLN", "announces the pricing of its $50 million public offering")))
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(world.run())
        await until(lambda: len(world.judge.judged) == 2)
        world.judge.gate.set()
    report = run.result()
    assert (report.counts["alert"], report.counts["suppress"]) == (1, 1)
    assert len(world.wall.taken) == 1


async def test_an_extended_filing_is_decided_again_and_never_twice_alerted(world: World) -> None:
    """New parties lead to a new decision until there is an alert; after that they change nothing."""
    item = replace(
        _filing(), title="8-K: bankruptcy petition under Chapter 11", parties=(Party(999, "X", "Filer"),)
    )
    assert await _decide(world, item) == {"drop": 1}
    both = replace(item, parties=(*item.parties, Party(100, "QLLN Inc", "Subject")))
    assert await _decide(world, both) == {"alert": 1}
    third = replace(both, parties=(*both.parties, Party(101, "MRPK Inc", "Filed by")))
    assert await _decide(world, third) == {}
    assert len(world.store.recent_alerts(limit=5)) == 1


async def test_two_versions_of_a_filing_in_hand_at_once_make_one_alert(world: World) -> None:
    """The second commit is refused by the store, and its slot serves another alert."""
    item = replace(_filing(), parties=(Party(100, "QLLN Inc", "Filer"),))
    shared = _round(world, slots=2)
    flow = world.cycle()._flow
    for _ in range(2):
        world.store.claim([item], now_utc=NOW)
        await flow.decide_all([item], NOW, shared)
    assert len(world.store.recent_alerts(limit=5)) == 1
    assert shared.tally.counts["alert"] == 2
    assert shared.slots == 1


async def test_a_chart_is_drawn_while_the_model_thinks(world: World) -> None:
    """The picture of a likely alert is asked for before the verdict is there, and only once; its trace says so."""
    world.judge.gate = asyncio.Event()
    world.feed("wire", rss(headline("QLLN")))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(world.run())
        await until(lambda: list(world.folder.rglob("*.png")))
        assert world.wall.calls == []
        world.clock.advance(1.0)
        world.judge.gate.set()
    assert len(world.artist.drawn) == 1
    assert world.wall.charts == [PNG]
    assert [name for name, _ in _only_alert(world).trace.steps][-2:] == ["drawn", "judged"]


async def test_an_early_chart_that_is_not_needed_is_cancelled(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A verdict that turns the alert down ends the drawing, and nothing is left running or complaining."""
    against = Judgement(direction=0.0, confidence=1.0, summary="")
    world.judge.verdict = Verdict(against, Reason("llm_judged"))
    world.judge.gate = asyncio.Event()
    world.artist.gate = asyncio.Event()
    world.feed("wire", rss(headline("QLLN", "announces a strategic partnership")))
    before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(world.run())
        await until(lambda: world.artist.drawn)
        world.judge.gate.set()
    assert run.result().counts["suppress"] == 1
    assert world.artist.cancelled == 1
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_no_chart_is_begun_for_what_has_no_slot(world: World) -> None:
    """At most as many early charts are in hand as alerts may go out."""
    world.max_alerts = 2
    world.judge.gate = asyncio.Event()
    world.feed("wire", rss(*(headline(ticker) for ticker in TICKERS[:5])))
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(world.run())
        await until(lambda: len(world.judge.judged) == 5)
        await until(lambda: len(world.artist.drawn) == 2)
        world.judge.gate.set()
    assert (run.result().counts["alert"], run.result().counts["hold"]) == (2, 3)


@pytest.mark.parametrize("code", ["llm_deadline", "llm_off", "llm_refused"])
async def test_an_alert_goes_out_without_the_model(world: World, code: str) -> None:
    """No verdict, for whatever reason, leaves the fast tier's decision with that reason on it."""
    world.judge.verdict = Verdict(None, Reason(code))
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    assert world.wall.titles() == [headline("QLLN")]
    assert code in world.codes(headline("QLLN"))


async def test_a_split_in_the_prices_is_a_reason_of_the_alert(world: World) -> None:
    """What was mended in the prices stands with the decision, where the card and `explain` find it."""
    remark = Reason(Code.SPLIT_ADJUSTED, "1 for 10 on 2026-03-17")
    world.prices.answer = {"1D": replace(two_bars("QLLN"), remarks=(remark,))}
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    assert _only_alert(world).decision.reasons[-1] == remark


@pytest.mark.parametrize(
    ("prices", "drawing", "code", "words"),
    [
        (None, None, "no_prices", "has none for QLLN"),
        (TransportError("no answer"), None, "no_chart", "no answer"),
        (
            CircuitOpen("acme is not asked for a while after failures"),
            None,
            "no_chart",
            "not asked for a while",
        ),
        ("late", None, "no_chart", "prices came too late"),
        (ZeroDivisionError("odd bars"), None, "no_chart", "ZeroDivisionError"),
        ("bars", CatalystError("chart not drawn within 5 s"), "no_chart", "not drawn within"),
        ("bars", RuntimeError("the artist broke"), "no_chart", "RuntimeError"),
    ],
)
async def test_a_missing_chart_never_costs_the_alert(
    world: World, prices: Any, drawing: Exception | None, code: str, words: str
) -> None:
    """The card says why there is no chart, whatever went wrong, and keeps the price if there was one."""
    world.prices.answer = prices
    world.artist.error = drawing
    world.chart_timeout_s = 0.01
    world.feed("wire", rss(headline("QLLN")))
    report = await world.run()
    alert = _only_alert(world)
    assert alert.chart_path is None
    assert alert.chart_reason is not None
    assert alert.chart_reason.code == code
    assert words in alert.chart_reason.detail
    assert alert.price_usd == (11.0 if drawing else None)
    assert world.wall.charts == [None]
    assert report.counts["failed"] == 0


async def test_the_most_urgent_of_a_feed_take_the_slots(world: World) -> None:
    """Items of one feed come to the model and to the slots in the order of urgency, not of the feed."""
    whats = ["announces a strategic partnership"] * 3 + [STRONG] * 3 + [URGENT] * 2
    titles = [headline(ticker, what) for ticker, what in zip(TICKERS, whats, strict=True)]
    world.max_alerts = 2
    world.feed("wire", rss(*titles))
    await world.run()
    assert set(world.judge.judged[:2]) == set(titles[-2:])
    assert set(world.wall.titles()) == set(titles[-2:])


async def test_a_store_that_fails_while_an_item_is_decided_ends_the_cycle_as_itself(world: World) -> None:
    """The stage's boundary lets a StoreError through: the item stays undecided and is taken up again."""

    def broken(name: str, _args: Any) -> None:
        if name == "commit_alert":
            raise StoreError("gone")

    world.store.tell = broken
    world.feed("wire", rss(headline("QLLN", STRONG)))
    with pytest.raises(StoreError, match="gone"):
        await world.run()
    assert [item.title for item in world.store.undecided(limit=5)] == [headline("QLLN")]


def _filing() -> Any:
    from tests.adapters.store_world import filing

    return replace(filing(), form="8-K", filing_items=("1.03",), received_utc=NOW, published_utc=NOW)


def _round(world: World, slots: int = 10) -> Round:
    return Round(Tally(1, world.clock), slots=slots)


async def _decide(world: World, item: Any) -> dict[str, int]:
    shared = _round(world)
    claims = world.store.claim([item], now_utc=NOW)
    fresh = [claim.item for claim in claims if claim.outcome.value in {"new", "extended"}]
    await world.cycle()._flow.decide_all(fresh, NOW, shared)
    actions = {action.value for action in Action}
    return {name: count for name, count in shared.tally.counts.items() if name in actions}
