"""Makes each adapter from the settings: one small function a port. Starts nothing."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TextIO

from catalyst_ray import __version__
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.console import Console
from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.adapters.files import NdjsonFile
from catalyst_ray.adapters.http import HttpFetcher
from catalyst_ray.adapters.notify import AppriseService, addresses
from catalyst_ray.adapters.prices import NoPrices
from catalyst_ray.adapters.prices_alpaca import AlpacaPrices
from catalyst_ray.adapters.prices_folder import CsvPrices, ParquetPrices
from catalyst_ray.adapters.prices_http import HttpPrices
from catalyst_ray.adapters.prices_yfinance import YfinancePrices
from catalyst_ray.adapters.sec_tickers import SecTickers
from catalyst_ray.adapters.slack import SlackWebhook
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.adapters.systemd import Systemd
from catalyst_ray.adapters.webhook import Webhook
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.feedlist import built_in_feeds, read_feeds
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.signing import signing_keys
from catalyst_ray.errors import ConfigError
from catalyst_ray.pipeline.charting import ChartLook
from catalyst_ray.pipeline.gatekeeper import Gatekeeper
from catalyst_ray.pipeline.pictures import Pictures
from catalyst_ray.pipeline.price_guard import GuardedPrices
from catalyst_ray.pipeline.pulse import Pulse
from catalyst_ray.pipeline.quotes import Quotes
from catalyst_ray.settings import supervision
from catalyst_ray.settings_judgement import judgement_policy
from catalyst_ray.web.options import USUAL_PORT, PageOptions
from catalyst_ray.web.server import PageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from catalyst_ray.core.directory import TickerDirectory
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.ports import Artist, Clock, Notifier, PriceSource, RemoteNotifier, Store
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

QUOTE_TIMEOUT_S = 3.0
"""An alert waits no longer for its quote; without one the limits of price and volume are not applied."""
UNSIGNED = "set WEBHOOK_SECRET, so that the receiver can tell our events from others' (docs/alerts.md)"
PRICE_RATES = {"alpaca": 180.0, "yfinance": 30.0, "http": 600.0}
"""Requests a minute: Alpaca's free plan allows 200, Yahoo tells nobody and refuses those who ask much."""
MENDS = {
    "sec_contact": "set SEC_CONTACT to your e-mail: SEC asks for a contact in the User-Agent",
    "finnhub_token": "set FINNHUB_TOKEN to your key",
}


class FeedChoice(NamedTuple):
    """The feeds to take, and by name those that stay off with the mend."""

    active: tuple[FeedSpec, ...]
    off: Mapping[str, str]

    def off_by_mend(self) -> dict[str, str]:
        """Return the mends, and for each the names that it would switch on, in words."""
        mends = dict.fromkeys(self.off.values())
        return {mend: ", ".join(name for name, why in self.off.items() if why == mend) for mend in mends}


def choose_feeds(settings: Settings) -> FeedChoice:
    """Return which feeds of the list can be taken with these settings.

    Raises:
        ConfigError: The list is wrong, or SOURCE_WEIGHTS names no feed of it.
    """
    listed = listed_feeds(settings)
    has = {"sec_contact": bool(settings.sec_contact), "finnhub_token": bool(settings.finnhub_token)}
    off = {f.name: MENDS[f.requires] for f in listed if f.requires and not has[f.requires]}
    return FeedChoice(tuple(f for f in listed if f.name not in off), off)


def listed_feeds(settings: Settings) -> tuple[FeedSpec, ...]:
    """Return the whole list of feeds, weighed as the settings say; raises as ``choose_feeds``."""
    return _weighed(_listed(settings.feeds_file), settings.weights)


