from __future__ import annotations

import pytest

from catalyst_ray.core.dedupe import find_near_duplicate, is_near_duplicate, similar
from catalyst_ray.core.identity import accession_of_url, release_alias, title_alias, url_key

SAME = [
    ("Acme raises $5 million in private placement", "Acme raises $5M in private placement - Reuters"),
    (
        "Acme prices $25 million public offering",
        "Acme Corp. Announces Pricing of $25.0 Million Public Offering",
    ),
    ("Acme shares jump 5 percent on earnings", "Acme shares jump 5% on earnings"),
    ("Acme to sell 1,500,000 shares to Beta Partners", "Acme to sell 1.5 million shares to Beta Partners"),
]
OTHER = [
    ("Acme raises $5M in private placement", "Acme raises $50M in private placement"),
    ("Acme Announces Q2 2026 Financial Results", "Acme Announces Q3 2026 Financial Results"),
    (
        "Acme announces proposed public offering of stock",
        "Acme announces closing of public offering of stock",
    ),
    ("Analyst raises Acme price target to $50", "Analyst lowers Acme price target to $50"),
    ("Acme reports results", "Acme reports results of its trial of a drug in elderly patients"),
    ("Acme names new chief executive officer", "Beta recalls two million cars over brakes"),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_news_in_other_words(a, b):
    """Amounts written in another way, order and filling words do not hide a duplicate."""
    assert is_near_duplicate(a, b)
    assert similar(a, b) == pytest.approx(similar(b, a))


@pytest.mark.parametrize(("a", "b"), OTHER)
def test_other_news_in_like_words(a, b):
    """Another figure, quarter, stage or direction makes it other news."""
    assert not is_near_duplicate(a, b)


def test_find_takes_the_most_alike_and_heeds_the_guards():
    """Of many candidates the right one is found; none is found where only a figure differs."""
    candidates = [("k1", OTHER[0][1]), ("k2", "Something else entirely happened today"), ("k3", SAME[0][1])]
    assert find_near_duplicate(SAME[0][0], candidates) == "k3"
    assert find_near_duplicate("Acme raises $7M in private placement", candidates) is None
    assert find_near_duplicate("", candidates) is None
    assert find_near_duplicate("Acme", [("short", "ACME")]) == "short"


def test_url_keys_join_forms_of_one_page_and_refuse_homepages():
    """Scheme, case of the host and tracking do not make another page; a bare host is no page."""
    assert url_key("http://EXAMPLE.com/a/?utm_medium=rss") == url_key("https://example.com/a")
    assert url_key("https://example.com/") is None
    assert url_key("https://example.com/a") != url_key("https://example.com/A")


def test_title_alias_needs_a_specific_title():
    """A headline that many companies use names none of them."""
    assert title_alias("Issue of Equity") is None
    assert title_alias("Wall Street Week Ahead") is None
    assert title_alias("Acme Corp. wins FDA approval for its cancer drug") == title_alias(
        "ACME CORP WINS FDA APPROVAL FOR ITS CANCER DRUG | Reuters"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://www.sec.gov/Archives/edgar/data/1/000117184326004725/0001171843-26-004725-index.htm",
        "https://www.sec.gov/Archives/edgar/data/1/000117184326004725/ex99.htm",
        "https://www.sec.gov/ix?doc=/Archives/edgar/data/1/000117184326004725/form8k.htm",
    ],
)
def test_every_address_of_a_filing_gives_its_accession_number(url):
    """Index page, archive and viewer are one filing; other hosts are none."""
    assert accession_of_url(url) == "0001171843-26-004725"
    assert accession_of_url(url.replace("sec.gov", "sec.gov.example")) is None


def test_translations_share_the_release_number():
    """Two languages of one GlobeNewswire release have one alias."""
    base = "https://www.globenewswire.com/news-release/2026/07/16/3328676/0/{}/Acme.html"
    assert release_alias(base.format("en")) == release_alias(base.format("fr")) == "gnw:3328676"
