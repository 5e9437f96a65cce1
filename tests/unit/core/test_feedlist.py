"""The feed list: the one that ships is sound, and mistakes in another are all named."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from catalyst_ray.core.feedlist import built_in_feeds, feeds_toml, read_feeds
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FeedKind


def test_built_in_list_holds_the_guides_sources() -> None:
    """The list that ships has every source of the guide, EDGAR under its present form names."""
    feeds = {feed.name: feed for feed in built_in_feeds()}
    wires = {"globenewswire", "prnewswire", "businesswire", "accesswire", "finnhub"}
    sec = {"sec_8k", "sec_424b5", "sec_fwp", "sec_13d", "sec_13g"}
    assert set(feeds) == wires | sec
    assert all(feeds[n].requires == "sec_contact" and feeds[n].kind is FeedKind.EDGAR for n in sec)
    assert "SCHEDULE%2013D" in feeds["sec_13d"].url
    assert not any(feed.allow_private for feed in feeds.values())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("feed = [", "no TOML"),
        ("", "feed"),
        ('[[feed]]\nname="a"\nurl="ftp://x"', "url"),
        ('[[feed]]\nname="a"\nurl="http://x:99999/"', "Port out of range"),
        ('[[feed]]\nname="a"\nurl="http://:80/"', "must name a host"),
        ('[[feed]]\nname="a"\nurl="http://x"\ntypo=1', "typo"),
        ('[[feed]]\nname="a"\nurl="http://x"\nweight=7', "weight"),
        ('[[feed]]\nname="a"\nurl="http://x"\n[[feed]]\nname="a"\nurl="http://y"', "'a' stands twice"),
    ],
)
def test_mistakes_are_named(text: str, word: str) -> None:
    """Bad TOML, a wrong field and a repeated name each say what is wrong and in which file."""
    with pytest.raises(ConfigError) as caught:
        read_feeds(text, origin="my.toml")
    assert any(word in p and "my.toml" in p for p in caught.value.problems)


def test_written_list_reads_back() -> None:
    """Feeds written as TOML read back equal."""
    feeds = built_in_feeds()
    assert read_feeds(feeds_toml(asdict(feed) for feed in feeds), origin="x") == feeds
