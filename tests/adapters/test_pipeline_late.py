"""A model that answers late: the alert goes out without it and is revised, lifted or sunk when it answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.errors import StoreError
from catalyst_ray.models import Judgement, LlmUse, Reason, Verdict
from catalyst_ray.pipeline import late as module
from tests.adapters.pipeline_world import DULL, MILD, World, balance, headline, rss, until

if TYPE_CHECKING:
    from catalyst_ray.models import Alert

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

STRONG = headline("QLLN", "files for Chapter 11 bankruptcy")


def says(direction: float, confidence: float = 0.9, *, has_weight: bool = True) -> Verdict:
    """Return a model's verdict."""
    judgement = Judgement(
        direction=direction, confidence=confidence, summary="It says so.", model="m", has_weight=has_weight
    )
    return Verdict(judgement, Reason("llm_judged", "m", direction))


def hold_back(world: World, verdict: Verdict) -> asyncio.Event:
    """Let the model think until the event is set, far longer than alerts wait for it."""
    world.judge.gate = asyncio.Event()
    world.judge.verdict = verdict
    world.alert_wait_s = 0.01
    return world.judge.gate


def only(world: World) -> Alert:
    """Return the one alert that is out."""
    (alert,) = world.store.recent_alerts(limit=5)
    return alert


async def test_an_alert_does_not_wait_for_a_late_model_and_is_revised_by_it(world: World) -> None:
    """It goes out by the fast tier, says that the model is not in yet, and has its verdict afterwards."""
    gate = hold_back(world, says(-0.9))
    world.feed("wire", rss(STRONG))
    report = await world.run()
    assert world.wall.titles() == [STRONG]
    assert only(world).verdict.reason.code == "llm_pending"
    assert (world.late.open, report.counts["revised"]) == (1, 0)
    gate.set()
    await world.late.settle(5.0)
    alert = only(world)
    assert (alert.revision, alert.verdict.reason.code) == (1, "llm_judged")
    assert alert.trace.steps[-1][0] == "revised"
    assert alert.revised_utc is not None
    assert world.revisions == 1
    world.feed("wire", None)
    assert (await world.run()).counts["revised"] == 1
    assert "llm_agrees" in world.codes(STRONG)
    assert [edit.verdict.reason.code for edit in world.wall.edited] == ["llm_judged"]
    assert len(world.wall.taken) == 1


async def test_a_model_in_time_leaves_nothing_to_revise(world: World) -> None:
    """Its verdict is on the first card, and nothing is followed."""
    world.judge.verdict = says(-0.9)
    world.feed("wire", rss(STRONG))
    report = await world.run()
    assert (only(world).revision, world.late.open, report.counts["revised"]) == (0, 0, 0)
    assert world.judge.uses == [LlmUse.HEADLINE]


async def test_nobody_waits_for_what_cannot_come_in_time(world: World) -> None:
    """Behind a long queue an alert goes out at once, though it might wait; a verdict at hand is still taken."""
    gate = hold_back(world, says(-0.9))
    world.alert_wait_s = 3600.0
    world.judge.expected = 3601.0
    world.feed("wire", rss(STRONG))
    await world.run()
    assert only(world).verdict.reason.code == "llm_pending"
    gate.set()
    await world.late.settle(5.0)
    world.feed("wire", rss(STRONG, headline("MRPK", "files for Chapter 11 bankruptcy")))
    await world.run()
    assert {alert.verdict.reason.code for alert in world.store.recent_alerts(limit=5)} == {"llm_judged"}


async def test_an_item_that_the_model_lifts_becomes_an_alert_then(world: World) -> None:
    """Below the threshold for the fast tier, above it with the model: it goes out once, when that is known."""
    gate = hold_back(world, says(1.0, 1.0))
    title = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.6)
    world.feed("wire", rss(title))
    report = await world.run()
    assert (report.counts["suppress"], world.action(title)) == (1, "suppress")
    assert world.wall.taken == []
    gate.set()
    await world.late.settle(5.0)
    assert world.action(title) == "alert"
    assert "llm_lifts" in world.codes(title)
    assert balance(report) == (1, 1)
    world.feed("wire", None)
    assert (await world.run()).counts["lifted"] == 1
    assert world.wall.titles() == [title]


