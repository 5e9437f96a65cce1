"""Real pages of EDGAR's Atom feeds."""

from __future__ import annotations

import re

import pytest

from catalyst_ray.core.assemble import Notes
from catalyst_ray.core.feed_bytes import tame
from catalyst_ray.core.parse_edgar import _with_element_tree, _with_feedparser
from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind, Fetched
from tests.real_data.feed_files import NOW, parse_file

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def pages(data_dir):
    """Return EDGAR's pages of current filings."""
    found = sorted((data_dir / "01_feeds_finance").glob("edgar_getcurrent*/**/*.atom"))
    if not found:
        pytest.skip(f"no EDGAR pages in {data_dir}")
    return found


def test_every_accession_is_one_item(pages):
    """Of all pages together, the items are exactly the accession numbers in the raw bytes."""
    entries = 0
    keys: set[str] = set()
    expected: set[str] = set()
    for page in pages:
        raw = page.read_bytes()
        numbers = re.findall(rb"<id>urn:tag:sec\.gov,2008:accession-number=([\d-]{20})</id>", raw)
        feed = parse_file(page, FeedKind.EDGAR)
        assert feed.entries == raw.count(b"<entry>") == len(numbers)
        assert len(feed.items) == len(set(numbers))
        entries += feed.entries
        keys |= {item.key for item in feed.items}
        expected |= {f"sec:{number.decode()}" for number in numbers}
    assert keys == expected
    assert entries > len(keys)


def test_every_filing_has_form_parties_and_time(pages):
    """No field of a real page is left out: form, CIK and name of each party, index page, time, 8-K items."""
    for page in pages:
        raw = page.read_text(encoding="iso-8859-1")
        ciks = {int(cik) for cik in re.findall(r"\((\d{10})\) \([^()]+\)</title>", raw)}
        feed = parse_file(page, FeedKind.EDGAR)
        assert {party.cik for item in feed.items for party in item.parties} == ciks
        for item in feed.items:
            assert item.form
            assert item.parties
            assert item.published_utc
            assert item.url.endswith("-index.htm")
            assert item.title
            assert not re.search(r"<[a-z]|&[a-z]+;|Filed:", item.title + item.summary)
            if item.form == "8-K":
                assert item.filing_items


def test_both_readers_agree(data_dir):
    """ElementTree and feedparser take the same fields from every page, current and of one company."""
    compared = 0
    for page in sorted((data_dir / "01_feeds_finance").glob("edgar_*/**/*.atom")):
        fetched = Fetched(
            feed="f",
            url="https://www.sec.gov/x",
            status=200,
            body=page.read_bytes(),
            first_byte_utc=NOW,
            received_utc=NOW,
        )
        body = tame(fetched.body)
        fast, company = _with_element_tree(body)
        slow, same_company = _with_feedparser(body, fetched, Notes())
        assert company == same_company
        assert len(fast) == len(slow)
        for one, other in zip(fast, slow, strict=True):
            for name in ("title", "summary", "link", "updated", "form", "identifier"):
                assert " ".join(getattr(one, name).split()) == " ".join(getattr(other, name).split()), page
            compared += 1
    if not compared:
        pytest.skip("no EDGAR pages")


def test_company_pages_name_the_company(data_dir):
    """Each filing on a getcompany page has that company as its party."""
    for page in sorted((data_dir / "01_feeds_finance").glob("edgar_getcompany*/*.atom")):
        raw = page.read_text(encoding="iso-8859-1")
        listed = re.search(r"<cik>(\d+)</cik>.*<entry>", raw, re.DOTALL)
        for item in parse_file(page, FeedKind.EDGAR).items:
            assert listed
            assert [party.cik for party in item.parties] == [int(listed[1])]


def test_pages_that_are_no_feed_are_named(data_dir):
    """EDGAR's 503 page and SEC's two refusals come out as what they are."""
    said = []
    for folder in ("01_feeds_finance/edgar_getcurrent", "02_feeds_odd/html_instead_of_xml"):
        for page in sorted((data_dir / folder).rglob("*.html")):
            with pytest.raises(ParseError) as caught:
                parse_file(page, FeedKind.EDGAR)
            assert caught.value.hint
            said.append(caught.value.message)
    if not said:
        pytest.skip("no such pages")
    assert all("web page" in message or "SEC" in message or "EDGAR" in message for message in said)
