"""Renders news in the shapes of real wires: RSS dialects, Atom, Finnhub's JSON, release pages.

Pure: what was published when comes in, bytes go out. EDGAR's pages are made in ``edgar``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.demo.channels import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.demo.items import DemoItem

MAX_ENTRIES = 100
_AP_MONTHS = (
    "Jan.",
    "Feb.",
    "March",
    "April",
    "May",
    "June",
    "July",
    "Aug.",
    "Sept.",
    "Oct.",
    "Nov.",
    "Dec.",
)


@dataclass(frozen=True, slots=True)
class Published:
    """An item with the date it carries (None where it has none) and the moment it appeared."""

    item: DemoItem
    when_utc: datetime | None
    released_utc: datetime


def render_feed(channel: Channel, entries: Sequence[Published], base_url: str) -> tuple[bytes, str]:
    """Return a news feed's bytes and content type; ``entries`` come newest first."""
    shown = entries[:MAX_ENTRIES]
    if channel.shape is Shape.FINNHUB:
        return _finnhub(channel, shown, base_url), "application/json; charset=utf-8"
    if channel.shape is Shape.ATOM:
        return _atom(channel, shown, base_url).encode(), "application/atom+xml; charset=utf-8"
    return _rss(channel, shown, base_url).encode(), "text/xml; charset=utf-8"


def release_page(channel: Channel, entry: Published) -> str:
    """Return the web page that a feed's item links to."""
    item = entry.item
    texts = _texts(channel, entry)
    body = "".join(f"<p>{escape(text, quote=False)}</p>\n" for text in texts)
    title = escape(item.title, quote=False)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><article><h1>{title}</h1>\n{body}</article>\n"
        "<footer>An invented release from the catalyst_ray demo world.</footer></body></html>\n"
    )


def _texts(channel: Channel, entry: Published) -> list[str]:
    """Return the paragraphs, the first behind the dateline as this wire writes it."""
    item = entry.item
    if not item.city:
        return list(item.paragraphs)
    day = (entry.when_utc or entry.released_utc).astimezone(EASTERN)
    short_day = f"{_AP_MONTHS[day.month - 1]} {day.day}, {day.year}"
    name = channel.source
    datelines = {
        Shape.CATEGORY_TAGS: f"{item.city}, {short_day} ({name.upper()}) -- ",
        Shape.PROSE: f"{item.city}, {short_day} /{name}/ -- ",
        Shape.UNIVERSAL: f"{item.city}--({name.upper()})--",
        Shape.EASTERN: f"{item.city} / {name.upper()} / {day:%B} {day.day}, {day.year} / ",
    }
    first, *rest = item.paragraphs
    return [datelines.get(channel.shape, "") + first, *rest]


def _rss(channel: Channel, entries: Sequence[Published], base_url: str) -> str:
    namespaces = {
        Shape.CATEGORY_TAGS: ' xmlns:dc="http://dublincore.org/documents/dcmi-namespace/"'
        ' xmlns:media="http://search.yahoo.com/mrss/"',
        Shape.PROSE: ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prn="http://www.prnewswire.com/ns/0.1/#"',
        Shape.DC_DATE: ' xmlns:dc="http://purl.org/dc/elements/1.1/"',
        Shape.ISO_DATE: ' xmlns:media="http://search.yahoo.com/mrss/"',
    }
    write = _ITEM_WRITERS[channel.shape]
    items = "\n".join(f"<item>\n{write(channel, entry, base_url)}\n</item>" for entry in entries)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"{namespaces.get(channel.shape, "")}>'
        f"<channel>\n<title>{escape(channel.source)}</title>\n<link>{base_url}/</link>\n"
        f"<description>Invented news of the catalyst_ray demo</description>\n{items}\n</channel></rss>\n"
    )


def _cdata(channel: Channel, entry: Published) -> str:
    paragraphs = "".join(f"<p>{escape(text, quote=False)}</p>" for text in _texts(channel, entry))
    return f"<![CDATA[{paragraphs}]]>"


def _title(entry: Published) -> str:
    return f"<title>{escape(entry.item.title, quote=False)}</title>"


def _link(entry: Published, base_url: str) -> str:
    return escape(base_url + entry.item.path)


def _dated(entry: Published, pattern: str, zone: ZoneInfo | None = None) -> str:
    """Return the ``pubDate`` line, or nothing for an item without a date."""
    if entry.when_utc is None:
        return ""
    when = entry.when_utc.astimezone(zone) if zone else entry.when_utc
    return f"<pubDate>{when.strftime(pattern).format(day=when.day)}</pubDate>"


