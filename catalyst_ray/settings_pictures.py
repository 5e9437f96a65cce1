"""The settings of charts, gauges and the prices behind them, and what is wrong with what was set."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.models import DEFAULT_PANELS, PANELS, ChartRequest
from catalyst_ray.settings_fields import Seconds, http_address, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.settings import Settings

_CHARTS, _PRICES = "Charts", "Prices"
_SIZE = {field.name: field.default for field in fields(ChartRequest)}


class PictureSettings(BaseSettings):
    """Part of ``settings.Settings``."""

    chart_queue_workers: Annotated[int, Field(ge=1, le=256)] = setting(4, _CHARTS, "Charts drawn at once.")
    chart_cache_ttl: Annotated[float, Field(ge=0, le=86_400)] = setting(
        300.0, _CHARTS, "Seconds that a chart is kept for an equal request."
    )
    chart_timeout_secs: Seconds = setting(
        10.0, _CHARTS, "Seconds a chart may take; the card goes without it after that."
    )
    chart_keep_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = setting(
        3600.0, _CHARTS, "Age at which chart files are deleted, unless an unsent alert needs them."
    )
    chart_timeframe: Literal["1D", "5D", "1M", "3M", "1Y"] = setting(
        "1D",
        _CHARTS,
        "What the chart of an alert shows: a day in bars of 5 minutes, five of 30, or months of days. Where there"
        " are no bars of that, the next best is shown.",
    )
    chart_panels: str = setting(
        ", ".join(DEFAULT_PANELS),
        _CHARTS,
        f"What stands beside the candles, comma-separated: {', '.join(PANELS)}; none = candles alone.",
    )
    chart_theme: Literal["dark", "light"] = setting("dark", _CHARTS, "Colours of charts and gauges.")
    chart_colour_blind: bool = setting(
        False, _CHARTS, "Colours that colour-blind people tell apart, in place of green and red."
    )
    chart_width_px: Annotated[int, Field(ge=240, le=4_000)] = setting(
        _SIZE["width_px"], _CHARTS, "Width of a chart, in pixels."
    )
    chart_height_px: Annotated[int, Field(ge=160, le=3_000)] = setting(
        _SIZE["height_px"], _CHARTS, "Height of a chart, in pixels."
    )
    quickchart_image_dir: Path = setting(Path("out/charts"), _CHARTS, "Folder of the chart files.")

    price_source: Literal["none", "csv", "parquet", "http", "yfinance", "alpaca"] = setting(
        "none", _PRICES, "Where price bars come from; none = cards without a chart."
    )
    price_dir: Path | None = setting(
        None, _PRICES, "Folder of TICKER.csv or TICKER.parquet files, for PRICE_SOURCE=csv or parquet."
    )
    price_url: str | None = setting(None, _PRICES, "Address of a price server, for PRICE_SOURCE=http.")
    price_cache_secs: Annotated[float, Field(ge=0, le=3_600)] = setting(
        30.0, _PRICES, "Seconds that bars are given again without asking; 0 = not at all."
    )
    price_rate_per_min: Annotated[float, Field(ge=1, le=60_000)] | None = setting(
        None,
        _PRICES,
        "Requests a minute to the price source; unset = 180 to Alpaca, 30 to Yahoo, 600 to a server, no limit to files.",
    )
    alpaca_api_key_id: SecretStr | None = setting(None, _PRICES, "Key's name, for PRICE_SOURCE=alpaca.")
    alpaca_api_secret_key: SecretStr | None = setting(None, _PRICES, "Secret key, for PRICE_SOURCE=alpaca.")
    alpaca_feed: Literal["iex", "sip", "delayed_sip"] = setting(
        "iex",
        _PRICES,
        "Alpaca's feed: iex = one exchange, live, free; delayed_sip = all, 16 minutes old, free; sip = all, live, paid.",
    )
    alpaca_url: str = setting("https://data.alpaca.markets", _PRICES, "Address of Alpaca's market data.")

    @field_validator("chart_panels")
    @classmethod
    def _are_panels(cls, value: str) -> str:
        if set(_panels(value)) - {*PANELS}:
            raise ValueError(f"must be some of {', '.join(PANELS)}, or none")
        return value.lower()

    @property
    def picture_theme(self) -> str:
        """Return the theme of charts and gauges, as ``core.chart_style`` names it."""
        return f"{self.chart_theme}-colour-blind" if self.chart_colour_blind else self.chart_theme

    @property
    def panels(self) -> tuple[str, ...]:
        """Return what stands beside the candles."""
        return _panels(self.chart_panels)

    @field_validator("price_url", "alpaca_url")
    @classmethod
    def _is_price_server(cls, value: str | None) -> str | None:
        return value and http_address(value)


def picture_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for everything about charts and prices that cannot work."""
    source = settings.price_source
    if source in {"csv", "parquet"} and settings.price_dir is None:
        yield f"PRICE_DIR: must name a folder when PRICE_SOURCE={source}"
    if source == "http" and settings.price_url is None:
        yield "PRICE_URL: must name a server when PRICE_SOURCE=http"
    if settings.price_dir is not None and not settings.price_dir.is_dir():
        yield f"PRICE_DIR: there is no folder {settings.price_dir}"
    if source == "alpaca":
        yield from _alpaca_problems(settings)


def _alpaca_problems(settings: Settings) -> Iterator[str]:
    for name, key in (
        ("ALPACA_API_KEY_ID", settings.alpaca_api_key_id),
        ("ALPACA_API_SECRET_KEY", settings.alpaca_api_secret_key),
    ):
        text = key.get_secret_value() if key else ""
        if not text:
            yield f"{name}: must be set when PRICE_SOURCE=alpaca; a free account has one"
        elif not (text.isascii() and text.isprintable()) or " " in text:
            yield f"{name}: must be letters and digits alone"
    address = urlsplit(settings.alpaca_url)
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        yield "ALPACA_URL: must be https://, since the keys go there"


def _panels(text: str) -> tuple[str, ...]:
    words = [word.strip() for word in text.lower().split(",")]
    return () if words == ["none"] else tuple(dict.fromkeys(word for word in words if word))
