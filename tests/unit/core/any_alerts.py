"""Alerts with any text in every place that holds text, for the tests of what a person receives."""

from __future__ import annotations

from hypothesis import strategies as st

from catalyst_ray.models import (
    Action,
    Count,
    Deal,
    Decision,
    EventHit,
    Judgement,
    Link,
    LlmUse,
    Money,
    OfferingTerms,
    Party,
    Quote,
    Reason,
    Score,
    Symbol,
    Verdict,
)
from tests.unit.core.factories import NOW_UTC, make_alert

HOSTILE = "@everyone <@123> **x** [y](https://evil.example) ||z|| # h `c` <t:1:R> \u202egnp.exe :fire:"
any_text = st.text(max_size=600) | st.sampled_from(
    [HOSTILE, "𝕏" * 500, "\ud800", "\u3164", "@" * 300, "\\" * 300]
)
finite = st.floats(-1, 1)
DEAL_PARTS = ("size_usd", "price_usd", "discount_pct", "warrants", "dilution_pct")


@st.composite
def alerts(draw):
    """Make an alert with any text in every place that holds text."""
    reasons = st.builds(Reason, any_text, any_text, st.none() | finite)
    sunk = st.just(Reason("llm_sinks"))
    symbols = st.builds(Symbol, ticker=any_text, reason=reasons, venue=any_text, name=any_text)
    judgements = st.builds(
        Judgement,
        direction=finite,
        confidence=st.floats(0, 1),
        summary=any_text,
        events=st.tuples(any_text),
        evidence=st.tuples(any_text, any_text),
        model=any_text,
        has_weight=st.booleans(),
        use=st.sampled_from(LlmUse),
        deal=st.none() | st.builds(Deal, **dict.fromkeys(DEAL_PARTS, st.none() | st.floats())),
    )
    sums = st.builds(
        Money,
        value=st.floats(),
        currency=any_text,
        high=st.none() | st.floats(),
        each=any_text,
        part=any_text,
    )
    counts = st.builds(Count, value=st.floats(), unit=any_text)
    terms = st.builds(
        OfferingTerms,
        **dict.fromkeys(("gross", "net", "price", "last_price", "warrant_price"), st.none() | sums),
        **dict.fromkeys(("securities", "prefunded", "warrants", "outstanding"), st.none() | counts),
        agents=st.tuples(st.builds(Quote, words=any_text)),
    )
    notices = st.builds(Reason, st.sampled_from(["corrected", "retracted"]), any_text)
    events = st.builds(EventHit, code=any_text, label=any_text, weight=finite, span=any_text)
    return make_alert(
        id=draw(any_text),
        item={
            "title": draw(any_text),
            "summary": draw(any_text),
            "url": draw(any_text),
            "source": draw(any_text),
            "form": draw(st.none() | any_text),
            "filing_items": tuple(draw(st.lists(any_text, max_size=3))),
            "parties": (Party(1, draw(any_text), "Filer"),),
        },
        link=Link(symbols=tuple(draw(st.lists(symbols, min_size=1, max_size=4)))),
        score=Score(
            value=draw(finite),
            sentiment=draw(finite),
            confidence=0.5,
            events=(draw(events), draw(events)),
            parts=(draw(reasons),),
            terms=draw(st.none() | terms),
        ),
        verdict=Verdict(draw(st.none() | judgements), draw(reasons)),
        decision=Decision(
            action=Action.ALERT, reasons=(draw(reasons), draw(reasons | sunk)), value=draw(finite)
        ),
        revision=draw(st.integers(0, 2)),
        revised_utc=draw(st.none() | st.just(NOW_UTC)),
        price_usd=draw(st.none() | st.floats(0, 1e6)),
        change_pct=draw(st.none() | st.floats()),
        chart_reason=draw(st.none() | reasons),
        also=tuple(draw(st.lists(any_text, max_size=5))),
        notices=tuple(draw(st.lists(notices, max_size=2))),
        is_repeat=draw(st.booleans()),
    )
