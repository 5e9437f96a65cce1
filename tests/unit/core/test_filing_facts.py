"""What a filing's document does to the judgement that its form and items made."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.events import default_taxonomy, find_events
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.filing_facts import _rules, facts, merged
from catalyst_ray.core.offering_ratios import coverage_pct, dilution_pct, discount_pct
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import (
    Count,
    FilingPart,
    FilingText,
    Money,
    OfferingKind,
    OfferingStage,
    OfferingTerms,
    Reason,
    Verdict,
)
from tests.unit.core.judged import NOW_UTC, filing

NAME = "Norvane Inc."
PROSPECTUS = (
    "Norvane Inc.\n900,000 Shares of Common Stock\nWe are offering {shares} shares of our common stock directly to investors under a"
    " securities purchase agreement.\nOffering price | $2.00 | $1,800,000"
)
OUTSTANDING = (
    "The number of shares is based on {before} shares of common stock outstanding as of June 30, 2026."
)


def document(form: str, *parts: tuple[str, str]) -> FilingText:
    """Return a filing's text."""
    return FilingText(form=form, parts=tuple(FilingPart(name, text) for name, text in parts))


def takedown(shares: str = "900,000", before: str = "3,000,000") -> FilingText:
    """Return a takedown off a shelf."""
    return document(
        "424B5",
        ("Cover", PROSPECTUS.format(shares=shares)),
        ("The Offering", OUTSTANDING.format(before=before)),
    )


def codes(text: FilingText, form: str, *items: str) -> dict[str, float]:
    """Return the events of a filing with its document, and their weights."""
    item = filing(form, NAME, *items)
    said = facts(text, item, ["Norvane"])
    events = merged(find_events(item), said) if said else find_events(item)
    return {hit.code: hit.weight for hit in events}


def test_an_offerings_terms_take_the_place_of_its_form() -> None:
    """A 424B5 is judged as what its cover offers."""
    found = codes(takedown(), "424B5")
    assert list(found) == ["registered_direct"]


def test_an_offering_is_quoted_by_the_line_of_its_size() -> None:
    """What a card quotes of a prospectus are words of it."""
    said = facts(takedown(), filing("424B5", NAME), ["Norvane"])
    assert said
    assert said.events[0].span == "Offering price | $2.00 | $1,800,000"


@pytest.mark.parametrize(
    ("before", "weight"), [("90,000,000", -0.26), ("3,000,000", -0.747), ("1,000,000", -0.845)]
)
def test_the_share_of_the_company_makes_the_weight(before, weight) -> None:
    """One per cent of the shares weighs little, a third more, and nine tenths most."""
    assert codes(takedown(before=before), "424B5")["registered_direct"] == pytest.approx(weight, abs=0.001)


def test_a_documents_events_beat_item_codes() -> None:
    """Item 1.01 says that something was agreed; the release says what."""
    release = "Norvane Announces Definitive Agreement to Be Acquired by Harbour Holdings\nHolders get $9.00 in cash."
    found = codes(document("8-K", ("EX-99.1", release)), "8-K", "1.01")
    assert "material_agreement" not in found
    assert found["merger_target"] > 0.5


def test_items_without_a_catalyst_sink_and_certain_ones_stand() -> None:
    """A text that tells no event halves Item 3.02; a bankruptcy stays one whatever its text says."""
    dull = document(
        "8-K",
        ("Item 3.02", "Item 3.02 Sales\nThe plan was amended."),
        ("Item 1.03", "Item 1.03 Receivership\nSee above."),
    )
    found = codes(dull, "8-K", "3.02", "1.03")
    assert found == {"bankruptcy": -0.95, "unregistered_sale": -0.2}


def test_a_text_can_turn_a_delisting_notice_round() -> None:
    """Item 3.01 is filed for a move to a better exchange as well."""
    text = document(
        "8-K",
        (
            "EX-99.1",
            "Norvane Regains Compliance with Nasdaq Minimum Bid Price Requirement\nThe matter is closed.",
        ),
    )
    found = codes(text, "8-K", "3.01")
    assert "delisting_notice" not in found
    assert found["compliance_regained"] > 0


