"""Owns finding tickers as texts write them: "(NASDAQ: ABCD)", "(NYSE–ABC)", "under the symbol “ABCD”", "$ABCD".

It reports what stands there and where; whether a symbol is taken is for ``tickers`` to say. Every
pattern is anchored and bounded, so the time is linear in the text, however hostile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from catalyst_ray.core.venues import Label, Venue, find_venue, read_label, venue_within

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SYMBOLS = 12
"""Most symbols that one tag may hold."""
MAX_SAID = 10
"""Most symbols taken from the prose of one text."""
_BRACKET_REACH = 300
"""How far back an opening bracket is looked for, characters."""
_SENTENCE_REACH = 140
"""How far from a symbol in prose its venue may stand, characters."""

# Typographic forms of ASCII, one character for one, so that places in the text stay the same.
_PLAIN = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN |= dict.fromkeys("\u00a0\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff", " ")
_PLAIN |= dict.fromkeys(map(chr, range(0x2000, 0x2010)), " ")
_PLAIN |= {
    "\u2236": ":",
    "\ufe55": ":",
    "\ua789": ":",
    "\u3010": "[",
    "\u3011": "]",
    "\u3014": "[",
    "\u3015": "]",
}
_ODD = re.compile(f"[{re.escape(''.join(_PLAIN))}]")

_QUOTE = r"[\s\"“”„‟'‘’«»*]"
_SUFFIX = r"(?:[./\-^](?:PR?[./\-]?[A-Z]?|WS[./\-]?[A-Z]?|WT[A-Z]?|UN|RT|RI|WI|[A-Z])| PR ?[A-Z])"
US_SYMBOL = re.compile(rf"\$?([A-Z]{{1,5}}(?:{_SUFFIX}(?!\w))?)(?!\w)")
"""A US ticker, with the class, preferred, warrant or unit mark that may follow it."""
_ANY_SYMBOL = re.compile(r"\$?((?:[A-Z][A-Z0-9]{0,11}|\d[A-Z0-9]{0,9})(?:[.\-/][A-Z]{1,3})?)(?!\w)")
_LEAD = re.compile(rf"{_QUOTE}{{0,8}}")
_JOINT = re.compile(rf"{_QUOTE}{{0,4}}(?:,\s{{0,3}}(?:and|or)\b|[,;/&+|]|\band\b|\bor\b){_QUOTE}{{0,4}}")
_LABEL_NEXT = re.compile(r"\s{0,3}:(?!//)")
_LABEL_AHEAD = re.compile(r"[^,;()\[\]:]{0,40}:(?!//)")
_CAPITALS_NEXT = re.compile(r"\s+[A-Z]{2}")

_BRACKETS = re.compile(r"[(\[]([^()\[\]:]{4,80})[)\]]")
_PART = re.compile(r"[^,;]+")
_LOOSE = re.compile(rf"\s*(\w.{{0,60}}?)(?:\s*[\-–—]\s*|{_QUOTE}+)(\$?[A-Z0-9][A-Z0-9.\-/]{{0,9}}){_QUOTE}*")

_SAID_WORDS = ("ymbol", "icker", "YMBOL", "ICKER")
_SAID = re.compile(r"(?:[sS]ymbol|SYMBOL|[tT]icker|TICKER)[sS]?[\s\"“”„‘’']{1,5}(?=[A-Z]{1,5}\b)")
_ON = re.compile(r"[\s\"”’',]{0,4}on (?:the )?([^.;()\[\]]{3,60})")
_SENTENCE_END = re.compile(r"[.;!?]\s")

_CASHTAG = re.compile(r"\$(?<![\w$]\$)([A-Z]{1,5}(?:[.\-](?:[A-Z]|PR[A-Z]?|WS|UN))?)(?!\w|[.\-/][A-Z])")
_SCALES = frozenset({"M", "MM", "MN", "B", "BN", "K", "T", "TN"})
_SAYS_SCALE = re.compile(r"(?:\bin|[(\[])\s?$")
_BRACKET_LIST = re.compile(
    r"[(\[]\s?([A-Z]{1,5}(?:[.\-][A-Z])?(?:\s?[,;/&]\s?[A-Z]{1,5}(?:[.\-][A-Z])?){0,19})\s?[)\]]"
)
_RUN = re.compile(r"(?<![\w$.&/:’'\-])[A-Z]{1,5}(?:,\s?(?:and\s)?[A-Z]{1,5}(?![\w&/\-])){2,19}")
_BETWEEN_SYMBOLS = re.compile(r"\s?[,;/&]\s?(?:and\s)?")
_BARE = re.compile(r"(?<![\w$.&/:’'(\[\-])(?<!: )[A-Z]{2,5}(?![\w&/\-]|\.\w)")
MAX_BARE = 20
"""Most bare symbols taken from one text."""
_LISTED = re.compile(r":\s{1,3}([A-Z]{1,5}(?:,\s{0,3}[A-Z]{1,5}){1,19})\s*$")


@dataclass(frozen=True, slots=True)
class Tag:
    """Symbols with the venue that a text gives them.

    Args:
        venue: The US one where several are named; None where the text names none ("(Symbol: ABCD)").
        symbols: As written; those after the first are less sure.
        span: The words of the text, untouched.
        is_enclosed: In brackets, or a category: meant as a tag.
        is_loose: Written so that plain words may look like it ("(NASDAQ ABCD)").
    """

    venue: Venue | None
    symbols: tuple[str, ...]
    span: str
    start: int
    is_enclosed: bool = False
    is_loose: bool = False

    @property
    def end(self) -> int:
        """Return where the span ends."""
        return self.start + len(self.span)


def exchange_tags(text: str, *, is_enclosed: bool = False) -> list[Tag]:
    """Return the exchange tags of a text of any length, in its order.

    Args:
        text: Plain text.
        is_enclosed: The whole text stands for one tag, as a category does.
    """
    flat = _plain(text)
    tags = [*_with_colon(text, flat, is_enclosed=is_enclosed), *_in_brackets(text, flat), *_said(text, flat)]
    return sorted(tags, key=lambda tag: tag.start)


def cashtags(text: str) -> list[Tag]:
    """Return the cashtags of a text, in its order; amounts ("$5M", "in $M") are none."""
    flat = _plain(text)
    return [
        Tag(None, (hit[1],), text[hit.start() : hit.end()], hit.start())
        for hit in _CASHTAG.finditer(flat)
        if hit[1] not in _SCALES or not _SAYS_SCALE.search(flat[max(0, hit.start() - 4) : hit.start()])
    ]


def listed_symbols(title: str) -> tuple[str, ...]:
    """Return the words of a list that ends a title ("Stocks to watch: ABCD, EFGH"), if it has one."""
    hit = _LISTED.search(title, max(0, title.find(":")))
    return tuple(word.strip() for word in hit[1].split(",")) if hit else ()


def bracketed_symbols(text: str) -> Iterator[Tag]:
    """Yield brackets that hold nothing but what may be tickers: "Acme (ABCD)", "(ABCD, EFG)"."""
    for hit in islice(_BRACKET_LIST.finditer(text), MAX_BARE):
        symbols = tuple(_BETWEEN_SYMBOLS.split(hit[1]))
        yield Tag(None, symbols, hit[1], hit.start(1), is_enclosed=True)


def symbol_runs(title: str) -> Iterator[Tag]:
    """Yield three or more words in capitals with commas between them ("Insiders buy ABCD, EFG and HIJ")."""
    for hit in islice(_RUN.finditer(title), MAX_BARE):
        yield Tag(None, tuple(_BETWEEN_SYMBOLS.split(hit.group())), hit.group(), hit.start(), is_loose=True)


def bare_symbols(title: str) -> Iterator[Tag]:
    """Yield the words of a title in capitals that may be tickers ("ABCD shares rise"); none where all is in capitals."""
    if title.isupper():
        return
    for hit in islice(_BARE.finditer(title), MAX_BARE):
        yield Tag(None, (hit.group(),), hit.group(), hit.start(), is_loose=True)


def _plain(text: str) -> str:
    return text if text.isascii() else _ODD.sub(lambda odd: _PLAIN[odd.group()], text)


def _with_colon(text: str, flat: str, *, is_enclosed: bool) -> Iterator[Tag]:
    colon = flat.find(":")
    while colon >= 0:
        # The cheap question first: most colons have no symbol behind them.
        lead = _LEAD.match(flat, colon + 1)
        at = lead.end() if lead else colon + 1
        label = read_label(flat, colon) if _ANY_SYMBOL.match(flat, at) else None
        if label and (
            tag := _tag(text, flat, label, at, is_enclosed=is_enclosed or _is_open(flat, label.start))
        ):
            yield tag
        colon = flat.find(":", colon + 1)


def _tag(text: str, flat: str, label: Label, at: int, *, is_enclosed: bool) -> Tag | None:
    venue = label.venue
    if not is_enclosed and (venue is None or venue.is_place or _is_plain_word(flat[label.start : at], venue)):
        return None
    symbols, end = _symbols(flat, at, is_us=venue is None or venue.is_us)
    if not symbols:
        return None
    shouted = not is_enclosed and _CAPITALS_NEXT.match(flat, end) is not None
    return Tag(venue, symbols, text[label.start : end], label.start, is_enclosed, is_loose=shouted)


def _is_plain_word(label: str, venue: Venue) -> bool:
    """Return whether a venue's name in running text is rather a word ("Our aim: …", "Aim: …")."""
    name = label.partition(":")[0].strip()
    return name[:1].islower() or (not venue.is_us and len(name) <= 4 and not name.isupper())


