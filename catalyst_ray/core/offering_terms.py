"""The terms of an offering, from news or from a filing: kind, stage, proceeds, price, shares, warrants, who sells it, what for.

Owns which text speaks for which term. How figures are read is in ``offering_figures``, kinds and stages in
``offering_kinds``. What a text does not say is None: nothing is computed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.amounts import find_money
from catalyst_ray.core.offering_figures import stated_coverage_pct, stated_figures
from catalyst_ray.core.offering_kinds import offering_words
from catalyst_ray.core.offering_parties import stated_agents, stated_use
from catalyst_ray.models import OfferingKind, OfferingStage, OfferingTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalyst_ray.models import FilingPart, FilingText, Money

MAX_CHARS = 12_000
"""How much of a text is read for terms."""
LEAD_CHARS = 700
"""First sentences, which say what happened."""
_PROSPECTUS = re.compile(r"(?:424B|S-[13]|F-[13]|SUPPL)", re.IGNORECASE)
_PRELIMINARY = re.compile(
    r"subject to completion|preliminary prospectus supplement (?:is|are) not complete|information in this (?:preliminary )?prospectus"
    r"(?: supplement)? is not complete",
    re.IGNORECASE,
)
_TELLING = re.compile(r"Items? .{0,40}\b(?:1\.01|3\.02|7\.01|8\.01)\b")
_RELEASE = re.compile(r"EX-99")
_MERGER = re.compile(
    r"\b(?:merger|business combination|asset purchase|acquired?|acquisition)\b", re.IGNORECASE
)
_AGREED = re.compile(
    r"\bentered into (?:an?|the|certain) (?:[\w-]+ ){0,4}(?:underwriting|purchase|subscription|placement agen\w+) agreements?",
    re.IGNORECASE,
)
"""Signed: the price stands, and the closing that the text goes on to speak of is to come."""
_BY_EXERCISE = frozenset({OfferingKind.WARRANT_EXERCISE, OfferingKind.WARRANT_INDUCEMENT})

_NOUN = (
    r"(?:offerings?|placement|financing|registered direct|pipe|programme?|facility|proceeds|notes|debentures|bonds|raise|deal|shelf|ipo"
    r"|investment|funding|agreement|transaction|offer|loan|shares|stock|securities|capital|atm|equity)"
)
_NOUN_AFTER = re.compile(rf"\W{{0,3}}(?:[\w’'&.,-]{{1,24}}\W{{1,3}}){{0,8}}?{_NOUN}\b", re.IGNORECASE)
_NOUN_BEFORE = re.compile(
    rf"\b{_NOUN}\b[^.;$]{{0,40}}$|\b(?:rais\w+|secur\w+|clos\w+|obtain\w*)\b[^.;$]{{0,30}}$", re.IGNORECASE
)
_NO_AMOUNT = re.compile(
    r"\b(?:revenues?|sales of|contracts?|orders?|worth|valued at|valuation|acquire\w*|loss|income|cash of|from|profit)(?:\s\w+){0,2}\s?$",
    re.IGNORECASE,
)
_LEAST_AMOUNT = 10_000
"""What is less is a price, though nothing says of what."""


def terms_of_news(title: str, summary: str = "") -> OfferingTerms | None:
    """Return the offering that a headline, or the first sentences under it, speak of; None where none is."""
    words, lead = offering_words(), summary[:LEAD_CHARS]
    kind = words.kind(title) or words.kind(lead)
    if kind is None:
        return None
    stage = words.stage(title) or (words.stage(lead) if not words.kind(title) else None)
    terms = OfferingTerms(kind=kind, stage=stage or OfferingStage.ANNOUNCED, gross=_title_amount(title))
    return _with_text(terms, [("", summary)]) if summary else _with_text(terms, [("", title)])


def is_prospectus(form: str) -> bool:
    """Return whether a form is a prospectus or a registration statement."""
    return _PROSPECTUS.match(form) is not None


def terms_of_filing(filing: FilingText) -> OfferingTerms | None:
    """Return the offering that a filing's document is about; None where it is about none."""
    if is_prospectus(filing.form):
        return _prospectus_terms(filing.parts)
    return _report_terms(filing.parts)


