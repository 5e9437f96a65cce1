"""Which adapter comes of which setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.console import Console
from catalyst_ray.adapters.files import NdjsonFile
from catalyst_ray.adapters.prices import NoPrices
from catalyst_ray.adapters.prices_alpaca import AlpacaPrices
from catalyst_ray.adapters.prices_folder import CsvPrices, ParquetPrices
from catalyst_ray.adapters.prices_http import HttpPrices
from catalyst_ray.adapters.prices_yfinance import YfinancePrices
from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.gates import Gates
from catalyst_ray.core.market_hours import Session
from catalyst_ray.errors import ConfigError
from catalyst_ray.pipeline.price_guard import GuardedPrices
from catalyst_ray.settings import NAMES, Settings
from catalyst_ray.wiring import (
    choose_feeds,
    make_fast_tier,
    make_folder,
    make_gatekeeper,
    make_prices,
    make_remote_sinks,
    make_sinks,
)

HOOK = "https://discord.com/api/webhooks/12/abc"
SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_feeds_that_need_something_are_off_without_it() -> None:
    """Without contact and key the SEC and Finnhub feeds are off, each with its mend, and the rest is taken."""
    bare = choose_feeds(Settings())
    needs = {name: mend.split()[1] for name, mend in bare.off.items()}
    assert needs.pop("finnhub") == "FINNHUB_TOKEN"
    assert needs.pop("sec_8k") == "SEC_CONTACT"
    assert set(needs.values()) == {"SEC_CONTACT"}
    assert set(bare.off_by_mend().values()) == {"finnhub", ", ".join(n for n in bare.off if n != "finnhub")}
    assert not [feed.name for feed in bare.active if feed.requires]
    full = choose_feeds(Settings(sec_contact="me@example.org", finnhub_token="invented-key"))
    assert full.off == {}
    assert {feed.name for feed in full.active} == {feed.name for feed in bare.active} | set(bare.off)


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    """FEEDS_FILE replaces the list that ships; a wrong one is named."""
    path = tmp_path / "feeds.toml"
    path.write_text('[[feed]]\nname = "mine"\nurl = "https://example.org/rss"\n')
    assert [feed.name for feed in choose_feeds(Settings(feeds_file=path)).active] == ["mine"]
    path.write_text("[[feed]]\n")
    with pytest.raises(ConfigError, match=r"feeds\.toml"):
        choose_feeds(Settings(feeds_file=path))


KEYS = {"alpaca_api_key_id": "invented-id", "alpaca_api_secret_key": "invented-secret"}


@pytest.mark.parametrize(
    ("settings", "adapter", "per_minute"),
    [
        ({"price_source": "csv", "price_dir": Path()}, CsvPrices, None),
        ({"price_source": "parquet", "price_dir": Path()}, ParquetPrices, None),
        ({"price_source": "http", "price_url": "http://127.0.0.1:1"}, HttpPrices, 600),
        ({"price_source": "yfinance"}, YfinancePrices, 30),
        ({"price_source": "alpaca", **KEYS}, AlpacaPrices, 180),
        ({"price_source": "alpaca", "price_rate_per_min": 60, **KEYS}, AlpacaPrices, 60),
    ],
    ids=["csv", "parquet", "http", "yfinance", "alpaca", "a rate of one's own"],
)
def test_prices(settings, adapter, per_minute) -> None:
    """PRICE_SOURCE says where price bars come from; every source is guarded, at its pace and for PRICE_CACHE_SECS."""
    guarded = make_prices(Settings(price_cache_secs=7, **settings))
    assert isinstance(guarded, GuardedPrices)
    assert type(guarded._source) is adapter
    assert (guarded.name, guarded._keep_s) == (adapter.name, 7)
    turns = guarded._turns
    assert (turns and round(60 / turns._spacing_s)) == per_minute


def test_no_prices() -> None:
    """Without a source there is nothing to guard."""
    assert type(make_prices(Settings())) is NoPrices


def test_alpaca_is_asked_as_the_settings_say() -> None:
    """Address, feed and keys reach the adapter."""
    guarded: Any = make_prices(
        Settings(price_source="alpaca", alpaca_url="http://127.0.0.1:1", alpaca_feed="delayed_sip", **KEYS)
    )
    source = guarded._source
    assert (str(source._base), source._feed) == ("http://127.0.0.1:1", "delayed_sip")
    assert source._wire._headers["APCA-API-SECRET-KEY"] == "invented-secret"


ALL_SINKS = {
    "discord_webhook_url": HOOK,
    "slack_webhook_url": "https://hooks.slack.com/services/T1/B1/x",
    "webhook_url": "https://in.example.org/hook",
    "webhook_secret": SECRET,
    "apprise_urls": "json://a.example.org ntfy://topic",
}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"discord_webhook_url": HOOK}, ["discord"]),
        ({"slack_webhook_url": ALL_SINKS["slack_webhook_url"]}, ["slack"]),
        (ALL_SINKS, ["discord", "slack", "webhook", "apprise-1-json", "apprise-2-ntfy"]),
        (ALL_SINKS | {"dry_run": True}, []),
    ],
    ids=["none", "discord", "slack", "all", "dry run"],
)
def test_sinks(settings, names, tmp_path: Path) -> None:
    """Console and file always take alerts; all else only where it is set, and without DRY_RUN."""
    sinks = make_sinks(Settings(out_dir=tmp_path, **settings), is_terminal=False)
    assert [type(sink) for sink in sinks[:2]] == [Console, NdjsonFile]
    assert [sink.name for sink in sinks] == ["console", "file", *names]


def test_an_unsigned_webhook_is_told_at_start(caplog: pytest.LogCaptureFixture) -> None:
    """With the setting that signs; with a secret nothing is said."""
    make_remote_sinks(Settings(webhook_url="https://in.example.org/hook"))
    assert [record.message for record in caplog.records] == ["the webhook's events are not signed"]
    caplog.clear()
    make_remote_sinks(Settings(webhook_url="https://in.example.org/hook", webhook_secret=SECRET))
    assert caplog.records == []


def test_every_sink_knows_the_page() -> None:
    """Links on all cards lead to it."""
    page = "https://alerts.example.org"
    sinks = make_sinks(Settings(**ALL_SINKS, web_url=page), is_terminal=False)
    assert [vars(sink)["_page_url"] for sink in sinks] == [page] * len(sinks)


def test_the_folder_is_made_or_named(tmp_path: Path) -> None:
    """OUT_DIR is made with its parents; where that cannot be, the variable is named."""
    make_folder(Settings(out_dir=tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        make_folder(Settings(out_dir=tmp_path / "file" / "x"))
    assert caught.value.key == "OUT_DIR"


def test_the_fast_tier_takes_the_thresholds_of_the_settings() -> None:
    """Threshold, watch list and the three uses of the model reach the fast tier."""
    settings = Settings(alert_threshold=0.7, watch_list="abc, def", feature_llm_classifier=False)
    tier = make_fast_tier(settings, TickerDirectory.from_listings([]))
    policy, uses = tier._policy, tier._uses
    assert (policy.alert_min_value, policy.watch_list) == (0.7, frozenset({"ABC", "DEF"}))
    assert (uses.classifier, uses.fallback, uses.filings) == (False, True, True)


def test_trust_in_a_feed_is_set_by_name() -> None:
    """SOURCE_WEIGHTS replaces the list's weight; a name that no feed has is refused with those there are."""
    active = choose_feeds(Settings(source_weights="prnewswire=0.5, AccessWire = 0")).active
    weights = {feed.name: feed.weight for feed in active}
    assert (weights["prnewswire"], weights["accesswire"], weights["globenewswire"]) == (0.5, 0.0, 1.0)
    with pytest.raises(ConfigError, match="no feed named newswire") as caught:
        choose_feeds(Settings(source_weights="newswire=0.5"))
    assert caught.value.key == "SOURCE_WEIGHTS"
    assert "globenewswire" in str(caught.value.hint)


