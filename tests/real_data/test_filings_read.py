"""Filings that EDGAR has taken, from 1995 to now: all are read, and the parts that matter are found."""

from __future__ import annotations

import html
import json
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.events import find_events
from catalyst_ray.core.filings import MAX_CHARS, read_submission, submission_url
from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind, Item
from tests.real_data.feed_files import parse_file

if TYPE_CHECKING:
    from catalyst_ray.models import FilingText

pytestmark = pytest.mark.real_data
FORMS = {"8-K_": "8-K", "SC13": "SC 13G", "424_": "424B5", "6-K_": "6-K"}
NO_DOCUMENT = ("header_", "index-headers_")
"""Files that hold the header of a submission only."""


@pytest.fixture(scope="module")
def files(data_dir):
    """Return every file with a filing in it."""
    found = [path for path in sorted((data_dir / "07_filings").iterdir()) if path.suffix != ".jsonl"]
    if not found:
        pytest.skip(f"no filings in {data_dir}")
    return found


def read(path) -> FilingText:
    """Read a file."""
    return read_submission(path.read_bytes(), form=FORMS.get(path.name[:4]))


@pytest.mark.timeout(60)
def test_every_filing_is_read(files):
    """Each gives clean text within its bounds; a header without a document is refused by name."""
    for path in files:
        if path.name.startswith(NO_DOCUMENT):
            with pytest.raises(ParseError):
                read(path)
            continue
        text = read(path)
        assert text.form, path
        assert sum(len(part.text) for part in text.parts) <= MAX_CHARS
        for part in text.parts:
            assert part.text.strip() == part.text, path
            assert not any(ord(letter) < 32 and letter != "\n" for letter in part.text), path
            assert "<" not in part.text, path


def test_an_8k_gives_its_items_and_no_cover_page(files):
    """Of each Form 8-K at least one item is found, without the cover page's boxes and the signature."""
    seen = [path for path in files if "8-K" in path.name and not path.name.startswith(NO_DOCUMENT)]
    for path in seen:
        text = read(path)
        assert any(part.name.startswith("Item ") for part in text.parts), path
        for part in text.parts:
            if part.name.startswith("Item"):
                assert "Check the appropriate box" not in part.text, path
                assert "duly caused this report" not in part.text, path
    assert seen


def test_release_exhibits_are_found(files):
    """Where a full 8-K has an Exhibit 99.1, its text is one of the parts."""
    for path in files:
        if path.name.startswith("full_8-K"):
            has_release = b"<TYPE>EX-99.1" in path.read_bytes()
            assert has_release == any(part.name == "EX-99.1" for part in read(path).parts), path


def test_an_offerings_terms_are_found(files):
    """Of a full 424B5, cover, offering, use of proceeds and dilution are there, with price and size."""
    seen = [path for path in files if path.name.startswith("full_424B5")]
    for path in seen:
        parts = {part.name: part.text for part in read(path).parts}
        assert list(parts) == ["Cover", "The Offering", "Use of Proceeds", "Dilution"], path
        cover = parts["Cover"].lower()
        assert all(word in cover for word in ("shares", "per share", "price", "$", "offering")), path
        assert "proceeds" in parts["Use of Proceeds"].lower()
        assert "per share" in parts["Dilution"]
    if not seen:
        pytest.skip("no full 424B5 in the data")


def test_a_schedules_share_of_the_class_is_found(files):
    """The cover table's per cent stands beside the items."""
    for path in files:
        if path.name.startswith("SC13"):
            parts = {part.name: part.text for part in read(path).parts}
            assert next(iter(parts)) == "Item 4", path
            assert "PERCENT OF CLASS" in parts["Cover"].upper()
            assert "%" in parts["Cover"]


