"""Single pieces, in this process: parsing, judging, looking up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import feedparser

from catalyst_ray.core.dedupe import telling_of
from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.stories import LIMIT, StoryIndex
from catalyst_ray.demo import edgar
from catalyst_ray.demo.press import Press
from catalyst_ray.demo.world import World
from catalyst_ray.models import FeedKind, FeedSpec, Fetched
from tests.bench.timing import median_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.models import Item

OPENED = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
NOW = OPENED + timedelta(minutes=2)
BASE = "http://127.0.0.1:1"
SENTENCE = (
    "Net sales of Norvane grew by a tenth in the third quarter, but its operating profit fell on higher costs while "
    "the board is pleased with the good progress of its new plant and expects no further delays this year, although "
    "shareholders worry about weak demand where two of the largest customers have cut their orders for next spring. "
)
"""60 words; five of it are the 300-word text."""


def measure() -> dict[str, float]:
    """Return the figures of every piece, in seconds."""
    press = Press(World(7, OPENED, items=3_000), OPENED)
    press.release(3, OPENED + timedelta(minutes=1))
    return {**_parsing(press), **_judging(press)}


def _fetched(channel: Channel, body: bytes, content_type: str) -> Fetched:
    return Fetched(
        feed=channel.name,
        url=BASE + channel.path,
        status=200,
        body=body,
        content_type=content_type,
        first_byte_utc=NOW,
        received_utc=NOW,
    )


def _parsing(press: Press) -> dict[str, float]:
    channel = max((c for c in press.world.channels if c.desks), key=lambda c: len(press.entries(c)))
    edition = press.edition(channel, BASE)
    fetched = _fetched(channel, edition.body, edition.content_type)
    entries = parse_feed(fetched, channel.spec(BASE)).entries
    ours = median_s(lambda: parse_feed(fetched, channel.spec(BASE)), times=15)
    alone = median_s(lambda: feedparser.parse(edition.body), times=15)
    body = edgar.current_page(press.filings(""), NOW, start=0, count=100, base_url=BASE) or b""
    spec = FeedSpec(name="edgar", url=BASE, kind=FeedKind.EDGAR)
    filings = _fetched(channel, body, "application/atom+xml")
    count = parse_feed(filings, spec).entries
    return {
        "parse_100_entries_s": ours * 100 / entries,
        "parse_100_entries_feedparser_alone_s": alone * 100 / entries,
        "parse_100_edgar_entries_s": median_s(lambda: parse_feed(filings, spec), times=15) * 100 / count,
    }


def _items(press: Press) -> list[Item]:
    found: list[Item] = []
    for channel in press.world.channels:
        if channel.desks:
            edition = press.edition(channel, BASE)
            fetched = _fetched(channel, edition.body, edition.content_type)
            found += parse_feed(fetched, channel.spec(BASE)).items
    return found[:1_000]


def _judging(press: Press) -> dict[str, float]:
    items = _items(press)
    fast = FastTier(
        directory=TickerDirectory.from_json(edgar.company_tickers()),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )
    seconds = median_s(lambda: [fast.read(item, now_utc=NOW) for item in items], times=3)
    sentiment = SentimentModel()
    return {
        "classify_1000_s": seconds * 1_000 / len(items),
        "story_lookup_s": _looking_up(items, fast),
        "sentiment_300_words_s": median_s(lambda: sentiment.sentiment("Norvane", SENTENCE * 5), times=50),
    }


def _looking_up(items: Sequence[Item], fast: FastTier) -> float:
    """Return the seconds to find an item's story in a full window whose texts are a story each: the worst case."""
    tellings = [
        telling_of(item, reading.link, reading.score)
        for item in items
        for reading in (fast.read(item, now_utc=NOW),)
    ]
    index = StoryIndex()
    for number in range(LIMIT):
        index.add(tellings[number % len(tellings)], story=str(number), now_utc=NOW)
    some = tellings[:: max(1, len(tellings) // 200)]
    return median_s(lambda: [index.find(one) for one in some], times=3) / len(some)
