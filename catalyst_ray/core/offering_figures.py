"""What each figure in the text of an offering stands for: proceeds, price, shares, warrants, an option.

Owns the words around a figure that say so. Every figure is judged by a window of bounded length in its own
sentence or table row, so that time is linear. Does not know kinds and stages.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.core.amounts import find_counts, find_money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import Count, Money

_BEFORE_CHARS, _AFTER_CHARS = 220, 110
_MOST_PRICE = 10_000
_SENTENCE = re.compile(r"[.;!?][\"”’)]?\s+(?=[A-Z“\"(•●])|\n")

_PROCEEDS = r"(?:cash |aggregate |total |upfront |initial |expected |estimated )*proceeds"
_ROLES = re.compile(
    rf"(?P<net>\bnet {_PROCEEDS})"
    rf"|(?P<gross>\b(?:gross|total|aggregate|upfront) {_PROCEEDS}|\baggregate (?:public |gross |initial |maximum )?"
    r"(?:offering|purchase|sales?|subscription) (?:price|amount)|\bmaximum aggregate offering)"
    r"|(?P<warrant_price>\b(?:exercise|strike) prices?\b|\bexercisable (?:\w+ ){0,6}at\b)"
    r"|(?P<other>\bconver(?:sion|t\w*)(?: \w+)? (?:price|rate)|\bfloor price|\bmarket (?:value|capitali[sz]ation)|\brevenues?\b|\bnet loss"
    r"|\b(?:redemption|repurchase|trigger|minimum bid|bid) price|\bbook value|\bdilution\b|\bpreviously[- ]announced|\bfrom the previous)"
    r"|(?P<last_price>\b(?:last|closing) (?:reported |closing )?(?:sales?|sale|trad\w+|bid)?\s?price|\blast (?:reported )?sale)"
    r"|(?P<fees>\b(?:fees?|commissions?|discounts?|expenses)\b)"
    r"|(?P<price>\b(?:offering|purchase|subscription|issue|issuance|combined|unit|sale|effective|share) price\b|\bprice (?:of|per)\b|\bpriced at\b"
    r"|\bat a price\b|\bprice to (?:the )?public\b)",
    re.IGNORECASE,
)
_DEDUCTED = re.compile(
    r"\b(?:before|after|prior to|less|net of|excluding)\b(?: the)?(?: \w+){0,3}$", re.IGNORECASE
)
_IN_PROCEEDS = re.compile(
    r"\s?(?:\(?\w[^.;()]{0,30}\)\s)?(?:in|of)\s(?:\w+\s){0,3}?(?P<kind>gross|net)?\s?proceeds\b",
    re.IGNORECASE,
)
_PRINCIPAL = re.compile(
    r"\s?(?:in\s|of\s|the\s)*(?:aggregate\s)?(?:principal|stated|liquidation)\b", re.IGNORECASE
)
_OF_SECURITIES = re.compile(
    r"\s(?:of|in)\s(?:\w+\s){0,3}?(?:our|its|shares|common|ordinary|adss|securities|units|depositary)",
    re.IGNORECASE,
)
_IF_EXERCISED = re.compile(
    r"\b(?:assum\w+|if|upon|including|should|from|in the event|potential|additional|remaining|second)\b[^.;]{0,120}?\b(?:exercis\w+|options?\b|milestone|tranche)",
    re.IGNORECASE,
)
_IF_EXERCISED_AFTER = re.compile(
    r"[^.;]{0,30}\b(?:if|upon|assuming|from)\b[^.;]{0,60}\b(?:exercis\w+|options?\b|milestone)", re.IGNORECASE
)
_AT = re.compile(r"(?:@|\b(?:at|for|of|is|was|equals?))\s?(?:an?\s|approximately\s)?$", re.IGNORECASE)

_PRICE_ROW = re.compile(
    r"\W{0,3}(?:assumed |combined |public |initial |aggregate |total |per \w+ )*(?:offering|purchase|subscription) price",
    re.IGNORECASE,
)
_NET_ROW = re.compile(
    r"\W{0,3}(?:net )?proceeds\b.{0,60}after (?:offering )?expenses|\W{0,3}net proceeds", re.IGNORECASE
)

_TO_BUY = r"\b(?:to|which may be exercised to) (?:purchase|acquire|buy|subscribe for)\b[^.;]{0,60}$"
_OPTION = re.compile(
    r"\b(?:option|over-?allotment)\b[^.;]{0,90}$|\badditional (?:of )?$|\b(?:up to )?an additional\s?$",
    re.IGNORECASE,
)
_PREFUNDED = re.compile(rf"\bpre-?\s?funded warrants?\b[^.;]{{0,60}}?{_TO_BUY}", re.IGNORECASE)
_WARRANTS = re.compile(
    rf"\bwarrants?\b[^.;]{{0,80}}?{_TO_BUY}|\bwarrants?\b[^.;]{{0,40}}\b(?:exercisable for|covering)\b[^.;]{{0,30}}$",
    re.IGNORECASE,
)
_OUTSTANDING = re.compile(
    r"[^.;|]{0,50}?(?:\bissued and )?\boutstanding\b(?P<when>[^.;|]{0,60})|\s?\|", re.IGNORECASE
)
_OUTSTANDING_ROW = re.compile(
    r"\boutstanding\b[^|]{0,60}\b(?P<when>before|prior|after|following)\b[^|]{0,80}\|\s?$", re.IGNORECASE
)
_OFFERED_ROW = re.compile(r"\boffered\b[^|]{0,80}\|\s?$", re.IGNORECASE)
_AFTERWARDS = re.compile(r"\b(?:after|following|upon (?:the )?(?:completion|closing))\b", re.IGNORECASE)
_NOT_OFFERED = re.compile(
    r"\b(?:outstanding|authori[sz]\w+|reserved|beneficial\w*|own\w*|held|holds|holders? of|each|every|per|one-for|split|underlying|upon (?:the )?(?:exercise|conversion)|based on|sold an aggregate|previously)\b[^.;|]{0,60}$",
    re.IGNORECASE,
)
_ISSUABLE = re.compile(
    r"[^.;|]{0,40}?\b(?:issuable|reserved|underlying|subject to|authori[sz]ed|beneficially|that may be issued|upon (?:the )?(?:exercise|conversion|vesting))",
    re.IGNORECASE,
)
_COVERAGE = re.compile(
    r"\b(\d{1,3}(?:\.\d{1,2})?)\s?(?:%|per ?cent)\s(?:warrant coverage|coverage)", re.IGNORECASE
)


def stated_figures(
    text: str, part: str = "", *, by_exercise: bool = False
) -> Iterator[tuple[str, Money | Count]]:
    """Yield a term's name of ``OfferingTerms`` and a figure that a text states for it, best first of each name.

    ``part`` names the part of a filing that the text is, for the figures' spans. ``by_exercise`` says that the
    offering is an exercise of warrants: what that brings is its proceeds.
    """
    yield from _table_rows(text, part)
    for sum_ in find_money(text):
        before, after = _around(text, sum_.start, sum_.end)
        role = _role_of_sum(sum_, before, after, by_exercise=by_exercise)
        if role:
            yield role, replace(sum_, part=part)
    for count in find_counts(text):
        before, after = _around(text, count.start, count.end)
        role = _role_of_count(count, before, after)
        if role:
            yield role, replace(count, part=part)


def stated_coverage_pct(text: str) -> float | None:
    """Return the coverage by warrants that a text states, in per cent."""
    match = _COVERAGE.search(text)
    return float(match[1]) if match else None


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return what stands before and behind a figure in its sentence."""
    before = text[max(0, start - _BEFORE_CHARS) : start]
    after = text[end : end + _AFTER_CHARS]
    ends = [match.end() for match in _SENTENCE.finditer(before)]
    stop = _SENTENCE.search(after)
    return before[ends[-1] if ends else 0 :], after[: stop.start()] if stop else after