def _prospectus_terms(parts: Sequence[FilingPart]) -> OfferingTerms | None:
    cover = parts[0].text if parts else ""
    kind = offering_words().cover_kind(cover)
    if kind is None:
        return None
    is_preliminary = _PRELIMINARY.search(cover) is not None
    terms = OfferingTerms(kind=kind, stage=OfferingStage.ANNOUNCED, is_preliminary=is_preliminary)
    terms = _with_text(terms, [(part.name, part.text) for part in parts])
    is_priced = terms.price is not None and not is_preliminary and kind in _PRICED_KINDS
    return replace(terms, stage=OfferingStage.PRICED) if is_priced else terms


_PRICED_KINDS = frozenset(
    {
        OfferingKind.REGISTERED_DIRECT,
        OfferingKind.PUBLIC,
        OfferingKind.IPO,
        OfferingKind.PREFERRED,
        OfferingKind.SECONDARY,
        OfferingKind.CONVERTIBLE,
    }
)


def _report_terms(parts: Sequence[FilingPart]) -> OfferingTerms | None:
    """Return what a current report tells: its release's headline speaks first, then the items' first sentences."""
    texts = [
        (part.name, part.text) for part in parts if _RELEASE.match(part.name) or _TELLING.match(part.name)
    ]
    for name, text in sorted(texts, key=lambda one: not _RELEASE.match(one[0])):
        title = headline(text)[0] if _RELEASE.match(name) else ""
        lead = title or text[:LEAD_CHARS]
        kind = _report_kind(name, lead)
        if kind is None:
            continue
        agreed = None if title or not _AGREED.search(lead) else OfferingStage.PRICED
        stage = agreed or offering_words().stage(lead) or OfferingStage.ANNOUNCED
        terms = OfferingTerms(kind=kind, stage=stage, gross=_title_amount(title, name) if title else None)
        terms = _with_text(terms, [(name, text), *(other for other in texts if other[0] != name)])
        if terms.gross or kind is not OfferingKind.DEBT:  # a credit line is no offering
            return terms
    return None


def _report_kind(name: str, lead: str) -> OfferingKind | None:
    kind = offering_words().kind(lead)
    if _MERGER.search(lead) and kind not in {OfferingKind.REGISTERED_DIRECT, OfferingKind.PRIVATE_PLACEMENT}:
        return None  # shares that pay for a company, notes that the buyer takes over
    if kind is None and "3.02" in name and any(one.value >= _LEAST_AMOUNT for one in find_money(lead)):
        return OfferingKind.PRIVATE_PLACEMENT
    return kind


def headline(release: str) -> tuple[str, str]:
    """Return a press release's headline and the rest; the first long line that is no address or date."""
    lines = release.split("\n")
    for at, line in enumerate(lines[:8]):
        if len(line) >= 25 and not re.match(
            r"\W*(?:for immediate|contacts?\b|exhibit|https?:|www\.)", line, re.IGNORECASE
        ):
            rest = "\n".join(lines[at + 1 :])
            # A headline may be set on two lines; a paragraph is longer.
            return line[:400], rest
    return "", release


def _title_amount(title: str, part: str = "") -> Money | None:
    """Return the amount that a headline names for the offering."""
    sums = [one for one in find_money(title) if not one.each and one.value >= _LEAST_AMOUNT]
    sums = [one for one in sums if not _NO_AMOUNT.search(title[: one.start])]
    behind = next((one for one in sums if _NOUN_AFTER.match(title[one.end :].partition("$")[0])), None)
    chosen = behind or next((one for one in sums if _NOUN_BEFORE.search(title[: one.start])), None)
    return replace(chosen, part=part) if chosen else None


def _with_text(terms: OfferingTerms, texts: Iterable[tuple[str, str]]) -> OfferingTerms:
    """Return the terms with what texts state and nothing stated before; the first text to say something counts."""
    found: dict[str, Any] = {}
    for name, whole in texts:
        text = whole[:MAX_CHARS]
        for role, figure in stated_figures(text, name, by_exercise=terms.kind in _BY_EXERCISE):
            found.setdefault(role, figure)
        agents = found.get("agents") or stated_agents(text, name)
        found |= {
            "agents": agents,
            "use": found.get("use") or stated_use(text, name),
            "coverage_pct": found.get("coverage_pct") or stated_coverage_pct(text),
        }
    fresh = {role: figure for role, figure in found.items() if not getattr(terms, role)}
    return replace(terms, **fresh)
