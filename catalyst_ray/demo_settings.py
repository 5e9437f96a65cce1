"""Settings for a run against a demo world: everything that leaves the machine is turned to it. Starts nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

TIMEOUT_S = 10.0
SCRIPTED = "demo-scripted"
"""The demo's language model."""
BROKEN = "demo_broken"
"""The feed that is broken on purpose."""


def demo_settings(
    base_url: str, webhook_url: str, out: Path, *, env_file: Path | None = None, **changes: Any
) -> Settings:
    """Return settings for a run against a demo world that writes into ``out``, with ``changes`` to them."""
    ours = {
        **world_of_demo(base_url, webhook_url, out),
        **model_of_demo(base_url),
        "feeds_timeout": 5.0,
        "sleep_seconds": 0.5,
        "ray_address": None,
        "log_level": "INFO",
    }
    return load_settings({**ours, **changes}, env_file=env_file)


def world_of_demo(
    base_url: str, webhook_url: str, out: Path, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the settings that turn feeds, prices and deliveries to the world, and files and store to ``out``.

    Feeds named in ``without`` are left out.
    """
    feeds = out / "feeds.toml"
    with urlopen(f"{base_url}/_control/feeds", timeout=TIMEOUT_S) as answer:  # noqa: S310  (our own child on loopback)
        rows = [row for row in json.load(answer) if row["name"] not in without]
    feeds.write_text(feeds_toml(rows), encoding="utf-8")
    return {
        "feeds_file": feeds,
        "feeds_allow_private": True,
        "sec_contact": "demo@example.org",
        "sec_tickers_url": f"{base_url}/files/company_tickers.json",
        "finnhub_token": "invented-key-of-the-demo",
        "price_source": "http",
        "price_url": base_url,
        "discord_webhook_url": webhook_url,
        "slack_webhook_url": None,
        "webhook_url": None,
        "webhook_secret": None,
        "apprise_urls": None,
        "dry_run": False,
        **own_folder(out),
    }


def model_of_demo(base_url: str) -> dict[str, Any]:
    """Return the settings that let the world's scripted model judge."""
    return {"llm_engine": "ollama", "ollama_host": base_url, "llm_model_name": SCRIPTED}


def own_folder(out: Path) -> dict[str, Any]:
    """Return the settings that keep store and files in ``out``, and serve no page."""
    return {
        "out_dir": out,
        "quickchart_image_dir": out / "charts",
        "database_url": None,
        "web_port": None,
        "web_host": "127.0.0.1",
        "web_url": None,
    }
