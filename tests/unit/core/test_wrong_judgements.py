"""The old bot's ten wrong judgements (PEER.md), in the same shapes, end to end through the fast tier."""

from __future__ import annotations

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import Action, Link, Reason
from tests.unit.core.judged import filing, judged, news


def test_a_bankruptcy_is_strongly_negative():
    """A filing under Chapter 11 alerts, strongly negative, as news and as an 8-K item."""
    for item in (
        news("Norvane Inc. Files Voluntary Petition for Relief Under Chapter 11"),
        filing("8-K", "NORVANE INC", "1.03", "9.01"),
    ):
        score, decision = judged(item)
        assert score.value < -0.8
        assert decision.action is Action.ALERT


def test_an_offering_is_dilution():
    """A priced public offering with warrants is negative, however large its figure."""
    score, decision = judged(news("Norvane Inc. prices $18 million public offering with warrants"))
    assert score.events[0].code == "offering_priced"
    assert score.value < -0.5
    assert decision.action is Action.ALERT


def test_figures_keep_their_sign_and_unit():
    """A loss before a profit, a loss per share that narrows and cents beside dollars are read as people do."""
    for title in (
        "Norvane's Profit Was $0.1 mn, Compared to -$0.4 mn the Previous Year",
        "Norvane's Diluted Loss per Share Narrowed to $0.27",
        "Norvane Adjusted EPS $1.00 vs. 40 Cents a Year Ago",
        "Norvane's Result Was $1.3 mn, Up From a $0.3 mn Loss",
    ):
        assert judged(news(title))[0].sentiment > 0.3, title


@pytest.mark.parametrize("name", ["H&R BLOCK INC", "ADVANCED MICRO DEVICES INC"])
def test_a_company_name_is_no_sentiment(name):
    """The words of a filer's name move neither sentiment nor value."""
    score, decision = judged(filing("8-K", name, "7.01"))
    assert score.sentiment == 0
    assert score.value == 0
    assert decision.action is Action.SUPPRESS
    assert judged(news(name.removesuffix(" INC"), parties=filing("8-K", name).parties))[0].sentiment == 0


@pytest.mark.parametrize("form", ["FWP", "424B5", "424B2", "8-K"])
def test_asset_backed_notes_are_no_catalyst(form):
    """Whatever its form, the paper of a securitisation trust is suppressed as such."""
    score, decision = judged(filing(form, "FORD CREDIT FLOORPLAN MASTER OWNER TRUST A", "1.01"))
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0].code in ("asset_backed", "structured_note")
    assert abs(score.value) < 0.1


@pytest.mark.parametrize(
    "title",
    [
        "INVESTOR ALERT: Dorrit & Vole LLP Investigates Claims on Behalf of Investors of Norvane Inc. (NRV)",
        "Dorrit & Vole Reminds Norvane Inc. Investors of the March 3 Class Action Deadline",
        "NRV Shareholders Who Lost Money: Contact Dorrit & Vole Before the Lead Plaintiff Deadline",
    ],
)
def test_a_law_firm_advertisement_is_suppressed(title):
    """Advertising for plaintiffs is suppressed by its name, whatever merger or fraud it mentions."""
    score, decision = judged(news(title))
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0].code == "law_firm_ad"
    assert abs(score.value) < 0.1


def test_gross_does_not_spoil_good_results():
    """Results whose income rose by 134 % are positive, "gross" or not."""
    score, _ = judged(
        news("Norvane Inc. Reports Q2 Results: Total Income Up 134 %, Gross Profit 41 % of Sales")
    )
    assert score.value > 0.3
    assert score.sentiment > 0.3


@pytest.mark.parametrize(
    "title",
    [
        "Norvane Announces Inducement Grants Under Nasdaq Listing Rule 5635(c)(4)",
        "Norvane Reports Grant of Stock Options to New Employees Under Nasdaq Rule 5635(c)(4)",
    ],
)
def test_a_grant_of_options_is_routine(title):
    """An inducement grant is suppressed, and its rule is no delisting notice."""
    score, decision = judged(news(title))
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0].code == "inducement_grant"
    assert abs(score.value) < 0.1


def test_a_foreign_fund_distribution_is_dropped_with_both_reasons():
    """A fund on a foreign venue is dropped for want of a US ticker; venue and routine are said too."""
    foreign = Link(reasons=(Reason("foreign_venue", "TSX: BGX.UN"),))
    _, decision = judged(news("Larkfield Infrastructure Fund Announces Quarterly Distribution"), foreign)
    assert decision.action is Action.DROP
    assert [reason.code for reason in decision.reasons] == ["no_ticker", "foreign_venue", "fund_distribution"]


def test_a_toronto_tag_is_never_the_us_company_of_the_same_letters():
    """From the text on: "(TSX: BGI.UN)" links nothing, though a US company is listed as BGI."""
    us_listed = Listing(ticker="BGI", cik=9_100_001, name="Bright Gate Industries Inc.")
    fast = FastTier(
        directory=TickerDirectory.from_listings([us_listed]),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )
    title = "Larkfield Infrastructure Fund (TSX: BGI.UN) Announces Quarterly Distribution of $0.40 a Unit"
    item = news(title, categories=("TSX:BGI.UN",))
    early = fast.read(item, now_utc=item.received_utc).early
    assert early is not None
    assert early.action is Action.DROP
    assert {"no_ticker", "foreign_venue"} <= {reason.code for reason in early.reasons}


@pytest.mark.parametrize(
    "title",
    [
        "Norvane Meets European Partners",
        "Norvane Extends Warranty on Its Pumps",
        "Norvane Adds Rentals to Its Product Offering",
        "Norvane Opens Biological Laboratory",
    ],
)
def test_part_of_a_word_is_no_keyword(title):
    """Words that only contain or resemble a catalyst are none."""
    score, decision = judged(news(title))
    assert not [hit for hit in score.events if hit.weight]
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0].code == "weak"


@pytest.mark.parametrize(
    "title",
    [
        "Why Investors Were Fired Up About Norvane Stock Today",
        "Why Norvane Shares Crashed This Week",
        "Is Norvane Stock a Buy Now?",
    ],
)
def test_a_recap_is_suppressed(title):
    """Telling or asking about a past move is suppressed as a recap."""
    score, decision = judged(news(title))
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0].code == "recap"
    assert abs(score.value) < 0.15