def test_the_gatekeeper_takes_the_limits_of_the_settings(tmp_path: Path) -> None:
    """Each limit of the settings is the one that decides; a quote is not waited for longer than a chart."""
    settings = Settings(
        price_source="http", price_url="http://127.0.0.1:1", price_floor=1, price_ceiling=50, min_avg_volume=1e5,
        alert_cooldown_seconds=60, alert_sessions="Regular, pre", chart_timeout_secs=2,
    )  # fmt: skip
    tier = make_fast_tier(settings, TickerDirectory.from_listings([]))
    prices: Any = NoPrices()
    keeper = make_gatekeeper(settings, tier, store=cast("Any", None), prices=prices, clock=SystemClock())
    assert keeper._gates == Gates(
        cooldown_s=60,
        cooldown_margin=0.15,
        sessions=frozenset({Session.PRE, Session.REGULAR}),
        price_floor_usd=1,
        price_ceiling_usd=50,
        min_average_volume=1e5,
    )
    assert keeper._quotes._timeout_s == 2


@pytest.mark.parametrize(
    ("settings", "news_s", "filing_s", "offering_s"),
    [
        ({}, 21_600, 86_400, 43_200),
        ({"news_max_age_seconds": 3600}, 3600, 86_400, 43_200),
        ({"filing_max_age_seconds": 7200}, 21_600, 7200, 7200),
    ],
)
def test_ages_of_the_settings(settings, news_s, filing_s, offering_s) -> None:
    """NEWS_MAX_AGE_SECONDS and FILING_MAX_AGE_SECONDS replace the policy's ages, a filing's whatever its form."""
    freshness = make_fast_tier(Settings(**settings), TickerDirectory.from_listings([]))._policy.freshness
    ages = [freshness[name].max_age_s for name in ("news", "filing", "424B5")]
    assert ages == [news_s, filing_s, offering_s]
