"""Invented answers of feeds, and short ways to parse them."""

from __future__ import annotations

from datetime import UTC, datetime

from catalyst_ray.core.parse import parse_feed
from catalyst_ray.models import FeedKind, FeedSpec, Fetched, ParsedFeed

NOW = datetime(2026, 7, 16, 16, 0, tzinfo=UTC)


def parsed(body: bytes | str, kind: FeedKind = FeedKind.RSS, *, content_type: str = "") -> ParsedFeed:
    """Parse a body as the feed ``wire``, received at ``NOW``."""
    url = "https://feeds.example/wire.xml"
    fetched = Fetched(
        feed="wire",
        url=url,
        status=200,
        body=body.encode() if isinstance(body, str) else body,
        content_type=content_type,
        first_byte_utc=NOW,
        received_utc=NOW,
    )
    return parse_feed(fetched, FeedSpec(name="wire", url=url, kind=kind, source="Wire", weight=0.8))


def rss(*items: str, extra: str = "") -> str:
    """Return an RSS 2.0 feed with the given inner XML of each item."""
    inner = "".join(f"<item>{item}</item>" for item in items)
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>{extra}{inner}</channel></rss>'
    )


def edgar(*entries: str) -> str:
    """Return an EDGAR page with the given entries."""
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def edgar_entry(
    who: str,
    *,
    form: str = "8-K",
    accession: str = "0009000001-26-000001",
    items: str = "",
    updated: str = "2026-07-16T11:39:40-04:00",
) -> str:
    """Return one entry, as EDGAR writes it for ``who`` ("ACME CORP (0009000001) (Filer)")."""
    folder = accession.replace("-", "")
    cik = who.partition("(")[2].partition(")")[0].lstrip("0") or "1"
    return (
        f"<entry><title>{form} - {who}</title>"
        f'<link rel="alternate" type="text/html" href="https://www.sec.gov/Archives/edgar/data/{cik}/{folder}/'
        f'{accession}-index.htm"/>'
        f'<summary type="html"> &lt;b&gt;Filed:&lt;/b&gt; 2026-07-16 &lt;b&gt;AccNo:&lt;/b&gt; {accession}'
        f" &lt;b&gt;Size:&lt;/b&gt; 9 KB{items}</summary><updated>{updated}</updated>"
        f'<category scheme="https://www.sec.gov/" label="form type" term="{form}"/>'
        f"<id>urn:tag:sec.gov,2008:accession-number={accession}</id></entry>"
    )
