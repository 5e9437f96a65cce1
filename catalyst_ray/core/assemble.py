"""Entries as sources write them to items: plain text, identity, sane dates, one item a thing.

Owns what all kinds of news feeds share once their bytes are read. Does not read bytes and knows no
feed format.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from catalyst_ray.core.dates import parse_date, sane_published
from catalyst_ray.core.identity import (
    accession_of_url,
    digest,
    filing_key,
    guid_alias,
    release_alias,
    title_alias,
    url_key,
)
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.text import html_to_text, normal_title, one_line
from catalyst_ray.models import Item, ItemKind, ParsedFeed, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from catalyst_ray.models import FeedSpec, Fetched

MAX_TITLE_CHARS = 500
MAX_SUMMARY_CHARS = 4_000
MAX_CATEGORIES = 50
MAX_CATEGORY_CHARS = 200

_FIRST_SENTENCE = re.compile(r".{20,}?[.!?](?=\s|$)")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """One entry as its source wrote it; ``title`` and ``summary`` may be HTML.

    Args:
        guid: The source's own identifier, a web address or not.
        published: A date string, or a moment already read.
        link: As written; ``assemble`` makes it absolute.
        aliases: Identities that only the reader of this format can know.
        publisher: Who wrote it, where a feed gathers several publishers.
        related: Symbols that the source was asked about.
    """

    title: str = ""
    summary: str = ""
    link: str = ""
    guid: str = ""
    published: str | datetime | None = None
    categories: tuple[str, ...] = ()
    language: str = ""
    aliases: tuple[str, ...] = ()
    publisher: str = ""
    related: tuple[str, ...] = ()


class Notes:
    """Remarks on a feed, counted by code, each with the first example."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def add(self, code: str, example: str = "", count: int = 1) -> None:
        """Count a remark."""
        self._count[code] += count
        self._example.setdefault(code, one_line(example, limit=200))

    def reasons(self) -> tuple[Reason, ...]:
        """Return one reason a code; its value is the count."""
        return tuple(Reason(code, self._example[code], float(count)) for code, count in self._count.items())


def assemble(
    entries: Sequence[RawEntry], fetched: Fetched, spec: FeedSpec, notes: Notes, *, total: int
) -> ParsedFeed:
    """Make items of a feed's entries, in their order; entries with the same identity become one.

    ``total`` counts the entries that the feed held, also those that could not be read.
    """
    plain = [_plain(entry, fetched.url) for entry in entries]
    guids = Counter(entry.guid for entry in plain)
    pages = _headlines_by_page(plain)
    items: list[Item] = []
    for entry in plain:
        if not entry.title:
            notes.add(Code.NO_TEXT, entry.link or entry.guid)
            continue
        known = entry if guids[entry.guid] == 1 else replace(entry, guid="")
        items.append(_item(known, fetched, spec, notes, shared_page=pages.get(url_key(entry.link), 0) > 1))
    merged = merge(items)
    if len(merged) < len(items):
        notes.add(Code.REPEATED, count=len(items) - len(merged))
    return ParsedFeed(feed=spec.name, items=tuple(merged), entries=total, notes=notes.reasons())


def merge(items: Iterable[Item]) -> list[Item]:
    """Return the items with those of one key made one: the first, with all aliases and categories."""
    by_key: dict[str, Item] = {}
    for item in items:
        first = by_key.setdefault(item.key, item)
        if first is not item:
            by_key[item.key] = replace(
                first,
                aliases=_distinct((*first.aliases, *item.aliases), MAX_CATEGORIES),
                categories=_distinct((*first.categories, *item.categories), MAX_CATEGORIES),
                related=_distinct((*first.related, *item.related), MAX_CATEGORIES),
            )
    return list(by_key.values())


def published_utc(value: str | datetime | None, received_utc: datetime, notes: Notes) -> datetime | None:
    """Return a believable publishing time, or None with a note saying why not."""
    when = parse_date(value) if isinstance(value, str) else value
    if when is None and value:
        notes.add(Code.DATE_UNREADABLE, str(value))
    when, problem = sane_published(when, received_utc)
    if problem:
        notes.add(problem, str(value))
    return when


