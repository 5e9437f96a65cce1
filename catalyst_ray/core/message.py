"""What a person is told of an alert: one card of finished strings, the same for every sink.

Owns the words, their order and their lengths. Does not know how a sink lays them out (``message_discord``,
the page's template) nor how text is made safe (``message_text``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from catalyst_ray.core import arithmetic
from catalyst_ray.core.market_hours import EASTERN, Session, session
from catalyst_ray.core.message_figures import change, price, signed, terms
from catalyst_ray.core.message_terms import offering_line
from catalyst_ray.core.message_text import clip, page_link, plain, safe_link, sentences
from catalyst_ray.core.reasons import Code, capital, said, title
from catalyst_ray.core.story_words import without_dateline
from catalyst_ray.models import LlmUse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from catalyst_ray.models import Alert, EventHit, Item, Judgement, Reason

_MAX_REASONS = 5
_MAX_EVIDENCE = 3
_TELLING = 0.1
"""Weight from which an event's words are quoted."""
_NEUTRAL = 0.05  # below it the sign means nothing: VADER's own threshold
_TIER_WITHOUT_LLM: Mapping[str, str] = {
    Code.LLM_OFF: "fast tier · LLM off",
    Code.LLM_NOT_NEEDED: "fast tier",
    Code.LLM_PENDING: "fast tier · LLM not in yet",
    Code.LLM_DEADLINE: "fast tier · LLM was late",
}
_USED = {
    LlmUse.HEADLINE: "",
    LlmUse.REJUDGE: " judged again",
    LlmUse.FILING: " read the filing",
}
_LLM_EFFECT: Mapping[str, str] = {
    Code.LLM_AGREES: "and agrees",
    Code.LLM_DISAGREES: "and disagrees",
    Code.LLM_FLIPS: "and overrules the fast tier",
}
_LIFTS, _SINKS = Code.LLM_LIFTS, Code.LLM_SINKS
_TOLD = frozenset(
    {
        Code.STRONG,
        Code.SESSION,  # the card's own line has the session that the news met
        Code.TICKER,  # for ``explain``: the card's own line shows the evidence
        Code.LLM_WEIGHED,
        Code.LLM_NO_WEIGHT,
        Code.CORRECTED,
        Code.RETRACTED,
        _LIFTS,
        _SINKS,
        *_LLM_EFFECT,
    }
)
"""Reasons that the card says in another place."""
_SESSION = {
    Session.PRE: "pre-market",
    Session.REGULAR: "market open",
    Session.AFTER: "after hours",
    Session.CLOSED: "market closed",
}


class Tone(StrEnum):
    """Which way an alert points; sinks pick their colour by it."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


_ARROWS = {Tone.BULLISH: "▲", Tone.BEARISH: "▼", Tone.NEUTRAL: "◆"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One alert in people's words. Every string is one visible line, bounded, and may be empty.

    Args:
        value: The signed strength behind ``score``, −1 to 1, for bars and gauges.
        direction: Words ("Strongly bearish").
        tier: Which tier judged ("LLM mistral read the filing, 0.9 s", "fast tier · LLM off").
        withdrawal: Why the alert would be none any more: what its source or the language model said after it went out.
        correction: What its source corrected since.
        also: Further sources of the story.
        deal: Terms of a financing ("$10.0M at $2.50, 18 % below market, 4.0M warrants, dilution 21 %").
        updated: When the alert was last revised ("14:03:12 ET"); ``updated_by`` has who did too ("LLM mistral, …").
        age: How old the item was when the alert was made ("42 s old").
        published: Eastern time, and the market's session then.
        link: http or https, ASCII.
        page: The alert on our page.
        chart_note: Why there is no chart.
        repeat: That its reader may have seen it before, where that is not known.
    """

    alert_id: str
    created_utc: datetime
    ticker: str
    company: str
    venue: str
    others: tuple[str, ...]
    tone: Tone
    arrow: str
    direction: str
    value: float
    score: str
    confidence: str
    event: str
    tier: str
    withdrawal: str
    correction: str
    also: str
    deal: str
    updated: str
    updated_by: str
    price: str
    change: str
    headline: str
    summary: str
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]
    source: str
    age: str
    published: str
    link: str
    page: str
    chart_note: str
    repeat: str = ""

    @property
    def is_withdrawn(self) -> bool:
        """Return whether the alert would be none any more."""
        return bool(self.withdrawal)

    @property
    def verdict(self) -> str:
        """Return which way and how strongly, in one line; of a withdrawn alert, that it is."""
        if self.is_withdrawn:
            return f"✕ {capital(self.withdrawal)} ({self.score})"
        return f"{self.arrow} {self.direction} {self.score}"

    @property
    def who(self) -> str:
        """Return ticker, company and venue, as far as known."""
        return " · ".join(filter(None, (self.ticker, self.company, self.venue)))

    @property
    def quote(self) -> str:
        """Return price and change, as far as known."""
        return f"{self.price} ({self.change})" if self.price and self.change else self.price or self.change


