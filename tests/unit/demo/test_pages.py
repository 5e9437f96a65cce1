"""The demo's bytes: wires and EDGAR in their real shapes, read back by the program's own parser."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from catalyst_ray.core.filings import read_submission
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.demo import edgar
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.press import Press
from catalyst_ray.demo.submissions import submission
from catalyst_ray.demo.wires import release_page
from catalyst_ray.demo.world import World
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Fetched

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:1"
WORLD = World(3, START)


def press(batch: int = 3) -> Press:
    """Return a press with batches out."""
    made = Press(WORLD, START)
    made.release(batch, START + timedelta(minutes=1))
    return made


def parsed(channel, body, content_type):
    """Return what the program reads in a feed."""
    later = START + timedelta(minutes=2)
    fetched = Fetched(
        feed=channel.name,
        url=BASE + channel.path,
        status=200,
        body=body,
        content_type=content_type,
        first_byte_utc=later,
        received_utc=later,
    )
    return parse_feed(fetched, channel.spec(BASE))


@pytest.mark.parametrize("channel", [one for one in WORLD.channels if one.desks], ids=lambda one: one.name)
def test_a_wire_reads_back_as_written(channel):
    """Each wire's dialect gives back every item's title, address and date, to the precision it carries."""
    made = press()
    edition = made.edition(channel, BASE)
    found = {
        item.url.split("?")[0]: item for item in parsed(channel, edition.body, edition.content_type).items
    }
    entries = made.entries(channel)
    assert len(found) == len(entries) > 0
    for entry in entries:
        item = found[BASE + entry.item.path.split("?")[0]]
        assert item.title == entry.item.title
        if entry.when_utc and entry.when_utc <= START + timedelta(minutes=2):
            assert item.published_utc is not None
            assert abs(item.published_utc - entry.when_utc) < timedelta(minutes=1)
        assert entry.item.paragraphs[0] in item.summary


def test_category_tags_carry_the_ticker():
    """The wire that tags tickers gives them as categories, line break and trailing space notwithstanding."""
    made = press()
    channel = next(one for one in WORLD.channels if one.shape is Shape.CATEGORY_TAGS)
    edition = made.edition(channel, BASE)
    assert b'<category\n  domain="https://www.globenewswire.com/rss/stock">' in edition.body
    tagged = {
        item.title: item.categories for item in parsed(channel, edition.body, edition.content_type).items
    }
    for entry in made.entries(channel):
        if entry.item.category:
            assert entry.item.category in tagged[entry.item.title]


@pytest.mark.parametrize("channel", [one for one in WORLD.channels if one.form], ids=lambda one: one.form)
def test_an_edgar_page_reads_back_as_written(channel):
    """One accession comes once a party, and merges into one filing with its form, items and parties."""
    made = press()
    entries = made.filings(channel.form)
    body = edgar.current_page(entries, START, start=0, count=1000, base_url=BASE)
    assert body is not None
    feed = parsed(channel, body, edgar.CONTENT_TYPE)
    filings = {entry.item.filing.accession: entry.item.filing for entry in entries}
    assert feed.entries == sum(len(filing.parties) for filing in filings.values())
    assert {item.accession for item in feed.items} == set(filings)
    for item in feed.items:
        filing = filings[item.accession]
        assert (item.form, item.filing_items) == (filing.form, filing.items)
        assert {(party.cik, party.role) for party in item.parties} == {
            (p.cik, p.role) for p in filing.parties
        }


def test_edgar_pages_end():
    """Pages split the parties and the one past the end is refused, as EDGAR does."""
    entries = press().filings("8-K")
    parties = sum(len(entry.item.filing.parties) for entry in entries)
    pages = [edgar.current_page(entries, START, start=start, count=20, base_url=BASE) for start in (0, 20)]
    assert pages[0] is not None
    assert pages[0].count(b"<entry>") == 20
    assert pages[1] is not None
    assert pages[1].count(b"<entry>") == min(20, parties - 20)
    assert edgar.current_page(entries, START, start=parties, count=20, base_url=BASE) is None
    assert edgar.current_page([], START, start=0, count=20, base_url=BASE) is not None


def test_the_ticker_list_is_secs():
    """Rows are numbered, with the three keys of SEC's file, one for each invented company."""
    rows = json.loads(edgar.company_tickers())
    assert list(rows) == [str(number) for number in range(len(companies()))]
    assert rows["0"] == {"cik_str": companies()[0].cik, "ticker": "HLVT", "title": rows["0"]["title"]}


