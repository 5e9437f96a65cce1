"""Orders in a text: clauses that address the reader or a model instead of reporting, and what looks like a prompt.

Owns the finding and cutting of them; the phrases are data (``data/orders.toml``). A rule that finds words cannot find
every order; the marks around the news, the schema and the grounding stand behind it. Expects text in NFKC on
one line, without markup: that is ``hygiene``.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from catalyst_ray.core.order_words import joined_words, orders_table, sentence_end, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.core.order_words import Token

_LEADS_TO_ORDER = frozenset(
    {"and", "then", "please", "so", "now", "also", "just", "kindly", "you", "must", "always", "to"}
)
_BASE64 = re.compile(r"(?<![\w/+.@-])[A-Za-z0-9+/_-]{16,4096}={0,2}(?![\w])")
_ESCAPED = re.compile(
    r"(?:%[0-9A-Fa-f]{2}){4,}\S*|(?:\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})\s?){4,}|(?:\b[01]{8}\b\s?){6,}"
    r"|\b(?:[2-7][0-9A-Fa-f]){16,}\b|(?:\b(?:0x)?[2-7][0-9A-Fa-f]\b\s){12,}"
)
_OPENING, _CLOSING = "([{\"“'‘", ")]}\"”'’"
_LOOSE = " ,;:|–—*-"
"""What joins clauses, and joins nothing when one of them is gone."""
_POINT = re.compile(r"\s*[.,;:!?)](?:\s|$)")
_MOST_ROUNDS = 3
_MOST_WORDS_BEFORE = 2
"""Words of a clause before an order in it that are no news without it ("The correct answer is ...")."""
_CLAUSE_HEAD = re.compile(
    rf"(?:^|[.!?;:|()\[\]{{}}—–。])\s*((?:[^\s.!?;:|()\[\]{{}}—–。]+\s+){{0,{_MOST_WORDS_BEFORE}}})$"
)


def without_tags(text: str) -> tuple[str, int]:
    """Return the text without role tags, control tokens and answers spelled out, and how many were cut.

    Sees them in markup as well, before its reading takes half of one away. A bar stands where one was: what follows
    it begins anew.
    """
    spans = _joined([span for span, to_end in _marked(text) if not to_end])
    return (_without(text, spans, between=" | "), len(spans)) if spans else (text, 0)


def without_orders(text: str) -> tuple[str, int]:
    """Return the text without orders to a reader, and how many were cut.

    Linear in the text. What is left is the text itself, never a rewording; without an order it is unchanged.
    """
    removed = 0
    for _ in range(_MOST_ROUNDS):  # a cut may bring together what was kept apart
        spans = _joined([*(span for span, _ in _marked(text)), *_encoded(text), *_ordered(text)])
        if not spans:
            break
        removed += len(spans)
        text = _without(text, spans)
    return text, removed


def _marked(text: str) -> Iterator[tuple[tuple[int, int], bool]]:
    for mark in orders_table().marks:
        for match in mark.pattern.finditer(text):
            if mark.to_end:
                yield (_clause_start(text, match.start()), sentence_end(text, match.end())), True
            else:
                yield match.span(), False


def _clause_start(text: str, start: int) -> int:
    head = _CLAUSE_HEAD.search(text, max(0, start - 60), start)
    return head.start(1) if head else start


def _encoded(text: str) -> list[tuple[int, int]]:
    spans = [match.span() for match in _ESCAPED.finditer(text)]
    return spans + [match.span() for match in _BASE64.finditer(text) if _hides_words(match[0])]


def _hides_words(blob: str) -> bool:
    bare = blob.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        hidden = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return hidden.isprintable()


def _ordered(text: str) -> list[tuple[int, int]]:
    tokens = words_of(text)
    found = orders_table().phrases.find(joined_words(tokens))
    return [_clause(text, tokens, one.start, one.end) for one in found]


def _clause(text: str, tokens: list[Token], first: int, last: int) -> tuple[int, int]:
    """Return the characters from an order's first word to the end of its clause."""
    while tokens[first].word in {".", ":"}:
        first += 1
    while tokens[last - 1].word == "." and last - 1 > first:
        last -= 1
    while tokens[first - 1].word in _LEADS_TO_ORDER:
        first -= 1
    before = next(back for back in range(first, 0, -1) if tokens[back - 1].word in {".", ":"})
    if first - before <= _MOST_WORDS_BEFORE and "," not in text[tokens[before].start : tokens[first].start]:
        first = before
    stop = next(token for token in tokens[last:] or tokens[-1:] if token.word in {".", ":"})
    is_whole = tokens[first - 1].word in {".", ":"}
    return tokens[first].start, stop.end if is_whole and stop.word == "." else stop.start


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > start:
            joined.append((start, end))
    return joined


def _without(text: str, spans: list[tuple[int, int]], between: str = " ") -> str:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    kept = ""
    for end, start in zip(ends, starts, strict=True):
        kept = _mended(kept, text[end:start], between) if end else text[end:start]
    return " ".join(kept.split())


def _mended(before: str, after: str, between: str) -> str:
    """Join what stood around a cut, without the brackets and the punctuation that held what is gone."""
    before, after = before.rstrip(), after.lstrip()
    if before and after and after[0] in _CLOSING and _OPENING.find(before[-1]) == _CLOSING.find(after[0]):
        before, after = before[:-1].rstrip(), after[1:].lstrip()
    if not any(map(str.isalnum, after)):
        after = after.strip(f"{_LOOSE}.!?{_CLOSING}")
        return (before.rstrip(_LOOSE + _OPENING) + after) if not after else f"{before}{between}{after}"
    if not any(map(str.isalnum, before)):
        return after.lstrip(f"{_LOOSE}.!?)")
    if before[-1] in ".!?":
        return f"{before} {after.lstrip(_LOOSE + '.')}"
    return before.rstrip(_LOOSE) + after if _POINT.match(after) else f"{before}{between}{after}"
