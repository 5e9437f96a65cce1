"""What keeps a strong item from becoming an alert, and what each limit says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from catalyst_ray.core.gates import Gates, cooldown, price_stop, price_unknown, session_reasons, stopped
from catalyst_ray.core.market_hours import Session
from catalyst_ray.core.policy import decide
from catalyst_ray.models import (
    Action,
    Alert,
    Decision,
    EventHit,
    Item,
    PriceQuote,
    Reason,
    Score,
)
from tests.unit.core.judged import LINK, NO_MODEL, NOW_UTC, POLICY, filing, news

GATES = Gates(cooldown_s=1800, cooldown_margin=0.15)
PRICED = "Norvane Prices $50 Million Public Offering"


def score(value: float, code: str = "offering_priced") -> Score:
    """Return a score with one event, or with none for an empty code."""
    hits = (EventHit(code=code, label="", weight=value),) if code else ()
    return Score(value=value, sentiment=0.0, confidence=0.8, events=hits)


def alert(
    title: str, value: float = -0.6, *, ago_s: float = 600, code: str = "offering_priced", **item
) -> Alert:
    """Return an alert made some time ago."""
    return Alert(
        id="a1",
        item=news(title, **item),
        link=LINK,
        score=score(value, code),
        verdict=NO_MODEL,
        decision=Decision(action=Action.ALERT, reasons=(), value=value),
        created_utc=NOW_UTC - timedelta(seconds=ago_s),
    )


def cooled(
    item: Item, value: float, *earlier: Alert, code: str = "offering_priced", gates: Gates = GATES
) -> bool:
    """Return whether an item waits for the alerts before it."""
    return cooldown(item, score(value, code), value, earlier, now_utc=NOW_UTC, gates=gates) is not None


def test_a_second_alert_on_the_same_event_waits() -> None:
    """The reason names the alert before, how long ago it was, and from which value on it would not wait."""
    reason = cooldown(news(PRICED), score(-0.6), -0.6, [alert(PRICED)], now_utc=NOW_UTC, gates=GATES)
    assert reason == Reason(
        "cooldown",
        "NRV 10 min ago, same event and direction (alert a1); within ALERT_COOLDOWN_SECONDS 1800 only from 0.75",
        -0.6,
    )


@pytest.mark.parametrize(
    ("title", "value", "code", "waits"),
    [
        ("Norvane Announces Pricing of Offering", -0.74, "offering_priced", True),
        ("Norvane Announces Pricing of Offering", -0.75, "offering_priced", False),
        ("Norvane Announces Pricing of Offering", 0.6, "offering_priced", False),
        ("Norvane Announces Pricing of Offering", -0.6, "fda_rejection", False),
        ("Norvane Prices $80 Million Public Offering", -0.6, "offering_priced", False),
        ("Norvane Prices $50.0 Million Offering at $2", -0.6, "offering_priced", True),
        ("Norvane Announces Pricing of Offering", -0.6, "", False),
    ],
    ids=["alike", "stronger", "other sign", "other event", "other amount", "more figures", "no event"],
)
def test_what_lets_an_item_pass_in_the_cooldown(title: str, value: float, code: str, waits: bool) -> None:
    """Clearly stronger, another sign, another event or another amount is news; a figure more is the same story."""
    assert cooled(news(title), value, alert(PRICED), code=code) is waits


def test_the_cooldown_ends() -> None:
    """After its time an alert stands for no other; without a time nothing waits."""
    assert cooled(news(PRICED), -0.6, alert(PRICED, ago_s=1800))
    assert not cooled(news(PRICED), -0.6, alert(PRICED, ago_s=1801))
    assert not cooled(news(PRICED), -0.6, alert(PRICED), gates=replace(GATES, cooldown_s=0))
    assert not cooled(news(PRICED), -0.6)


def test_any_earlier_alert_counts() -> None:
    """The newest may be another event: the one before it still stands for its own."""
    other = alert("Norvane Chief Resigns", code="management_change", ago_s=60)
    assert cooled(news(PRICED), -0.6, other, alert(PRICED))


def test_two_alerts_without_an_event_are_alike() -> None:
    """Wording alone, the same way, is one more telling of whatever it is."""
    assert cooled(news("Norvane Shines"), 0.5, alert("Norvane Delights", 0.5, code=""), code="")


def test_a_filing_and_its_release_are_one_story() -> None:
    """The figures in a filing's title are EDGAR's own and tell no stories apart."""
    assert cooled(filing("8-K", "NORVANE INC", "1.01"), -0.6, alert(PRICED))
    released = alert("8-K - NORVANE INC (0000012659) (Filer)", form="8-K")
    assert cooled(news(PRICED), -0.6, released)


def test_an_endless_figure_is_a_figure() -> None:
    """A title of digits breaks nothing."""
    assert not cooled(news("Norvane " + "9" * 480), -0.6, alert(PRICED))


@pytest.mark.parametrize("session", Session)
def test_every_session_makes_alerts_unless_said_otherwise(session: Session) -> None:
    """By default the session is a fact on the alert and stops nothing."""
    assert session_reasons(session, GATES) == (None, [Reason("session", session.value)])
    decision = decide(LINK, score(-0.6), NO_MODEL, policy=POLICY, session=session)
    assert decision.action is Action.ALERT
    assert Reason("session", session.value) in decision.reasons


def test_outside_the_wanted_sessions_a_strong_item_is_suppressed() -> None:
    """The reason names the session and those that were asked for; what is weak anyway is called weak."""
    gates = replace(GATES, sessions=frozenset({Session.PRE, Session.REGULAR}))
    policy = replace(POLICY, gates=gates)
    strong, weak = (
        decide(LINK, score(v), NO_MODEL, policy=policy, session=Session.CLOSED) for v in (-0.6, -0.1)
    )
    assert strong.action is Action.SUPPRESS
    assert strong.reasons[0] == Reason("session_excluded", "closed, and ALERT_SESSIONS has pre, regular")
    assert weak.reasons[0].code == "weak"
    assert decide(LINK, score(-0.6), NO_MODEL, policy=policy, session=Session.PRE).action is Action.ALERT
    assert decide(LINK, score(-0.6), NO_MODEL, policy=policy).action is Action.ALERT, "no time, no session"


@pytest.mark.parametrize(
    ("price", "volume", "code"),
    [
        (50.0, 1e6, None),
        (50.01, 1e6, "price_above"),
        (1.0, 1e6, None),
        (0.99, 1e6, "price_below"),
        (5.0, 100_000, None),
        (5.0, 99_999, "thin"),
        (None, None, None),
        (None, 99_999, "thin"),
        (60.0, None, "price_above"),
    ],
)
def test_price_and_volume_have_limits(price: float | None, volume: float | None, code: str | None) -> None:
    """The limits themselves pass, what is beyond stops, what is not known does not."""
    gates = replace(GATES, price_floor_usd=1.0, price_ceiling_usd=50.0, min_average_volume=100_000)
    reason = price_stop(PriceQuote(ticker="NRV", price_usd=price, average_volume=volume), gates)
    assert (reason.code if reason else None) == code


def test_without_limits_no_price_stops() -> None:
    """A quote alone decides nothing, and nothing is missed."""
    assert price_stop(PriceQuote(ticker="NRV", price_usd=900.0, average_volume=3.0), GATES) is None
    assert not GATES.needs_price
    assert price_unknown(PriceQuote(ticker="NRV"), GATES) is None


@pytest.mark.parametrize(
    ("limits", "lacks"),
    [
        ({"price_floor_usd": 1.0}, "price"),
        ({"price_ceiling_usd": 1.0}, "price"),
        ({"min_average_volume": 1.0}, "volume"),
        ({"price_ceiling_usd": 1.0, "min_average_volume": 1.0}, "price and volume"),
    ],
)
def test_what_is_not_known_is_named(limits: dict[str, float], lacks: str) -> None:
    """Only figures that a limit needs are missed."""
    gates = replace(GATES, **limits)
    words = f"no {lacks} of NRV in time: the limits were not applied"
    assert price_unknown(PriceQuote(ticker="NRV"), gates) == Reason("price_unknown", words)
    assert price_unknown(PriceQuote(ticker="NRV", price_usd=1.0, average_volume=1.0), gates) is None


def test_a_price_from_long_ago_is_told_from_none() -> None:
    """The date of the last price says that the share is halted or the file old."""
    quote = PriceQuote(ticker="NRV", as_of_utc=NOW_UTC - timedelta(days=30))
    reason = price_unknown(quote, replace(GATES, price_floor_usd=1.0))
    assert reason is not None
    assert reason.detail.startswith("no price of NRV since 2025-12-13")


def test_a_stopped_alert_keeps_its_other_reasons() -> None:
    """The rule that stopped it comes first; value and urgency stay."""
    made = decide(LINK, score(-0.6), NO_MODEL, policy=POLICY)
    turned = stopped(made, Reason("thin", "MIN_AVG_VOLUME 5", 1.0))
    assert (turned.action, turned.value, turned.priority) == (Action.SUPPRESS, made.value, made.priority)
    assert turned.reasons == (Reason("thin", "MIN_AVG_VOLUME 5", 1.0), *made.reasons)
