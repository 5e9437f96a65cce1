"""Feeds: what is remembered of them, when they are asked, and what a broken one costs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import ConfigError, RateLimited, StoreError, TransportError
from catalyst_ray.pipeline.intake import Intake
from catalyst_ray.pipeline.tally import Tally
from tests.adapters.pipeline_world import NOW, headline, rss, spec

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport, FeedReport, FeedState
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

REFUSED = TransportError("HTTP 500", status=500)


def _state(world: World, feed: str = "wire") -> FeedState:
    state: FeedState = world.store.feed_states()[feed]
    return state


def _feed(report: CycleReport, name: str = "wire") -> FeedReport:
    (feed,) = [feed for feed in report.feeds if feed.feed == name]
    return feed


async def test_a_feed_is_reported_with_what_it_brought(world: World) -> None:
    """Entries, new items and the seconds of the fetch stand in the report."""
    world.feed("wire", rss(headline("QLLN"), headline("MRPK")))
    report = await world.run()
    feed = _feed(report)
    assert (feed.status, feed.entries, feed.new, feed.seconds, feed.error) == ("ok", 2, 2, 0.25, None)
    assert (report.counts["entries"], report.counts["items"]) == (2, 2)


async def test_validators_are_kept_for_the_next_fetch(world: World) -> None:
    """The ETag of an answer goes out with the next request; a 304 keeps it."""
    world.feed("wire", rss(headline("QLLN")), etag="one")
    await world.run()
    world.feed("wire", None)
    report = await world.run()
    await world.run()
    assert [state.etag for state in world.fetcher.asked] == [None, "one", "one"]
    assert _feed(report).status == "not_modified"


async def test_a_changed_answer_without_validators_forgets_the_old_ones(world: World) -> None:
    """An old ETag with a new body would hide the next change."""
    world.feed("wire", rss(headline("QLLN")), etag="one")
    await world.run()
    world.fetcher.etags.clear()
    await world.run()
    assert _state(world).etag is None


@pytest.mark.parametrize("step", ["decide", "commit_alert", "hold_alert"])
async def test_validators_are_saved_only_after_all_decisions(world: World, step: str) -> None:
    """A store that fails at a decision leaves the feed as it was, so the same bytes come again."""
    world.max_alerts = 1
    world.feed("wire", rss(headline("QLLN")), etag="one")
    await world.run()

    def broken(name: str, _args: Any) -> None:
        if name == step:
            raise StoreError("gone")

    world.store.tell = broken
    world.feed("wire", rss(headline("MRPK"), headline("TRVX"), "No company at all"), etag="two")
    with pytest.raises(StoreError):
        await world.run()
    assert _state(world).etag == "one"


async def test_a_feed_without_fresh_items_saves_its_validators(world: World) -> None:
    """Items that are all known need no decision before the ETag is kept."""
    world.feed("wire", rss(headline("QLLN")), etag="one")
    await world.run()
    world.feed("wire", rss(headline("QLLN")), etag="two")
    await world.run()
    assert _state(world).etag == "two"


async def test_a_failing_feed_backs_off_doubling_to_fifteen_minutes_and_is_never_switched_off(
    world: World,
) -> None:
    """It waits 30 s, then twice that, at most 900 s, and is asked again each time."""
    world.feed("wire", REFUSED)
    waits = []
    for failures in range(1, 9):
        await world.run()
        state = _state(world)
        assert state.failures == failures
        assert state.next_fetch_utc is not None
        wait = state.next_fetch_utc - world.clock.now_utc()
        waits.append(round(wait.total_seconds()))
        world.clock.advance(wait.total_seconds() + 0.001)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


async def test_failed_feeds_do_not_come_back_together(world: World) -> None:
    """Chance takes up to a quarter off a wait."""
    world.jitter = 0.8
    world.feed("wire", REFUSED)
    await world.run()
    wait = _state(world).next_fetch_utc
    assert wait is not None
    assert wait - world.clock.now_utc() == pytest.approx(timedelta(seconds=24), abs=timedelta(seconds=0.5))


async def test_a_wait_that_the_server_asks_for_is_honoured(world: World) -> None:
    """Retry-After outweighs a shorter back-off."""
    world.feed("wire", RateLimited("slow down", retry_after_s=300.0))
    await world.run()
    wait = _state(world).next_fetch_utc
    assert wait is not None
    assert wait - world.clock.now_utc() > timedelta(seconds=299)


async def test_a_short_retry_after_does_not_shorten_the_back_off(world: World) -> None:
    """A server that fails again and again is not asked every second because it says so."""
    world.feed("wire", RateLimited("slow down", retry_after_s=1.0))
    await world.run()
    wait = _state(world).next_fetch_utc
    assert wait is not None
    assert wait - world.clock.now_utc() > timedelta(seconds=29)


async def test_a_waiting_feed_is_not_fetched_and_says_so(world: World) -> None:
    """Until its time has come it costs nothing and stands as ``waiting`` with the reason."""
    world.feed("wire", REFUSED)
    await world.run()
    world.clock.advance(10)
    report = await world.run()
    assert world.fetcher.times_asked("wire") == 1
    assert _feed(report).status == "waiting"
    assert "HTTP 500" in str(_feed(report).error)
    world.clock.advance(25)
    assert _feed(await world.run()).status == "failed"


async def test_a_feed_that_answers_again_is_as_good_as_new(world: World) -> None:
    """One good answer ends the back-off; the validators from before the failure still hold."""
    world.feed("wire", rss(headline("QLLN")), etag="one")
    await world.run()
    world.feed("wire", REFUSED)
    await world.run()
    assert _state(world).etag == "one"
    world.clock.advance(40)
    world.feed("wire", None)
    await world.run()
    state = _state(world)
    assert (state.failures, state.next_fetch_utc, state.last_error) == (0, None, None)
    assert state.last_success_utc is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REFUSED, "HTTP 500"),
        (TransportError("no answer", key="wire", hint="check the network"), "no answer (check the network)"),
        (ConfigError("no such host"), "no such host"),
        (KeyError("odd"), "KeyError"),
        ("<html><body>Sign in</body></html>", ""),
        ("", ""),
    ],
)
async def test_a_broken_feed_costs_only_itself_and_is_named(world: World, answer: Any, words: str) -> None:
    """Whatever one feed does, the others bring their items, and the report names it once."""
    world.feed("wire", answer)
    world.feed("other", rss(headline("QLLN")))
    report = await world.run()
    assert world.wall.titles() == [headline("QLLN")]
    assert (_feed(report).status, _feed(report, "other").status) == ("failed", "ok")
    (problem,) = report.problems
    assert problem.startswith("feed wire: ")
    assert problem.count("wire") == 1
    assert words in problem
    assert _state(world).failures == 1


async def test_a_feed_that_the_store_cannot_claim_ends_the_cycle(world: World) -> None:
    """A StoreError is the store's failure, not the feed's: it is not backed off."""

    def broken(name: str, _args: Any) -> None:
        if name == "claim":
            raise StoreError("gone")

    world.store.tell = broken
    world.feed("wire", rss(headline("QLLN")))
    with pytest.raises(StoreError, match="gone"):
        await world.intake().take(spec("wire"), {}, Tally(1, world.clock))
    assert world.store.feed_states() == {}


async def test_what_is_taken_is_not_saved_by_taking(world: World) -> None:
    """``take`` gives the new state back; whoever decided on the items saves it."""
    world.feed("wire", rss(headline("QLLN")), etag="one")
    intake = world.intake()
    taken = await intake.take(spec("wire"), {}, Tally(1, world.clock))
    assert taken is not None
    assert world.store.feed_states() == {}
    assert (taken.state.etag, taken.parsed_utc) == ("one", NOW)
    await intake.save(taken.state)
    assert _state(world).etag == "one"


async def test_a_feed_waits_while_its_items_could_not_be_judged(world):
    """A feed with an obstacle is not fetched, keeps its state, and is named with the obstacle in the report."""
    intake = Intake(
        clock=world.clock,
        fetcher=world.fetcher,
        store=world.store,
        chance=lambda: 0.0,
        obstacle=lambda spec: "no ticker map yet" if spec.name == "wire" else None,
    )
    tally = Tally(1, world.clock)
    assert await intake.take(spec("wire"), {}, tally) is None
    assert (tally.feeds["wire"].status, tally.feeds["wire"].error) == ("waiting", "no ticker map yet")
    assert tally.problems == ["feed wire: no ticker map yet"]
    assert world.fetcher.asked == []
