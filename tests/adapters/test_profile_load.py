"""A profile's load: the demo's world or the user's feeds, and nothing of the user's is touched."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

from catalyst_ray.profiler.loads import open_load
from catalyst_ray.profiler.wish import ProfileWish
from catalyst_ray.settings import Settings

USERS: dict[str, Any] = {
    "discord_webhook_url": "https://discord.com/api/webhooks/1/the-user-s-token",
    "slack_webhook_url": "https://hooks.slack.com/services/T/B/X",
    "webhook_url": "https://example.org/hook",
    "apprise_urls": "json://example.org",
    "database_url": "postgresql+psycopg://user:word@db/x",
    "web_port": 8080,
    "ray_address": "10.0.0.1:6379",
    "llm_batch_workers": 7,
    "chart_cache_ttl": 11.0,
    "feeds_parallel": False,
    "feeds_timeout": 3.0,
    "max_alerts_per_cycle": 17,
    "sleep_seconds": 77.0,
}


def users(tmp_path, **changes: Any) -> Settings:
    """Return a user's settings."""
    return Settings(_env_file=None, out_dir=tmp_path / "out", **{**USERS, **changes})


def test_the_demo_s_load_keeps_the_speed_and_leaves_everything_else(tmp_path) -> None:
    """Speed settings and the cluster stay; feeds, prices, sinks, store and files are the demo's, in a folder that goes."""
    mine = users(tmp_path, llm_server_command="serve --port {port}")
    with open_load(mine, ProfileWish(cycles=1)) as load:
        its = load.settings
        base = str(its.price_url)
        for name in (
            "llm_batch_workers",
            "chart_cache_ttl",
            "feeds_parallel",
            "feeds_timeout",
            "max_alerts_per_cycle",
        ):
            assert getattr(its, name) == USERS[name], name
        assert its.ray_address == USERS["ray_address"]
        assert base.startswith("http://127.0.0.1:")
        assert its.discord_webhook_url.get_secret_value().startswith(base)
        assert (its.slack_webhook_url, its.webhook_url, its.apprise_urls) == (None, None, None)
        assert (its.database_url, its.web_port, its.sleep_seconds, its.metrics) == (None, None, 0.5, False)
        assert (its.llm_model_name, its.ollama_host, its.llm_server_command) == ("demo-scripted", base, None)
        assert mine.out_dir not in (its.out_dir, *its.out_dir.parents)
        feeds = its.feeds_file.read_text()
        assert "demo_broken" not in feeds
        load.next_load(2)
        with urlopen(f"{base}/_control/state", timeout=5) as answer:
            assert json.load(answer)["batch"] == 2
    assert not its.out_dir.exists()
    assert not mine.out_dir.exists()


def test_with_one_s_own_model_or_none_the_engine_stays(tmp_path) -> None:
    """The demo's news goes to the user's engine when that is asked for, and to none where it is switched off."""
    for changes, wish in (
        ({}, ProfileWish(cycles=1, own_model=True)),
        ({"llm_engine": "off"}, ProfileWish(cycles=1)),
    ):
        mine = users(tmp_path, **changes)
        with open_load(mine, wish) as load:
            assert (load.settings.llm_engine, load.settings.llm_model_name) == (mine.llm_engine, "mistral")


def test_the_live_load_is_dry_and_has_a_store_of_its_own(tmp_path) -> None:
    """Feeds, prices, engine and pace are the user's; nothing is posted, and a ticker map that is there is used."""
    mine = users(tmp_path)
    known = mine.out_dir / "cache" / "company_tickers.json"
    known.parent.mkdir(parents=True)
    known.write_text("{}")
    with open_load(mine, ProfileWish(load="live")) as load:
        its = load.settings
        assert its.is_dry_run
        assert (its.database_url, its.web_port, its.sec_tickers_file, its.metrics) == (
            None,
            None,
            known,
            False,
        )
        assert mine.out_dir not in (its.out_dir, *its.out_dir.parents)
        assert (its.sleep_seconds, its.price_source, its.feeds_file) == (
            77.0,
            mine.price_source,
            mine.feeds_file,
        )