def _table_rows(text: str, part: str) -> Iterator[tuple[str, Money]]:
    """Yield price and total of the table on a prospectus's cover."""
    at = 0
    for line in text.split("\n"):
        if " | " in line and len(line) < 600:
            sums = [
                replace(one, start=one.start + at, end=one.end + at, part=part) for one in find_money(line)
            ]
            if sums and _PRICE_ROW.match(line):
                if sums[0].value < _MOST_PRICE:
                    yield "price", replace(sums[0], each=sums[0].each or "share")
                if sums[-1].value >= max(_MOST_PRICE, sums[0].value):
                    yield "gross", replace(sums[-1], each="")
            elif sums and _NET_ROW.match(line) and sums[-1].value >= _MOST_PRICE:
                yield "net", sums[-1]
        at += len(line) + 1


def _role_of_sum(one: Money, before: str, after: str, *, by_exercise: bool) -> str | None:
    if one.each == "par":
        return None
    role = _last_role(before)
    if one.each or (
        one.value < _MOST_PRICE and not re.search(r"thousand|million|billion", before[-1:] + after[:1])
    ):
        return _role_of_price(one, role, before)
    in_proceeds = _IN_PROCEEDS.match(after)
    if in_proceeds:
        role = "net" if (in_proceeds["kind"] or "").lower() == "net" else "gross"
    elif role not in {"net", "gross"}:
        named = _PRINCIPAL.match(after) or (role is None and _OF_SECURITIES.match(after))
        role = "gross" if named else None
    if (
        role == "gross"
        and not by_exercise
        and (_IF_EXERCISED.search(before) or _IF_EXERCISED_AFTER.match(after))
    ):
        return None
    return role


def _last_role(before: str) -> str | None:
    """Return what the last telling words before a figure name; fees that are deducted name nothing."""
    role = None
    for match in _ROLES.finditer(before):
        if match.lastgroup == "fees" and (
            role is None
            or "deduct" in before[: match.start()].lower()
            or _DEDUCTED.search(before[: match.start()])
        ):
            continue
        role = match.lastgroup
    return role


def _role_of_price(one: Money, role: str | None, before: str) -> str | None:
    if role == "warrant_price":
        # A pre-funded warrant costs next to nothing to exercise: that price says nothing.
        return None if one.value < 0.01 else role
    if role in {"price", "last_price"}:
        return role
    return "price" if role is None and one.each and _AT.search(before) else None


def _role_of_count(one: Count, before: str, after: str) -> str | None:
    if _ISSUABLE.match(after):
        return None
    row = _OUTSTANDING_ROW.search(before)
    if row:
        return "after" if _AFTERWARDS.match(row["when"]) else "outstanding"
    outstanding = _OUTSTANDING.match(after)
    if outstanding and outstanding["when"] is not None:
        return "after" if _AFTERWARDS.search(outstanding["when"]) else "outstanding"
    return _role_of_offered(one, before)


def _role_of_offered(one: Count, before: str) -> str | None:
    if _PREFUNDED.search(before) or one.unit == "prefunded_warrant":
        return "prefunded"
    if one.unit == "warrant" or _WARRANTS.search(before):
        return (
            None
            if re.search(r"\b(?:existing|outstanding|placement agent)\b", before[-120:], re.IGNORECASE)
            else "warrants"
        )
    if _OPTION.search(before):
        return "over_allotment"
    if one.unit in {"right", "note"} or (_NOT_OFFERED.search(before) and not _OFFERED_ROW.search(before)):
        return None
    return "securities"