def test_compliance_that_was_not_regained_softens_nothing() -> None:
    """A notice that says so is as bad as its item."""
    text = "Item 3.01 Notice\nOn May 4, 2026, Norvane was told by Nasdaq that it has not regained compliance with the bid price rule."
    assert codes(document("8-K", ("Item 3.01", text)), "8-K", "3.01")["delisting_notice"] == -0.55
    assert "compliance_regained" not in codes(document("8-K", ("Item 3.01", text)), "8-K", "3.01")


def test_what_a_report_mentions_in_passing_is_no_offering() -> None:
    """Convertible notes in the text of a merger agreement raise nothing."""
    text = (
        "Item 1.01 Entry into a Material Definitive Agreement\nOn May 4, 2026, Norvane entered into a merger agreement. Holders of its"
        " convertible notes may convert them."
    )
    assert "convertible" not in codes(document("8-K", ("Item 1.01", text)), "8-K", "1.01")


def test_noise_in_one_part_does_not_silence_another() -> None:
    """A call announced beside strong news does not make it noise."""
    text = document(
        "8-K",
        ("EX-99.1", "Norvane Receives FDA Approval of Its First Drug\nSales begin in May."),
        (
            "Item 7.01",
            "Item 7.01 Regulation FD Disclosure\nThe Company will present at the Harbour Healthcare Conference.",
        ),
    )
    said = facts(text, filing("8-K", NAME, "7.01"), ["Norvane"])
    assert said is not None
    assert [hit.noise for hit in said.events if hit.noise] == []
    assert said.title.startswith("Norvane Receives")


def test_only_telling_items_are_asked() -> None:
    """A bonus for the time after a merger, under Item 5.02, is no merger; nor does a closed deal begin again."""
    bonus = "Item 5.02 Officers\nOn May 4, 2026, Norvane agreed to pay bonuses under the definitive merger agreement."
    closed = (
        "Item 2.01 Completion\nOn May 4, 2026, Norvane acquired Harbour under a definitive merger agreement."
    )
    text = document("8-K", ("Item 5.02", bonus), ("Item 2.01", closed))
    assert codes(text, "8-K", "5.02", "2.01") == {"acquisition_closed": 0.05, "management_change": -0.05}


def test_an_amendment_counts_less() -> None:
    """What an amended report repeats is old news."""
    release = ("EX-99.1", "Norvane Receives FDA Approval of Its First Drug\nSales begin in May.")
    first, again = (
        codes(document("8-K", release), "8-K", "8.01"),
        codes(document("8-K/A", release), "8-K/A", "8.01"),
    )
    assert again["fda_approval"] == pytest.approx(
        first["fda_approval"] * default_taxonomy().filings.amendment, abs=0.001
    )


def test_stakes_are_judged_by_their_form() -> None:
    """The text of a Schedule 13D is intentions and law: it changes nothing."""
    said = facts(
        document("SCHEDULE 13D", ("Item 4", "A merger may be proposed.")), filing("SCHEDULE 13D", NAME)
    )
    assert said is None


def test_every_kind_and_code_of_the_table_exists() -> None:
    """Each kind of offering has its event, and each code is one of the taxonomy's."""
    rules, taxonomy = _rules(), default_taxonomy()
    assert set(rules.kinds) == {kind.value for kind in OfferingKind}
    assert set(rules.stages) <= {stage.value for stage in OfferingStage}
    known = {rule.code for rule in taxonomy.rules}
    known |= {
        rule.code for table in (taxonomy.filings.forms, taxonomy.filings.items) for rule in table.values()
    }
    assert rules.raised <= known
    assert rules.certain <= known
    assert {code for row in rules.beaten.values() for code in row} <= known


@pytest.mark.parametrize(
    ("name", "is_pool"),
    [
        ("Ostrava Mortgage Trust 2026-1", True),
        ("Ostrava Auto Receivables Trust", True),
        ("Ostrava Mortgage Trust, Inc.", False),
    ],
)
def test_a_company_that_holds_mortgages_is_no_pool_of_them(name, is_pool) -> None:
    """A trust that is a corporation is a listed company; a pool has no such ending."""
    assert any(hit.code == "asset_backed" for hit in find_events(filing("8-K", name, "8.01"))) is is_pool


def tier() -> FastTier:
    """Return the fast tier over one company."""
    return FastTier(
        directory=TickerDirectory.from_listings([Listing("NRV", 12659, NAME)]),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )


def test_a_reading_is_made_again_with_the_document() -> None:
    """The new reading alerts with terms and reasons where the old one knew a form only."""
    fast = tier()
    before = fast.read(filing("8-K", NAME, "1.01", "9.01"), now_utc=NOW_UTC)
    assert fast.reads(before)
    verdict = Verdict(None, Reason("llm_off"))
    assert fast.decide(before, verdict, near_duplicate=None).action == "suppress"
    text = document(
        "8-K",
        (
            "EX-99.1",
            "Norvane Announces $3 Million Registered Direct Offering\nShares are sold at $1.20 per share.",
        ),
    )
    after = fast.reread(before, text, now_utc=NOW_UTC)
    decision = fast.decide(after, verdict, near_duplicate=None)
    assert decision.action == "alert"
    assert "filing_read" in [reason.code for reason in decision.reasons]
    assert after.score.terms is not None
    assert after.priority < before.priority


def test_wording_alone_moves_no_filing() -> None:
    """A glowing report that tells no event stays weak."""
    fast = tier()
    before = fast.read(filing("8-K", NAME, "8.01"), now_utc=NOW_UTC)
    text = document(
        "8-K",
        (
            "EX-99.1",
            "Norvane Thanks Its Wonderful Team\nAn excellent, great and outstanding year of success.",
        ),
    )
    assert fast.reread(before, text, now_utc=NOW_UTC).score.value == 0


def test_forms_that_are_no_catalyst_and_stale_filings_are_not_read() -> None:
    """Documents cost a request: they are asked for where they can change something."""
    fast = tier()
    assert not fast.reads(fast.read(filing("10-Q", NAME), now_utc=NOW_UTC))
    assert not fast.reads(fast.read(filing("8-K", NAME, "9.01"), now_utc=NOW_UTC))
    assert not fast.reads(fast.read(filing("8-K", NAME, "8.01"), now_utc=NOW_UTC + timedelta(days=9)))


def terms(**stated) -> OfferingTerms:
    """Return terms of a registered direct."""
    return OfferingTerms(kind=OfferingKind.REGISTERED_DIRECT, stage=OfferingStage.PRICED, **stated)


def test_ratios_need_their_terms() -> None:
    """Dilution, discount and coverage are computed of what is stated, and are nothing where a part is missing."""
    shares, outstanding = Count(value=5e5, unit="share"), Count(value=2e6, unit="share")
    assert dilution_pct(terms(securities=shares, outstanding=outstanding)) == 25
    by_sum = terms(gross=Money(value=1e6), price=Money(value=2.0), outstanding=outstanding)
    assert dilution_pct(by_sum) == 25
    abroad = terms(gross=Money(value=1e6, currency="CAD"), price=Money(value=2.0), outstanding=outstanding)
    assert dilution_pct(abroad) is None
    assert dilution_pct(terms(securities=shares)) is None
    assert dilution_pct(terms(outstanding=outstanding)) is None
    assert discount_pct(terms(price=Money(value=1.5), last_price=Money(value=2.0))) == 25
    assert discount_pct(terms(price=Money(value=1.5), last_price=Money(value=2.0, currency="CAD"))) is None
    assert coverage_pct(terms(securities=shares, warrants=Count(value=1e6, unit="share"))) == 200
    assert coverage_pct(terms(coverage_pct=50.0)) == 50
    assert coverage_pct(terms(securities=shares)) is None


@pytest.mark.parametrize(
    "piece",
    [
        "On May 4, 2026, ",
        "$1 gross proceeds ",
        "acting as underwriter ",
        "(((",
        "a. ",
        "\n| $1 ",
        "if exercised ",
    ],
)
def test_no_document_is_slow(piece) -> None:
    """The largest text that is kept takes well under a second, whatever it repeats."""
    parts = [
        (name, (f"{name} " + piece * 4000)[:4_000])
        for name in ("Item 1.01", "Item 3.02", "Item 8.01", "EX-99.1", "EX-99.2", "Item 7.01")
    ]
    begun = time.perf_counter()
    facts(document("8-K", *parts), filing("8-K", NAME, "1.01"), ["Norvane"])
    facts(document("424B5", *(("Cover", text) for _, text in parts)), filing("424B5", NAME))
    assert time.perf_counter() - begun < 3
