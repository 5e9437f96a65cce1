"""What a filing's document does to the fast tier's judgement: its events and terms, in place of form and items alone.

Owns which part of a document speaks, what an offering weighs by its terms, and which events of a form its text
beats (``data/filings.toml``). Finds no events itself (``events``) and reads no figures (``offering_terms``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING

from catalyst_ray.core.events import STRONG, SUMMARY_CHARS, default_taxonomy
from catalyst_ray.core.message_text import sentences
from catalyst_ray.core.offering_ratios import dilution_pct
from catalyst_ray.core.offering_terms import headline, is_prospectus, terms_of_filing
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import EventHit, FilingFacts, ItemKind, OfferingStage, Reason, Stage, Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.models import Count, FilingPart, FilingText, Item, Money, OfferingTerms

ITEM_CHARS = 500
"""How much behind an item's first sentence is asked; terms and boilerplate follow."""
MAX_ITEMS = 3
"""Items of a report that are asked what happened; the most telling stand first."""
_MAX_TITLE, _MAX_SPAN, _MAX_WEIGHT = 400, 120, 0.95
_HEADING = re.compile(
    r"\W{0,6}items?\W{0,4}\d[\d., &and]{0,40}[^\n]{0,160}?(?:\n|(?=\b(?:On|As|The|Effective|In|Pursuant)\s))",
    re.IGNORECASE,
)
_RELEASE = "EX-99"


@dataclass(frozen=True, slots=True)
class _Rules:
    """The tables."""

    certain: frozenset[str]
    untold: float
    telling_items: frozenset[str]
    silent_forms: tuple[str, ...]
    beaten: Mapping[str, frozenset[str]]
    kinds: Mapping[str, str]
    stages: Mapping[str, str]
    dilution: tuple[tuple[float, float], ...]
    raised: frozenset[str]
    """Every event that is money raised."""


@cache
def _rules() -> _Rules:
    table = tomllib.loads(
        files("catalyst_ray.core").joinpath("data/filings.toml").read_text(encoding="utf-8")
    )
    return _Rules(
        certain=frozenset(table["certain"]),
        untold=float(table["untold"]),
        telling_items=frozenset(table["telling_items"]),
        silent_forms=tuple(table["silent_forms"]),
        beaten={code: frozenset(others) for code, others in table["beaten"].items()},
        kinds=table["kinds"],
        stages=table["stages"],
        dilution=tuple((float(row["from_pct"]), float(row["factor"])) for row in table["dilution"]),
        raised=frozenset({*table["kinds"].values(), *table["stages"].values()}),
    )


def facts(document: FilingText, item: Item, names: Sequence[str] = ()) -> FilingFacts | None:
    """Return what a filing's document says, None for a form whose text is no news.

    ``names`` are what the filer is called: its name is no event. Needs time linear in the document, which is bounded.
    """
    if document.form.startswith(_rules().silent_forms):
        return None
    terms = terms_of_filing(document)
    title, lead, told = ("", "", ()) if is_prospectus(document.form) else _told(document.parts, item, names)
    # The terms say which offering the document is about; a word on another one in passing is none.
    told = (
        *([_offering(terms, document)] if terms else ()),
        *(hit for hit in told if hit.code not in _rules().raised),
    )
    if document.form.endswith("/A"):
        told = tuple(_scaled(hit, default_taxonomy().filings.amendment) for hit in told)
    if not any(hit.weight for hit in told):
        title = lead = ""  # the wording of a report that tells no event moves nothing
    read = Reason(Code.FILING_READ, ", ".join(part.name for part in document.parts)[:200])
    return FilingFacts(
        events=_ordered(told), terms=terms, title=title, lead=lead, reasons=(read, *_figures(terms))
    )


def is_offering(hits: Sequence[EventHit]) -> bool:
    """Return whether any of an item's events is money raised."""
    rules = _rules()
    return any(hit.code in rules.raised for hit in hits)


def merged(filed: Sequence[EventHit], said: FilingFacts) -> tuple[EventHit, ...]:
    """Return the events of form and items with the document's: what the text tells beats what a code may mean."""
    rules = _rules()
    told = {hit.code for hit in said.events}
    kept = []
    for hit in filed:
        if hit.where is not Where.FORM or hit.noise or hit.code in rules.certain:
            if told.isdisjoint(rules.beaten.get(hit.code, ())):
                kept.append(hit)
        elif not any(one.weight or one.noise for one in said.events):
            kept.append(_scaled(hit, rules.untold))
    unique = {hit.code: hit for hit in reversed([*said.events, *kept])}
    return _ordered(tuple(unique.values()))


