"""Make the bytes of a feed safe to hand to a parser, and say what they are when they are no feed.

Owns every bound on hostile bytes: size, number of tags and entries, entity expansion, and the inputs on
which feedparser needs quadratic time. Bytes of a decent feed come out unchanged, up to leading white
space. Does not read feeds.
"""

from __future__ import annotations

import codecs
import re

from catalyst_ray.core.text import html_to_text, one_line
from catalyst_ray.errors import ParseError

MAX_BODY_BYTES = 4 * 1024 * 1024
"""feedparser needs up to 50 times as much memory; the largest news feed seen has half a megabyte."""
MAX_ENTRIES = 2_000
MAX_TAGS = 150_000
"""feedparser needs up to 25 µs a tag (strict, then loose), on a 2-core machine."""
MAX_REFERENCES = 1_000_000
MAX_PREFIXES = 200
MAX_EXPANSION_CHARS = 1_000_000

_BOUNDED_PROLOG = 1_024
_ENTRY_START = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry)[\s>/]")
_ENTRY_END = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,20}>")
_ENDLESS_TAG = re.compile(
    rb"<[a-zA-Z/][^<>]{200000}"
)  # feedparser matches a tag with 150 bytes of memory a byte
_CDATA = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_ENTITY_DECLARATION = re.compile(
    rb"<!ENTITY\s+(?:%\s+)?([^\s\"'<>]{1,100})\s+([\"'])(.*?)(?:\2|\Z)", re.DOTALL
)
_NAMED_ENTITY = re.compile(rb"&(?!(?:lt|gt|amp|quot|apos);)[^#\s&;]")
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_PREFIX = re.compile(rb"\bxmlns:([\w.-]{1,100})")
_PEOPLE = re.compile(
    rb"(</?(?:[\w.-]{1,40}:)?)(author|creator|managingeditor|webmaster|publisher|owner)\b", re.IGNORECASE
)
# Codecs that no feed is in, whose decoders need quadratic time or do not decode text at all, and wide ones:
# a declaration that can be read as ASCII is not in UTF-16.
_STRANGE_CODECS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}
_STRANGE_CODECS |= {"utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"}
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)


