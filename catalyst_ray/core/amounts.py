"""Money and counts of securities in a text, with units, qualifiers and spans.

Owns how figures are written: "$25 million", "US$1.5bn", "up to approximately $13.9 Million", "$4.00 to $6.00",
"$1.50 per share", "$0.0001 par value", "5,000,000 shares", "1.5 million units". Every pattern is bounded, so
that time is linear in the text's length. Does not know what a figure is of an offering.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from catalyst_ray.models import Count, Money, Qualifier

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_AMOUNTS = 400
"""Figures of one text that are looked at."""
_BEFORE_CHARS, _AFTER_CHARS = 60, 48

_CODES = {
    "us$": "USD", "u.s.$": "USD", "usd": "USD", "$": "USD", "c$": "CAD", "ca$": "CAD", "cad": "CAD", "cdn$": "CAD",
    "a$": "AUD", "au$": "AUD", "aud": "AUD", "hk$": "HKD", "hkd": "HKD", "nt$": "TWD", "s$": "SGD", "sgd": "SGD",
    "r$": "BRL", "nz$": "NZD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP", "¥": "JPY", "jpy": "JPY",
    "rmb": "CNY", "cny": "CNY", "₪": "ILS", "nis": "ILS", "ils": "ILS", "chf": "CHF", "sek": "SEK", "nok": "NOK",
    "dkk": "DKK", "₹": "INR", "inr": "INR", "krw": "KRW",
}  # fmt: skip
_SIGN = (
    r"(?:U\.?\s?S\.?\s?\$|(?:C|CA|CDN|A|AU|HK|NT|S|R|NZ)?\$|[€£¥₪₹]"
    r"|\b(?:USD|CAD|AUD|HKD|SGD|EUR|GBP|JPY|RMB|CNY|NIS|ILS|CHF|SEK|NOK|DKK|INR|KRW)\b\s?\$?)"
)
_FIGURE = r"(?:\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?|\.\d{1,6})"
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mln": 1e6, "mn": 1e6, "mm": 1e6, "m": 1e6,
    "billion": 1e9, "bln": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_SCALE = r"(?:[\s-]{0,2}(?:thousand|million|billion|trillion|mln|bln|mn|mm|bn|tn|[kmb])(?![A-Za-z\d]))"
_SCALE_WORD = r"(?:[\s-]{0,2}(?:thousand|million|billion|mln|mm|bn)(?![A-Za-z\d])|[MK](?![A-Za-z\d]))"
_MONEY = re.compile(
    rf"(?<![A-Za-z\d])(?P<sign>{_SIGN})\s?(?P<low>{_FIGURE})(?!\d)(?P<scale>{_SCALE})?", re.IGNORECASE
)
_RANGE = re.compile(
    rf"\s?(?P<joint>to|and|[-–—])\s?(?P<sign>{_SIGN}\s?)?(?P<high>{_FIGURE})(?![\d,.]{{0,2}}\d)(?P<scale>{_SCALE})?",
    re.IGNORECASE,
)
_DOLLARS = re.compile(
    rf"(?<![\w$€£.,])(?P<low>{_FIGURE})(?P<scale>{_SCALE_WORD})?\s(?:U\.?S\.?\s)?(?P<sign>dollars|euros|pounds sterling)\b",
    re.IGNORECASE,
)
_SPELT = {"dollars": "USD", "euros": "EUR", "pounds sterling": "GBP"}

_OF = r"(?:\s(?:an?|the|in|of|aggregate|total|additional|maximum|amount|offering|purchase|principal|gross|proceeds|sales?|price))*"
_BOUNDS = (
    (Qualifier.UP_TO, r"up to|as much as|as many as|maximum of|maximum|not to exceed|not exceeding|no more than|not more than|not exceed"),
    (Qualifier.AT_LEAST, r"at least|minimum of|more than|no less than|not less than|in excess of|exceeding|over|exceeds"),
    (Qualifier.ABOUT, r"approximately|about|around|roughly|nearly|almost|some|approx\.?|circa|an estimated|estimated"),
)  # fmt: skip
_QUALIFIERS = tuple(
    (
        kind,
        re.compile(
            rf"\b(?:{words}){_OF}(?:\s(?:approximately|about|the sum of))?{_OF}\s?[(“\"]?$", re.IGNORECASE
        ),
    )
    for kind, words in _BOUNDS
)
_TILDE = re.compile(r"~\s?$")
_BETWEEN = re.compile(r"\b(?:between|from)(?:\s\w{1,20}){0,2}\s?$", re.IGNORECASE)

_SECURITY = r"shares?|units?|ads|adss|american depositary shares?|depositary shares?|warrants?|notes?|rights?|securit(?:y|ies)"
_EACH = re.compile(
    rf"\s?(?:/|per|a|for each|each)\s?(?:(?:whole|full|ordinary|common|class \w|series \w|one|combined|offered"
    rf"|pre-funded|preferred|fixed|subordinate|voting|american|depositary)\s){{0,3}}(?P<unit>{_SECURITY})\b",
    re.IGNORECASE,
)
_PAR_AFTER = re.compile(r"\s?(?:per share\s)?(?:,\s)?(?:par|nominal|stated)\b", re.IGNORECASE)
_PAR_BEFORE = re.compile(
    r"\b(?:par|nominal|stated) value(?:,?\s(?:of|per|share|each|is|and|ordinary|common))*\s?$", re.IGNORECASE
)
_UNITS = (("warrant", "warrant"), ("unit", "unit"), ("note", "note"), ("right", "right"))

_ADJECTIVE = (
    r"(?:(?:new|newly[- ]issued|additional|common|ordinary|voting|non-voting|subordinate|multiple|restricted|registered"
    r"|unregistered|class|series|[A-Z](?:-\d)?|american|depositary|firm|authorized|issued|of|its|our|the|such|these"
    r"|convertible|investor|public|private|placement|accompanying|existing|outstanding|aggregate|primary|secondary"
    r"|underlying|option|combined|deposit|whole|full|bonus|capital|treasury|issuable)[\s,]{1,2})"
)
_COUNT = re.compile(
    rf"(?<![\w$€£.,])(?P<low>{_FIGURE})(?![\d%])(?P<scale>{_SCALE_WORD})?\)?\s"
    rf"(?:to\s(?P<high>{_FIGURE})(?P<high_scale>{_SCALE_WORD})?\s)?"
    rf"(?:{_ADJECTIVE}){{0,6}}?(?P<pre>pre-?\s?funded\s|preferred\s|preference\s)?"
    r"(?P<unit>american depositary shares?|depositary shares?|shares?|units?|adss?|warrants?|subscription rights|rights|notes)\b"
    r"(?:\s(?P<tail>of\s(?:[\w’'-]{1,20}\s){0,5}?prefer(?:red|ence)))?",
    re.IGNORECASE,
)


def find_money(text: str) -> list[Money]:
    """Return the sums of money of a text, in order."""
    found = list(islice(_sums(text, _MONEY), MAX_AMOUNTS))
    spelt = islice(_sums(text, _DOLLARS), MAX_AMOUNTS)
    found += [
        one for one in spelt if not any(one.start < other.end and other.start < one.end for other in found)
    ]
    return sorted(found, key=lambda one: one.start)


def find_counts(text: str) -> list[Count]:
    """Return the numbers of shares, units, warrants and the like in a text, in order."""
    return list(islice(_counts(text), MAX_AMOUNTS))


def _number(figure: str, scale: str | None) -> float:
    word = (scale or "").strip(" -\u00a0").lower()
    return round(float(figure.replace(",", "")) * _SCALES.get(word, 1.0), 6)


def _sums(text: str, pattern: re.Pattern[str]) -> Iterator[Money]:
    match = pattern.search(text)
    while match:
        value, top, end = _value(match, text)
        sign = re.sub(r"\s", "", match["sign"]).lower()
        known = _CODES.get(sign) or _CODES.get(sign.rstrip("$")) or "USD"
        yield Money(
            value=value,
            currency=_SPELT.get(match["sign"].lower(), known),
            qualifier=Qualifier.BETWEEN if top else _qualifier(text, match.start()),
            high=top,
            each=_each(text, match.start(), end),
            start=match.start(),
            end=end,
        )
        match = pattern.search(text, end)


def _value(match: re.Match[str], text: str) -> tuple[float, float | None, int]:
    """Return a sum, the upper end of its range if it is one, and where it ends."""
    low, scale, end = match["low"], match["scale"], match.end()
    span = _RANGE.match(text, end)
    if span and (span["sign"] or span["scale"] or span["joint"] in "-–—"):
        high = _number(span["high"], span["scale"])
        # "$20 to $25 million" is in millions, both.
        value = _number(low, scale or (span["scale"] if "," not in low else None))
        is_range = span["joint"].lower() != "and" or _BETWEEN.search(
            text, max(0, match.start() - 40), match.start()
        )
        if is_range and value < high:
            return value, high, span.end()
    return _number(low, scale), None, end


def _each(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - _BEFORE_CHARS) : start], text[end : end + _AFTER_CHARS]
    if _PAR_AFTER.match(after) or _PAR_BEFORE.search(before):
        return "par"
    match = _EACH.match(after)
    if match is None:
        return ""
    unit = match["unit"].lower()
    return next((name for word, name in _UNITS if unit.startswith(word)), "share")


def _qualifier(text: str, start: int) -> Qualifier:
    before = text[max(0, start - _BEFORE_CHARS) : start]
    if _TILDE.search(before):
        return Qualifier.ABOUT
    return next((kind for kind, pattern in _QUALIFIERS if pattern.search(before)), Qualifier.EXACT)


def _counts(text: str) -> Iterator[Count]:
    for match in _COUNT.finditer(text):
        low, scale, high = match["low"], match["scale"], match["high"]
        value = _number(low, scale or (match["high_scale"] if high else None))
        if value == 0:
            continue
        top = _number(high, match["high_scale"]) if high else None
        yield Count(
            value=value,
            unit=_unit(match),
            qualifier=Qualifier.BETWEEN if top else _qualifier(text, match.start()),
            high=top,
            start=match.start(),
            end=match.end("unit"),
        )


def _unit(match: re.Match[str]) -> str:
    unit, before = match["unit"].lower(), (match["pre"] or "").lower()
    if unit.startswith("warrant"):
        return "prefunded_warrant" if before.startswith("pre") and "fund" in before else "warrant"
    if "preferred" in before or "preference" in before or match["tail"]:
        return "preferred_share" if "depositary" not in unit else "depositary_share"
    if "american" in unit or unit.startswith("ads"):
        return "ads"
    return "depositary_share" if "depositary" in unit else unit.removeprefix("subscription ").rstrip("s")
