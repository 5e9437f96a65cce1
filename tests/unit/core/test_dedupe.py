from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.dedupe import SAME, likeness
from catalyst_ray.core.identity import accession_of_url, release_alias, title_alias, url_key
from catalyst_ray.models import (
    EventHit,
    Link,
    Money,
    OfferingKind,
    OfferingStage,
    OfferingTerms,
    Reason,
    Score,
    Symbol,
)
from tests.unit.core.tellings import item, tell

SAME_NEWS = [
    ("Quillon raises $5 million in private placement", "Quillon raises $5M in private placement - Reuters"),
    ("Quillon shares jump 5 percent on earnings", "Quillon shares jump 5% on earnings"),
    (
        "Quillon to sell 1,500,000 shares to Beta Partners",
        "Quillon to sell 1.5 million shares to Beta Partners",
    ),
    (
        "Quillon prices $25 million public offering",
        "Quillon Therapeutics Inc. Announces Pricing of $25.0M Underwritten Public Offering of Common Stock",
    ),
    ("Quillon names Ada Lind chief executive", "QLLN - Quillon names Ada Lind chief executive"),
    ("Quillon names Ada Lind chief executive", "(NASDAQ: QLLN) Quillon names Ada Lind chief executive"),
    ("Quillon names Ada Lind chief executive", "$QLLN Quillon names Ada Lind chief executive"),
    ("Quillon names Ada Lind chief executive", "UPDATE 1-Quillon names Ada Lind chief executive"),
    ("Quillon names Ada Lind chief executive", "BRIEF-Quillon names Ada Lind chief executive"),
    ("Quillon names Ada Lind chief executive", "Press Release: Quillon names Ada Lind chief executive"),
    ("Quillon files for Chapter 11 bankruptcy", "Quillon seeks Chapter 11 protection in Delaware"),
    (
        "Harlow Partners to acquire Quillon for $412.5 million",
        "Quillon to be bought in $412.5M deal by Harlow",
    ),
    ("Harlow upgrades Quillon to buy", "UPDATE: Harlow Securities upgrades Quillon to buy on new drug"),
    ("Quillon sees 2026 revenue of $642.3 million", "Quillon raises 2026 outlook to $642.3 million"),
    (
        'Quillon Announces Uplisting to the New York Stock Exchange Under Symbol "QLLN"',
        "Quillon wins approval to list on the NYSE",
    ),
    (
        "Food and Drug Administration approves Velquin for sale in pharmacies, Quillon says in statement",
        "Quillon wins FDA approval of Velquin for moderate asthma in adult smokers",
    ),
]
OTHER_NEWS = [
    ("Quillon raises $5M in private placement", "Quillon raises $50M in private placement"),
    ("Quillon raises $5M in private placement", "Quillon raises $5.4M in private placement"),
    ("Quillon Announces Q2 2026 Financial Results", "Quillon Announces Q3 2026 Financial Results"),
    ("Quillon reports second quarter results", "Quillon reports 3Q results"),
    ("Quillon announces proposed public offering", "Quillon announces pricing of public offering"),
    ("Quillon announces pricing of public offering", "Quillon announces closing of public offering"),
    ("Harlow raises Quillon price target to $50", "Harlow lowers Quillon price target to $50"),
    ("Harlow raises Quillon price target to $50", "Pemberton raises Quillon price target to $50"),
    ("Harlow initiates coverage of Quillon at buy", "Pemberton initiates coverage of Quillon at buy"),
    (
        "Harlow maintains buy on Quillon, price target $310",
        "Pemberton maintains buy on Quillon, price target $310",
    ),
    ("Quillon reports results", "Quillon reports results of its trial of a drug in elderly patients"),
    ("Quillon names new chief executive officer", "Quillon recalls two million devices over brakes"),
    ("Quillon closes first tranche of placement", "Quillon closes second tranche of placement"),
    ("Quillon phase 2 trial of QX-118 met endpoint", "Quillon phase 3 trial of QX-118 met endpoint"),
    ("Quillon announces data for QX-118 in asthma", "Quillon announces data for QX-207 in asthma"),
    ("Quillon announces 1-for-20 reverse split", "Quillon announces 1-for-30 reverse split"),
    ("Quillon trading to resume at 9 a.m.", "Quillon trading to resume at 4:30 p.m."),
    ("Quillon movers on Monday: what happened", "Quillon movers on Tuesday: what happened"),
]


