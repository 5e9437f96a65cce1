"""An alert as one JSON object for programs, the same in the NDJSON file and on the console.

Owns the schema: keys may be added under the same ``schema`` number, never renamed or removed. Does not
write anything.

======================  ======================================================================================
``type``                ``alert``: other lines on the console are of other types (``cycle``)
``schema``              1
``id``                  the alert's id; of the lines with one id the last counts
``revision``            0, then 1, 2, … as the alert is revised; two lines of one revision are one, told twice
``revised_utc``         when it was last revised, or null; ``withdrawn`` says that it would be no alert any more
``created_utc``         ISO-8601, as are all keys on ``_utc``
``also``                names of further sources of the story; ``notices`` what its source said of it since, each as
                        in ``reasons``: ``corrected`` (``detail`` says what) or ``retracted``
``ticker``              the subject; ``tickers`` has all, subject first; ``company`` and ``venue`` may be ""
``direction``           ``bullish``, ``bearish`` or ``neutral``
``value``               −1 to 1, what the alert was decided on; ``confidence`` 0 to 1
``event``               words; ``events`` has ``{code, label, weight, span, sign, strength, certainty, stage, where,
                        start, end}`` each: ``weight`` is the product of the three; the offsets count in ``where``
``headline``            ``summary``, ``url``, ``source``, ``feed``, ``kind``, ``form``, ``filing_items``,
                        ``accession``, ``published_utc``, ``received_utc``: of the item
``price_usd``           or null, as is ``change_pct``
``tier``                words: which tier judged
``llm``                 null, or ``{model, engine, direction, confidence, has_weight, cached, seconds,
                        summary, evidence, use, deal, cut}``; ``llm_reason`` is the verdict's code
``llm.use``             ``headline``, ``rejudge`` or ``filing``: what it was asked
``llm.deal``            null, or ``{size_usd, price_usd, discount_pct, warrants, dilution_pct}``, each may be null
``llm.cut``             how many of its claims were not borne out by its source, and left out
``score``               the fast tier: ``{value, sentiment, confidence, freshness}``
``offering``            null, or the terms of money raised as its text states them: ``{kind, stage, currency, line}``
                        and ``gross``, ``price``, ``shares``, ``warrants``, ``dilution_pct``, each a number or null
``reasons``             ``[{code, detail, value}]`` of the decision
``page``                the alert on our page, or null where ``WEB_URL`` and ``WEB_PORT`` are unset
``chart``               path of the picture, or null; ``trace`` maps steps to ISO times
======================  ======================================================================================
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message import card
from catalyst_ray.core.message_terms import offering_line
from catalyst_ray.core.message_text import plain
from catalyst_ray.core.offering_ratios import dilution_pct

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.models import Alert, Deal, EventHit, Item, Judgement, OfferingTerms, Reason, Score


def alert_line(alert: Alert, *, page_url: str | None = None) -> str:
    """Return the alert as one line of JSON in ASCII, without the line's end."""
    return json.dumps(alert_record(alert, page_url=page_url), allow_nan=False, separators=(",", ":"))


def alert_record(alert: Alert, *, page_url: str | None = None) -> dict[str, Any]:
    """Return the alert in the schema above: only JSON types, figures finite, text visible."""
    shown = card(alert, page_url=page_url)
    judgement = alert.verdict.judgement
    counts = judgement if judgement and judgement.has_weight else None
    return {
        "type": "alert",
        "schema": 1,
        "id": alert.id,
        "created_utc": alert.created_utc.isoformat(),
        "revision": alert.revision,
        "revised_utc": _iso(alert.revised_utc),
        "withdrawn": shown.is_withdrawn,
        "also": [plain(source) for source in alert.also],
        "notices": [_of_reason(notice) for notice in alert.notices],
        "ticker": alert.ticker,
        "tickers": [symbol.ticker for symbol in alert.link.symbols],
        "company": shown.company,
        "venue": shown.venue,
        "direction": shown.tone.value,
        "value": _figure(shown.value),
        "confidence": _figure(counts.confidence if counts else alert.score.confidence),
        "event": shown.event,
        "events": [_of_event(hit) for hit in alert.score.events],
        **_of_item(alert.item),
        "summary": shown.summary,
        "url": shown.link,
        "price_usd": _figure(alert.price_usd),
        "change_pct": _figure(alert.change_pct),
        "tier": shown.tier,
        "llm": _of_judgement(judgement) if judgement else None,
        "llm_reason": alert.verdict.reason.code,
        "score": _of_score(alert.score),
        "offering": _of_offering(alert.score.terms) if alert.score.terms else None,
        "reasons": [_of_reason(reason) for reason in alert.decision.reasons],
        "page": shown.page or None,
        "chart": alert.chart_path,
        "trace": {step: when.isoformat() for step, when in alert.trace.steps},
    }


def _of_event(hit: EventHit) -> dict[str, Any]:
    return {
        "code": hit.code,
        "label": hit.label,
        "weight": _figure(hit.weight),
        "span": plain(hit.span),
        "sign": hit.sign,
        "strength": _figure(hit.strength),
        "certainty": _figure(hit.certainty),
        "stage": hit.stage.value,
        "where": hit.where.value,
        "start": hit.start,
        "end": hit.end,
    }


def _of_item(item: Item) -> dict[str, Any]:
    return {
        "headline": plain(item.title),
        "source": item.source,
        "feed": item.feed,
        "kind": item.kind.value,
        "form": item.form,
        "filing_items": list(item.filing_items),
        "accession": item.accession,
        "published_utc": _iso(item.published_utc),
        "received_utc": _iso(item.received_utc),
    }


def _of_offering(terms: OfferingTerms) -> dict[str, Any]:
    numbers = {
        "gross": terms.gross,
        "price": terms.price,
        "shares": terms.securities,
        "warrants": terms.warrants,
    }
    money = terms.gross or terms.price
    return {
        "kind": terms.kind.value,
        "stage": terms.stage.value,
        "currency": money.currency if money else None,
        **{name: _figure(one.value) if one else None for name, one in numbers.items()},
        "dilution_pct": _figure(dilution_pct(terms)),
        "line": plain(offering_line(terms)),
    }


def _of_score(score: Score) -> dict[str, Any]:
    return {
        "value": _figure(score.value),
        "sentiment": _figure(score.sentiment),
        "confidence": _figure(score.confidence),
        "freshness": _figure(score.freshness),
        "parts": [_of_reason(part) for part in score.parts],
    }


def _of_judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "model": judgement.model,
        "engine": judgement.engine,
        "direction": _figure(judgement.direction),
        "confidence": _figure(judgement.confidence),
        "has_weight": judgement.has_weight,
        "cached": judgement.cached,
        "seconds": _figure(judgement.seconds),
        "summary": plain(judgement.summary),
        "evidence": [plain(quote) for quote in judgement.evidence],
        "use": judgement.use.value,
        "deal": _of_deal(judgement.deal) if judgement.deal else None,
        "cut": judgement.cut,
    }


def _of_deal(deal: Deal) -> dict[str, Any]:
    return {
        "size_usd": _figure(deal.size_usd),
        "price_usd": _figure(deal.price_usd),
        "discount_pct": _figure(deal.discount_pct),
        "warrants": _figure(deal.warrants),
        "dilution_pct": _figure(deal.dilution_pct),
    }


def _of_reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "detail": plain(reason.detail), "value": _figure(reason.value)}


def _figure(value: float | None) -> float | None:
    # JSON has no NaN nor infinity; a reader in another language would refuse the whole line.
    return value if value is not None and math.isfinite(value) else None


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
