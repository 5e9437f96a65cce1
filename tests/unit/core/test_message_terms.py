"""The terms of an offering in one line of a card."""

from __future__ import annotations

from dataclasses import replace

from catalyst_ray.core.codec import decode, encode
from catalyst_ray.core.message import card
from catalyst_ray.core.message_record import alert_record
from catalyst_ray.core.message_terms import offering_line
from catalyst_ray.core.reasons import capital
from catalyst_ray.models import (
    Alert,
    Count,
    Money,
    OfferingKind,
    OfferingStage,
    OfferingTerms,
    Qualifier,
    Quote,
)
from tests.unit.core.factories import make_alert

DIRECT = OfferingTerms(
    kind=OfferingKind.REGISTERED_DIRECT,
    stage=OfferingStage.PRICED,
    gross=Money(value=3e6),
    price=Money(value=1.2, each="share"),
    last_price=Money(value=1.5, each="share"),
    securities=Count(value=2.5e6, unit="share"),
    warrants=Count(value=2.5e6, unit="share"),
    warrant_price=Money(value=1.1, each="share"),
    outstanding=Count(value=1e7, unit="share"),
    agents=(Quote(words="Morava Capital LLC"),),
)


def test_every_stated_term_has_its_place() -> None:
    """Stage, size, kind and price come first, then what they do to holders, then who sells."""
    assert offering_line(DIRECT) == (
        "priced $3.0M registered direct at $1.20, 20 % below market, 2.5M shares, 2.5M warrants at $1.10 (100 % coverage),"
        " dilution 25 %, Morava Capital LLC"
    )


def test_what_is_not_stated_is_left_out() -> None:
    """A proposal is two words; bounds and currencies are those of the text."""
    plain = OfferingTerms(kind=OfferingKind.PUBLIC, stage=OfferingStage.ANNOUNCED)
    assert offering_line(plain) == "announced public offering"
    size = Money(value=40e6, currency="CAD", qualifier=Qualifier.UP_TO)
    assert offering_line(replace(plain, kind=OfferingKind.AT_THE_MARKET, gross=size)) == (
        "announced up to C$40.0M at-the-market programme"
    )
    net = replace(plain, net=Money(value=2e6, qualifier=Qualifier.ABOUT), price=Money(value=4.0, high=6.0))
    assert offering_line(net) == "announced public offering at $4.00–$6.00, net ~$2.0M"


def test_programs_get_the_terms_as_numbers() -> None:
    """The record of an alert has the offering's figures beside the line, and null where there is none."""
    made = make_alert()
    assert alert_record(made)["offering"] is None
    stated = replace(made, score=replace(made.score, terms=DIRECT))
    assert alert_record(stated)["offering"] == {
        "kind": "registered_direct",
        "stage": "priced",
        "currency": "USD",
        "gross": 3e6,
        "price": 1.2,
        "shares": 2.5e6,
        "warrants": 2.5e6,
        "dilution_pct": 25.0,
        "line": offering_line(DIRECT),
    }


def test_the_card_shows_the_terms_of_the_text_before_the_models() -> None:
    """What the fast tier read in the text stands as the deal, and survives the store."""
    made = make_alert()
    stated = replace(made, score=replace(made.score, terms=DIRECT))
    assert card(stated).deal == capital(offering_line(DIRECT))
    assert decode(Alert, encode(stated)) == stated