@pytest.mark.parametrize(("a", "b"), SAME_NEWS)
def test_the_same_news_in_other_words(a, b):
    """Amounts written in another way, marks of the sender, order and a writer's own words hide no copy."""
    assert likeness(tell(a, key="a"), tell(b, key="b")) >= SAME
    assert likeness(tell(a), tell(b)) == likeness(tell(b), tell(a))


@pytest.mark.parametrize(("a", "b"), OTHER_NEWS)
def test_other_news_in_like_words(a, b):
    """Another figure, quarter, stage, direction, broker or time makes it other news."""
    assert likeness(tell(a), tell(b)) < SAME


def test_the_first_sentence_tells_two_customers_apart():
    """Where headlines are alike but for a name, each text naming somebody else makes two stories."""
    headline = "Quillon receives order for its scanners"
    navy = "Quillon (NASDAQ: QLLN) won an order for scanners from the Navy of Norland."
    port = "Quillon (NASDAQ: QLLN) won an order for scanners from Calder Port Authority."
    assert likeness(tell(headline + " from Norland", navy), tell(headline + " from Calder", port)) < SAME


def test_the_first_sentence_joins_where_headlines_are_short():
    """A figure that one headline leaves to its text joins it with one that names it, behind whatever dateline."""
    short = tell(
        "Quillon prices public offering",
        "OSLO, March 17, 2026 (MERIDIAN NEWSWIRE) -- Quillon Inc. priced an offering of $25.4 million.",
    )
    assert likeness(short, tell("Quillon announces pricing of $25.4 million stock sale")) >= SAME
    assert likeness(short, tell("Quillon announces pricing of $31.8 million stock sale")) < SAME


def test_an_event_and_a_precise_figure_join_whatever_the_words():
    """A price of three digits and the same event are no chance, be the wordings as far apart as they may."""
    lead = (
        "Shareholders of Quillon (NASDAQ: QLLN) will get {} in cash for each share under a merger agreement."
    )
    deal = tell(
        "Quillon to be taken private by Harlow at 19% premium to its last close", lead.format("$1.68")
    )
    words = "UPDATE 1-Quillon to be bought by Harlow in $43.6 mln deal: {} apiece, above every forecast"
    assert likeness(deal, tell(words.format("$1.68"))) >= SAME
    assert likeness(deal, tell(words.format("$1.86"))) < SAME


def test_an_approval_that_tells_of_its_trial_is_not_the_trial():
    """Of two events that a company has once a day, the strongest says what the news is."""
    approval = tell(
        "FDA approves Velquin for asthma",
        "The FDA approved Velquin for asthma in adults after its trial met the primary endpoint.",
    )
    trial = tell("Quillon says Velquin met primary endpoint in asthma trial of adults")
    assert "trial_met" in approval.events & trial.events
    assert likeness(approval, trial) < SAME
    assert likeness(approval, tell("Velquin for asthma is approved by the FDA")) >= SAME


@pytest.mark.parametrize(
    ("dateline_a", "dateline_b"),
    [
        ("OSLO, March 17, 2026 (MERIDIAN NEWSWIRE) -- ", "BERGEN--(TRADEWIND WIRE)--"),
        ("OSLO, March 17, 2026 /PRESSLINE/ -- ", "BERGEN / OPENWIRE / March 17, 2026 / "),
    ],
)
def test_a_dateline_names_nobody(dateline_a, dateline_b):
    """Where and by which wire a text was sent does not tell two texts apart."""
    title, text = "Quillon names Ada Lind chief executive", "Quillon named Ada Lind as its chief executive."
    assert likeness(tell(title, dateline_a + text), tell(title + " officer", dateline_b + text)) >= SAME


def test_tickers_keep_stories_apart_and_a_text_without_one_must_have_every_word():
    """Other companies have other stories; without a ticker no word of the shorter headline may be missing."""
    title = "Harlow and partners win approval for new harbour bridge"
    assert likeness(tell(title), tell(title, ticker="MRPK")) == 0.0
    assert likeness(tell(title), tell("UPDATE 1-" + title, ticker="")) >= SAME
    assert likeness(tell(title), tell(title.replace("harbour", "river"), ticker="")) < SAME
    assert likeness(tell("QLLN: Results"), tell("Results", ticker="")) < SAME


def test_advertising_is_no_copy_of_the_news_it_is_about():
    """A law firm's text in the words of the news is another story."""
    news = tell("Quillon faces class action over trial data of QX-118")
    ad = tell("INVESTOR ALERT: Odell LLP reminds Quillon investors of class action over trial data of QX-118")
    assert ad.noise
    assert likeness(news, ad) < SAME
    results = tell("Quillon Reports Second Quarter 2026 Financial Results")
    assert likeness(results, tell("Quillon to Report Second Quarter 2026 Financial Results on May 7")) < SAME


