"""The list of measures; each is one topic's function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.quality.events import events
from catalyst_ray.quality.false_alerts import false_alerts
from catalyst_ray.quality.filings import filings
from catalyst_ray.quality.offerings import offerings
from catalyst_ray.quality.peer import peer
from catalyst_ray.quality.sentiment import sentiment
from catalyst_ray.quality.speed import speed
from catalyst_ray.quality.stories import stories
from catalyst_ray.quality.tickers import tickers

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.quality.figure import Figure
    from catalyst_ray.quality.folder import DataFolder

KEYS = (
    "edgar_cik_rate", "tickers_tagged_f1", "tickers_named_f1", "foreign_as_us", "phrasebank_macro_f1",
    "twitter_macro_f1", "semeval_cosine", "event_macro_f1", "offering_exact", "items_8k_exact",
    "false_alert_rate", "story_ari", "ms_per_headline",
)  # fmt: skip
"""Figures that the JSON names in any case, first and in this order."""

MEASURES: tuple[Callable[[DataFolder], tuple[Figure, ...]], ...] = (
    tickers, sentiment, events, offerings, filings, stories, false_alerts, peer, speed,
)  # fmt: skip