def _listed(path: Path | None) -> tuple[FeedSpec, ...]:
    if path is None:
        return built_in_feeds()
    try:
        return read_feeds(path.read_text(encoding="utf-8"), origin=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", key="FEEDS_FILE") from error


def _weighed(feeds: tuple[FeedSpec, ...], weights: Mapping[str, float]) -> tuple[FeedSpec, ...]:
    unknown = sorted(weights.keys() - {feed.name for feed in feeds})
    if unknown:
        raise ConfigError(
            f"there is no feed named {', '.join(unknown)}",
            key="SOURCE_WEIGHTS",
            hint=f"the feeds are {', '.join(feed.name for feed in feeds)}",
        )
    return tuple(replace(feed, weight=weights.get(feed.name, feed.weight)) for feed in feeds)


def make_folder(settings: Settings) -> None:
    """Make ``OUT_DIR``.

    Raises:
        ConfigError: It cannot be made.
    """
    try:
        settings.out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make {settings.out_dir}: {error.strerror}",
            key="OUT_DIR",
            hint="name a folder that this user may write to",
        ) from error


def make_fetcher(settings: Settings, clock: Clock) -> HttpFetcher:
    """Return the fetcher of feeds."""
    token = settings.finnhub_token
    return HttpFetcher(
        clock=clock,
        timeout_s=settings.feeds_timeout,
        max_bytes=settings.feeds_max_bytes,
        version=__version__,
        sec_contact=settings.sec_contact,
        finnhub_token=token.get_secret_value() if token else None,
        allow_private=settings.feeds_allow_private,
    )


def make_tickers(settings: Settings) -> SecTickers:
    """Return the keeper of the ticker map."""
    agent = f"catalyst-ray/{__version__} {settings.sec_contact}" if settings.sec_contact else None
    return SecTickers(
        cache_dir=settings.out_dir / "cache",
        url=settings.sec_tickers_url,
        path=settings.sec_tickers_file,
        user_agent=agent,
        allow_private=settings.feeds_allow_private,
    )


def make_prices(settings: Settings) -> GuardedPrices | NoPrices:
    """Return the source of price bars, guarded.

    Raises:
        ConfigError: Its extra is not installed.
    """
    clock = SystemClock()
    source = _price_source(settings, clock)
    if isinstance(source, NoPrices):
        return source
    per_minute = settings.price_rate_per_min or PRICE_RATES.get(source.name)
    return GuardedPrices(source, clock=clock, keep_s=settings.price_cache_secs, per_minute=per_minute)


def _price_source(settings: Settings, clock: Clock) -> PriceSource:
    match settings.price_source:
        case "csv" if settings.price_dir:
            return CsvPrices(settings.price_dir)
        case "parquet" if settings.price_dir:
            return ParquetPrices(settings.price_dir)
        case "http" if settings.price_url:
            return HttpPrices(settings.price_url)
        case "alpaca" if settings.alpaca_api_key_id and settings.alpaca_api_secret_key:
            return AlpacaPrices(
                settings.alpaca_api_key_id.get_secret_value(),
                settings.alpaca_api_secret_key.get_secret_value(),
                clock=clock,
                feed=settings.alpaca_feed,
                base_url=settings.alpaca_url,
            )
        case "yfinance":
            return YfinancePrices()
        case _:
            return NoPrices()


def chart_look(settings: Settings) -> ChartLook:
    """Return how charts look."""
    return ChartLook(
        theme=settings.picture_theme,
        panels=settings.panels,
        width_px=settings.chart_width_px,
        height_px=settings.chart_height_px,
    )


def make_pictures(settings: Settings, *, prices: PriceSource, artist: Artist, clock: Clock) -> Pictures:
    """Return what makes the pictures of alerts.

    Raises:
        ConfigError: Their folder cannot be made or written.
    """
    return Pictures(
        prices=prices,
        artist=artist,
        clock=clock,
        folder=settings.quickchart_image_dir,
        timeout_s=settings.chart_timeout_secs,
        timeframe=settings.chart_timeframe,
        look=chart_look(settings),
    )


def make_gatekeeper(
    settings: Settings, fast: FastTier, *, store: Store, prices: PriceSource, clock: Clock
) -> Gatekeeper:
    """Return what turns alerts down for cooldown, price and volume."""
    quotes = Quotes(prices=prices, clock=clock, timeout_s=min(QUOTE_TIMEOUT_S, settings.chart_timeout_secs))
    return Gatekeeper(gates=fast.gates, store=store, quotes=quotes, clock=clock)


