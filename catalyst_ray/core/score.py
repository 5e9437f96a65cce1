"""Owns the fast tier's judgement of one item: how strong, which way, how sure, and from what parts.

    value = base × freshness × source weight × (noise factor, where the item is noise)
    base  = strongest event + a share of what speaks against it and of what goes along with it, leaning to
            the sentiment as far as that is clear; where no event was found, a share of the sentiment

It does not find events or measure sentiment (``events``, ``sentiment``), and decides nothing (``policy``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.core.calibration import default_calibration
from catalyst_ray.core.events import default_taxonomy, find_events, prose
from catalyst_ray.core.lexicon import default_lexicon
from catalyst_ray.models import Reason, Score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.core.policy import Policy
    from catalyst_ray.core.sentiment import SentimentModel
    from catalyst_ray.models import EventHit, Item, Link

_WORD = re.compile(r"[A-Za-z0-9]+")
_NOISE_CONFIDENCE = 0.9
"""How sure we are that an advertisement is one."""


def score(
    item: Item, link: Link, sentiment_model: SentimentModel, *, now_utc: datetime, policy: Policy
) -> Score:
    """Return the fast tier's judgement of an item at ``now_utc``."""
    events = _events(item, link)
    title, summary = prose(item)
    names = [
        *(symbol.name for symbol in link.symbols if symbol.name),
        *(party.name for party in item.parties),
    ]
    sentiment = round(sentiment_model.sentiment(title, summary, names), 3)
    signed = [hit for hit in events if hit.weight and not hit.noise]
    noise = any(hit.noise for hit in events)
    sure = default_calibration().confidence(
        [hit.weight for hit in signed],
        sentiment,
        clear=policy.clear_sentiment,
        has_text=bool(title or summary),
    )
    base, parts = _base(signed, sentiment, policy)
    fresh, fresh_parts = _freshness(item, now_utc, policy)
    value = base * fresh * item.source_weight
    parts += [*fresh_parts, Reason("source", item.source or item.feed, item.source_weight)]
    if noise:
        value *= policy.noise_factor
        parts.append(Reason("noise", next(hit.code for hit in events if hit.noise), policy.noise_factor))
    return Score(
        value=round(_clamped(value), 3),
        sentiment=sentiment,
        confidence=_NOISE_CONFIDENCE if noise else sure,
        freshness=round(fresh, 3),
        events=events,
        parts=tuple(parts),
    )


def _events(item: Item, link: Link) -> tuple[EventHit, ...]:
    """Return the events as they are for the first symbol: of a deal, its target or its buyer."""
    if not link.symbols:
        return find_events(item)
    subject = link.symbols[0]
    names = [default_lexicon().core_name(subject.name)]
    hits = find_events(item, names)
    if len(subject.ticker) > 1 and subject.ticker in _WORD.findall(item.title)[1:-1]:
        # "A" is a word as well; a tag that begins or ends the title stands beside no party
        names.append(subject.ticker)
    return default_taxonomy().as_seen_by(names, hits, item)


def _base(signed: Sequence[EventHit], sentiment: float, policy: Policy) -> tuple[float, list[Reason]]:
    if not signed:
        return sentiment * policy.sentiment_alone, [Reason("sentiment", "no event", sentiment)]
    strongest = signed[0].weight
    against = next((hit.weight for hit in signed if hit.weight * strongest < 0), 0.0)
    along = sum(hit.weight for hit in signed[1:] if hit.weight * strongest > 0)
    together = _clamped(strongest + policy.opposite_event * against + policy.other_events * _clamped(along))
    lean = policy.sentiment_share * (1 - abs(together)) * abs(sentiment)
    parts = [Reason("event", hit.code, hit.weight) for hit in signed]
    return (1 - lean) * together + lean * sentiment, [*parts, Reason("sentiment", "beside events", sentiment)]


def _freshness(item: Item, now_utc: datetime, policy: Policy) -> tuple[float, list[Reason]]:
    since = item.published_utc or item.received_utc
    age_s = max(0.0, (now_utc - since).total_seconds())
    fresh = policy.freshness_of(item).at(age_s)
    parts = [Reason("freshness", value=round(fresh, 3)), Reason("age", "seconds", round(age_s, 1))]
    if item.published_utc is None:
        fresh *= policy.undated_factor
        parts.append(Reason("undated", "counted from when it came", policy.undated_factor))
    return fresh, parts


def _clamped(value: float) -> float:
    return min(1.0, max(-1.0, value))