def test_every_listed_filing_has_an_address(data_dir):
    """Each entry of EDGAR's recorded pages leads to its full submission text."""
    pages = sorted((data_dir / "01_feeds_finance").glob("edgar_getc*/**/*.atom"))
    items = [item for path in pages for item in parse_file(path, FeedKind.EDGAR).items]
    if not items:
        pytest.skip("no EDGAR pages in the data")
    for item in items:
        assert item.accession
        address = submission_url(item)
        assert address is not None, item.url
        assert address.endswith(f"/{item.accession.replace('-', '')}/{item.accession}.txt")


def test_no_listed_company_is_taken_for_a_pool_of_loans(data_dir):
    """Of all names in SEC's ticker map at most one in a thousand is called an asset-backed issuer."""
    paths = sorted((data_dir / "05_tickers").glob("*company_tickers*.json"))
    if not paths:
        pytest.skip("no ticker map in the data")
    rows = json.loads(paths[0].read_text(encoding="utf-8"))
    names = {row["title"] for row in (rows.values() if isinstance(rows, dict) else rows)}
    taken = [name for name in names if any(hit.noise for hit in find_events(report_of(name)))]
    assert len(taken) <= len(names) / 1_000, taken


def report_of(name: str) -> Item:
    """Return an 8-K of a filer."""
    when = datetime(2026, 1, 12, tzinfo=UTC)
    return Item(
        key="sec:1",
        feed="edgar",
        title=f"8-K - {name}",
        form="8-K",
        filing_items=("8.01",),
        received_utc=when,
    )


@dataclass(frozen=True)
class Labelled:
    """A Form 8-K by its items, as they were labelled by others."""

    name: str
    items: dict[str, str]


@pytest.fixture(scope="module")
def labelled(data_dir):
    """Return the labelled filings."""
    path = data_dir / "07_filings" / "8k_items.jsonl"
    if not path.exists():
        pytest.skip(f"no labelled filings in {data_dir}")
    made = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            items = {name[5:]: text for name, text in row.items() if name.startswith("item_") and text}
            made.append(Labelled(row["filename"], items))
    return made


def as_lines(text: str) -> str:
    """Return the text as one line a paragraph."""
    return text


def as_wrapped(text: str) -> str:
    """Return the text wrapped by hand, as filings were in the 1990s."""
    return "\n\n".join("\n".join(textwrap.wrap(line, 72)) for line in text.split("\n"))


def as_paragraphs(text: str) -> str:
    """Return the text as HTML paragraphs, with spaces that do not break."""
    lines = (html.escape(line).replace("Item ", "Item&nbsp;") for line in text.split("\n"))
    return "<html><body>" + "".join(f"<p>{line}</p>" for line in lines) + "</body></html>"


def as_broken_lines(text: str) -> str:
    """Return the text as converters made it: a break at the end of each printed line, bold in pieces."""
    lines = (html.escape(line).replace("Item", "<b>It</b><b>em</b>") for line in as_wrapped(text).split("\n"))
    return "<html><body><div>" + "<br>\n".join(lines) + "</div></body></html>"


@pytest.mark.parametrize("shape", [as_lines, as_wrapped, as_paragraphs, as_broken_lines])
def test_items_are_those_of_the_labels(labelled, shape):
    """The items found are exactly the labelled ones in at least 98 of 100 filings, however they are set.

    The data holds the text of the items only: cover page, signature and form are put around it here.
    """
    cover = "FORM 8-K\nCURRENT REPORT\nCheck the appropriate box below if the Form 8-K filing is intended\n"
    signed = "\nSIGNATURES\nPursuant to the requirements of the Act this report was signed\n"
    wrong = []
    for filing in labelled:
        text = read_submission(shape(cover + "\n".join(filing.items.values()) + signed).encode(), form="8-K")
        names = [part.name.split(" ", 1)[1] for part in text.parts if part.name.startswith("Item")]
        if {number for name in names for number in name.split(", ")} != set(filing.items):
            wrong.append((filing.name, sorted(filing.items), names))
    assert len(wrong) <= len(labelled) * 0.02, wrong