def make_sinks(settings: Settings, *, out: TextIO | None = None, is_terminal: bool) -> list[Notifier]:
    """Return where alerts go: the console and the file always, everything else unless this is a dry run.

    Raises:
        ConfigError: An address is none, or an extra is not installed.
    """
    page = settings.page_url
    sinks: list[Notifier] = [
        Console(out or sys.stdout, is_terminal=is_terminal, page_url=page),
        NdjsonFile(settings.out_dir / "alerts.ndjson", page_url=page),
    ]
    if settings.is_dry_run:
        log.info("dry run: alerts go to the console, the file and the page only")
        return sinks
    return [*sinks, *make_remote_sinks(settings)]


def make_remote_sinks(settings: Settings) -> list[RemoteNotifier]:
    """Return the sinks that are set up to leave this machine; raises as ``make_sinks``."""
    return [sink for make in REMOTE_SINKS.values() for sink in make(settings)]


def _discord(settings: Settings) -> Iterator[RemoteNotifier]:
    if settings.discord_webhook_url:
        yield DiscordWebhook(settings.discord_webhook_url.get_secret_value(), page_url=settings.page_url)


def _slack(settings: Settings) -> Iterator[RemoteNotifier]:
    if settings.slack_webhook_url:
        url = settings.slack_webhook_url.get_secret_value()
        yield SlackWebhook(url, clock=SystemClock(), page_url=settings.page_url)


def _webhook(settings: Settings) -> Iterator[RemoteNotifier]:
    if not settings.webhook_url:
        return
    secret = settings.webhook_secret
    keys = signing_keys(secret.get_secret_value()) if secret else ()
    if not keys:
        log.warning("the webhook's events are not signed", extra={"mend": UNSIGNED})
    url = settings.webhook_url.get_secret_value()
    yield Webhook(url, clock=SystemClock(), keys=keys, page_url=settings.page_url)


def _apprise(settings: Settings) -> Iterator[RemoteNotifier]:
    if settings.apprise_urls:
        for number, url in enumerate(addresses(settings.apprise_urls.get_secret_value()), 1):
            yield AppriseService(url, number=number, page_url=settings.page_url)


REMOTE_SINKS: Mapping[str, Callable[[Settings], Iterator[RemoteNotifier]]] = {
    "discord": _discord,
    "slack": _slack,
    "webhook": _webhook,
    "apprise": _apprise,
}
"""What makes the sinks of each kind, none where it is not set."""


def make_fast_tier(settings: Settings, directory: TickerDirectory) -> FastTier:
    """Return the fast tier with the thresholds and uses of the settings."""
    return FastTier(
        directory=directory,
        sentiment=SentimentModel(),
        policy=judgement_policy(settings),
        uses=ModelUses(
            classifier=settings.feature_llm_classifier,
            fallback=settings.feature_llm_fallback,
            filings=settings.feature_llm_sec_analysis,
            confidence_threshold=settings.llm_confidence_threshold,
        ),
    )


def make_pulse(settings: Settings, clock: Clock) -> Pulse:
    """Return what tells systemd, where that started the program, that the driver lives."""
    told = supervision()
    patience_s = settings.sleep_seconds + settings.cycle_hang_secs
    return Pulse(Systemd(told.address), clock=clock, watchdog_s=told.watchdog_s, patience_s=patience_s)


@contextmanager
def open_page(
    settings: Settings, *, port: int | None = None, period_s: float | None = None
) -> Iterator[PageServer]:
    """Give the page's server, its port taken, over a reader of the store that is its own.

    Args:
        settings: Where it listens, and what it knows of the driver.
        port: Instead of ``WEB_PORT``; 0 takes a free one.
        period_s: Instead of ``SLEEP_SECONDS``: from which age a last cycle is called old.

    Raises:
        ConfigError: The port is taken, or there is no store yet.
        StoreError: The store cannot be read.
    """
    options = PageOptions(
        host=settings.web_host,
        port=(settings.web_port or USUAL_PORT) if port is None else port,
        public_url=settings.web_url,
        period_s=settings.sleep_seconds if period_s is None else period_s,
        chart_dir=settings.quickchart_image_dir,
        chart_keep_s=settings.chart_keep_seconds,
        retention_days=settings.retention_days,
    )
    with (
        SqlStore.open(settings.store_url, read_only=True) as archive,
        PageServer(archive, SystemClock(), options) as page,
    ):
        yield page
