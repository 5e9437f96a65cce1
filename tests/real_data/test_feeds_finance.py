"""Real feeds of publishers and newswires."""

from __future__ import annotations

import re

import pytest

from catalyst_ray.models import FeedKind
from tests.real_data.feed_files import NOW, parse_file, surveyed_entries

pytestmark = pytest.mark.real_data

TAG = re.compile(
    r"</?(?:p|br|div|span|a|b|i|img|table|td|tr|ul|li|strong|em|font|h\d)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|nbsp|amp|quot|lt|gt|apos|rsquo|ldquo|mdash);", re.IGNORECASE)


def feeds(data_dir, folder):
    """Return the feed files of a folder in which feedparser finds entries."""
    surveyed = surveyed_entries(data_dir)
    files = sorted((data_dir / "01_feeds_finance" / folder).glob("*.[xr][ms][ls]"))
    found = [path for path in files if surveyed.get(str(path.relative_to(data_dir)), 1)]
    if not found:
        pytest.skip(f"no feeds in {folder}")
    return found


@pytest.mark.parametrize("folder", ["publishers", "wires", "polls_wsj"])
def test_news_come_out_clean_and_dated(data_dir, folder):
    """Each feed gives items with plain text, a key, an address or none, and a believable date."""
    for path in feeds(data_dir, folder):
        feed = parse_file(path)
        assert any(item.published_utc for item in feed.items), path
        # Some entries have no date; those that have one are read, and none lies in the future.
        assert not [note for note in feed.notes if note.code.startswith("date_")], path
        for item in feed.items:
            text = f"{item.title}\n{item.summary}"
            assert not TAG.search(text), f"{path}: {text}"
            assert not ENTITY.search(text), f"{path}: {text}"
            assert item.url == "" or item.url.startswith(("http://", "https://"))
            if item.published_utc:
                assert item.published_utc.year >= 2000
                assert item.published_utc <= NOW


def test_what_stays_in_a_feed_keeps_its_key(data_dir):
    """From poll to poll of one feed, the same headline has the same key."""
    keys: dict[str, set[str]] = {}
    for path in feeds(data_dir, "polls_wsj"):
        for item in parse_file(path).items:
            keys.setdefault(item.title, set()).add(item.key)
    assert keys
    assert all(len(found) == 1 for found in keys.values())


def test_trading_halts_without_link_stay_apart(data_dir):
    """Nasdaq's halts have no link and no guid: each is still an item of its own."""
    for path in feeds(data_dir, "publishers"):
        if "halts" in path.name:
            feed = parse_file(path)
            assert len(feed.items) == feed.entries


def test_finnhub_answers_are_read(data_dir):
    """Recorded answers give one item an article, with its time and publisher."""
    files = sorted((data_dir / "01_feeds_finance" / "api_json").glob("finnhub*news*.json"))
    if not files:
        pytest.skip("no Finnhub answers")
    for path in files:
        feed = parse_file(path, FeedKind.FINNHUB)
        assert len(feed.items) == feed.entries > 0
        assert all(item.published_utc and item.source for item in feed.items)
