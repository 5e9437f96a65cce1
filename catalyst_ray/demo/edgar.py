"""Renders the demo's EDGAR: getcurrent pages, filing index pages, the ticker list.

The shapes are EDGAR's own: ISO-8859-1, one entry a party, 8-K items in the summary, a 503 page past
the end. Pure: what was published when comes in, bytes go out.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.writer import conformed_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from catalyst_ray.demo.items import FilingFacts
    from catalyst_ray.demo.wires import Published

CONTENT_TYPE = "application/atom+xml"
PAST_THE_END = (
    "<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head>"
    "<body><h1>This service is temporarily unavailable</h1></body></html>\n"
)

ITEM_NAMES = {
    "1.03": "Bankruptcy or Receivership",
    "2.02": "Results of Operations and Financial Condition",
    "2.04": "Triggering Events That Accelerate or Increase a Direct Financial Obligation or an Obligation"
    " under an Off-Balance Sheet Arrangement",
    "3.01": "Notice of Delisting or Failure to Satisfy a Continued Listing Rule or Standard; Transfer of Listing",
    "4.02": "Non-Reliance on Previously Issued Financial Statements or a Related Audit Report or Completed"
    " Interim Review",
    "5.02": "Departure of Directors or Certain Officers; Election of Directors; Appointment of Certain"
    " Officers: Compensatory Arrangements of Certain Officers",
    "5.07": "Submission of Matters to a Vote of Security Holders",
    "7.01": "Regulation FD Disclosure",
    "9.01": "Financial Statements and Exhibits",
}


def current_page(
    entries: Sequence[Published], now_utc: datetime, *, start: int, count: int, base_url: str
) -> bytes | None:
    """Return one getcurrent page as ISO-8859-1 bytes, or None past the end.

    ``entries`` come newest first; ``start`` and ``count`` are in parties, as EDGAR counts them. An
    EDGAR that has nothing yet answers an empty first page.
    """
    rows = [row for entry in entries for row in _entries(entry, base_url)]
    if start and start >= len(rows):
        return None
    now = now_utc.astimezone(EASTERN)
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>Latest Filings - {now:%a, %d %b %Y %H:%M:%S %Z}</title>\n"
        '<link rel="alternate" href="/cgi-bin/browse-edgar?action=getcurrent"/>\n'
        '<link rel="self" href="/cgi-bin/browse-edgar?action=getcurrent"/>\n'
        f"<id>{base_url}/cgi-bin/browse-edgar?action=getcurrent</id>\n"
        "<author><name>Webmaster</name><email>webmaster@demo.invalid</email></author>\n"
        f"<updated>{now.isoformat(timespec='seconds')}</updated>\n"
    )
    page = head + "".join(rows[start : start + count]) + "</feed>\n"
    return page.encode("iso-8859-1", "xmlcharrefreplace")


def _entries(entry: Published, base_url: str) -> Iterator[str]:
    filing = entry.item.filing
    if filing is None:
        return
    when = (entry.when_utc or entry.released_utc).astimezone(EASTERN)
    items = "".join(f"&lt;br&gt;Item {number}: {ITEM_NAMES[number]}\n" for number in filing.items)
    for party in filing.parties:
        path = _folder(filing, party.cik) + f"/{filing.accession}-index.htm"
        yield (
            f"<entry>\n<title>{filing.form} - {escape(party.name)} ({party.cik:010d}) ({party.role})</title>\n"
            f'<link rel="alternate" type="text/html" href="{base_url}{path}"/>\n<summary type="html">\n'
            f" &lt;b&gt;Filed:&lt;/b&gt; {when:%Y-%m-%d} &lt;b&gt;AccNo:&lt;/b&gt; {filing.accession}"
            f" &lt;b&gt;Size:&lt;/b&gt; {filing.size}\n{items}</summary>\n"
            f"<updated>{when.isoformat(timespec='seconds')}</updated>\n"
            f'<category scheme="https://www.sec.gov/" label="form type" term="{filing.form}"/>\n'
            f"<id>urn:tag:sec.gov,2008:accession-number={filing.accession}</id>\n</entry>\n"
        )


def _folder(filing: FilingFacts, cik: int) -> str:
    return f"/Archives/edgar/data/{cik}/{filing.accession.replace('-', '')}"


def filing_page(entry: Published, filing: FilingFacts) -> str:
    """Return the page behind a filing's link: its header and its document's text."""
    parties = "".join(
        f"<li>{escape(party.name)} ({party.role}) CIK: {party.cik:010d}</li>\n" for party in filing.parties
    )
    text = "".join(f"<p>{escape(paragraph, quote=False)}</p>\n" for paragraph in entry.item.paragraphs)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{filing.form} {filing.accession}</title></head>\n<body><h1>Form {filing.form}</h1>\n"
        f"<p>SEC Accession No. {filing.accession}</p>\n<ul>\n{parties}</ul>\n<div>{text}</div>\n"
        "<footer>An invented filing from the catalyst_ray demo world.</footer></body></html>\n"
    )


def company_tickers() -> bytes:
    """Return the invented companies in the exact shape of SEC's ``company_tickers.json``."""
    rows = {
        str(number): {"cik_str": company.cik, "ticker": company.ticker, "title": conformed_name(company)}
        for number, company in enumerate(companies())
    }
    return json.dumps(rows, separators=(",", ":")).encode()
