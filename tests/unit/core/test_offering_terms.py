"""Offerings by their texts: kind, stage, amount and terms, from headlines, releases and filings."""

from __future__ import annotations

import pytest

from catalyst_ray.core.offering_kinds import load_offering_words
from catalyst_ray.core.offering_terms import headline, terms_of_filing, terms_of_news
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FilingPart, FilingText


@pytest.mark.parametrize(
    ("title", "kind", "stage", "amount"),
    [
        (
            "Ostrava Bio Announces Pricing of $25.0 Million Public Offering of Common Stock",
            "public_offering",
            "priced",
            25e6,
        ),
        ("Ostrava Bio Announces Proposed Public Offering", "public_offering", "announced", None),
        ("Ostrava Bio Prices Upsized $40 Million Underwritten Offering", "public_offering", "upsized", 40e6),
        ("Ostrava Bio Announces Closing of Upsized Public Offering", "public_offering", "closed", None),
        ("Ostrava Bio Withdraws Proposed Public Offering", "public_offering", "withdrawn", None),
        (
            "Ostrava Bio Announces up to $8.2 Million Registered Direct Offering Priced At-the-Market under Nasdaq Rules",
            "registered_direct",
            "priced",
            8.2e6,
        ),
        (
            "Ostrava Bio Announces $12M Private Placement Priced At-the-Market",
            "private_placement",
            "priced",
            12e6,
        ),
        ("Ostrava Bio Enters $50 Million At-the-Market Offering Program", "at_the_market", "announced", 50e6),
        ("Ostrava Bio Secures $20 Million Committed Equity Facility", "equity_line", "announced", 20e6),
        (
            "Ostrava Bio Prices $300 Million of Convertible Senior Notes due 2031",
            "convertible",
            "priced",
            300e6,
        ),
        (
            "Ostrava Bio Announces $5 Million Private Placement of Convertible Notes",
            "convertible",
            "announced",
            5e6,
        ),
        ("Ostrava Bio Announces US$1.1 Billion Senior Notes Offering", "debt", "announced", 1.1e9),
        (
            "Ostrava Bio Announces Exercise of Warrants for $2.4 Million Gross Proceeds",
            "warrant_exercise",
            "announced",
            2.4e6,
        ),
        (
            "Ostrava Bio Announces Warrant Inducement for $3.3 Million in Gross Proceeds",
            "warrant_inducement",
            "announced",
            3.3e6,
        ),
        ("Ostrava Bio Launches Secondary Offering by Selling Stockholders", "secondary", "announced", None),
        ("Ostrava Bio Files for Initial Public Offering", "ipo", "announced", None),
        (
            "Ostrava Bio Prices Public Offering of $75,000,000 of Series A Preferred Stock",
            "preferred",
            "priced",
            75e6,
        ),
        ("Ostrava Bio Commences $10 Million Rights Offering", "rights", "announced", 10e6),
        (
            "Ostrava Bio Announces Exercise of Warrants and Issuance of New Warrants in a Private Placement",
            "warrant_inducement",
            "announced",
            None,
        ),
        (
            "Ostrava Bio Announces Offerings of $30 Million of Common Stock and $20 Million of Convertible Notes",
            "public_offering",
            "announced",
            30e6,
        ),
        (
            "Ostrava Bio Announces US$6 Million Offering of American Depositary Shares",
            "public_offering",
            "announced",
            6e6,
        ),
        ("Ostrava Bio Secures $40 Million Debt Facility", "debt", "announced", 40e6),
        ("Ostrava Bio stock falls after $25 million offering", "public_offering", "announced", 25e6),
        ("Ostrava Bio Files $200M Mixed Shelf", "shelf", "announced", 200e6),
        (
            "Ostrava Bio Q2 Revenue of $31 Million; Announces $6 Million Registered Direct Offering",
            "registered_direct",
            "announced",
            6e6,
        ),
        ("Ostrava Bio prices 6.4M share offering @$28.50/share", "public_offering", "priced", None),
    ],
)
def test_a_headline_gives_kind_stage_and_amount(title, kind, stage, amount) -> None:
    """Each kind and stage is told by its words, and the sum is the offering's, not a price nor a revenue."""
    terms = terms_of_news(title)
    assert terms is not None
    assert (terms.kind, terms.stage, terms.gross and terms.gross.value) == (kind, stage, amount)