def _symbols(flat: str, at: int, *, is_us: bool) -> tuple[tuple[str, ...], int]:
    """Return the symbols that stand at ``at`` and where the last one ends."""
    pattern, label = US_SYMBOL if is_us else _ANY_SYMBOL, _LABEL_NEXT
    symbols: list[str] = []
    end = at
    while len(symbols) < MAX_SYMBOLS:
        hit = pattern.match(flat, at)
        # "(NASDAQ: ABCD, TSX: ABC)", "(LSE:AIM:ABC)": what a colon follows is a label, no symbol.
        if hit is None or label.match(flat, hit.end()):
            break
        symbols.append(hit[1])
        end = hit.end()
        joint, label = _JOINT.match(flat, end), _LABEL_AHEAD
        if joint is None:
            break
        at = joint.end()
    return tuple(symbols), end


def _is_open(flat: str, at: int) -> bool:
    """Return whether ``at`` stands inside brackets."""
    floor = max(0, at - _BRACKET_REACH)
    opened = max(flat.rfind("(", floor, at), flat.rfind("[", floor, at))
    closed = max(flat.rfind(")", floor, at), flat.rfind("]", floor, at))
    return opened > closed


def _in_brackets(text: str, flat: str) -> Iterator[Tag]:
    """Find tags that lack the colon: "(NASDAQ ABCD)", "(NYSE–ABC)"."""
    for bracket in _BRACKETS.finditer(flat):
        for part in _PART.finditer(flat, *bracket.span(1)):
            pair = _LOOSE.fullmatch(flat, *part.span())
            if pair is None or find_venue(part.group()):
                continue
            label = read_label(flat, pair.end(1))
            venue = label.venue if label and label.start == pair.start(1) else None
            if venue and not venue.is_place and (not venue.is_us or US_SYMBOL.fullmatch(pair[2])):
                yield Tag(venue, (pair[2],), text[pair.start(1) : pair.end(2)], pair.start(1), True, True)


def _said(text: str, flat: str) -> Iterator[Tag]:
    """Find symbols given in prose: "trades on Nasdaq under the ticker symbol “ABCD”"."""
    if not any(word in flat for word in _SAID_WORDS):  # twenty times faster than asking the pattern
        return
    for word in islice(_SAID.finditer(flat), MAX_SAID):
        symbols, end = _symbols(flat, word.end(), is_us=True)
        venue = _venue_of_prose(flat, word.start(), end)
        if symbols and venue:
            yield Tag(venue, symbols, text[word.start() : end], word.start())


def _venue_of_prose(flat: str, start: int, end: int) -> Venue | None:
    """Return the venue behind a symbol ("… on the TSX"), else the nearest before it in its sentence."""
    if behind := _ON.match(flat, end):
        words = behind[1].split()
        for count in range(min(len(words), 8), 0, -1):
            if venue := find_venue(" ".join(words[:count])):
                return venue
    floor = max(0, start - _SENTENCE_REACH)
    ends = [stop.end() for stop in _SENTENCE_END.finditer(flat, floor, start)]
    return venue_within(flat, ends[-1] if ends else floor, start)
