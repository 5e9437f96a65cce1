"""Figures of a text with unit and scale, and codes such as "8-K": what two spellings of one have in common.

Owns the reading of numbers. Dates are read in ``grounding_dates``; whether a figure is borne out is decided in
``grounding``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_SMALL = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {
    **{word: number for number, word in enumerate(_SMALL, start=2)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    **{
        f"{tens}-{word}": 10 * ten + one
        for ten, tens in enumerate(_TENS, start=2)
        for one, word in enumerate(("one", *_SMALL[:8]), start=1)
    },
}
_NUMBER_WORD = re.compile(rf"\b({'|'.join(sorted(WORDS, key=len, reverse=True))})\b")
# "One" alone is a pronoun as often as a number.
_ONE = re.compile(r"\bone(?= (?:hundred|thousand|million|billion|trillion|percent|per cent)\b)")
# Plain text only: lower case, straight quotes, one space. An abbreviated scale may not follow a hyphen, or
# "8-K" would be eight thousand.
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
_QUARTER = re.compile(r"\b(first|second|third|fourth)[ -](?:fiscal )?quarter\b")
_QUARTERS = {"first": "q1", "second": "q2", "third": "q3", "fourth": "q4"}
_TYPOGRAPHY = str.maketrans("“”„«»‘’‚`´–—‑−", '"""""' + "'''''" + "----")


def plain(text: str) -> str:
    """Return text as texts are compared: lower case, straight quotes and hyphens, one space, numbers in digits."""
    flat = _ONE.sub("1", " ".join(text.translate(_TYPOGRAPHY).casefold().split()))
    return _NUMBER_WORD.sub(lambda match: str(WORDS[match[1]]), flat)


def figures(text: str) -> frozenset[tuple[Decimal, str]]:
    """Return every number of a text as (value, unit): "$10M" and "$10,000,000" are both (10000000, $).

    The sign is left out: a minus, a hyphen and a range look alike in news.
    """
    return frozenset((value, unit) for value, unit, _ in figures_in_place(plain(text)))


def figures_in_place(flat: str) -> Iterator[tuple[Decimal, str, int]]:
    """Yield (value, unit, offset) of every number of a plain text."""
    for match in NUMBER.finditer(flat):
        value = Decimal(match["digits"].replace(",", ""))
        value *= SCALES.get(match["word"] or match["short"] or "", 1)
        unit = UNITS.get(match["before"] or match["after"] or "", "")
        if unit == "¢":
            value, unit = value / 100, "$"
        yield value.normalize(), unit, match.start()


def codes(flat: str) -> frozenset[str]:
    """Return the words of a plain text that hold digits and are no figure, and its quarters ("q2")."""
    quarters = (_QUARTERS[match[1]] for match in _QUARTER.finditer(flat))
    return frozenset((*CODE.findall(NUMBER.sub(" ", flat)), *quarters))