@pytest.mark.parametrize(
    "title",
    [
        "Ostrava Bio Expands Its Cloud Offering for Hospitals",
        "Ostrava Bio Announces Redemption of Its Convertible Notes",
        "Ostrava Bio Repays Debt",
        "Ostrava Bio Reports Record Revenue of $31 Million",
        "Ostrava Bio Announces Sale of Two Business Units",
    ],
)
def test_what_raises_no_money_is_no_offering(title) -> None:
    """Products offered, notes redeemed and businesses sold have no terms."""
    assert terms_of_news(title) is None


RELEASE = (
    "Ostrava Bio, Inc. today announced the pricing of an underwritten public offering of 2,400,000 shares of its common stock at a"
    " public offering price of $2.50 per share. The Company granted the underwriters a 30-day option to purchase up to an additional"
    " 360,000 shares. Gross proceeds are expected to be approximately $6.0 million, before deducting underwriting discounts and"
    " commissions and other expenses. Assuming full exercise of the option, gross proceeds would be approximately $6.9 million. The"
    " size was increased from the previously announced $4.0 million. The Company intends to use the net proceeds from the offering"
    " for its Phase 2 trial and for working capital. Vltava Securities, LLC and Morava Capital are acting as joint book-running"
    " managers for the offering."
)


def test_a_releases_terms_are_found_by_the_words_around_them() -> None:
    """Price, shares, option, proceeds, purpose and banks come from the text; what an option would add does not count."""
    terms = terms_of_news("Ostrava Bio Announces Pricing of Public Offering", RELEASE)
    assert terms is not None
    assert terms.gross is not None
    assert terms.price is not None
    assert terms.securities is not None
    assert terms.over_allotment is not None
    assert terms.use is not None
    assert (terms.gross.value, terms.gross.qualifier) == (6e6, "about")
    assert (terms.price.value, terms.securities.value, terms.over_allotment.value) == (2.5, 2.4e6, 360_000)
    assert terms.use.words == "for its Phase 2 trial and for working capital"
    assert RELEASE[terms.use.start : terms.use.end] == terms.use.words
    assert [agent.words for agent in terms.agents] == ["Vltava Securities, LLC", "Morava Capital"]
    assert RELEASE[terms.price.start : terms.price.end] == "$2.50"


COVER = """Filed Pursuant to Rule 424(b)(5)
PROSPECTUS SUPPLEMENT
Ostrava Bio, Inc.
400,000 Shares of Common Stock
Pre-funded Warrants to Purchase up to 600,000 Shares of Common Stock
Warrants to Purchase up to 2,000,000 Shares of Common Stock
We are offering 400,000 shares of our common stock, par value $0.001 per share, directly to an institutional investor under a \
securities purchase agreement. The pre-funded warrants have an exercise price of $0.0001 per share. The warrants have an exercise \
price of $3.25 per share. On May 4, 2026, the last reported sale price of our common stock was $3.40 per share.
 | Per Share | Total
Offering price | $3.00 | $3,000,000
Placement agent fees | $0.21 | $210,000
Proceeds to us, before expenses | $2.79 | $2,790,000
We have engaged Morava Capital LLC as our exclusive placement agent.
Sole Placement Agent
Morava Capital LLC"""
OFFERING = """THE OFFERING
Common stock outstanding after this offering | 5,400,000 shares
The number of shares is based on 5,000,000 shares of common stock outstanding as of March 31, 2026 and excludes 90,000 shares \
issuable upon the exercise of outstanding options."""
USE = "USE OF PROCEEDS\nWe estimate that the net proceeds from this offering will be approximately $2.6 million."


def prospectus(cover: str = COVER, form: str = "424B5") -> FilingText:
    """Return a prospectus supplement."""
    parts = (
        FilingPart("Cover", cover),
        FilingPart("The Offering", OFFERING),
        FilingPart("Use of Proceeds", USE),
    )
    return FilingText(form=form, parts=parts)


