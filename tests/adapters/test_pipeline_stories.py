"""Later items on an alert's story: they join it, and its message is edited, never a second one sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.core.notices import notice_in
from catalyst_ray.core.retold import MOST_SOURCES
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, Judgement, Reason, Verdict
from catalyst_ray.pipeline import stories as pipeline_stories
from catalyst_ray.pipeline.release import RETELL_AFTER
from tests.adapters.pipeline_world import NOW, World, balance, headline, open_world, rss, until

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.core.notices import Notice
    from catalyst_ray.models import Alert, Item

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

PRICED = headline("QLLN", "announces pricing of $50 million public offering")
AGAIN = headline("QLLN", "prices $50M underwritten public offering of common stock")
CORRECTION = "CORRECTING and REPLACING " + headline(
    "QLLN", "announces pricing of $52.5 million public offering"
)
RETRACTION = "RETRACTION: " + PRICED


def only(world: World) -> Alert:
    """Return the one alert that is out."""
    (alert,) = world.store.recent_alerts(limit=5)
    return alert


async def told(world: World, feed: str, *titles: str) -> Any:
    """Let a feed bring titles, with an address of its own, and run a cycle."""
    for name in world.fetcher.answers:
        world.feed(name, None)
    world.feed(feed, rss(*titles, site=feed, at=world.clock.now_utc()))
    return await world.run()


async def edits(world: World) -> list[Alert]:
    """Return the edits that the wall took, once those that wait for more copies are due."""
    world.clock.advance(RETELL_AFTER.total_seconds() + 1)
    async with world.delivering():
        await world.courier.settle(5.0)
    return world.wall.edited


async def test_a_paraphrase_joins_the_alert_and_its_source_is_named(world: World) -> None:
    """The item names the alert's item, the message is edited, and nothing more is sent."""
    await told(world, "first", PRICED)
    report = await told(world, "second", AGAIN)
    assert (world.action(AGAIN), world.codes(AGAIN)[0]) == ("suppress", "near_duplicate")
    assert world.record(AGAIN).decision.reasons[0].detail == world.record(PRICED).item.key
    assert (only(world).also, only(world).revision) == (("second",), 1)
    assert balance(report) == (1, 1)
    assert [edit.also for edit in await edits(world)] == [("second",)]
    assert len(world.wall.taken) == 1


async def test_an_exact_copy_is_named_too(world: World) -> None:
    """It is dropped as it is claimed, also in the cycle of the first one, and the alert still hears of it."""
    world.parallel = False
    world.feed("first", rss(PRICED, site="first"))
    world.feed("second", rss(PRICED, site="second"))
    await world.run()
    assert only(world).also == ("second",)
    await told(world, "third", PRICED)
    assert only(world).also == ("second", "third")
    assert world.store.untold_copies(since_utc=NOW - timedelta(days=1), limit=5) == []


async def test_a_correction_under_the_identity_of_the_first_is_one_too(world: World) -> None:
    """A wire that mends a release in its place gives it the same identifier: it is claimed as a copy, and read."""
    entry = "<item><title>{}</title><guid isPermaLink='false'>release-7</guid><link>{}</link></item>"
    feed = "<rss version='2.0'><channel><title>W</title>{}</channel></rss>"
    for number, title in enumerate((PRICED, CORRECTION)):
        link = f"https://wire.example/news/{number}/release"
        world.feed("first", feed.format(entry.format(title, link)))
        await world.run()
    assert world.codes(CORRECTION)[0] == "duplicate"
    assert [notice.detail for notice in only(world).notices] == ["$52.5 million, was $50 million"]
    assert only(world).also == ()


async def test_copies_of_a_swarm_are_one_edit(world: World) -> None:
    """However many sources come at once, readers see one edit with all of them."""
    await told(world, "first", PRICED)
    for name in ("second", "third", "fourth"):
        world.feed(name, rss(AGAIN + f" ({name})", site=name))
    world.feed("first", None)
    await world.run()
    assert len(only(world).also) == 3
    assert [len(edit.also) for edit in await edits(world)] == [3]


async def test_beyond_the_bound_a_copy_changes_nothing_on_the_message(world: World) -> None:
    """No message is edited without end: its item is suppressed all the same."""
    await told(world, "first", PRICED)
    for number in range(MOST_SOURCES + 2):
        await told(world, f"wire{number}", AGAIN + f" (wire {'abcdefgh'[number]})")
    assert len(only(world).also) == MOST_SOURCES
    assert only(world).revision == MOST_SOURCES
    assert len(world.wall.taken) == 1