async def test_an_alert_that_the_model_sinks_stays_and_is_marked(world: World) -> None:
    """What is out cannot be taken back; its card says that the model thinks otherwise."""
    gate = hold_back(world, says(0.0, 1.0))
    title = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.3, llm_weight=0.9)
    world.feed("wire", rss(title))
    await world.run()
    assert world.wall.titles() == [title]
    gate.set()
    await world.late.settle(5.0)
    assert world.action(title) == "alert"
    assert "llm_sinks" in world.codes(title)
    assert abs(only(world).value) < 0.3
    world.feed("wire", None)
    assert (await world.run()).counts["sunk"] == 1


async def test_a_lifted_item_over_the_cap_is_held_for_the_next_cycle(world: World) -> None:
    """Lifting takes a slot of the item's own cycle; without one it waits like any other alert."""
    world.max_alerts = 1
    gate = hold_back(world, says(1.0, 1.0))
    first, second = headline("MRPK", MILD), headline("TRVX", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.6)
    world.feed("wire", rss(first, second))
    await world.run()
    gate.set()
    await world.late.settle(5.0)
    assert sorted((world.action(first), world.action(second))) == ["alert", "hold"]
    world.feed("wire", None)
    report = await world.run()
    assert (report.counts["lifted"], report.counts["released"]) == (2, 1)
    assert sorted(world.wall.titles()) == sorted([first, second])


async def test_a_held_alert_carries_the_late_verdict_when_it_goes_out(world: World) -> None:
    """The cap held it back; the model answered meanwhile; the card has the verdict at once."""
    world.max_alerts = 1
    gate = hold_back(world, says(-0.9))
    other = headline("MRPK", "files for Chapter 11 bankruptcy")
    world.feed("wire", rss(STRONG, other))
    report = await world.run()
    assert report.counts["hold"] == 1
    gate.set()
    await world.late.settle(5.0)
    world.feed("wire", None)
    await world.run()
    held = world.wall.taken[-1]
    assert (held.verdict.reason.code, held.revision) == ("llm_judged", 0)


async def test_a_held_alert_that_was_released_meanwhile_is_revised(world: World) -> None:
    """The model answers after the next cycle sent it: the message is edited, with the chart that it has."""
    world.max_alerts = 1
    gate = hold_back(world, says(-0.9))
    other = headline("MRPK", "files for Chapter 11 bankruptcy")
    world.feed("wire", rss(STRONG, other))
    assert (await world.run()).counts["hold"] == 1
    world.feed("wire", None)
    assert (await world.run()).counts["released"] == 1
    gate.set()
    await world.late.settle(5.0)
    report = await world.run()
    assert (report.counts["revised"], report.counts["edited"]) == (2, 2)
    alerts = world.store.recent_alerts(limit=5)
    assert [(alert.revision, alert.verdict.reason.code) for alert in alerts] == [(1, "llm_judged")] * 2
    assert all(alert.chart_path for alert in alerts)


async def test_a_story_that_is_being_lifted_is_not_told_by_its_copy_too(world: World) -> None:
    """The lifted alert's chart is still being drawn when the next cycle brings the copy: one alert in all."""
    gate = hold_back(world, says(1.0, 1.0))
    title = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.6)
    world.feed("wire", rss(title))
    await world.run()
    world.artist.gate = asyncio.Event()
    gate.set()
    await until(lambda: world.artist.drawn)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.2)
    world.feed("wire", None)
    world.feed("copy", rss(title + " today", site="copy"))
    running = asyncio.ensure_future(world.run())
    await until(lambda: len(world.judge.judged) == 2)
    world.artist.gate.set()
    await running
    await world.late.settle(5.0)
    assert len(world.store.recent_alerts(limit=5)) == 1
    assert world.action(title + " today") == "suppress"