def test_a_takedowns_terms_come_from_its_cover_and_table() -> None:
    """A 424B5 sold directly gives every term with the part it stands in."""
    terms = terms_of_filing(prospectus())
    assert terms is not None
    assert (terms.kind, terms.stage) == ("registered_direct", "priced")
    named = {
        name: figure.value
        for name in (
            "gross",
            "net",
            "price",
            "securities",
            "prefunded",
            "warrants",
            "warrant_price",
            "last_price",
            "outstanding",
            "after",
        )
        if (figure := getattr(terms, name))
    }
    assert named == {
        "gross": 3e6, "net": 2.6e6, "price": 3.0, "securities": 4e5, "prefunded": 6e5, "warrants": 2e6,
        "warrant_price": 3.25, "last_price": 3.4, "outstanding": 5e6, "after": 5.4e6,
    }  # fmt: skip
    assert terms.net is not None
    assert terms.net.part == "Use of Proceeds"
    assert [agent.words for agent in terms.agents] == ["Morava Capital LLC"]


@pytest.mark.parametrize(
    ("cover", "kind", "stage"),
    [
        (
            "20,000,000 Shares\nResale by Harbour Fund, the selling stockholder, under the equity line; commitment shares.",
            "equity_line",
            "announced",
        ),
        (
            "Ostrava Trust\n7% Series A Preferred Stock\nWe are offering shares.\nPublic offering price | $25.00 | $100,000,000",
            "preferred",
            "priced",
        ),
        (
            "Ostrava Bio\n3,000,000 Shares\nThis is the initial public offering, at a price between $4.00 and $6.00 per share.",
            "ipo",
            "priced",
        ),
        (
            (
                "6,000,000 Shares\nThe selling stockholders are offering these shares. The underwriters have an option.\n"
                "Public offering price | $21.00 | $126,000,000"
            ),
            "secondary",
            "priced",
        ),
        (
            "$200,000,000\n4.5% Convertible Senior Notes due 2031\nWe are offering $200,000,000 of our notes.",
            "convertible",
            "announced",
        ),
        (
            "$500,000,000\n5.25% Senior Notes due 2034\nPublic offering price | 99.8% | $499,000,000",
            "debt",
            "announced",
        ),
        (
            (
                "Ostrava Bio, Inc.\nUp to $60,000,000\nCommon Stock\nWe have entered into a sales agreement. Sales may be made in an"
                " at the market offering as defined in Rule 415."
            ),
            "at_the_market",
            "announced",
        ),
        (
            (
                "Ostrava Bio, Inc.\n3,000,000 Shares\nCommon Stock\nThe selling stockholders named herein may offer and sell these shares from"
                " time to time. We will not receive any proceeds from the sale."
            ),
            "resale",
            "announced",
        ),
        (
            "Ostrava Bank\n$250,000 Autocallable Notes due 2029 Linked to an Index\nThe notes are unsecured.",
            "debt",
            "announced",
        ),
        (
            (
                "Subject to completion\nOstrava Bio, Inc.\nCommon Stock\nWe are offering shares. The underwriters have an option. The public"
                " offering price is $2.00 per share."
            ),
            "public_offering",
            "announced",
        ),
        (
            (
                "Ostrava Bio, Inc.\n$100,000,000\nCommon Stock, Preferred Stock, Warrants\nWe may sell any combination of these in one or more"
                " offerings."
            ),
            "shelf",
            "announced",
        ),
    ],
)
def test_a_cover_tells_its_kind(cover, kind, stage) -> None:
    """What is sold and by whom makes the kind; a preliminary prospectus prices nothing."""
    terms = terms_of_filing(FilingText(form="424B5", parts=(FilingPart("Cover", cover),)))
    assert terms is not None
    assert (terms.kind, terms.stage) == (kind, stage)


def test_an_atms_size_is_its_gross() -> None:
    """The most that a programme may sell stands as gross proceeds, up to."""
    cover = (
        "Ostrava Bio, Inc.\nUnder the sales agreement we may sell common stock having an aggregate offering price of up to $60,000,000"
        " from time to time in at the market offerings."
    )
    terms = terms_of_filing(FilingText(form="424B5", parts=(FilingPart("Cover", cover),)))
    assert terms is not None
    assert terms.gross is not None
    assert (terms.gross.value, terms.gross.qualifier) == (60e6, "up_to")


