"""Alerts made by hand for the tests of what a person receives; companies and texts are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from catalyst_ray.models import (
    Action,
    Alert,
    Decision,
    EventHit,
    Item,
    Judgement,
    Link,
    Reason,
    Score,
    Symbol,
    Verdict,
)

NOW_UTC = datetime(2026, 3, 17, 13, 42, 7, tzinfo=UTC)

_PARTS: dict[str, Any] = {
    "item": Item(
        key="url:5f0c9a1e77d20b44",
        feed="demo_wire",
        source="Harbour Newswire",
        title="Quillon Therapeutics prices $25 million public offering of common stock and warrants",
        summary=(
            "Quillon Therapeutics Inc. (NASDAQ: QLLN) priced 10,000,000 shares at $2.50 with warrants. "
            "The price is 18 percent below the last close. The offering closes on Thursday."
        ),
        url="https://wire.example.com/releases/2026/quillon-prices-offering",
        published_utc=NOW_UTC - timedelta(seconds=42),
        received_utc=NOW_UTC - timedelta(seconds=1),
    ),
    "link": Link(
        symbols=(
            Symbol(
                ticker="QLLN",
                reason=Reason("exchange_tag", "(NASDAQ: QLLN)"),
                venue="NASDAQ",
                name="Quillon Therapeutics Inc.",
            ),
        )
    ),
    "score": Score(
        value=-0.7,
        sentiment=-0.12,
        confidence=0.86,
        events=(
            EventHit(
                code="offering_priced",
                label="Offering priced",
                weight=-0.7,
                span="prices $25 million public offering",
            ),
            EventHit(code="warrants", label="Warrants", weight=-0.3, span="common stock and warrants"),
        ),
        parts=(
            Reason("event", "Offering priced", -0.7),
            Reason("events_along", "Warrants", -0.02),
            Reason("wording", "beside events", 0.02),
            Reason("freshness", "42 s", 1.0),
            Reason("source", "Harbour Newswire", 1.0),
            Reason("age", "seconds", 42.0),
        ),
    ),
    "verdict": Verdict(
        Judgement(
            direction=-0.8,
            confidence=0.9,
            summary="Quillon sells new shares with warrants well below the market. Holders are diluted.",
            evidence=("10,000,000 shares at $2.50",),
            model="mistral",
            engine="ollama",
            seconds=0.92,
        ),
        Reason("llm_judged", "mistral", -0.8),
    ),
    "decision": Decision(
        action=Action.ALERT,
        reasons=(
            Reason("strong", "from 0.30", -0.72),
            Reason("offering_priced", "prices $25 million public offering", -0.7),
            Reason("warrants", "common stock and warrants", -0.3),
            Reason("llm_judged", "mistral", -0.8),
            Reason("llm_agrees", value=-0.72),
        ),
        value=-0.72,
        priority=1,
    ),
    "price_usd": 2.61,
    "change_pct": -14.4,
}


def make_alert(**changes: Any) -> Alert:
    """Return a bearish alert on an invented company; ``item`` may be a dict of changes to the item."""
    parts = {"id": "a1b2c3d4e5", "created_utc": NOW_UTC, **_PARTS, **changes}
    if isinstance(parts["item"], dict):
        parts["item"] = replace(_PARTS["item"], **parts["item"])
    return Alert(**parts)
