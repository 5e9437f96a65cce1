"""How an item's parts become one value and one confidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalyst_ray.models import Link, Place, Reason, Symbol, Where
from tests.unit.core.judged import NOW_UTC, filing, news, scored

OFFERING = "Norvane Announces Pricing of Public Offering"


def test_a_fresh_event_keeps_its_weight():
    """A new event from a trusted source counts whole, and the parts say each factor."""
    made = scored(filing("424B5", "NORVANE INC"))
    assert made.value == pytest.approx(-0.55)
    assert made.freshness == 1
    assert [part.code for part in made.parts] == ["event", "freshness", "source", "age"]


def test_age_halves_and_ends_the_value():
    """News fades by half-lives and is worth nothing after its maximum age."""
    values = [
        abs(scored(news(OFFERING, published_utc=NOW_UTC - timedelta(minutes=minutes))).value)
        for minutes in (0, 5, 130, 420)
    ]
    assert values[0] == values[1] > values[2] > values[3] == 0
    assert values[2] == pytest.approx(values[0] / 2, rel=0.01)


def test_each_kind_ages_by_its_own_row():
    """Five hours on, a stake filing is fresher than an 8-K, and that is fresher than news."""
    then = NOW_UTC - timedelta(hours=5)
    stake = scored(filing("SCHEDULE 13D/A", "NORVANE INC", published_utc=then)).freshness
    report = scored(filing("8-K", "NORVANE INC", published_utc=then)).freshness
    story = scored(news(OFFERING, published_utc=then)).freshness
    assert stake > report > story > 0


def test_a_missing_date_costs_a_little():
    """An item without a date counts as new, marked and slightly reduced."""
    dated, undated = scored(news(OFFERING)), scored(news(OFFERING, published_utc=None))
    assert abs(undated.value) == pytest.approx(abs(dated.value) * 0.9, abs=0.01)
    assert "undated" in [part.code for part in undated.parts]


def test_the_source_weight_scales_the_value():
    """Half the trust is half the value."""
    whole, half = scored(news(OFFERING)), scored(news(OFFERING, source_weight=0.5))
    assert half.value == pytest.approx(whole.value / 2, abs=0.01)


def test_opposite_news_nearly_cancels_and_is_unsure():
    """A beat beside a miss is weak, and surer alone than together."""
    both = scored(news("Norvane Q2 EPS $0.40 Beats $0.33 Estimate, Sales $79M Miss $85M Estimate"))
    alone = scored(news("Norvane Q2 EPS $0.40 Beats $0.33 Estimate"))
    assert abs(both.value) < 0.35 < alone.value
    assert both.confidence < 0.6 < alone.confidence


BUYS = "Belisle Holdings to Acquire Norvane in All-Cash Transaction Valued at $2.0 Billion"


def test_a_deal_is_good_for_the_company_bought():
    """One headline is an alert for the target's ticker and close to nothing for the buyer's."""
    reason = Reason("exchange_tag")
    target = Link(symbols=(Symbol(ticker="NRV", reason=reason, name="NORVANE, INC. /DE/"),))
    buyer = Link(symbols=(Symbol(ticker="BLS", reason=reason, name="Belisle Holdings Corp"),))
    bought, buys = scored(news(BUYS), target), scored(news(BUYS), buyer)
    assert (bought.events[0].code, buys.events[0].code) == ("merger_target", "merger_buyer")
    assert bought.value > 0.6
    assert abs(buys.value) < 0.3
    assert scored(news(BUYS), Link()).events[0].code == "merger_agreement"


def test_a_ticker_tells_the_party_only_beside_its_name():
    """Without a name in the directory a tag amid the title tells who is meant, one at its end does not."""
    link = Link(symbols=(Symbol(ticker="NRV", reason=Reason("exchange_tag")),))
    amid = scored(news("Belisle to Acquire Norvane (NASDAQ: NRV) for $12 Per Share"), link)
    at_end = scored(news("Norvane to Acquire Belisle Widgets (NRV)"), link)
    assert (amid.events[0].code, at_end.events[0].code) == ("merger_target", "merger_buyer")


def test_the_name_that_the_title_uses_tells_the_party_too():
    """A company bought under another name than its registered one is the target."""
    symbol = Symbol(
        ticker="NRV", name="Old Mill Holdings", reason=Reason("name"), place=Place(Where.TITLE, 19, 26)
    )
    made = scored(news("Belisle to Acquire Norvane in All-Cash Transaction"), Link(symbols=(symbol,)))
    assert made.events[0].code == "merger_target"


def test_warm_words_make_a_doubtful_event_no_surer():
    """The wording beside an event that is only hoped for counts as little as the event."""
    hoped = scored(news("Norvane Hopes to Win FDA Approval"))
    assert hoped.sentiment > 0.5
    assert hoped.value == pytest.approx(hoped.events[0].weight, abs=0.05)


def test_a_deal_that_is_through_is_no_news_for_its_target():
    """The completion of an acquisition moves the target's price no more."""
    made = scored(news("Belisle Completes Acquisition of Norvane"))
    assert made.events[0].code == "merger_buyer"
    assert made.value < 0.35


def test_a_deal_weakened_stays_weak():
    """A purchase that is only considered weighs less for its target too, than one agreed."""
    agreed = scored(news("Belisle to Acquire Norvane for $12 Per Share"))
    considered = scored(news("Belisle Considering Offer to Acquire Norvane for $12 Per Share"))
    assert considered.events[0].code == "merger_target"
    assert 0 < considered.value < agreed.value / 2


def test_sentiment_alone_is_worth_less_than_an_event():
    """Without an event the sentiment counts by its share, and its sign is less sure than with one."""
    made = scored(news("Norvane had a wonderful and profitable year"))
    assert 0 < made.value < made.sentiment
    agreeing = scored(news("Norvane wins contract in a wonderful and profitable year"))
    assert made.confidence < agreeing.confidence


def test_silence_beside_an_event_changes_nothing():
    """The silence of a filing's entry neither dilutes its event nor makes it unsure."""
    silent, agreeing = (
        scored(filing("8-K", "NORVANE INC", "1.03")),
        scored(news("Norvane Files for Bankruptcy")),
    )
    assert silent.value == pytest.approx(-0.95)
    assert min(agreeing.confidence, silent.confidence) > 0.9


def test_noise_leaves_nearly_nothing_and_is_sure():
    """An advertisement's value is cut, its part is shown, and no model need be asked."""
    made = scored(news("Why Norvane Stock Jumped Today"))
    assert abs(made.value) < 0.15
    assert made.confidence >= 0.9
    assert "noise" in [part.code for part in made.parts]