def report(*parts: tuple[str, str]) -> FilingText:
    """Return an 8-K of these parts."""
    return FilingText(form="8-K", parts=tuple(FilingPart(name, text) for name, text in parts))


def test_a_current_report_speaks_by_its_release_first() -> None:
    """The release's headline gives kind and stage; the item adds what it alone says."""
    item = (
        "Item 1.01 Entry into a Material Definitive Agreement\nOn May 4, 2026, Ostrava Bio entered into a securities purchase agreement with"
        " investors for a private placement at a purchase price of $1.10 per share."
    )
    release = "PRAGUE, May 4, 2026\nOstrava Bio Announces $4 Million Private Placement\n" + RELEASE[:200]
    terms = terms_of_filing(report(("Item 1.01", item), ("EX-99.1", release)))
    assert terms is not None
    assert (terms.kind, terms.gross and terms.gross.value) == ("private_placement", 4e6)
    assert terms.gross is not None
    assert terms.gross.part == "EX-99.1"
    alone = terms_of_filing(report(("Item 1.01", item)))
    assert alone is not None
    assert (alone.kind, alone.price and alone.price.value) == ("private_placement", 1.1)


@pytest.mark.parametrize(
    "text",
    [
        (
            "Item 1.01 Agreement\nOn May 4, 2026, Ostrava Bio entered into an Agreement and Plan of Merger; 900,000 shares will be issued without"
            " any public offering."
        ),
        "Item 1.01 Agreement\nOn May 4, 2026, Ostrava Bio entered into a credit agreement with lenders.",
        "Item 8.01 Other Events\nOstrava Bio issued a notice of redemption of its 5.0% Senior Notes due 2028.",
    ],
)
def test_mergers_credit_lines_and_redemptions_raise_nothing(text) -> None:
    """They speak of shares, notes and agreements, and offer none."""
    assert terms_of_filing(report((text[:9], text))) is None


def test_an_unregistered_sale_is_a_private_placement() -> None:
    """Under Item 3.02 a sale for money is one, though nothing calls it so."""
    text = "Item 3.02 Unregistered Sales\nOn May 4, 2026, Ostrava Bio sold 900,000 shares for a purchase price of $1.8 million to an investor."
    terms = terms_of_filing(report(("Item 3.02", text)))
    assert terms is not None
    assert (terms.kind, terms.securities and terms.securities.value) == ("private_placement", 900_000)


@pytest.mark.parametrize(
    ("text", "kind", "stage"),
    [
        (
            (
                "Ostrava Bio entered into an underwriting agreement with Vltava Securities for 900,000 shares. The closing of the offering"
                " is to take place on May 6."
            ),
            "public_offering",
            "priced",
        ),
        (
            "Ostrava Bio entered into a securities purchase agreement with two funds.",
            "private_placement",
            "priced",
        ),
        (
            "Ostrava Bio entered into a sales agreement with Vltava Securities, as agent.",
            "at_the_market",
            "announced",
        ),
    ],
)
def test_an_agreement_that_was_signed_names_its_offering(text, kind, stage) -> None:
    """What was signed is priced, though the text goes on to the closing."""
    terms = terms_of_filing(report(("Item 1.01", f"Item 1.01 Agreement\nOn May 4, 2026, {text}")))
    assert terms is not None
    assert (terms.kind, terms.stage) == (kind, stage)


def test_a_headline_is_the_first_long_line() -> None:
    """Datelines and addresses before it are passed over."""
    assert (
        headline("Contact:\nOstrava Bio Announces Topline Results\nMore")[0]
        == "Ostrava Bio Announces Topline Results"
    )
    assert headline("short\nlines")[0] == ""


@pytest.mark.parametrize(
    "text", ["[[kinds]]", "kinds = 3", "[words]\n[[kinds]]\nkind = 'debt'\nmatch = ['<nobody>']"]
)
def test_a_broken_table_is_named(text) -> None:
    """What is no table of phrases is refused with a message that says where."""
    with pytest.raises(ConfigError):
        load_offering_words(text)
