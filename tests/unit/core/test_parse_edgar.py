from __future__ import annotations

import pytest

from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind, ItemKind, Party
from tests.unit.core.feed_samples import NOW, edgar, edgar_entry, parsed

ITEMS = "\n&lt;br&gt;Item 1.01: Entry into an Agreement\n&lt;br&gt;Item 9.01: Exhibits\n"


def page(*entries: str):
    """Parse entries as an EDGAR page."""
    return parsed(edgar(*entries), FeedKind.EDGAR)


def test_an_8k_says_who_files_what():
    """Form, items, accession, party, time and a headline for people come out of one entry."""
    (item,) = page(edgar_entry("ACME &amp; SONS CORP (0009000001) (Filer)", items=ITEMS)).items
    assert (item.key, item.kind, item.aliases) == ("sec:0009000001-26-000001", ItemKind.FILING, ())
    assert item.title == "ACME & SONS CORP files 8-K: Entry into a Material Definitive Agreement"
    assert (item.form, item.filing_items, item.accession) == ("8-K", ("1.01", "9.01"), "0009000001-26-000001")
    assert item.parties == (Party(9000001, "ACME & SONS CORP", "Filer"),)
    assert item.summary == "Item 1.01: Entry into an Agreement\nItem 9.01: Exhibits"
    assert item.published_utc == NOW.replace(hour=15, minute=39, second=40)
    assert item.url.endswith("/0009000001-26-000001-index.htm")


def test_entries_of_one_accession_become_one_item():
    """All parties are kept, the company it is about leads, and its folder is the address."""
    feed = page(
        edgar_entry("DOE JANE (0009000002) (Reporting)", form="4"),
        edgar_entry("DOE JOHN (0009000003) (Reporting)", form="4"),
        edgar_entry("ACME CORP (0009000001) (Issuer)", form="4"),
        edgar_entry("BETA INC (0009000004) (Filer)", form="424B5", accession="0009000004-26-000009"),
    )
    first, second = feed.items
    assert feed.entries == 4
    assert [party.role for party in first.parties] == ["Issuer", "Reporting", "Reporting"]
    assert first.title == "DOE JANE and 1 more files Form 4 on ACME CORP"
    assert "/data/9000001/" in first.url
    assert second.title == "BETA INC files 424B5"


def test_a_company_that_files_about_itself_is_named_once():
    """An issuer listed as filer and subject of its own prospectus does not file on itself."""
    feed = page(
        edgar_entry("ACME CORP (0009000001) (Filed by)", form="FWP"),
        edgar_entry("ACME CORP (0009000001) (Subject)", form="FWP"),
    )
    assert [item.title for item in feed.items] == ["ACME CORP files FWP"]


def test_names_with_brackets_and_dashes_are_read_whole():
    """Only the last two brackets are CIK and role."""
    (item,) = page(
        edgar_entry("ACME - SERIES 1 (II) /DE/ (0009000001) (Filed by)", form="SCHEDULE 13D/A")
    ).items
    assert item.parties == (Party(9000001, "ACME - SERIES 1 (II) /DE/", "Filed by"),)
    assert item.form == "SCHEDULE 13D/A"


def test_item_numbers_of_other_forms_are_not_8k_items():
    """Form D and ABS-15G number their items in their own way."""
    (item,) = page(edgar_entry("ACME LP (0009000001) (Filer)", form="D", items=ITEMS)).items
    assert (item.filing_items, item.title) == ((), "ACME LP files Form D")


def test_a_company_page_names_its_company():
    """On getcompany pages the company stands once, above the entries."""
    company = "<company-info><cik>0009000001</cik><conformed-name>Acme Corp.</conformed-name></company-info>"
    entry = edgar_entry("Current report", items=ITEMS)
    about = edgar_entry("Statement", form="SC 13G/A", accession="0009000001-26-000002")
    first, second = page(company, entry, about).items
    assert first.parties == (Party(9000001, "Acme Corp.", "Filer"),)
    assert second.parties == (Party(9000001, "Acme Corp.", "Subject"),)
    assert second.title == "SC 13G/A on Acme Corp."


def test_broken_pages_are_read_by_feedparser_with_the_same_result():
    """A page that is not well-formed loses nothing but the speed, and says so."""
    whole = edgar(edgar_entry("ACME CORP (0009000001) (Filer)", items=ITEMS))
    good, broken = parsed(whole, FeedKind.EDGAR), parsed(whole.removesuffix("</feed>"), FeedKind.EDGAR)
    assert broken.items == good.items
    assert [note.code for note in broken.notes] == ["not_well_formed"]


def test_entries_without_accession_are_noted():
    """A list of companies is no list of filings."""
    feed = page("<entry><title>ACME CORP</title><id>urn:tag:www.sec.gov:cik=0009000001</id></entry>")
    assert (feed.items, feed.entries) == ((), 1)
    assert [note.code for note in feed.notes] == ["no_accession"]


@pytest.mark.parametrize(
    ("html", "message", "hint"),
    [
        (
            "<title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title>",
            "undeclared",
            "SEC_CONTACT",
        ),
        ("<title>SEC.gov | Request Rate Threshold Exceeded</title>", "10 requests/s", "other programs"),
        ("<title>SEC.gov | File Unavailable</title>", "503", "again later"),
    ],
)
def test_refusals_of_sec_are_named(html, message, hint):
    """Each page that SEC sends instead of a feed says what to do."""
    with pytest.raises(ParseError) as caught:
        parsed(f"<!DOCTYPE html><html><head>{html}</head><body></body></html>", FeedKind.EDGAR)
    assert caught.value.key == "wire"
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