def tame(body: bytes) -> bytes:
    """Return bytes that any XML parser reads in linear time, or raise.

    Raises:
        ParseError: Too large, too many tags or prefixes, or entities that expand to too much.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ParseError(f"body is {len(body):,} bytes, the limit is {MAX_BODY_BYTES:,}")
    body = _narrow(body).lstrip()
    _refuse_entity_bomb(body)
    if body.count(b"xmlns:") > MAX_PREFIXES and len(set(_PREFIX.findall(body))) > MAX_PREFIXES:
        raise ParseError(f"more than {MAX_PREFIXES} namespace prefixes")
    if body.count(b"<") > MAX_TAGS and _CDATA.sub(b"", body).count(b"<") > MAX_TAGS:
        raise ParseError(f"more than {MAX_TAGS:,} tags")
    if _ENDLESS_TAG.search(body):
        raise ParseError("a tag without an end")
    if body.count(b"&") > MAX_REFERENCES:
        raise ParseError(f"more than {MAX_REFERENCES:,} character references")
    return _tame_prolog(body)


def without_people(body: bytes) -> bytes:
    """Rename the elements of authors and publishers, which we do not read.

    feedparser looks for an e-mail address in them with a pattern that is quadratic in their text.
    """
    return _PEOPLE.sub(rb"\1x-\2", body)


def first_entries(body: bytes, limit: int = MAX_ENTRIES) -> tuple[bytes, int]:
    """Return the feed with only its first ``limit`` entries, and how many were cut out."""
    starts = [match.start() for match in _ENTRY_START.finditer(body)]
    if len(starts) <= limit:
        return body, 0
    ends = [match.end() for match in _ENTRY_END.finditer(body, starts[limit])]
    return body[: starts[limit]] + (body[ends[-1] :] if ends else b""), len(starts) - limit


def split_entries(body: bytes) -> list[bytes]:
    """Return one feed an entry, so that an entry that upsets a parser can be told from the others."""
    starts = [match.start() for match in _ENTRY_START.finditer(body)]
    ends = [match.end() for match in _ENTRY_END.finditer(body)]
    if not starts or not ends or ends[-1] < starts[0]:
        return []
    head, tail = body[: starts[0]], body[ends[-1] :]
    return [head + body[a:b] + tail for a, b in zip(starts, [*starts[1:], ends[-1]], strict=True) if a < b]


def sane_charset(content_type: str) -> str:
    """Return the content type without a charset that no feed is in."""
    name = content_type.lower().partition("charset=")[2].strip(" \"';")
    return content_type.partition(";")[0] if _strange(name) else content_type


def not_a_feed(body: bytes) -> ParseError:
    """Say what bytes without any feed in them are, and what the operator can do."""
    start = body[:4_000].lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = start[:1_000].lower()
    if not start:
        return ParseError("empty body", hint="the source sent nothing; it is asked again later")
    if b"<html" in lowered or lowered.startswith((b"<!doctype html", b"<head", b"<body")):
        return _web_page(body[:200_000].decode("utf-8", "replace"))
    if start.startswith((b"{", b"[")):
        return ParseError("JSON where a feed in XML was expected", hint='check the feed\'s "url" and "kind"')
    if start.startswith(b"<"):
        root = re.search(rb"<([A-Za-z][\w:.-]{0,60})", start)
        name = root[1].decode("ascii", "replace") if root else "?"
        return ParseError(f"XML, but no RSS or Atom: its root is <{name}>", hint='check the feed\'s "url"')
    shown = one_line(start.decode("utf-8", "replace"), limit=60)
    return ParseError(f"no feed: starts with {shown!r}", hint='check the feed\'s "url"')


def _web_page(page: str) -> ParseError:
    match = re.search(r"<title[^<>]{0,200}>([^<]{0,300})", page, re.IGNORECASE)
    title = one_line(html_to_text(match[1]), limit=100) if match else ""
    lowered = page.lower()
    if "undeclared automated tool" in lowered:
        return ParseError(
            "SEC refuses the program: undeclared automated tool",
            hint="set SEC_CONTACT to a name and an e-mail address that reaches you",
        )
    if "request rate threshold" in lowered or "exceeded the sec" in lowered:
        return ParseError(
            "SEC refuses this address for ten minutes: more than 10 requests/s",
            hint="look for other programs that ask SEC from here; it clears up by itself",
        )
    if "sec.gov" in title.lower() and "unavailable" in title.lower():
        return ParseError("EDGAR is unavailable for now (its 503 page)", hint="it is asked again later")
    return ParseError(
        f"web page {title!r} instead of a feed" if title else "web page instead of a feed",
        hint="open the feed's address in a browser: moved, a log-in, or a block on programs",
    )


def _narrow(body: bytes) -> bytes:
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            text = body.decode(encoding, "replace").lstrip("\ufeff")
            return re.sub(r"^\s*<\?xml[^>]{0,500}\?>", "", text).encode("utf-8", "replace")
    declared = _DECLARED_ENCODING.search(body[:_BOUNDED_PROLOG])
    if declared and _strange(declared[1].decode("ascii", "replace")):
        return body[body.find(b"?>") + 2 :]
    return body


def _strange(encoding: str) -> bool:
    try:
        return bool(encoding) and codecs.lookup(encoding).name.replace("-", "_") in _STRANGE_CODECS
    except (LookupError, ValueError):
        return False


def _refuse_entity_bomb(body: bytes) -> None:
    if b"<!ENTITY" not in body:
        return
    declared = _ENTITY_DECLARATION.findall(body)
    expansion = 0
    for name, _, value in declared[:MAX_PREFIXES]:
        if _NAMED_ENTITY.search(value):
            raise ParseError("an XML entity made of entities: an entity bomb", hint="leave this feed out")
        expansion += len(value) * body.count(b"&" + name + b";")
    if len(declared) > MAX_PREFIXES or expansion > MAX_EXPANSION_CHARS:
        raise ParseError("XML entities that expand to too much: an entity bomb", hint="leave this feed out")


def _tame_prolog(body: bytes) -> bytes:
    root = re.search(rb"<\w", body)
    head, rest = (body[: root.start()], body[root.start() :]) if root else (body, b"")
    if len(head) > _BOUNDED_PROLOG:
        # feedparser's DOCTYPE pattern is quadratic in the blank lines before the first element.
        head = re.sub(rb"\s+", b"\n", head)
    if head.startswith(b"<?"):
        end = head.find(b"?>", 0, _BOUNDED_PROLOG)
        if end < 0:
            raise ParseError("the XML declaration has no end")
        # It seeks the declared encoding with greedy wildcards, in cubic time, up to the line's end.
        head = head[: end + 2] + b"\n" + head[end + 2 :]
    # Its strict parser gets text line by line and keeps each as an object; to us a break is a space.
    return head + rest.replace(b"\n", b" ")
