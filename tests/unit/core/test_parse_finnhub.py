from __future__ import annotations

import json

import pytest

from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind
from tests.unit.core.feed_samples import NOW, parsed

ARTICLE = {
    "category": "company",
    "datetime": int(NOW.timestamp()) - 60,
    "headline": "Acme wins a very large order",
    "id": 7,
    "image": "",
    "related": "ACME",
    "source": "Example Post",
    "summary": "It is &quot;big&quot;.",
    "url": "https://finnhub.example/api/news?id=abc",
}


def test_an_article_becomes_an_item_without_the_symbol_that_was_asked_for():
    """``related`` is doubtful, so it stands apart from the categories."""
    (item,) = parsed(json.dumps([ARTICLE]), FeedKind.FINNHUB).items
    assert (item.title, item.summary, item.source) == (ARTICLE["headline"], 'It is "big".', "Example Post")
    assert (NOW - item.published_utc).total_seconds() == 60
    assert "finnhub:7" in item.aliases
    assert item.categories == ("company",)
    assert item.related == ("ACME",)


@pytest.mark.parametrize(
    "odd", [None, 5, [], {}, {"headline": 3, "datetime": "x"}, {"headline": "A", "datetime": 1e400}]
)
def test_one_odd_article_costs_only_itself(odd):
    """The others come out whatever stands between them."""
    feed = parsed(json.dumps([odd, ARTICLE]), FeedKind.FINNHUB)
    assert ARTICLE["headline"] in [item.title for item in feed.items]
    assert feed.entries == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": "Invalid API key"}', "Finnhub says: Invalid API key"),
        ("{}", "JSON dict"),
        ("[1", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("", "empty body"),
        ("<html><title>Busy</title></html>", "web page 'Busy'"),
    ],
)
def test_what_is_no_list_of_articles_is_named(body, message):
    """Errors of the service and other bodies come out as ParseError with the feed's name."""
    with pytest.raises(ParseError, match=message) as caught:
        parsed(body, FeedKind.FINNHUB)
    assert caught.value.key == "wire"


def test_a_half_emoji_does_not_reach_the_store():
    """JSON can hold lone surrogates, UTF-8 cannot."""
    body = json.dumps([ARTICLE | {"headline": "Acme \ud83d wins"}])
    parsed(body, FeedKind.FINNHUB).items[0].title.encode("utf-8")