def tone_of(value: float) -> Tone:
    """Return which way a signed strength points."""
    return Tone.NEUTRAL if abs(value) < _NEUTRAL else Tone.BULLISH if value > 0 else Tone.BEARISH


def card(alert: Alert, *, page_url: str | None = None) -> Card:
    """Put an alert into words; the decision's value counts, the score's where it has none.

    ``page_url`` is where its readers find our page.
    """
    item, symbol = alert.item, alert.link.symbols[0]
    value = alert.value
    judgement = alert.verdict.judgement
    weighty = judgement if judgement and judgement.has_weight else None
    updated, updated_by = _updated(alert)
    tone = tone_of(value)
    return Card(
        alert_id=_line(alert.id, 64),
        created_utc=alert.created_utc,
        ticker=_line(symbol.ticker, 16),
        company=_line(symbol.name, 100),
        venue=_line(symbol.venue, 24),
        others=tuple(_line(other.ticker, 16) for other in alert.link.symbols[1:6]),
        tone=tone,
        arrow=_ARROWS[tone],
        direction=_direction(value, tone),
        value=value,
        score=signed(value),
        confidence=f"{(weighty.confidence if weighty else alert.score.confidence) * 100:.0f} %",
        event=_event(alert) or "News",
        tier=_tier(alert),
        withdrawal=_withdrawal(alert),
        correction=next(
            (_line(one.detail, 160) for one in reversed(alert.notices) if one.code == Code.CORRECTED), ""
        ),
        also=_line(", ".join(alert.also), 200),
        deal=_deal(alert, weighty),
        updated=updated,
        updated_by=updated_by,
        price=price(alert.price_usd),
        change=change(alert.change_pct),
        headline=_line(item.title, 300),
        summary=_summary(weighty.summary if weighty else item.summary),
        reasons=tuple(_line(reason, 220) for reason in _reasons(alert))[:_MAX_REASONS],
        evidence=_evidence(alert, weighty),
        source=_source(alert),
        age=_age(alert),
        published=_published(item),
        link=safe_link(item.url),
        page=page_link(page_url, alert.id),
        chart_note="" if alert.chart_path or not alert.chart_reason else words(alert.chart_reason),
        repeat=_line(f"possible repeat of alert {alert.id}", 100) if alert.is_repeat else "",
    )


def _summary(text: str) -> str:
    """Return two sentences, about two lines, without the place and date that a release begins with."""
    return clip(sentences(without_dateline(plain(text)), 2), 240)


def _deal(alert: Alert, judgement: Judgement | None) -> str:
    """Return the terms that the text states; where it was not read for them, those that the model read."""
    if alert.score.terms:
        return _line(capital(offering_line(alert.score.terms)), 200)
    return terms(judgement.deal) if judgement and judgement.deal else ""


def words(reason: Reason) -> str:
    """Return a reason as people say it, in one line."""
    return _line(capital(said(reason)), 220)


def eastern(when_utc: datetime) -> str:
    """Return a time as the market's people write it, to the second."""
    local = when_utc.astimezone(EASTERN)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S} ET"


def _updated(alert: Alert) -> tuple[str, str]:
    if alert.revised_utc is None or alert.revision == 0:
        return "", ""  # one that was held is new to its readers, whatever became of it meanwhile
    when = f"{alert.revised_utc.astimezone(EASTERN):%H:%M:%S} ET"
    judgement = alert.verdict.judgement
    return when, f"{_line(f'LLM {judgement.model}', 80)}, {when}" if judgement else when


def _withdrawal(alert: Alert) -> str:
    if alert.is_retracted:
        return title(Code.RETRACTED)
    sunk = any(reason.code == _SINKS for reason in alert.decision.reasons)
    return "withdrawn by the LLM: now below the threshold" if sunk else ""