async def test_a_correction_marks_the_alert_and_says_what_changed(world: World) -> None:
    """No second alert; copies of the corrected version join it too, and so do those of the first."""
    await told(world, "first", PRICED)
    await told(world, "first", CORRECTION)
    alert = only(world)
    assert (world.action(CORRECTION), world.codes(CORRECTION)[0]) == ("suppress", "corrected")
    assert [(notice.code, notice.detail) for notice in alert.notices] == [
        ("corrected", "$52.5 million, was $50 million")
    ]
    assert "corrected" in world.codes(PRICED)
    right = headline("QLLN", "prices $52.5 million underwritten public offering")
    await told(world, "second", right)
    await told(world, "third", AGAIN)
    assert (world.codes(right)[0], world.codes(AGAIN)[0]) == ("near_duplicate", "near_duplicate")
    assert only(world).also == ("second", "third")
    assert len(world.wall.taken) == 1


async def test_a_correction_of_nothing_is_judged_on_its_own(world: World) -> None:
    """Where no alert tells the story, the corrected news is news; its original joins it afterwards."""
    await told(world, "first", CORRECTION)
    assert world.wall.titles() == [CORRECTION]
    await told(world, "second", headline("QLLN", "prices $52.5 million public offering"))
    assert len(world.wall.taken) == 1


async def test_a_retraction_marks_the_alert(world: World) -> None:
    """It stays out and says that it was taken back; copies that come later make no new one."""
    await told(world, "first", PRICED)
    await told(world, "first", RETRACTION)
    assert only(world).is_retracted
    assert world.codes(RETRACTION)[0] == "retracted"
    await told(world, "second", AGAIN)
    assert len(world.wall.taken) == 1
    assert [edit.is_retracted for edit in await edits(world)] == [True]


async def test_a_retraction_of_nothing_is_no_alert(world: World) -> None:
    """Its words are those of the news that it takes back, and it is none."""
    await told(world, "first", RETRACTION)
    assert (world.action(RETRACTION), world.codes(RETRACTION)[0]) == ("suppress", "retracted")
    assert world.wall.taken == []


async def test_a_retracted_alert_that_is_held_does_not_go_out(world: World) -> None:
    """It is withdrawn with the reason, and the next cycle sends nothing."""
    world.max_alerts = 0
    await told(world, "first", PRICED)
    assert world.action(PRICED) == "hold"
    await told(world, "first", RETRACTION)
    assert (world.action(PRICED), world.codes(PRICED)[0]) == ("suppress", "retracted")
    world.max_alerts = 10
    await told(world, "first")
    assert world.wall.taken == []


async def test_a_held_alert_takes_its_copies_along(world: World) -> None:
    """What goes out later names them at once, without an edit."""
    world.max_alerts = 0
    await told(world, "first", PRICED)
    await told(world, "second", AGAIN)
    world.max_alerts = 10
    await told(world, "first")
    assert [alert.also for alert in world.wall.taken] == [("second",)]
    assert only(world).revision == 0


async def test_a_held_alert_that_was_corrected_says_so_when_it_goes_out(world: World) -> None:
    """Its card and its reasons have the correction from the first."""
    world.max_alerts = 0
    await told(world, "first", PRICED)
    await told(world, "first", CORRECTION)
    assert "corrected" not in world.codes(PRICED)
    world.max_alerts = 10
    await told(world, "first")
    assert [notice.code for notice in world.wall.taken[0].notices] == ["corrected"]
    assert world.codes(PRICED).count("corrected") == 1


async def test_an_item_without_a_ticker_joins_by_its_words(world: World) -> None:
    """A copy that names no company is named as a source; other news without one is dropped as ever."""
    told_of = "Zerolith mine flooding stops shipments at northern harbour (NASDAQ: QLLN) files for Chapter 11 bankruptcy"
    copy = (
        "UPDATE 1-Zerolith mine flooding stops shipments at northern harbour files for Chapter 11 bankruptcy"
    )
    await told(world, "first", told_of)
    report = await told(world, "second", copy, "Zerolith council opens a new bridge over the river")
    assert only(world).also == ("second",)
    assert world.codes(copy)[0] == "near_duplicate"
    assert "no_ticker" in world.codes(copy)
    assert world.action("Zerolith council opens a new bridge over the river") == "drop"
    assert balance(report) == (2, 2)