async def test_a_held_alert_that_the_model_sinks_does_not_go_out(world: World) -> None:
    """Nobody has seen it yet: it leaves as suppressed, with the reason."""
    world.max_alerts = 1
    gate = hold_back(world, says(0.0, 1.0))
    other = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.3, llm_weight=0.9)
    world.feed("wire", rss(STRONG, other))
    assert (await world.run()).counts["hold"] == 1
    gate.set()
    await world.late.settle(5.0)
    assert world.action(other) == "suppress"
    assert "llm_sinks" in world.codes(other)
    world.feed("wire", None)
    assert (await world.run()).counts["released"] == 0
    assert world.wall.titles() == [STRONG]


async def test_no_verdict_in_the_end_is_said(world: World) -> None:
    """A model that gives up is counted, and alert and item say in the end why there was no verdict."""
    gate = hold_back(world, Verdict(None, Reason("llm_deadline")))
    world.fast._policy = replace(world.fast._policy, llm_min_value=0.05)
    weak = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.6)
    world.feed("wire", rss(STRONG, weak))
    await world.run()
    gate.set()
    await world.late.settle(5.0)
    alert = only(world)
    assert (alert.revision, alert.verdict.reason.code) == (1, "llm_deadline")
    assert "llm_deadline" in world.codes(STRONG)
    assert "llm_deadline" in world.codes(weak)
    world.feed("wire", None)
    report = await world.run()
    assert (report.counts["unanswered"], report.counts["revised"]) == (2, 0)


async def test_the_last_cycle_waits_for_late_verdicts(world: World) -> None:
    """``--once`` ends with the model's word, if that comes in time."""
    gate = hold_back(world, says(-0.9))
    world.feed("wire", rss(STRONG))
    running = asyncio.ensure_future(world.run(wait_for_retries_s=1.0))
    await until(lambda: world.wall.taken)
    await asyncio.sleep(0)
    gate.set()
    report = await running
    assert report.counts["revised"] == 1
    assert only(world).revision == 1


async def test_a_second_telling_of_the_story_is_not_lifted(world: World) -> None:
    """While the model thinks another alert tells the story: the verdict makes no second one of it."""
    gate = hold_back(world, says(1.0, 1.0))
    title = headline("MRPK", MILD)
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.6)
    world.feed("wire", rss(title))
    await world.run()
    world.fast._policy = replace(world.fast._policy, alert_min_value=0.2)
    world.feed("copy", rss(title + " today", site="copy"))
    world.feed("wire", None)
    await world.run()
    assert len(world.wall.taken) == 1
    gate.set()
    await world.late.settle(5.0)
    assert len(world.store.recent_alerts(limit=5)) == 1


async def test_noise_is_not_asked_about(world: World) -> None:
    """An item that was decided without the model leaves nothing open."""
    hold_back(world, says(1.0))
    world.feed("wire", rss(headline("MRPK", DULL)))
    await world.run()
    assert (world.judge.judged, world.late.open) == ([], 0)


async def test_a_store_that_fails_costs_the_revision_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The alert is out; that its revision could not be stored is logged."""
    gate = hold_back(world, says(-0.9))
    world.feed("wire", rss(STRONG))
    await world.run()

    def fail(name: str, _args: object) -> None:
        if name == "revise_alert":
            raise StoreError("disk full")

    world.store.tell = fail
    gate.set()
    await world.late.settle(5.0)
    world.store.tell = lambda *_: None
    assert "a late verdict could not be stored" in caplog.text
    assert only(world).revision == 0


async def test_what_is_followed_is_bounded_and_ends_with_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the bound a verdict is given up, and closing leaves no task behind."""
    monkeypatch.setattr(module, "MOST", 1)
    hold_back(world, says(-0.9))
    world.feed("wire", rss(STRONG, headline("MRPK", "files for Chapter 11 bankruptcy")))
    await world.run()
    assert world.late.open == 1
    await world.late.close()
    assert world.late.open == 0
