"""Owns the figures of a text by kind, and whether those of two texts can belong to one story. Pure.

Equal amounts are equal however written ("$25.0 million", "$25M", "25,000,000 dollars"); one that is given to fewer
digits equals what rounds to it, from two digits on: "$25 million" is "$24.98 million", "$5 million" is not "$5.4 million".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Figure(NamedTuple):
    """A figure: by name ("q2"), or by value with the unit of the last digit that was given."""

    name: str = ""
    value: float = 0.0
    step: float = 0.0


Figures: TypeAlias = "Mapping[str, frozenset[Figure]]"
"""Kind to the figures of it."""

MONEY, PRICE, COUNT, PERCENT, NUMBER = "money", "price", "count", "percent", "number"
QUARTER, PHASE, CODE, RATIO = "quarter", "phase", "code", "ratio"
DATE, WEEKDAY, TIME, YEAR, PART = "date", "weekday", "time", "year", "part"
TELLING = frozenset({MONEY, PRICE, COUNT, QUARTER, PHASE, CODE, RATIO})
"""Kinds of which two texts on one story, if both have any, have one in common."""
WEIGHTY = frozenset({MONEY, PRICE, COUNT, CODE, RATIO, PHASE})
"""Kinds of which one in common speaks for one story."""

_SCALES = {
    "k": 3, "thousand": 3, "m": 6, "mm": 6, "mn": 6, "mln": 6, "million": 6, "b": 9, "bn": 9, "bln": 9, "billion": 9,
    "t": 12, "tn": 12, "trillion": 12,
}  # fmt: skip
_ORDINALS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "1st": "1",
    "2nd": "2",
    "3rd": "3",
    "4th": "4",
}
_PHASES = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_SPELT = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_SPELT)})\b")
_MAX_DIGITS = 15
_PRECISE = 100
_LEAST_DIGITS = 10
"""In units of the last digit given: what has fewer than two digits is not rounded."""
_LARGE = 10_000
_NAMED = re.compile(
    r"\b(?:q(?P<q>[1-4])|(?P<q2>[1-4])q|(?P<ordinal>first|second|third|fourth|[1-4](?:st|nd|rd|th))[ -]quarter)\b"
    r"|\bphase (?P<phase>[1-4][ab]?|i{1,3}[ab]?|iv)\b"
    r"|\b(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>[ap])\.?m\b"
    r"|\b(?P<one>\d{1,3})[ -]?(?:for|:)[ -]?(?P<many>\d{1,4})\b"
    r"|\b(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?\b(?!,?\d)"
    r"|\b(?P<weekday>mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:series|class|tranche) (?P<part>[a-h]|\d|one|two|three)\b"
    r"|\b(?P<code>(?=[a-z\d-]{0,14}\d)(?=[a-z\d-]{0,14}[a-z])[a-z]+-?\d[a-z\d-]{0,12})\b"
)
_FIGURE = re.compile(
    r"(?<![\w.])(?P<sign>(?:us|c|a)?\$|€|£|usd ?)? ?\(?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>\.\d+)?"
    r"(?: ?(?P<percent>%|percent\b|per cent\b|pct\b)|[ -]?(?P<scale>trillion|billion|million|thousand|bln|bn|mln|mm|mn|tn|[tbmk])\b)?"
    r"(?![\w%]|\.\d)"
    r"(?P<of> (?:[a-z-]+ ){0,2}(?:shares|units|warrants|ads|adss|patients|participants|customers|employees)\b)?"
)


def figures_in(text: str) -> Figures:
    """Return the figures of a text in lower case, by kind; time linear in its length."""
    found: dict[str, set[Figure]] = {}

    def named(match: re.Match[str]) -> str:
        kind, name = _named(match)
        found.setdefault(kind, set()).add(Figure(name))
        return " ; "  # what was read is not read again as a plain number

    digits = _NUMBER_WORD.sub(lambda match: _SPELT[match[0]], text)
    for match in _FIGURE.finditer(_NAMED.sub(named, digits)):
        kind, figure = _figure(match)
        found.setdefault(kind, set()).add(figure)
    return {kind: frozenset(figures) for kind, figures in found.items()}


def _named(match: re.Match[str]) -> tuple[str, str]:
    part = match.groupdict()
    if phase := part["phase"]:
        digits = phase.rstrip("ab")
        return PHASE, _PHASES.get(digits, digits) + phase[len(digits) :]
    rows = (
        (QUARTER, part["q"] or part["q2"] or _ORDINALS.get(part["ordinal"] or "")),
        (TIME, part["hour"] and f"{int(part['hour'])}:{part['minute'] or '00'}{part['half']}"),
        (RATIO, part["one"] and f"{int(part['one'])}:{int(part['many'])}"),
        (DATE, part["month"] and f"{part['month']} {int(part['day'])}"),
        (WEEKDAY, part["weekday"]),
        (PART, part["part"]),
        (CODE, (part["code"] or "").replace("-", "")),
    )
    return next((kind, name) for kind, name in rows if name)


def _figure(match: re.Match[str]) -> tuple[str, Figure]:
    part = match.groupdict()
    whole, rest = part["whole"].replace(",", ""), part["rest"] or ""
    if len(whole) + len(rest) > _MAX_DIGITS:
        return NUMBER, Figure(whole[:40])
    scale = _SCALES.get(part["scale"] or "", 0)
    value = round(float(whole + rest) * 10**scale, 6)
    figure = Figure("", value, _step(whole, rest, scale))
    if part["percent"]:
        return PERCENT, figure
    if part["of"] and not part["sign"]:
        return COUNT, figure
    if part["sign"] or scale:
        return (MONEY if value >= _LARGE else PRICE), figure
    if len(whole) == 4 and not rest and whole[:2] in ("19", "20") and "," not in part["whole"]:
        return YEAR, Figure(whole)
    return (COUNT if value >= _LARGE else NUMBER), figure


def _step(whole: str, rest: str, scale: int) -> float:
    """Return the unit of the last digit that was given; closing zeros of large numbers are none."""
    if rest:
        return 10.0 ** (scale - len(rest) + 1)
    digits = whole.lstrip("0")
    is_large = scale or len(digits) > len(str(_LARGE)) - 1
    zeros = len(digits) - len(digits.rstrip("0")) if is_large else 0
    return float(10 ** (scale + zeros))


def figure_of(value: float) -> Figure:
    """Return a figure that is known by its value: as exact as its digits."""
    whole, _, rest = f"{value:.6f}".rstrip("0").partition(".")
    return Figure("", round(value, 6), _step(whole, f".{rest}" if rest else "", 0))


def equal(a: Figure, b: Figure) -> bool:
    """Return whether two figures of one kind are the same, the coarser rounded to two digits at least."""
    if a.name or b.name or a.value == b.value:
        return a.name == b.name and a.value == b.value
    step = max(a.step, b.step)
    return min(a.value, b.value) >= _LEAST_DIGITS * step and abs(a.value - b.value) <= step / 2


def shares(figures_a: Iterable[Figure], figures_b: Iterable[Figure]) -> bool:
    """Return whether two lots of figures of one kind have one in common."""
    others = tuple(figures_b)
    return any(equal(a, b) for a in figures_a for b in others)


def precise(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures of a lot that are given to three digits or more: two texts do not share those by chance."""
    return [one for one in figures if one.step and one.value >= _PRECISE * one.step]


def holds(figures_a: Iterable[Figure], figures_b: Iterable[Figure]) -> bool:
    """Return whether every figure of ``figures_a`` is among ``figures_b``."""
    others = tuple(figures_b)
    return all(any(equal(a, b) for b in others) for a in figures_a)
