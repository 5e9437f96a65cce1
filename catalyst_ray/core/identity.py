"""Names under which the same thing is known again: keys and aliases of items.

Owns their forms: ``sec:<accession>``, ``url:<hash>``, ``guid:<hash>``, ``title:<hash>``, ``gnw:<number>``.
Does not compare similar texts (``dedupe``) and remembers nothing (the store does).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from catalyst_ray.core.text import MAX_URL_CHARS, canonical_url, normal_title

MIN_TITLE_WORDS = 5
MIN_TITLE_CHARS = 25

_ACCESSION = re.compile(r"(?<!\d)(\d{10})-?(\d{2})-?(\d{6})(?!\d)")
_SEC_DOCUMENT = re.compile(
    r"https?://(?:[\w-]+\.)*sec\.gov(?::\d+)?/(?:Archives/edgar/|cgi-bin/|ix\?)", re.IGNORECASE
)
_GNW_RELEASE = re.compile(
    r"globenewswire\.com/(?:[\w-]+/)?news-release/\d{4}/\d\d/\d\d/(\d+)/", re.IGNORECASE
)


def digest(text: str) -> str:
    """Return 16 hexadecimal digits that stand for the text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def url_key(url: str) -> str | None:
    """Return the key of a page, or None for what is no page of its own (no web address, a bare host)."""
    return _url_key(url) if len(url) <= MAX_URL_CHARS else None


@lru_cache(maxsize=8_192)  # a poll brings mostly what the poll before it brought
def _url_key(url: str) -> str | None:
    canonical = canonical_url(url)
    host_and_more = canonical.removeprefix("https://")
    return f"url:{digest(canonical)}" if "/" in host_and_more or "?" in host_and_more else None


def filing_key(accession: str) -> str:
    """Return the key of a filing; ``accession`` with dashes."""
    return f"sec:{accession}"


def accession_in(text: str) -> str | None:
    """Return the first accession number in the text, with dashes (``0001193125-26-009903``)."""
    match = _ACCESSION.search(text)
    return "-".join(match.groups()) if match else None


def accession_of_url(url: str) -> str | None:
    """Return the accession number of the filing that an EDGAR address leads to."""
    return accession_in(url) if _SEC_DOCUMENT.match(url) else None


def title_alias(title: str) -> str | None:
    """Return the alias by title, or None where other news may well have the same ("Issue of Equity")."""
    normal = normal_title(title)
    if len(normal) < MIN_TITLE_CHARS or normal.count(" ") + 1 < MIN_TITLE_WORDS:
        return None
    return f"title:{digest(normal)}"


def guid_alias(guid: str, *, scope: str) -> str:
    """Return the alias by a source's own identifier, which means something only within ``scope`` (a host)."""
    return f"guid:{digest(f'{scope} {guid}')}"


def release_alias(url: str) -> str | None:
    """Return the GlobeNewswire release number in an address; translations of a release share it."""
    if "globenewswire" not in url.lower():
        return None
    match = _GNW_RELEASE.search(url)
    return f"gnw:{match[1]}" if match else None