def test_batches_come_out_one_by_one():
    """A batch keeps the moment of its release, later ones do not show, and what is out is not redated."""
    made = Press(WORLD, START)
    channel = WORLD.channels[0]
    assert made.entries(channel) == []
    made.release(1, START)
    first = made.entries(channel)
    made.release(2, START + timedelta(minutes=5))
    assert set(first) < set(made.entries(channel))
    assert {entry.item.batch for entry in made.entries(channel)} == {1, 2}
    fresh = [entry for entry in first if entry.item.age_s and 0 < entry.item.age_s < 300]
    assert fresh
    assert all(timedelta(0) < START - entry.when_utc < timedelta(minutes=5) for entry in fresh)
    with pytest.raises(ConfigError):
        made.release(9, START)


def test_a_release_page_shows_the_text():
    """The page behind a link holds title and text, escaped, and says that it is invented."""
    made = press()
    channel = WORLD.channels[1]
    entry = made.entries(channel)[0]
    page = release_page(channel, entry)
    assert "invented" in page
    assert "<script" not in page
    assert entry.item.paragraphs[0].split("&")[0] in page


def filings(event: str) -> list:
    """Return every filing of a kind, with its text as the program reads it, by part."""
    made = press()
    read = []
    for item in WORLD.items:
        if item.filing and item.truth.event == event:
            text = submission(made.entry(item), item.filing)
            parts = read_submission(text.encode(), form=item.filing.form, items=item.filing.items).parts
            read.append((item, {part.name: part.text for part in parts}))
    assert read
    return read


@pytest.mark.parametrize("event", ["bankruptcy", "delisting_notice", "restatement", "earnings_report"])
def test_an_8k_reads_back_with_its_items_and_release(event):
    """Each declared item is a part, the press release too, and the hidden header, boxes and picture are not."""
    for item, parts in filings(event):
        assert {f"Item {number}" for number in item.filing.items} | {"EX-99.1"} == set(parts)
        assert list(parts)[-1] == "Item 9.01"
        assert not any(word in "".join(parts.values()) for word in ("☐", "begin 644", "invented", "false"))


@pytest.mark.parametrize("event", ["filing_offering", "bankruptcy", "stake_activist", "stake_passive"])
def test_a_filings_figures_are_those_of_its_story(event):
    """Sums, prices, shares and per cents of the short text stand in the documents as well."""
    for item, parts in filings(event):
        figures = re.findall(r"\$?\d[\d,.]*\d(?: million| billion|%)?", " ".join(item.paragraphs))
        amounts = [one for one in figures if "$" in one or "," in one or "%" in one]
        assert amounts
        assert [one for one in amounts if one not in "\n".join(parts.values())] == []


def test_an_offering_states_its_terms():
    """The prospectus has the four parts that a reader wants, and its figures agree with each other."""
    for _, parts in filings("filing_offering"):
        assert list(parts) == ["Cover", "The Offering", "Use of Proceeds", "Dilution"]
        shares = int(re.search(r"([\d,]+) Shares of", parts["Cover"])[1].replace(",", ""))
        price = float(re.search(r"combined public offering price of \$(\d+\.\d\d)", parts["Cover"])[1])
        last, discount = re.search(
            r"was \$(\d+\.\d\d) per share; .* discount of (\d+\.\d)%", parts["Cover"]
        ).groups()
        before, after = (
            int(value.replace(",", ""))
            for value in re.findall(r"offering \| ([\d,]+) shares", parts["The Offering"])[-2:]
        )
        assert after - before == shares
        assert float(discount) == pytest.approx((1 - price / float(last)) * 100, abs=0.06)
        assert f"{shares / before * 100:.1f}%" in parts["Dilution"]


def test_a_stake_comes_as_xml_with_its_purpose_first():
    """A Schedule 13D has EDGAR's elements: purpose, holder and share of the class."""
    for _, parts in filings("stake_activist"):
        assert next(iter(parts)) == "Item 4"
        assert "undervalued" in parts["Item 4"]
        assert re.search(r"Percent of class: \d\.\d%", parts["Cover"])


def test_every_filing_has_a_submission():
    """Filings without a long text show their short one."""
    made = press()
    for item in WORLD.items:
        if item.filing and not item.filing.main:
            text = read_submission(submission(made.entry(item), item.filing).encode(), form=item.filing.form)
            assert item.paragraphs[0][:60] in text.parts[0].text