async def test_a_corrected_version_outlives_the_first_in_the_window(world: World) -> None:
    """A copy without a ticker joins by the version that is left of the story, under the alert's lock."""
    flood = "Zerolith mine flooding stops {} shipments at northern harbour{} files for Chapter 11 bankruptcy"
    await told(world, "first", flood.format(40, " (NASDAQ: QLLN)"))
    world.clock.advance(20 * 3600)
    await told(world, "first", "CORRECTING and REPLACING " + flood.format(60, " (NASDAQ: QLLN)"))
    world.clock.advance(5 * 3600)
    await told(world, "first", headline("MRPK", "files for Chapter 11 bankruptcy"))
    report = await told(world, "second", flood.format(60, ""))
    assert report.counts["failed"] == 0
    assert world.store.alert_of(world.record(flood.format(40, " (NASDAQ: QLLN)")).item.key).also == (
        "second",
    )


async def test_an_item_that_cannot_be_compared_costs_only_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that breaks the look for its story fails; a broken copy is told of in no cycle; the others go on."""
    odd = "Zerolith council opens a new bridge over the river"

    def notices(item: Item) -> Notice | None:
        if item.title in {odd, CORRECTION}:
            raise ZeroDivisionError(item.title)
        return notice_in(item)

    monkeypatch.setattr(pipeline_stories, "notice_in", notices)
    entry = "<item><title>{}</title><guid isPermaLink='false'>release-7</guid><link>{}</link></item>"
    feed = "<rss version='2.0'><channel><title>W</title>{}</channel></rss>"
    for number, title in enumerate((PRICED, CORRECTION)):
        world.feed("first", feed.format(entry.format(title, f"https://wire.example/news/{number}/release")))
        await world.run()
    await told(world, "second", odd, PRICED)
    assert world.codes(odd)[0] == "failed"
    assert (only(world).also, only(world).notices) == (("second",), ())


async def test_a_restart_knows_the_stories(tmp_path: Path) -> None:
    """The index is filled from the store: copies and corrected versions of an earlier run join its alert."""
    world = open_world(tmp_path)
    await told(world, "first", PRICED)
    await told(world, "first", CORRECTION)
    world.store.close()
    world = open_world(tmp_path)
    right = headline("QLLN", "prices $52.5 million underwritten public offering")
    await told(world, "second", right)
    await told(world, "third", AGAIN)
    assert only(world).also == ("second", "third")
    assert world.wall.taken == []
    world.store.close()


async def test_a_crash_before_an_item_joined_repeats_the_work(world: World) -> None:
    """The item is undecided until its decision and the alert's revision are stored, both or none."""
    await told(world, "first", PRICED)

    def crash(name: str, _args: Any) -> None:
        if name == "join_story":
            raise StoreError("the disk is full")

    world.store.tell = crash
    with pytest.raises(StoreError):
        await told(world, "second", AGAIN)
    world.store.tell = lambda *_: None
    assert [item.title for item in world.store.undecided(limit=5)] == [AGAIN]
    await told(world, "third")
    assert (only(world).also, world.codes(AGAIN)[0]) == (("second",), "near_duplicate")


async def test_a_late_verdict_keeps_what_was_said_meanwhile(world: World) -> None:
    """Sources and corrections that came while the model thought stay on the card, and the verdict comes to it."""
    world.judge.gate = asyncio.Event()
    against = Judgement(direction=-0.9, confidence=0.9, summary="It says so.", model="m")
    world.judge.verdict = Verdict(against, Reason("llm_judged", "m", -0.9))
    world.alert_wait_s = 0.01
    await told(world, "first", PRICED)
    assert only(world).verdict.reason.code == "llm_pending"
    await told(world, "second", AGAIN)
    await told(world, "first", CORRECTION)
    await until(lambda: len(world.judge.judged) >= 1)
    world.judge.gate.set()
    await world.late.settle(5.0)
    alert = only(world)
    assert (alert.verdict.reason.code, alert.also) == ("llm_judged", ("second",))
    assert [notice.code for notice in alert.notices] == ["corrected"]
    assert "corrected" in [reason.code for reason in alert.decision.reasons]


async def test_a_story_whose_held_alert_was_withdrawn_is_told_anew(world: World) -> None:
    """What is in memory is checked against the store: a copy of what never went out is news."""
    world.max_alerts = 0
    await told(world, "first", PRICED)
    held = world.store.alert_of(world.record(PRICED).item.key)
    gone = replace(held.decision, action=Action.SUPPRESS, reasons=(Reason("llm_sinks"),))
    assert world.store.withdraw_hold(held, gone, now_utc=NOW)
    world.max_alerts = 10
    await told(world, "second", AGAIN)
    assert world.wall.titles() == [AGAIN]
