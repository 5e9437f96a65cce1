"""RSS, RDF and Atom, well-formed or not: plain ones read by ``parse_xml``, all others by feedparser.

Owns what is taken from feedparser's entries. The bytes come tamed (``feed_bytes``); text, identity and
dates are ``assemble``'s.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import feedparser

from catalyst_ray.core.assemble import Notes, RawEntry, assemble
from catalyst_ray.core.feed_bytes import (
    MAX_ENTRIES,
    first_entries,
    not_a_feed,
    sane_charset,
    split_entries,
    without_people,
)
from catalyst_ray.core.parse_xml import read_plain
from catalyst_ray.core.reasons import Code

if TYPE_CHECKING:
    from catalyst_ray.models import FeedSpec, Fetched, ParsedFeed

# feedparser fills a table that all its parsers share on its first use, without a lock: fill it before there
# are threads.
feedparser.parse(io.BytesIO(b"<rss/>"))


def parse_rss(body: bytes, fetched: Fetched, spec: FeedSpec) -> ParsedFeed:
    """Read a feed in any format that feedparser knows.

    Raises:
        ParseError: There is no feed in the bytes.
    """
    notes = Notes()
    body = _bounded(body, notes)
    raw = read_plain(body, _headers(fetched))
    total = len(raw or ())
    if raw is None:
        raw, total = _read_any(body, fetched, notes)
    return assemble(raw, fetched, spec, notes, total=total)


def read_entries(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[Any], Any]:
    """Return feedparser's entries and its view of the feed itself.

    Raises:
        ParseError: There is no feed in the bytes.
    """
    return _parsed_entries(_bounded(body, notes), fetched, notes)


def _bounded(body: bytes, notes: Notes) -> bytes:
    body, left_out = first_entries(without_people(body))
    if left_out:
        notes.add(Code.ENTRIES_LEFT_OUT, f"only the first {MAX_ENTRIES} entries are read", left_out)
    return body


def _headers(fetched: Fetched) -> dict[str, str]:
    return {"content-type": sane_charset(fetched.content_type)} if fetched.content_type else {}


def _read_any(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[RawEntry], int]:
    """Return the entries that feedparser makes of any bytes, and how many it found."""
    entries, feed = _parsed_entries(body, fetched, notes)
    language = _text(feed, "language")
    raw: list[RawEntry] = []
    for entry in entries:
        try:
            raw.append(_raw_entry(entry, language))
        except Exception as error:  # noqa: BLE001  (feedparser keeps any shape; one bad entry costs only itself)
            notes.add(Code.ENTRY_UNREADABLE, f"{type(error).__name__}: {error}")
    return raw, len(entries)


def _parsed_entries(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[Any], Any]:
    try:
        result = _feedparser(body, fetched)
    except Exception as error:  # noqa: BLE001  (feedparser leaks AttributeError, ValueError, … on broken bytes)
        notes.add(Code.FEED_BROKEN, f"{type(error).__name__}: {error}")
        return _one_by_one(body, fetched, notes)
    if not result.entries and not result.get("version"):
        raise not_a_feed(body)
    return result.entries[:MAX_ENTRIES], result.feed


def _feedparser(body: bytes, fetched: Fetched) -> Any:
    # HTML becomes text and links become absolute later, which spares a third of the time here.
    return feedparser.parse(
        io.BytesIO(body), response_headers=_headers(fetched), sanitize_html=False, resolve_relative_uris=False
    )


def _one_by_one(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[Any], Any]:
    """Save the entries that feedparser can read of a feed on which it stumbles."""
    entries: list[Any] = []
    feed: Any = {}
    for part in split_entries(body):
        try:
            result = _feedparser(part, fetched)
        except Exception as error:  # noqa: BLE001  (as above)
            notes.add(Code.ENTRY_UNREADABLE, f"{type(error).__name__}: {error}")
        else:
            entries.extend(result.entries)
            feed = result.feed
    if not entries:
        raise not_a_feed(body)
    return entries[:MAX_ENTRIES], feed


def _raw_entry(entry: Any, feed_language: str) -> RawEntry:
    identifier = _text(entry, "dc_identifier") or _text(entry, "identifier")
    links = [
        link.get("href") or "" for link in entry.get("links") or () if link.get("rel") in {None, "alternate"}
    ]
    return RawEntry(
        title=_text(entry, "title"),
        summary=_summary(entry),
        link=_text(entry, "link") or next(iter(links), ""),
        guid=_text(entry, "id"),
        published=_text(entry, "published") or _text(entry, "updated") or _text(entry, "created"),
        categories=tuple(str(tag.get("term") or "") for tag in entry.get("tags") or ()),
        language=_text(entry, "language") or _detail_language(entry) or feed_language,
        aliases=(f"gnw:{identifier}",)
        if identifier and "globenewswire" in _text(entry, "link").lower()
        else (),
        publisher=_text(entry.get("source"), "title"),
    )


def _summary(entry: Any) -> str:
    summary = _text(entry, "summary")
    if summary:
        return summary
    return next(
        (_text(content, "value") for content in entry.get("content") or () if content.get("value")), ""
    )


def _detail_language(entry: Any) -> str:
    return _text(entry.get("title_detail"), "language")


def _text(holder: Any, name: str) -> str:
    # dict.get and not FeedParserDict.get, which gives "updated" for "published" with a warning.
    value = dict.get(holder, name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""