def _told(
    parts: Sequence[FilingPart], item: Item, names: Sequence[str]
) -> tuple[str, str, tuple[EventHit, ...]]:
    """Return headline, lead and events of a report: of its release, and of its most telling items."""
    releases = [headline(part.text) for part in parts if part.name.startswith(_RELEASE)]
    items = [_sentence(part.text) for part in parts if _is_telling(part.name)]
    texts = [(title, lead) for title, lead in [*releases[:1], *items[:MAX_ITEMS]] if title]
    if not texts:
        return "", "", ()
    strongest: dict[str, EventHit] = {}
    for title, lead in texts:
        for hit in _events(title, lead, item, names):
            known = strongest.get(hit.code)
            if known is None or abs(hit.weight) > abs(known.weight):
                strongest[hit.code] = hit
    hits = tuple(strongest.values())
    if any(abs(hit.weight) >= STRONG for hit in hits):
        # A webcast or a meeting in one part does not silence what another part tells.
        hits = tuple(hit for hit in hits if not hit.noise)
    return texts[0][0], texts[0][1][:SUMMARY_CHARS], hits


def _is_telling(name: str) -> bool:
    """Return whether a part is an item, or several answered together, whose text is asked what happened."""
    kind, _, numbers = name.partition(" ")
    return kind in {"Item", "Items"} and not _rules().telling_items.isdisjoint(numbers.split(", "))


def _events(title: str, lead: str, item: Item, names: Sequence[str]) -> tuple[EventHit, ...]:
    taxonomy = default_taxonomy()
    news = replace(
        item, kind=ItemKind.NEWS, form=None, filing_items=(), title=title[:500], summary=lead[:SUMMARY_CHARS]
    )
    hits = taxonomy.find(news, names)
    seen = taxonomy.as_seen_by(names, hits, news) if names else hits
    return tuple(replace(hit, where=Where.DOCUMENT) for hit in seen)


def _sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of an item, without its heading, and what follows."""
    heading = _HEADING.match(text)
    body = text[heading.end() :] if heading else text
    line, _, rest = body.partition("\n")
    if rest and _is_title(line):
        body = rest
    first = sentences(body[: 4 * _MAX_TITLE], 1)[:_MAX_TITLE]
    return first.strip(), body[len(first) :].strip()[:ITEM_CHARS]


def _is_title(line: str) -> bool:
    """Return whether a line is the title of an item rather than a sentence of it."""
    words = [word for word in line.split() if len(word) > 3]
    return (
        len(line) < 160
        and 2 * sum(word[0].isupper() for word in words) > len(words)
        and " the Company" not in line
    )


def _offering(terms: OfferingTerms, document: FilingText) -> EventHit:
    """Return the event that an offering is, as heavy as its share of the company makes it."""
    rules = _rules()
    code = rules.kinds[terms.kind]
    if (
        terms.stage in {OfferingStage.CLOSED, OfferingStage.WITHDRAWN}
        or code == rules.kinds["public_offering"]
    ):
        code = rules.stages.get(terms.stage, code)
    taxonomy = default_taxonomy()
    rule = next(rule for rule in taxonomy.rules if rule.code == code)
    share = dilution_pct(terms)
    steps = takewhile(lambda step: share is not None and share >= step[0], rules.dilution)
    factor = [1.0 if share is None else 0.0, *(factor for _, factor in steps)][-1]
    weight = max(-_MAX_WEIGHT, min(_MAX_WEIGHT, rule.weight * factor))
    figure = terms.gross or terms.price or terms.securities
    return EventHit(
        code=code,
        label=rule.label,
        weight=round(weight, 3),
        span=_line_of(figure, document) if figure else "",
        stage=Stage(terms.stage.value),
        where=Where.DOCUMENT,
        start=figure.start if figure else 0,
        end=figure.end if figure else 0,
    )


def _line_of(figure: Money | Count, document: FilingText) -> str:
    """Return the line of a document in which a figure stands, cut to what can be quoted."""
    text = next((part.text for part in document.parts if part.name == figure.part), "")
    begin = max(text.rfind("\n", 0, figure.start) + 1, figure.start - _MAX_SPAN // 2)
    line = text[begin : begin + _MAX_SPAN].partition("\n")[0].strip()
    return line or text[figure.start : figure.end]


def _figures(terms: OfferingTerms | None) -> tuple[Reason, ...]:
    share = dilution_pct(terms) if terms else None
    return (Reason(Code.DILUTION, "the shares outstanding", share),) if share else ()


def _scaled(hit: EventHit, factor: float) -> EventHit:
    return replace(hit, weight=round(hit.weight * factor, 3), certainty=round(hit.certainty * factor, 4))


def _ordered(hits: Sequence[EventHit]) -> tuple[EventHit, ...]:
    return tuple(sorted(hits, key=lambda hit: (not hit.noise, -abs(hit.weight), hit.code)))
