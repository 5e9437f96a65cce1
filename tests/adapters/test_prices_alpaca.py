"""Alpaca's bars against a double of its endpoint: what is asked, every refusal, and that keys stay secret."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestServer

from catalyst_ray.adapters.prices_alpaca import AlpacaPrices
from catalyst_ray.core.bars import change_pct, eastern, shown_rows
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.doctor.sources import check_prices as examine_prices
from catalyst_ray.errors import ParseError, RateLimited, TransportError
from catalyst_ray.settings import Settings
from tests.adapters.alpaca_double import KEY_ID, SECRET, AlpacaDouble, row
from tests.adapters.pipeline_world import NOW, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def alpaca() -> AsyncIterator[AlpacaDouble]:
    """Start the double; give it, and its address."""
    double = AlpacaDouble(now=NOW)
    for day in range(12, 18):
        if date(2026, 3, day).weekday() < 5:
            opens = datetime(2026, 3, day, 4, tzinfo=EASTERN)
            minutes = [row(opens + timedelta(minutes=5 * i), 10 + day + i / 100) for i in range(192)]
            double.bars.setdefault(("ACME", "5Min"), []).extend(minutes)
    days = [datetime(2026, 3, 17, tzinfo=EASTERN) - timedelta(days=back) for back in range(400, -1, -1)]
    double.bars["ACME", "1Day"] = [row(day, 20.0) for day in days if day.weekday() < 5]
    async with TestServer(double.app()) as running:
        double.url = str(running.make_url("/"))
        yield double


@pytest.fixture
async def source(alpaca: AlpacaDouble) -> AsyncIterator[Callable[..., AlpacaPrices]]:
    """Give a maker of sources that ask the double."""
    made: list[AlpacaPrices] = []

    def make(
        *, key_id: str = KEY_ID, secret: str = SECRET, feed: str = "iex", timeout_s: float = 2.0
    ) -> AlpacaPrices:
        made.append(
            AlpacaPrices(
                key_id, secret, clock=FakeClock(), feed=feed, base_url=alpaca.url, timeout_s=timeout_s
            )
        )
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_a_day_is_the_session_so_far_against_the_one_before(alpaca, source):
    """Bars of five minutes, extended hours included, split-adjusted; the close before gives the change."""
    bars = await source().bars("acme", "1D")
    (asked,) = alpaca.asked
    assert {name: asked[name] for name in ("timeframe", "feed", "adjustment", "sort")} == {
        "timeframe": "5Min", "feed": "iex", "adjustment": "split", "sort": "asc",
    }  # fmt: skip
    assert eastern(shown_rows(bars)[0].time_s) == datetime(2026, 3, 17, 4, tzinfo=EASTERN)
    assert eastern(bars.times_s[-1]) == datetime(2026, 3, 17, 10, tzinfo=EASTERN)
    assert bars.source == "alpaca"
    assert change_pct(bars)[1] == pytest.approx((27.72 / 27.43 - 1) * 100, abs=0.01)


@pytest.mark.parametrize(("timeframe", "least"), [("1M", 20), ("3M", 60), ("1Y", 250)])
async def test_longer_timeframes_are_days(source, timeframe, least):
    """A day's bar keeps its date, and the window its length."""
    bars = await source().bars("ACME", timeframe)
    assert len(bars) >= least
    assert eastern(bars.times_s[-1]) == datetime(2026, 3, 17, tzinfo=EASTERN)


async def test_pages_are_followed_to_the_end(alpaca, source):
    """A token asks for the next page with all else unchanged; pages without end are refused."""
    whole = await source().bars("ACME", "1Y")
    alpaca.page = 50
    alpaca.asked.clear()
    assert await source().bars("ACME", "1Y") == whole
    assert len(alpaca.asked) > 5
    assert {asked["start"] for asked in alpaca.asked} == {alpaca.asked[0]["start"]}
    alpaca.page = 5
    with pytest.raises(ParseError, match="do not end"):
        await source().bars("ACME", "1Y")


async def test_unknown_symbols_have_no_bars(alpaca, source):
    """Null bars, an invalid symbol and an impossible one are no bars; the last is not asked for."""
    assert await source().bars("NOPE", "1D") is None
    assert await source().bars("A-B", "1D") is None
    assert await source().bars("../x", "1D") is None
    assert len(alpaca.asked) == 2