def _filed(title: str, *, stage: OfferingStage, gross_usd: float, form: str | None = None):
    from catalyst_ray.core.dedupe import telling_of

    terms = OfferingTerms(kind=OfferingKind.PUBLIC, stage=stage, gross=Money(value=gross_usd))
    hit = EventHit(code="offering_priced", label="Offering priced", weight=-0.7)
    score = Score(value=-0.7, sentiment=0.0, confidence=1.0, events=(hit,), terms=terms)
    link = Link(symbols=(Symbol(ticker="QLLN", reason=Reason("cik")),))
    return telling_of(item(title, form=form), link, score)


def test_a_filing_joins_by_the_terms_of_its_offering_only():
    """Two 8-Ks of a day are two; a prospectus is the news whose amount and stage it has."""
    assert likeness(tell("8-K - Quillon", form="8-K"), tell("8-K - Quillon", form="8-K", key="b")) == 0.0
    priced, closed = OfferingStage.PRICED, OfferingStage.CLOSED
    news = _filed("Quillon prices $25.4 million offering", stage=priced, gross_usd=25.4e6)
    assert likeness(news, _filed("424B5", stage=priced, gross_usd=25.4e6, form="424B5")) >= SAME
    assert likeness(news, _filed("424B5", stage=priced, gross_usd=28.1e6, form="424B5")) < SAME
    assert likeness(news, _filed("424B5", stage=closed, gross_usd=25.4e6, form="424B5")) < SAME


WORDS = st.lists(
    st.sampled_from(
        [
            "wins",
            "sells",
            "drug",
            "plant",
            "order",
            "bank",
            "harbour",
            "deal",
            "trial",
            "loan",
            "phase",
            "bridge",
        ]
    ),
    max_size=8,
)
AMOUNTS = st.integers(1, 999).map(lambda tenths: f"${tenths / 10} million")


@given(WORDS, WORDS, AMOUNTS, AMOUNTS)
def test_amounts_that_differ_are_never_one_story(words_a, words_b, amount_a, amount_b):
    """Whatever the words, two headlines whose amounts differ are not joined, and likeness is symmetric."""
    a = tell(" ".join(["Quillon", *words_a, amount_a]))
    b = tell(" ".join(["Quillon", *words_b, amount_b]))
    assert likeness(a, b) == likeness(b, a)
    if amount_a != amount_b:
        assert likeness(a, b) < SAME


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["", "QLLN"]))
def test_any_text_has_a_likeness(a, b, ticker):
    """Hostile titles raise nothing, and the measure stays between 0 and 1, both ways alike."""
    told_a, told_b = tell(a, b, ticker=ticker), tell(b, a, ticker=ticker)
    assert 0.0 <= likeness(told_a, told_b) == likeness(told_b, told_a) <= 1.0


def test_url_keys_join_forms_of_one_page_and_refuse_homepages():
    """Scheme, case of the host and tracking do not make another page; a bare host is no page."""
    assert url_key("http://EXAMPLE.com/a/?utm_medium=rss") == url_key("https://example.com/a")
    assert url_key("https://example.com/") is None
    assert url_key("https://example.com/a") != url_key("https://example.com/A")


def test_title_alias_needs_a_specific_title():
    """A headline that many companies use names none of them."""
    assert title_alias("Issue of Equity") is None
    assert title_alias("Wall Street Week Ahead") is None
    assert title_alias("Acme Corp. wins FDA approval for its cancer drug") == title_alias(
        "ACME CORP WINS FDA APPROVAL FOR ITS CANCER DRUG | Reuters"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://www.sec.gov/Archives/edgar/data/1/000117184326004725/0001171843-26-004725-index.htm",
        "https://www.sec.gov/Archives/edgar/data/1/000117184326004725/ex99.htm",
        "https://www.sec.gov/ix?doc=/Archives/edgar/data/1/000117184326004725/form8k.htm",
    ],
)
def test_every_address_of_a_filing_gives_its_accession_number(url):
    """Index page, archive and viewer are one filing; other hosts are none."""
    assert accession_of_url(url) == "0001171843-26-004725"
    assert accession_of_url(url.replace("sec.gov", "sec.gov.example")) is None


def test_translations_share_the_release_number():
    """Two languages of one GlobeNewswire release have one alias."""
    base = "https://www.globenewswire.com/news-release/2026/07/16/3328676/0/{}/Acme.html"
    assert release_alias(base.format("en")) == release_alias(base.format("fr")) == "gnw:3328676"
