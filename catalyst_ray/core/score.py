"""Owns the fast tier's judgement of one item: how strong, which way, how sure, and from what parts.

    value = base × freshness × source weight × (noise factor, where the item is noise)
    base  = strongest event + a share of what speaks against it and of what goes along with it, leaning to
            the sentiment as far as that is clear; where no event was found, a share of the sentiment

Every term and factor is kept as a part: ``arithmetic`` makes the value of them again, and shows how.

It does not find events or measure sentiment (``events``, ``sentiment``), and decides nothing (``policy``).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from catalyst_ray.core.arithmetic import value_of
from catalyst_ray.core.calibration import default_calibration
from catalyst_ray.core.events import default_taxonomy, find_events, prose
from catalyst_ray.core.filing_facts import is_offering, merged
from catalyst_ray.core.lexicon import default_lexicon
from catalyst_ray.core.offering_terms import terms_of_news
from catalyst_ray.core.reasons import Code, duration
from catalyst_ray.models import Reason, Score, Where

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.core.policy import Policy
    from catalyst_ray.core.sentiment import SentimentModel
    from catalyst_ray.models import EventHit, FilingFacts, Item, Link

_WORD = re.compile(r"[A-Za-z0-9]+")
_DIGITS = 4
"""Of the parts; the value has three."""
_NOISE_CONFIDENCE = 0.9
"""How sure we are that an advertisement is one."""


def score(
    item: Item,
    link: Link,
    sentiment_model: SentimentModel,
    *,
    now_utc: datetime,
    policy: Policy,
    filed: FilingFacts | None = None,
) -> Score:
    """Return the fast tier's judgement of an item at ``now_utc``; ``filed`` is what its document says, if it was read."""
    events = merged(_events(item, link), filed) if filed else _events(item, link)
    title, summary = (filed.title, filed.lead) if filed else prose(item)
    names = [
        *(symbol.name for symbol in link.symbols if symbol.name),
        *(party.name for party in item.parties),
    ]
    sentiment = round(sentiment_model.sentiment(title, summary, names), 3)
    signed = [hit for hit in events if hit.weight and not hit.noise]
    noise = next((hit for hit in events if hit.noise), None)
    sure = default_calibration().confidence(
        [hit.weight for hit in signed],
        sentiment,
        clear=policy.clear_sentiment,
        has_text=bool(title or summary),
    )
    age, *freshness = _freshness(item, now_utc, policy)
    parts = [*_base(signed, sentiment, policy), *freshness]
    parts.append(Reason(Code.SOURCE, item.source or item.feed, item.source_weight))
    if noise:
        parts.append(Reason(Code.NOISE, noise.label or noise.code, policy.noise_factor))
    return Score(
        value=round(value_of(parts), 3),
        sentiment=sentiment,
        confidence=_NOISE_CONFIDENCE if noise else sure,
        freshness=round(math.prod(part.value or 0.0 for part in freshness), 3),
        events=events,
        parts=(*parts, age),
        terms=filed.terms if filed else terms_of_news(title, summary) if is_offering(events) else None,
    )


def _events(item: Item, link: Link) -> tuple[EventHit, ...]:
    """Return the events as they are for the first symbol: of a deal, its target or its buyer."""
    if not link.symbols:
        return find_events(item)
    subject = link.symbols[0]
    names = [default_lexicon().core_name(subject.name)]
    if subject.reason.code == Code.NAME and subject.place and subject.place.where is Where.TITLE:
        called = item.title[subject.place.start : subject.place.end]
        if names[0].casefold() not in called.casefold():
            names.append(called)  # "Google", where Alphabet is the name
    hits = find_events(item, names)
    if len(subject.ticker) > 1 and subject.ticker in _WORD.findall(item.title)[1:-1]:
        # "A" is a word as well; a tag that begins or ends the title stands beside no party
        names.append(subject.ticker)
    return default_taxonomy().as_seen_by(names, hits, item)


def _base(signed: Sequence[EventHit], sentiment: float, policy: Policy) -> list[Reason]:
    """Return the terms of the base: what each adds to the ones before."""
    if not signed:
        wording = Reason(Code.WORDING, "no event", sentiment)
        return [wording, Reason(Code.NO_EVENT, "a share of the wording", policy.sentiment_alone)]
    first = signed[0]
    against = [hit for hit in signed if hit.weight * first.weight < 0][:1]
    along = [hit for hit in signed[1:] if hit.weight * first.weight > 0]
    less = policy.opposite_event * sum(hit.weight for hit in against)
    more = policy.other_events * _clamped(sum(hit.weight for hit in along))
    together = _clamped(first.weight + less + more)
    lean = policy.sentiment_share * (1 - abs(together)) * abs(sentiment) * _sureness(first)
    terms = (
        Reason(Code.EVENT_AGAINST, _labels(against), round(less, _DIGITS)),
        Reason(Code.EVENTS_ALONG, _labels(along), round(together - first.weight - less, _DIGITS)),
        Reason(Code.WORDING, "beside events", round(lean * (sentiment - together), _DIGITS)),
    )
    return [Reason(Code.EVENT, _labels([first]), first.weight), *(term for term in terms if term.value)]


def _sureness(hit: EventHit) -> float:
    # "Hopes for approval" is no more sure for being told in warm words.
    return hit.certainty if hit.stage.is_doubted else 1.0


def _labels(hits: Sequence[EventHit]) -> str:
    return ", ".join(map(_label, hits))[:200]


def _label(hit: EventHit) -> str:
    words = hit.label or hit.code
    return words if hit.certainty >= 1 else f"{words} ({hit.certainty * 100:.0f} % certain)"


def _freshness(item: Item, now_utc: datetime, policy: Policy) -> list[Reason]:
    """Return the age, then what it leaves of the value."""
    since = item.published_utc or item.received_utc
    age_s = max(0.0, (now_utc - since).total_seconds())
    fresh = Reason(Code.FRESHNESS, duration(age_s), round(policy.freshness_of(item).at(age_s), _DIGITS))
    parts = [Reason(Code.AGE, "seconds", round(age_s, 1)), fresh]
    if item.published_utc is None:
        parts.append(Reason(Code.UNDATED, "counted from when it came", policy.undated_factor))
    return parts


def _clamped(value: float) -> float:
    return min(1.0, max(-1.0, value))