def _category_tags(channel: Channel, entry: Published, base_url: str) -> str:
    item, link = entry.item, _link(entry, base_url)
    tag = ""
    if item.category:
        # As the real one: a line break inside the tag, and now and then a trailing space.
        space = " " if item.id % 5 == 0 else ""
        tag = f'<category\n  domain="https://www.globenewswire.com/rss/stock">{item.category}{space}</category>\n'
    return (
        f'<guid\n  isPermaLink="true">{link}</guid>\n<link>{link}</link>\n{tag}{_title(entry)}\n'
        f"<description>{_cdata(channel, entry)}</description>\n{_dated(entry, '%a, %d %b %Y %H:%M GMT')}\n"
        f"<dc:identifier>{3_300_000 + item.id}</dc:identifier>\n<dc:language>en</dc:language>\n"
        f"<dc:publisher>{escape(channel.source)} Inc.</dc:publisher>"
    )


def _prose(channel: Channel, entry: Published, base_url: str) -> str:
    link = _link(entry, base_url)
    return (
        f"{_title(entry)}\n<link>{link}</link>\n<guid>{link}</guid>\n"
        f"{_dated(entry, '%a, {day} %b %Y %H:%M:%S +0000')}\n"
        f"<description>{_cdata(channel, entry)}</description>\n<dc:publisher>{channel.source}</dc:publisher>"
    )


def _universal(channel: Channel, entry: Published, base_url: str) -> str:
    link = _link(entry, base_url)
    text = escape("<p>" + "</p><p>".join(_texts(channel, entry)) + "</p>", quote=False)
    return (
        f'{_title(entry)}\n<link>{link}</link>\n<guid isPermaLink="true">{link}</guid>\n'
        f"<description>{text}</description>\n{_dated(entry, '%a, %d %b %Y %H:%M:%S UT')}"
    )


def _eastern(channel: Channel, entry: Published, base_url: str) -> str:
    link = _link(entry, base_url)
    return (
        f"{_title(entry)}\n<link>{link}</link>\n<guid>{link}</guid>\n"
        f"<description>{escape(' '.join(_texts(channel, entry)), quote=False)}</description>\n"
        f"{_dated(entry, '%a, %d %b %Y %H:%M:%S %Z', EASTERN)}"
    )


def _iso_date(channel: Channel, entry: Published, base_url: str) -> str:
    link = _link(entry, base_url)
    return (
        f"{_title(entry)}\n<link>{link}</link>\n{_dated(entry, '%Y-%m-%dT%H:%M:%SZ')}\n"
        f"<description>{escape(_texts(channel, entry)[0], quote=False)}</description>\n"
        f'<guid isPermaLink="false">{channel.name}-{entry.item.id}.html</guid>'
    )


def _dc_date(channel: Channel, entry: Published, base_url: str) -> str:
    date = f"<dc:date>{entry.when_utc:%Y-%m-%dT%H:%M:%S}+00:00</dc:date>\n" if entry.when_utc else ""
    return (
        f"{_title(entry)}\n<link>{_link(entry, base_url)}</link>\n{date}"
        f"<description>{_cdata(channel, entry)}</description>\n"
        f'<guid isPermaLink="false">{channel.name}:{entry.item.id}</guid>'
    )


_ITEM_WRITERS: dict[Shape, Callable[[Channel, Published, str], str]] = {
    Shape.CATEGORY_TAGS: _category_tags,
    Shape.PROSE: _prose,
    Shape.UNIVERSAL: _universal,
    Shape.EASTERN: _eastern,
    Shape.ISO_DATE: _iso_date,
    Shape.DC_DATE: _dc_date,
}


def _atom(channel: Channel, entries: Sequence[Published], base_url: str) -> str:
    newest = entries[0].released_utc.isoformat() if entries else "1970-01-01T00:00:00+00:00"
    head = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n'
        f"<title>{escape(channel.source)}</title>\n<id>{base_url}{channel.path}</id>\n<updated>{newest}</updated>\n"
    )
    parts = [head]
    for entry in entries:
        link = _link(entry, base_url)
        content = escape("<p>" + "</p><p>".join(_texts(channel, entry)) + "</p>", quote=False)
        date = ""
        if entry.when_utc:
            stamp = entry.when_utc.isoformat(timespec="seconds")
            date = f"<published>{stamp}</published>\n<updated>{stamp}</updated>\n"
        parts.append(
            f"<entry>\n{_title(entry)}\n<id>tag:demo,2026:{channel.name}/{entry.item.id}</id>\n"
            f'<link rel="alternate" type="text/html" href="{link}"/>\n{date}'
            f'<content type="html">{content}</content>\n</entry>\n'
        )
    return "".join(parts) + "</feed>\n"


def _finnhub(channel: Channel, entries: Sequence[Published], base_url: str) -> bytes:
    rows = [
        {
            "category": "top news",
            "datetime": int((entry.when_utc or entry.released_utc).timestamp()),
            "headline": entry.item.title,
            "id": 127_000_000 + entry.item.id,
            "image": "",
            "related": "",
            "source": channel.source,
            "summary": entry.item.paragraphs[0],
            "url": base_url + entry.item.path,
        }
        for entry in entries
    ]
    return json.dumps(rows).encode()


def http_date(when_utc: datetime) -> str:
    """Return a time as HTTP headers have it (RFC 9110 §5.6.7)."""
    return format_datetime(when_utc.replace(microsecond=0), usegmt=True)