def _plain(entry: RawEntry, base: str) -> RawEntry:
    """Return the entry as plain text, with a title if anything in it can serve as one."""
    publisher = one_line(html_to_text(entry.publisher), limit=100)
    summary = html_to_text(entry.summary)
    title = one_line(html_to_text(entry.title), limit=MAX_TITLE_CHARS)
    if publisher:
        title = title.removesuffix(f" - {publisher}")  # as Google News ends every headline
    title = title or _first_sentence(summary)
    if summary and _only_repeats(summary, title, publisher):
        summary = ""
    return RawEntry(
        title=title,
        summary=_cut(summary, MAX_SUMMARY_CHARS),
        link=absolute_url(base, entry.link),
        guid=entry.guid,
        published=entry.published,
        categories=entry.categories,
        language=entry.language,
        aliases=entry.aliases,
        publisher=publisher,
        related=entry.related,
    )


def _only_repeats(summary: str, title: str, publisher: str) -> bool:
    """Say whether the summary is the headline again, with or without the publisher."""
    one, other = title[:2], summary[:2]
    plain = (one + other).isascii() and one[:1].isalnum() and other[:1].isalnum()
    if plain and one[0].lower() != other[0].lower():
        return False  # spares the normal forms of most
    start = normal_title(summary[: len(title) + len(publisher) + 20])
    return start == normal_title(title) or bool(publisher and start == normal_title(f"{title} {publisher}"))


def _item(entry: RawEntry, fetched: Fetched, spec: FeedSpec, notes: Notes, *, shared_page: bool) -> Item:
    accession = accession_of_url(entry.link)
    keys = (
        [filing_key(accession)] if accession else list(_identities(entry, fetched, shared_page=shared_page))
    )
    return Item(
        key=keys[0],
        aliases=_distinct(keys[1:], MAX_CATEGORIES),
        feed=spec.name,
        source=entry.publisher or spec.source or spec.name,
        source_weight=spec.weight,
        kind=ItemKind.FILING if accession else ItemKind.NEWS,
        title=entry.title,
        summary=entry.summary,
        url=entry.link,
        published_utc=published_utc(entry.published, fetched.first_byte_utc, notes),
        received_utc=fetched.first_byte_utc,
        categories=_distinct(
            (one_line(html_to_text(term), limit=MAX_CATEGORY_CHARS) for term in entry.categories),
            MAX_CATEGORIES,
        ),
        accession=accession,
        language=language_tag(entry.language),
        related=entry.related,
    )


def _identities(entry: RawEntry, fetched: Fetched, *, shared_page: bool) -> Iterable[str]:
    """Yield the key and then the aliases of a piece of news, the most certain first."""
    page = url_key(entry.link)
    permalink = url_key(entry.guid)
    pages = [key for key in dict.fromkeys((page, permalink)) if key and not (shared_page and key == page)]
    guid = (
        guid_alias(entry.guid, scope=urlsplit(fetched.url).hostname or fetched.feed) if entry.guid else None
    )
    yield from pages
    if guid and not permalink:
        yield guid
    elif not pages:
        # Known by what it says; the next poll says the same.
        yield f"text:{digest(f'{fetched.feed} {entry.title} {entry.published}')}"
    release = release_alias(entry.link) or release_alias(entry.guid)
    if release:
        yield release
    yield from entry.aliases
    by_title = title_alias(entry.title)
    if by_title:
        yield by_title


def _headlines_by_page(entries: Sequence[RawEntry]) -> dict[str | None, int]:
    """Count the differing headlines under each page: a page that has several is no item's own."""
    titles: dict[str | None, set[str]] = {}
    for entry in entries:
        titles.setdefault(url_key(entry.link), set()).add(normal_title(entry.title))
    return {key: len(found) for key, found in titles.items()}


def absolute_url(base: str, link: str) -> str:
    """Return an absolute web address, or "" for anything else."""
    link = one_line(link)
    if not link:
        return ""
    if link.startswith(("https://", "http://")) and link.isascii() and "[" not in link and "]" not in link:
        return link  # the common case, in which nothing can be wrong
    try:
        url = link if link.startswith(("https://", "http://")) else urljoin(base, link)
        return url if urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def language_tag(text: str) -> str | None:
    """Return a language tag in lower case with hyphens, or None for nonsense."""
    tag = text.strip().lower().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _first_sentence(summary: str) -> str:
    line = summary.partition("\n")[0]
    sentence = _FIRST_SENTENCE.match(line[: 2 * MAX_TITLE_CHARS])
    return one_line(sentence[0] if sentence else line, limit=MAX_TITLE_CHARS)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _distinct(texts: Iterable[str], limit: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))[:limit]