async def test_keys_are_headers_and_nothing_else(alpaca, source):
    """They stand in no address, no error and no words, though the refusal repeats them."""
    await source().bars("ACME", "1D")
    with pytest.raises(TransportError) as refused:
        await source(secret="wrong-secret-0123456789").bars("ACME", "1D")
    assert refused.value.status == 403
    assert "ALPACA_API_SECRET_KEY" in refused.value.hint
    told = f"{refused.value} {refused.value.url} {refused.value.__dict__} {alpaca.paths}"
    assert not [secret for secret in (KEY_ID, SECRET, "wrong-secret") if secret in told]


async def test_a_key_hides_in_no_error(alpaca, source):
    """Of an answer that is no HTTP aiohttp's error holds the whole request: nobody who prints ours may meet it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 what\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        alpaca.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(TransportError) as caught:
            await source().bars("ACME", "1D")
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error}{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_live_sip_needs_the_plan_and_delayed_sip_does_not(alpaca, source):
    """SIP to this minute is refused with what to set instead; the delayed one ends a quarter of an hour ago."""
    with pytest.raises(TransportError, match="recent SIP") as refused:
        await source(feed="sip").bars("ACME", "1D")
    assert "ALPACA_FEED=iex or delayed_sip" in refused.value.hint
    late = await source(feed="delayed_sip").bars("ACME", "1D")
    assert alpaca.asked[-1]["feed"] == "sip"
    assert late.times_s[-1] <= (NOW - timedelta(minutes=16)).timestamp()
    alpaca.has_sip = True
    assert (await source(feed="sip").bars("ACME", "1D")).times_s[-1] == NOW.timestamp()


async def test_a_limit_names_its_wait(alpaca, source):
    """429 waits until the window that the answer names, else a minute."""
    alpaca.per_minute = 0
    with pytest.raises(RateLimited) as limited:
        await source().bars("ACME", "1D")
    assert limited.value.retry_after_s == pytest.approx(42)
    assert "PRICE_RATE_PER_MIN" in limited.value.hint


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"bars": 3}', b'{"bars": [3]}', b'{"bars": [{"t": "x"}]}',
     b'{"bars": [{"t":"soon","o":1,"h":1,"l":1,"c":1,"v":1}]}', b'{"bars": [], "next_page_token": 7}', b"\xff"],
)  # fmt: skip
async def test_garbage_is_a_parse_error(alpaca, source, body):
    """Whatever is no page of bars is told with its ticker."""
    alpaca.body = body
    with pytest.raises(ParseError, match="ACME"):
        await source().bars("ACME", "1D")


async def test_failures_of_the_server_are_transport_errors(alpaca, source):
    """A proxy's page, a redirect and silence: status where there is one, nobody else gets the keys."""
    for status in (302, 500, 503):
        alpaca.body, alpaca.status = b"<html>busy</html>", status
        with pytest.raises(TransportError) as refused:
            await source().bars("ACME", "1D")
        assert refused.value.status == status
    alpaca.wait_s = 1.0
    with pytest.raises(TransportError, match="within"):
        await source(timeout_s=0.1).bars("ACME", "1D")


def settings(alpaca: AlpacaDouble, **more: object) -> Settings:
    """Return the settings of a person who uses the double."""
    keys = {"alpaca_api_key_id": KEY_ID, "alpaca_api_secret_key": SECRET, "watch_list": "ACME"}
    return Settings(price_source="alpaca", alpaca_url=alpaca.url, **(keys | more))


async def test_the_doctor_names_what_is_wrong_with_the_key(alpaca):
    """A source that works, a refused key, a feed that the plan lacks and a limit each have their finding and mend."""
    now = datetime.now(UTC)
    alpaca.bars["ACME", "5Min"] = [row(now - timedelta(minutes=5 * back), 20.0) for back in range(20, 0, -1)]
    alpaca.now = now
    good = await examine_prices(settings(alpaca))
    assert (good.status, "alpaca answers" in good.words) == ("ok", True)
    for more, words in (({"alpaca_api_secret_key": "wrong-0123"}, "KEY"), ({"alpaca_feed": "sip"}, "FEED")):
        with pytest.raises(TransportError) as refused:
            await examine_prices(settings(alpaca, **more))
        assert words in refused.value.hint
    alpaca.per_minute = 0
    limited = await examine_prices(settings(alpaca))
    assert (limited.status, "PRICE_RATE_PER_MIN" in limited.mend) == ("warn", True)
