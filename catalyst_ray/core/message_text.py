"""Outside text made safe and short for people: what cannot be seen, Discord's markdown, lengths, links.

Owns the rules for text that strangers wrote and that we show. Does not know what a card holds, nor HTML
(the page's template escapes by itself).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

# Letters by their Unicode category, yet drawn as nothing: a field made of them looks empty to Discord.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MAX_MARKS = 3  # combining marks on one letter; real scripts need no more, "zalgo" text stacks dozens
_MAX_URL = 2048
_MAX_PAGE_LINK = 500

# Discord's clients take a backslash before any punctuation as "show it as it is". A colon is escaped
# where it could start a link or an emoji.
_MARKDOWN = re.compile(r"[\\*_~`|\[\]<>]|:(?=//|[a-z_+-][\w+-]*:)", re.IGNORECASE)
_LINE_START = re.compile(r"^(\d*)([#+\-.)])")
_MENTION = re.compile(r"@(?=everyone|here|[!&]?\d)", re.IGNORECASE)
# What chat services take for a mention, a command or a link with a name: each knows others.
_TELLING = re.compile(r"@(?=\w)|<(?=[!@#])|\](?=\()")

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]?\s+(?=[\"“‘(]?[A-Z0-9$])")
_ABBREVIATION = re.compile(
    r"\b(?:[A-Z]|Inc|Corp|Co|Ltd|Cos|No|Nos|Mr|Mrs|Ms|Dr|St|vs|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct"
    r"|Nov|Dec)\.$"
)


def plain(text: str) -> str:
    """Return one line of visible text.

    White space of any kind folds to single spaces; control, bidirectional, zero-width, private-use and
    unassigned characters and lone surrogates go, as do stacked combining marks beyond three.
    """
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", "".join(_visible(text)))
    return " ".join(text.split())


def _visible(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category == "Cc" or category[0] == "Z":
            kept.append(" ")
        elif category[0] != "C" and char not in _BLANK_LETTERS and marks <= _MAX_MARKS:
            kept.append(char)
    return kept


def units(text: str) -> int:
    """Return the length in UTF-16 code units: never less than any way in which Discord may count."""
    return len(text) + sum(char > "\uffff" for char in text)


def unmention(text: str) -> str:
    """Break ``@everyone``, ``@here`` and ``@<id>`` by a zero-width space, for places without markdown."""
    return _MENTION.sub("@\u200b", text)


def quiet(text: str) -> str:
    """Break every mention, command and named link of any chat service by a zero-width space."""
    return _TELLING.sub(lambda found: f"{found[0]}\u200b", text)


def markdown(text: str) -> str:
    """Escape text so that Discord shows it as it is: no style, list, link, spoiler, mention or emoji."""
    escaped = _MARKDOWN.sub(lambda found: "\\" + found[0], unmention(text))
    return _LINE_START.sub(r"\1\\\2", escaped)


def clip(text: str, limit: int, *, written: Callable[[str], str] = str) -> str:
    """Return ``written(text)`` in at most ``limit`` UTF-16 units, cut at a word, with an ellipsis.

    ``written`` is how the text will be escaped; cutting comes before it, so that no escape is torn.
    """
    whole = written(text)
    excess = units(whole) - limit
    keep = len(text)
    while excess > 0 and keep > 0:
        keep -= max(1, excess // 4)  # a character takes at most four units when escaped: never too much
        whole = written(_to_word(text[: max(keep, 0)]) + "…")
        excess = units(whole) - limit
    return whole if excess <= 0 else ""


def _to_word(text: str) -> str:
    head, space, tail = text.rpartition(" ")
    return (head if space and len(tail) < 20 else text).rstrip(" ,;:-–—")


def sentences(text: str, count: int) -> str:
    """Return the first ``count`` sentences; "Inc." and single initials do not end one."""
    found = 0
    for end in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text, 0, end.start()):
            continue
        found += 1
        if found == count:
            return text[: end.end()].rstrip()
    return text


def safe_link(url: str) -> str:
    """Return the address in ASCII if a person may be sent there, else nothing.

    Only http and https, with a host and without credentials; at most 2,048 characters.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a malformed port, bracket or host name
        return ""
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[a-z0-9.-]+", host) or "@" in parts.netloc:
        return ""
    path, query, fragment = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    link = urlunsplit((parts.scheme, host + port, path, query, fragment))
    return link if len(link) <= _MAX_URL else ""


def page_link(page_url: str | None, alert_id: str) -> str:
    """Return the address of an alert on our page; nothing where readers have no page. Safe within parentheses."""
    link = f"{page_url}/alerts/{quote(alert_id, safe='', errors='ignore')}" if page_url else ""
    return link if len(link) <= _MAX_PAGE_LINK else ""


def _quoted(part: str) -> str:
    return quote(part, safe="/%:=&?~+!$,;@*.-_", errors="ignore")
