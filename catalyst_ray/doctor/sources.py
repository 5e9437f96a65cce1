"""The doctor's checks of what news are made of: feeds, the map of tickers, prices. Each is asked once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.core.bars import shown_rows
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.core.reasons import said
from catalyst_ray.doctor.steps import step
from catalyst_ray.errors import CatalystError, RateLimited
from catalyst_ray.models import FeedState, Finding
from catalyst_ray.wiring import choose_feeds, make_fetcher, make_prices, make_tickers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalyst_ray.adapters.http import HttpFetcher
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.settings import Settings

TEST_TICKER = "AAPL"
FEED_MARGIN_S = 15.0
FEED_MEND = "check the network; a feed that stays dead goes out of FEEDS_FILE"
TICKERS_MEND = "set SEC_CONTACT, or SEC_TICKERS_FILE for use without network"
PRICES_MEND = "check PRICE_SOURCE, and what it needs: PRICE_URL, PRICE_DIR or the keys of ALPACA_*"


async def check_sources(settings: Settings) -> AsyncIterator[Finding]:
    """Yield a finding for each feed, the map of tickers and the source of prices."""
    async for finding in _feeds(settings):
        yield finding
    yield await step("ticker map", _tickers(settings), TICKERS_MEND)
    yield await step("prices", check_prices(settings), PRICES_MEND)


async def _feeds(settings: Settings) -> AsyncIterator[Finding]:
    try:
        feeds = choose_feeds(settings)
    except CatalystError as error:
        yield Finding("feeds", "fail", error.message, error.hint or FEED_MEND)
        return
    # The fetcher has a limit of its own; reading what came is bounded by its size.
    limit_s = settings.feeds_timeout + FEED_MARGIN_S
    async with make_fetcher(settings, SystemClock()) as fetcher:
        asked = (
            step(f"feed {spec.name}", _feed(spec, fetcher), FEED_MEND, limit_s=limit_s)
            for spec in feeds.active
        )
        for finding in await asyncio.gather(*asked):
            yield finding
    for mend, names in feeds.off_by_mend().items():
        yield Finding("feeds off", "warn", names, mend)


async def _feed(spec: FeedSpec, fetcher: HttpFetcher) -> Finding:
    fetched = await fetcher.fetch(spec, FeedState(feed=spec.name))
    parsed = await asyncio.to_thread(parse_feed, fetched, spec)
    words = f"{parsed.entries} entries in {fetched.seconds:.2f} s"
    return Finding(
        f"feed {spec.name}",
        "ok" if parsed.entries else "warn",
        words,
        "" if parsed.entries else "is the feed empty?",
    )


async def _tickers(settings: Settings) -> Finding:
    directory, notes = await make_tickers(settings).load(SystemClock().now_utc())
    if len(directory):
        return Finding("ticker map", "ok", f"{len(directory)} tickers")
    words = "; ".join(note.detail or note.code for note in notes) or "empty"
    return Finding("ticker map", "warn", words, TICKERS_MEND)


async def check_prices(settings: Settings) -> Finding:
    """Return whether the source of prices answers, and what it has of a ticker on the watch list.

    Raises:
        CatalystError: It does not answer, or refuses.
    """
    if settings.price_source == "none":
        mend = "set PRICE_SOURCE=yfinance, alpaca, csv, parquet or http"
        return Finding("prices", "warn", "none: cards have no chart", mend)
    ticker = min(settings.watched, default=TEST_TICKER)
    source = make_prices(settings)
    try:
        bars = await source.bars(ticker, "1D")
    except RateLimited as error:
        mend = error.hint or "it works, and refuses for now: alerts in the meantime have no chart"
        return Finding("prices", "warn", error.message, mend)
    finally:
        await source.close()
    if bars is None:
        mend = "cards of tickers without bars have no chart; put one that it has into WATCH_LIST to check it"
        return Finding("prices", "warn", f"{source.name} answers, and has no bars of {ticker}", mend)
    mended = "".join(f"; {said(remark)}" for remark in bars.remarks)
    return Finding("prices", "ok", f"{source.name} answers, {len(shown_rows(bars))} bars of {ticker}{mended}")