def _spoken(code: str) -> str:
    return capital(title(code))


def _line(text: str, limit: int) -> str:
    return clip(plain(text), limit)


def _direction(value: float, tone: Tone) -> str:
    if tone is Tone.NEUTRAL:
        return "Neutral"
    if abs(value) >= 0.6:
        return f"Strongly {tone}"
    return f"Slightly {tone}" if abs(value) < 0.25 else tone.capitalize()


def _catalysts(alert: Alert) -> list[EventHit]:
    hits = [hit for hit in alert.score.events if not hit.noise]
    return sorted(hits, key=lambda hit: -abs(hit.weight))


def _event(alert: Alert) -> str:
    catalysts = _catalysts(alert)
    if catalysts:
        first = catalysts[0]
        doubt = f" ({first.stage})" if first.stage.is_doubted else ""
        return _line(f"{first.label or _spoken(first.code)}{doubt}", 60)
    judgement = alert.verdict.judgement
    if judgement and judgement.has_weight and judgement.events:
        return _line(_spoken(judgement.events[0]), 60)
    return _line(f"{alert.item.form} filing" if alert.item.form else "News", 60)


def _tier(alert: Alert) -> str:
    judgement = alert.verdict.judgement
    if judgement is None:
        code = alert.verdict.reason.code
        return _TIER_WITHOUT_LLM.get(code) or _line(f"fast tier · {words(alert.verdict.reason)}", 100)
    if not judgement.has_weight:
        return _line(f"LLM {judgement.model}: shown, no weight", 100)
    took = "from cache" if judgement.cached else f"{judgement.seconds:.1f} s"
    return f"{_line(f'LLM {judgement.model}{_USED[judgement.use]}', 80)}, {took}"


def _reasons(alert: Alert) -> Iterator[str]:
    yield from (words(notice) for notice in reversed(alert.notices))
    yield from filter(None, [arithmetic.line(alert.score.parts, alert.score.value)])
    told = _TOLD | {alert.verdict.reason.code, *(hit.code for hit in alert.score.events)}
    if judgement := alert.verdict.judgement:
        effects = [_LLM_EFFECT[one.code] for one in alert.decision.reasons if one.code in _LLM_EFFECT]
        if not judgement.has_weight:
            effects = ["which does not count"]
        elif any(one.code == _LIFTS for one in alert.decision.reasons):
            effects = ["and lifts it above the threshold"]
        said = f"LLM says {signed(judgement.direction)}, {judgement.confidence * 100:.0f} % sure"
        yield ", ".join([said, *effects[:1]])
    symbol = alert.link.symbols[0]
    origin = f"{symbol.ticker} from {title(symbol.reason.code)}"
    yield ": ".join(filter(None, (origin, symbol.reason.detail)))
    yield from (words(reason) for reason in alert.decision.reasons if reason.code not in told)


def _evidence(alert: Alert, judgement: Judgement | None) -> tuple[str, ...]:
    telling = [hit.span for hit in _catalysts(alert) if abs(hit.weight) >= _TELLING]
    quotes = [*(judgement.evidence if judgement else ()), *telling]
    headline = plain(alert.item.title).casefold()  # words that stand in the headline need no second showing
    kept = {line.casefold(): line for line in (_line(quote, 200) for quote in quotes)}
    return tuple(line for key, line in kept.items() if key not in headline)[:_MAX_EVIDENCE]


def _source(alert: Alert) -> str:
    item = alert.item
    items = f" item {', '.join(item.filing_items)}" if item.filing_items else ""
    also = f"also {', '.join(alert.also)}" if alert.also else ""
    told = (item.source or item.feed, f"{item.form or ''}{items}".strip())
    return " · ".join(filter(None, (_line(" · ".join(filter(None, told)), 100), _line(also, 200))))


def _published(item: Item) -> str:
    when_utc = item.published_utc
    return f"{eastern(when_utc)}, {_SESSION[session(when_utc)]}" if when_utc else ""


def _age(alert: Alert) -> str:
    published = alert.item.published_utc
    if published is None:
        return "age unknown"
    return f"{span((alert.created_utc - published).total_seconds())} old"


def span(seconds: float) -> str:
    """Return a time span as people say it ("42 s", "3 h"); none is negative."""
    seconds = max(0.0, seconds)
    for limit_s, unit_s, unit in ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
