"""Finnhub's ``/news`` and ``/company-news``: a JSON list of articles, or an object with an error.

``related`` is the symbol that was asked for, whatever the article is about: doubtful evidence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.assemble import Notes, RawEntry, assemble
from catalyst_ray.core.dates import parse_epoch
from catalyst_ray.core.feed_bytes import MAX_BODY_BYTES, MAX_ENTRIES, not_a_feed
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.text import one_line
from catalyst_ray.errors import ParseError

if TYPE_CHECKING:
    from catalyst_ray.models import FeedSpec, Fetched, ParsedFeed


def parse_finnhub(body: bytes, fetched: Fetched, spec: FeedSpec) -> ParsedFeed:
    """Read a list of articles.

    Raises:
        ParseError: It is no JSON, no list, or the error that Finnhub sent.
    """
    articles = _articles(body)
    notes = Notes()
    if len(articles) > MAX_ENTRIES:
        notes.add(
            Code.ENTRIES_LEFT_OUT,
            f"only the first {MAX_ENTRIES} entries are read",
            len(articles) - MAX_ENTRIES,
        )
    raw: list[RawEntry] = []
    for article in articles[:MAX_ENTRIES]:
        if isinstance(article, dict):
            raw.append(_raw_entry(article))
        else:
            notes.add(Code.ENTRY_UNREADABLE, type(article).__name__)
    return assemble(raw, fetched, spec, notes, total=min(len(articles), MAX_ENTRIES))


def _articles(body: bytes) -> list[Any]:
    if len(body) > MAX_BODY_BYTES:
        raise ParseError(f"body is {len(body):,} bytes, the limit is {MAX_BODY_BYTES:,}")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        if body.lstrip()[:1] in {b"", b"<"}:
            raise not_a_feed(body) from error
        raise ParseError(
            f"no JSON: {one_line(str(error), limit=100)}", hint="it is asked again later"
        ) from error
    if isinstance(answer, dict) and answer.get("error"):
        raise ParseError(
            f"Finnhub says: {one_line(str(answer['error']), limit=200)}",
            hint="check FINNHUB_TOKEN, and what its plan allows",
        )
    if not isinstance(answer, list):
        raise ParseError(f"JSON {type(answer).__name__} where a list of articles was expected")
    return answer


def _raw_entry(article: dict[str, Any]) -> RawEntry:
    number = article.get("id")
    when = article.get("datetime")
    return RawEntry(
        title=_text(article, "headline"),
        summary=_text(article, "summary"),
        link=_text(article, "url"),
        published=parse_epoch(min(when, 10**15))
        if isinstance(when, int | float)
        else _text(article, "datetime"),
        categories=(_text(article, "category"),),
        aliases=(f"finnhub:{number}",) if isinstance(number, int) and number > 0 else (),
        publisher=_text(article, "source"),
        related=tuple(part.strip() for part in _text(article, "related")[:100].split(",") if part.strip()),
    )


def _text(article: dict[str, Any], name: str) -> str:
    value = article.get(name)
    return value if isinstance(value, str) else ""
