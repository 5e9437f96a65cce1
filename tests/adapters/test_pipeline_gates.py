"""What stops a strong item outside of itself, on the real store: cooldown, session, price, volume."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.core.bars import Bar, bars_of
from catalyst_ray.core.market_hours import Session
from catalyst_ray.errors import TransportError
from catalyst_ray.models import Judgement, Reason, Verdict
from catalyst_ray.pipeline.quotes import MOST, TTL_S, Quotes
from tests.adapters.pipeline_world import MILD, NOW, STRONG, World, balance, headline, rss, until

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

ONE = headline("QLLN", STRONG)
AGAIN = "Qlln Works (NASDAQ: QLLN) secures order from harbour authority for new tidal barges"
BROKE = headline("QLLN", "files for Chapter 11 bankruptcy")


def bars(close: float, volume: float, *, ago: timedelta = timedelta(days=1)) -> Bars:
    """Return one bar of yesterday."""
    row = Bar(int((NOW - ago).timestamp()), close, close, close, close, volume)
    return bars_of([row], ticker="QLLN", timeframe="1D", source="fake")


async def test_a_second_alert_on_an_event_waits_for_the_cooldown(world: World) -> None:
    """Other words for the same event are suppressed by the earlier alert, and alerted after the time."""
    world.feed("wire", rss(ONE))
    await world.run()
    world.feed("wire", rss(AGAIN))
    report = await world.run()
    assert world.codes(AGAIN)[0] == "cooldown"
    assert world.codes(AGAIN)[1] == "strong"
    assert balance(report) == (1, 1)
    world.clock.advance(1801)
    later = "Qlln Works (NASDAQ: QLLN) secures order for sixty lifeboats from a ferry line"
    world.feed("wire", rss(later, at=world.clock.now_utc()))
    await world.run()
    assert world.action(later) == "alert"


async def test_another_event_does_not_wait(world: World) -> None:
    """Bankruptcy a minute after a contract is alerted."""
    world.feed("wire", rss(ONE))
    await world.run()
    world.feed("wire", rss(BROKE))
    await world.run()
    assert world.wall.titles() == [ONE, BROKE]


async def test_without_cooldown_the_store_is_not_asked(world: World) -> None:
    """ALERT_COOLDOWN_SECONDS=0 switches it off."""
    asked: list[str] = []
    world.store.tell = lambda name, _: asked.append(name)
    world.limit(cooldown_s=0)
    world.feed("wire", rss(ONE, AGAIN))
    await world.run()
    assert len(world.wall.taken) == 2
    assert asked.count("alerts_since") == 1, "once, by the stories, at the start"


async def test_no_alert_and_no_model_outside_the_wanted_sessions(world: World) -> None:
    """The market is open: where only the pre-market counts, the item is told so and no GPU or chart is used."""
    world.limit(sessions=frozenset({Session.PRE}))
    world.feed("wire", rss(ONE))
    report = await world.run()
    assert world.codes(ONE)[0] == "session_excluded"
    assert report.counts["suppress"] == 1
    assert (world.judge.judged, world.artist.drawn) == ([], [])


async def test_the_session_stands_on_every_alert(world: World) -> None:
    """10:00 in New York on a Tuesday is regular trading."""
    world.feed("wire", rss(ONE))
    await world.run()
    assert Reason("session", "regular") in world.record(ONE).decision.reasons


@pytest.mark.parametrize(
    ("limits", "code", "value"),
    [
        ({"price_ceiling_usd": 10.0}, "price_above", 11.0),
        ({"price_floor_usd": 12.0}, "price_below", 11.0),
        ({"min_average_volume": 5_000}, "thin", 3_000),
    ],
)
async def test_a_limit_suppresses_with_the_figure(world: World, limits: Any, code: str, value: float) -> None:
    """The reason has the limit and what was measured; the item would have been an alert."""
    world.limit(**limits)
    world.prices.answer = {"1D": bars(11.0, 10), "1M": bars(10.0, 3_000)}
    world.feed("wire", rss(ONE))
    await world.run()
    first, second, *_ = world.record(ONE).decision.reasons
    assert (first.code, first.value, second.code) == (code, value, "strong")
    assert world.wall.taken == []


async def test_within_its_limits_an_alert_says_nothing_of_them(world: World) -> None:
    """A known price between floor and ceiling adds no reason."""
    world.limit(price_floor_usd=1.0, price_ceiling_usd=20.0)
    world.feed("wire", rss(ONE))
    await world.run()
    assert world.action(ONE) == "alert"
    assert not [code for code in world.codes(ONE) if code.startswith("price")]


@pytest.mark.parametrize("answer", [None, TransportError("down"), "late", ZeroDivisionError("odd")])
async def test_an_unknown_price_never_costs_the_alert(world: World, answer: Any) -> None:
    """No prices, a dead, slow or broken source: the alert goes out and says that the limit was not applied."""
    world.limit(price_ceiling_usd=5.0)
    world.quote_timeout_s = world.chart_timeout_s = 0.01
    world.prices.answer = answer
    world.feed("wire", rss(ONE))
    report = await world.run()
    assert world.action(ONE) == "alert"
    assert "price_unknown" in world.codes(ONE)
    assert report.counts["failed"] == 0


async def test_only_what_would_be_alerted_is_priced(world: World) -> None:
    """Weak items cost no question, and without limits none does, but for the chart of the alert."""
    world.limit(price_ceiling_usd=5.0)
    world.feed("wire", rss(headline("QLLN", "has news")))
    await world.run()
    assert world.prices.asked == []
    world.limit()
    world.feed("wire", rss(headline("MRPK")))
    await world.run()
    assert world.prices.asked == ["MRPK"], "the chart's"


async def test_a_verdict_that_lifts_meets_the_limits_too(world: World) -> None:
    """What a late verdict would make an alert is suppressed by its price like any other."""
    world.limit(price_ceiling_usd=5.0)
    world.alert_wait_s = 0.0
    world.judge.verdict = Verdict(Judgement(direction=1.0, confidence=1.0, summary=""), Reason("llm_judged"))
    title = headline("QLLN", "may win a supply contract")
    world.feed("wire", rss(title))
    await world.run()
    await until(lambda: world.late.open == 0)
    assert world.codes(title)[0] == "price_above"


async def test_a_revised_alert_still_says_that_its_price_is_not_known(world: World) -> None:
    """A verdict that comes late applies no limit anew, and takes no note away."""
    world.limit(price_ceiling_usd=5.0)
    world.prices.answer = None
    world.alert_wait_s = 0.0
    world.judge.verdict = Verdict(Judgement(direction=0.9, confidence=0.9, summary=""), Reason("llm_judged"))
    world.feed("wire", rss(ONE))
    await world.run()
    await until(lambda: world.late.open == 0)
    assert {"llm_agrees", "price_unknown"} <= set(world.codes(ONE))
    assert world.revisions == 1


async def test_a_quote_is_kept_for_a_while(world: World) -> None:
    """Within its time a second question costs none; nor does one that failed; old ones make room."""
    quotes = Quotes(prices=world.prices, clock=world.clock, timeout_s=1.0)
    for ticker in ("QLLN", "QLLN"):
        assert (await quotes.get(ticker, with_volume=False)).price_usd == 11.0
    world.prices.answer = None
    assert (await quotes.get("MRPK", with_volume=False)).price_usd is None
    assert (await quotes.get("MRPK", with_volume=False)).price_usd is None
    assert world.prices.asked == ["QLLN", "MRPK"]
    world.clock.advance(TTL_S)
    assert (await quotes.get("QLLN", with_volume=True)).price_usd is None
    assert world.prices.asked == ["QLLN", "MRPK", "QLLN", "QLLN"], "the day's bars and the month's"
    for number in range(MOST + 1):
        await quotes.get(f"T{number}", with_volume=False)
    assert len(quotes._kept) == MOST


async def test_a_mild_item_passes_as_before(world: World) -> None:
    """No limit set: nothing but the session is added to an alert."""
    title = headline("TRVX", MILD)
    world.feed("wire", rss(title))
    await world.run()
    assert set(world.codes(title)) & {"price_unknown", "cooldown", "thin"} == set()
