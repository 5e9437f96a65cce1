"""Whether what a model says stands in its source: numbers with unit and scale, codes, and quotes.

Works on texts only; what is done with an answer that loses words is the prompt's business. Dates are
checked by their numbers and names not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCALES = {
    "hundred": 100,
    **dict.fromkeys(("k", "thousand"), 10**3),
    **dict.fromkeys(("m", "mm", "mn", "mln", "million"), 10**6),
    **dict.fromkeys(("b", "bn", "bln", "billion"), 10**9),
    **dict.fromkeys(("t", "tn", "trillion"), 10**12),
}
UNITS = {
    **dict.fromkeys(("$", "us$", "usd", "dollar", "dollars", "us dollars", "u.s. dollars"), "$"),
    **dict.fromkeys(("€", "eur", "euro", "euros"), "€"),
    **dict.fromkeys(("£", "gbp", "pounds"), "£"),
    **dict.fromkeys(("c$", "cad", "canadian dollars"), "C$"),
    **dict.fromkeys(("a$", "aud", "australian dollars"), "A$"),
    **dict.fromkeys(("¥", "jpy", "yen"), "¥"),
    **dict.fromkeys(("%", "percent", "per cent", "pct"), "%"),
    **dict.fromkeys(("bps", "bp", "basis points"), "bp"),
    **dict.fromkeys(("¢", "cent", "cents"), "¢"),
}
WORDS = {
    word: str(number)
    for number, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=2
    )
}
# Folded text only: lower case, straight quotes, one space. An abbreviated scale may not follow a hyphen,
# or "8-K" would be eight thousand.
NUMBER = re.compile(
    r"""(?<![\w.])
    (?P<before>(?:us|c|a)?\$|[€£¥]|(?:usd|eur|gbp|cad|aud|jpy)\b)?[ ]?
    (?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?:[ -]?(?P<word>hundred|thousand|million|billion|trillion)\b|[ ]?(?P<short>mm|mn|mln|bn|bln|tn|[kmbt])\b)?
    (?:[ -]?(?P<after>%|[¢]|(?:percent|per[ ]cent|pct|bps?|basis[ ]points|cents?
        |(?:u\.s\.|us|canadian|australian)[ ]dollars|dollars?|euros?|pounds|yen|usd|eur|gbp|cad|aud|jpy)\b))?
    (?!\w)""",
    re.VERBOSE,
)
CODE = re.compile(r"\b(?=\w*\d)\w+\b")
QUOTED = re.compile(r'"([^"]{2,})"')
ABBREVIATIONS = ("Inc", "Corp", "Co", "Ltd", "No", "U.S", "Dr", "vs", "Mr", "Ms", "St")
SENTENCE_END = re.compile(
    "".join(rf"(?<!\b{re.escape(a)}\.)" for a in ABBREVIATIONS) + r"(?<=[.!?])\s+(?=[\"“(]?[A-Z0-9$€£])"
)
TYPOGRAPHY = str.maketrans("“”„«»‘’‚`´–—‑−", '"""""' + "'''''" + "----")
SHORTEST_QUOTE = 4
"""Letters and digits of an evidence quote; anything shorter is found in any text."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is left of an answer's words, and how many sentences and quotes were cut."""

    summary: str
    evidence: tuple[str, ...]
    cut: int


def ground(summary: str, evidence: Sequence[str], source: str) -> Grounded:
    """Keep the sentences whose figures and quotes stand in ``source``, and the quotes that do."""
    facts = _Facts(source)
    sentences = sentences_of(summary)
    kept = [part for part in sentences if facts.support(part)]
    quotes = tuple(quote for quote in evidence if facts.contain(quote))
    cut = len(sentences) - len(kept) + len(evidence) - len(quotes)
    return Grounded(" ".join(kept), quotes, cut)


def sentences_of(text: str) -> list[str]:
    """Split plain text into sentences; abbreviations such as "Inc." and "U.S." end none."""
    return [part for part in SENTENCE_END.split(text.strip()) if part]


def figures(text: str) -> frozenset[tuple[Decimal, str]]:
    """Return every number of a text as (value, unit): "$10M" and "$10,000,000" are both (10000000, $).

    The sign is left out: a minus, a hyphen and a range look alike in news.
    """
    return frozenset(_figure(match) for match in NUMBER.finditer(_plain(text)))


class _Facts:
    def __init__(self, source: str) -> None:
        self._text = _plain(source)
        self._figures = figures(source)
        self._codes = _codes(self._text)

    def support(self, sentence: str) -> bool:
        plain = _plain(sentence)
        return (
            figures(sentence) <= self._figures
            and _codes(plain) <= self._codes
            and all(self._stands(quote) for quote in QUOTED.findall(plain))
        )

    def contain(self, quote: str) -> bool:
        plain = _plain(quote)
        return sum(character.isalnum() for character in plain) >= SHORTEST_QUOTE and self._stands(plain)

    def _stands(self, plain: str) -> bool:
        words = plain.strip(" .,;:!?\"'-…")
        start = self._text.find(words)
        while start >= 0:
            around = self._text[start - 1 : start] + self._text[start + len(words) : start + len(words) + 1]
            if not any(character.isalnum() for character in around):
                return True
            start = self._text.find(words, start + 1)
        return False


def _plain(text: str) -> str:
    plain = " ".join(text.translate(TYPOGRAPHY).casefold().split())
    return re.sub(rf"\b({'|'.join(WORDS)})\b", lambda match: WORDS[match[1]], plain)


def _figure(match: re.Match[str]) -> tuple[Decimal, str]:
    value = Decimal(match["digits"].replace(",", ""))
    value *= SCALES.get(match["word"] or match["short"] or "", 1)
    unit = UNITS.get(match["before"] or match["after"] or "", "")
    if unit == "¢":
        value, unit = value / 100, "$"
    return value.normalize(), unit


def _codes(plain: str) -> frozenset[str]:
    return frozenset(CODE.findall(NUMBER.sub(" ", plain)))
