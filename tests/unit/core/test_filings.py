"""Submissions, pages and forms become the parts that matter, in order and within bounds. All texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.filing_pages import MAX_PAGE_CHARS, page_lines
from catalyst_ray.core.filing_submission import MAX_SUBMISSION_BYTES
from catalyst_ray.core.filings import MAX_CHARS, MAX_PART_CHARS, read_submission, submission_url
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Item

HOST = "https://www.sec.gov"
FOLDER = "/Archives/edgar/data/1234567/000123456726000042"
TEXT = f"{HOST}{FOLDER}/0001234567-26-000042.txt"


def filing(url: str, **changes: object) -> Item:
    """Return an item with this link."""
    defaults = {
        "key": "sec:1",
        "feed": "edgar",
        "title": "t",
        "received_utc": datetime(2026, 11, 23, tzinfo=UTC),
    }
    return Item(**{**defaults, "url": url, **changes})


def document(kind: str, text: str, *, end: str = "</TEXT>\n</DOCUMENT>\n") -> str:
    """Return one document of a submission."""
    return (
        f"<DOCUMENT>\n<TYPE>{kind}\n<SEQUENCE>1\n<FILENAME>x.htm\n<DESCRIPTION>{kind}\n<TEXT>\n{text}\n{end}"
    )


def page(*paragraphs: str) -> str:
    """Return an HTML page."""
    return "<html><body>" + "".join(f"<p>{one}</p>\n" for one in paragraphs) + "</body></html>"


def read(*documents: str, form: str | None = None, items: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the parts of a submission by name, in order."""
    text = read_submission("".join(documents).encode(), form=form, items=items)
    return {part.name: part.text for part in text.parts}


COVER = (
    "FORM 8-K",
    "CURRENT REPORT",
    "Check the appropriate box below if the Form 8-K filing is intended to satisfy another obligation:",
    "Emerging growth company ☐",
)
SIGNED = (
    "SIGNATURES",
    "Pursuant to the requirements of the Securities Exchange Act of 1934, signed: A. Clerk",
)


@pytest.mark.parametrize(
    "url",
    [
        f"{HOST}{FOLDER}/0001234567-26-000042-index.htm",
        f"{HOST}{FOLDER}/0001234567-26-000042-index.html",
        f"{HOST}/Archives/edgar/data/1234567/0001234567-26-000042-index.htm",
        TEXT,
        f"https://user:key@www.sec.gov{FOLDER}/0001234567-26-000042-index.htm?q=1#f",
    ],
)
def test_the_submission_lies_beside_its_index(url):
    """Index links of now and of old lead to the full text on the same host, without user and query."""
    assert submission_url(filing(url, accession="0001234567-26-000042")) == TEXT


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://news.example/story",
        f"ftp://www.sec.gov{FOLDER}/0001234567-26-000042-index.htm",
        f"{HOST}{FOLDER}/0001234567-26-000043-index.htm",
        f"{HOST}/Archives/edgar/data/1/../../x/0001234567-26-000042-index.htm",
        "https://[bad/0001234567-26-000042-index.htm",
    ],
)
def test_other_links_lead_to_no_submission(url):
    """What is not the index of a filing, or contradicts itself, gets no address."""
    assert submission_url(filing(url)) is None


def test_a_link_to_another_filing_is_refused():
    """The address must be of the filing that the feed names."""
    link = f"{HOST}{FOLDER}/0001234567-26-000042-index.htm"
    assert submission_url(filing(link, accession="0001234567-26-000099")) is None


def test_an_8k_gives_its_items_then_its_release_and_the_list_of_exhibits_last():
    """Cover page and signatures are left out; the gravest item comes first."""
    main = page(
        *COVER,
        "Item 5.02 Departure of Directors.",
        "The chief financial officer left.",
        "Item 3.01 Notice of Delisting.",
        "The exchange wrote to us.",
        "Item 9.01 Financial Statements and Exhibits.",
        "99.1 Press release",
        *SIGNED,
    )
    release = page("Exhibit 99.1", "FOR IMMEDIATE RELEASE", "Company Says Something", "It was said today.")
    parts = read(document("8-K", main), document("EX-10.1", page("A contract")), document("EX-99.1", release))
    assert list(parts) == ["Item 3.01", "Item 5.02", "EX-99.1", "Item 9.01"]
    assert parts["Item 3.01"] == "Item 3.01 Notice of Delisting.\nThe exchange wrote to us."
    assert parts["EX-99.1"] == "Company Says Something\nIt was said today."
    assert "signed" not in parts["Item 9.01"]


@pytest.mark.parametrize(
    "heading",
    [
        "Item 1.01 Entry into a Material Definitive Agreement.",
        "ITEM 1.01. ENTRY INTO A MATERIAL DEFINITIVE AGREEMENT",
        "Item&nbsp;1.01&#160;&#160;Entry",
        "<b>It</b><b>em</b> <font>1</font><font>.01</font><b>Entry</b>",
        "Item 1. 01 - Entry",
        "Item 1.01: Entry",
        "“Item 1.01” Entry",
        "Item 1.01",
        "Item 1.01(a) Entry into an Agreement",
    ],
)
def test_headings_are_known_however_they_are_set(heading):
    """Capitals, points, spaces that do not break and split bold text make no difference."""
    parts = read(document("8-K", page(*COVER, heading, "We agreed on a loan of ten million.", *SIGNED)))
    assert list(parts) == ["Item 1.01"]
    assert parts["Item 1.01"].endswith("We agreed on a loan of ten million.")


def test_a_heading_may_stand_in_a_table():
    """Number and title in two cells are one heading."""
    row = "<table><tr><td><p>Item 8.01</p></td><td> </td><td><p>Other Events.</p></td></tr></table>"
    parts = read(document("8-K", page(*COVER) + row + page("Something else happened here.", *SIGNED)))
    assert parts == {"Item 8.01": "Item 8.01 | Other Events.\nSomething else happened here."}


@pytest.mark.parametrize(
    "line",
    [
        "Item 1.01 of this report is incorporated by reference.",
        "Item 1.01 above describes the loan.",
        "Items 1.01 and 2.03 of this report are incorporated here.",
        "Item 1.99 does not exist.",
        "Itemized deductions of 1.01 million",
    ],
)
def test_a_line_that_speaks_of_an_item_is_no_heading(line):
    """A sentence that begins with an item's number belongs to the item in which it stands."""
    parts = read(document("8-K", page(*COVER, "Item 8.01 Other Events.", "The board met.", line, *SIGNED)))
    assert list(parts) == ["Item 8.01"]
    assert parts["Item 8.01"].endswith(line)


def test_one_heading_may_have_several_numbers():
    """Text that answers two items at once is one part that names both."""
    parts = read(
        document("8-K", page(*COVER, "Items 2.02 and 7.01. Results; Regulation FD.", "Sales rose.", *SIGNED))
    )
    assert list(parts) == ["Items 2.02, 7.01"]


def test_a_table_of_contents_is_not_taken_for_the_items():
    """Entries without text give way to the items themselves, a SIGNATURE entry ends nothing."""
    contents = ("TABLE OF CONTENTS", "Item 2.02 Results", "Item 9.01 Exhibits", "SIGNATURE")
    text = (
        "Item 2.02 Results",
        "Sales rose by a tenth in the quarter.",
        "Item 9.01 Exhibits",
        "99.1 Press release",
    )
    parts = read(document("8-K", page(*COVER, *contents, *text, *SIGNED)))
    assert parts["Item 2.02"] == "Item 2.02 Results\nSales rose by a tenth in the quarter."
    assert parts["Item 9.01"] == "Item 9.01 Exhibits\n99.1 Press release"


def test_an_item_that_goes_on_under_a_second_heading_is_one_part():
    """A heading with "(continued)" adds to its item."""
    lines = (
        "Item 8.01 Other Events.",
        "The first half of the story.",
        "Item 7.01 Regulation FD.",
        "Slides were shown.",
    )
    more = ("Item 8.01 Other Events (continued).", "The second half of the story.")
    parts = read(document("8-K", page(*COVER, *lines, *more, *SIGNED)))
    assert list(parts) == ["Item 8.01", "Item 7.01"]
    assert parts["Item 8.01"].splitlines()[1::2] == [
        "The first half of the story.",
        "The second half of the story.",
    ]


def test_headings_of_the_forms_sections_are_no_text():
    """A line like "Section 5 - Corporate Governance" stands before the next item and belongs to none."""
    lines = (
        "Item 8.01 Other Events.",
        "The board met today.",
        "Section 9 - Financial Statements",
        "Item 9.01 Exhibits.",
    )
    parts = read(document("8-K", page(*COVER, *lines, "None are filed with this.", *SIGNED)))
    assert parts["Item 8.01"] == "Item 8.01 Other Events.\nThe board met today."


def test_declared_items_are_looked_for_inside_lines():
    """A filing set without line breaks is divided by the items that its filer declared."""
    run = "Date of report today. Item 3.02. Unregistered Sales. We sold shares. Item 8.01. Other Events. We met."
    parts = read(document("8-K", page(run)), items=("3.02", "8.01"))
    assert parts["Item 3.02"] == "Item 3.02. Unregistered Sales. We sold shares."
    assert parts["Item 8.01"] == "Item 8.01. Other Events. We met."


def test_the_old_8k_has_items_of_its_own():
    """Before August 2004 items had whole numbers; the text was wrapped by hand."""
    old = (
        "                FORM 8-K\n\n<PAGE>\nITEM 5.    OTHER EVENTS\n           ------------\n"
        "     The company said on Monday that it had sold its mill for five million\ndollars in cash.\n\n"
        "ITEM 7.  EXHIBITS\n     (c)      99   Release of the company\n<PAGE>\n        SIGNATURES\nsigned\n"
    )
    parts = read(document("8-K", old))
    assert list(parts) == ["Item 5", "Item 7"]
    assert "sold its mill for five million dollars in cash." in parts["Item 5"]


def test_a_heading_under_a_full_line_begins_a_line():
    """Wrapped text without an empty line before the next item does not swallow it."""
    old = "ITEM 5. OTHER EVENTS\n\nThe company said on Monday that it had sold its old mill.\nITEM 7. EXHIBITS\n\nNone of them is here.\n"
    assert list(read(document("8-K", old))) == ["Item 5", "Item 7"]


def test_double_spaced_text_is_read_as_if_it_were_not():
    """Copies with an empty line after each line keep their paragraphs."""
    text = "Item 5. Other Events\n\nThe company said on Monday that it had sold its mill for five\n\nmillion dollars.\n\n"
    parts = read(document("8-K", text + "SIGNATURES\n\nx"))
    assert parts["Item 5"].endswith("sold its mill for five million dollars.")


def test_an_8k_without_items_gives_its_lead():
    """Where no item can be told, what follows the cover page is shown."""
    assert read(document("8-K", page(*COVER, "We have news.", *SIGNED))) == {"8-K": "We have news."}


PROSPECTUS = (
    "Filed Pursuant to Rule 424(b)(5)",
    "PROSPECTUS SUPPLEMENT",
    "Example Corp.",
    "1,000,000 Shares of Common Stock",
    "We are offering 1,000,000 shares at $2.00 per share.",
    "The last price was $2.50.",
    "An underwriter is named here.",
    "The date of this prospectus is today.",
    "TABLE OF CONTENTS",
    "The Offering",
    "S-2",
    "Use of Proceeds",
    "S-3",
    "THE OFFERING",
    "Shares offered: 1,000,000. " + "Terms of the shares follow here. " * 8,
    "RISK FACTORS",
    "Much can go wrong. " * 30,
    "USE OF PROCEEDS",
    "We estimate net proceeds of $1.8 million. " * 6,
    "DILUTION",
    "You will lose $0.75 per share at once. " * 8,
    "UNDERWRITING",
    "An agreement was made.",
)


def test_a_prospectus_gives_cover_offering_proceeds_and_dilution():
    """The four parts that hold a deal's terms; entries of the table of contents are passed over."""
    parts = read(document("424B5", page(*PROSPECTUS)))
    assert list(parts) == ["Cover", "The Offering", "Use of Proceeds", "Dilution"]
    assert "at $2.00 per share" in parts["Cover"]
    assert "TABLE OF CONTENTS" not in parts["Cover"]
    assert "Much can go wrong" not in parts["The Offering"]
    assert "An agreement" not in parts["Dilution"]


def test_the_last_entry_of_the_contents_is_no_section():
    """What follows a page number is not the text of the heading before it."""
    contents = (*PROSPECTUS[:9], "Dilution", "S-4", "About this document there is much to say. " * 20)
    parts = read(document("424B5", page(*contents, *PROSPECTUS[13:])))
    assert "About this document" not in parts["Dilution"]


def test_a_registration_statement_begins_with_its_prospectus():
    """The facing page of an S-1, which has boxes to check, is left out."""
    facing = (
        "As filed with the Commission",
        "FORM S-1",
        "Check the following box",
        "SUBJECT TO COMPLETION, DATED TODAY",
    )
    parts = read(document("S-1", page(*facing, *PROSPECTUS[1:])))
    assert parts["Cover"].startswith("SUBJECT TO COMPLETION")


def test_a_13d_page_gives_the_purpose_first_and_the_cover_table():
    """Item 4 leads; holder, amount and per cent are taken from the rows of the cover page."""
    rows = (
        "<table><tr><td>1</td><td>NAMES OF REPORTING PERSONS<br>Example Fund LP</td></tr>"
        "<tr><td>11</td><td>AGGREGATE AMOUNT BENEFICIALLY OWNED</td><td>1,500,000</td></tr>"
        "<tr><td>13</td><td>PERCENT OF CLASS REPRESENTED BY AMOUNT IN ROW (11)</td><td>7.5</td><td>%</td></tr></table>"
    )
    items = (
        "Item 2. Identity and Background.",
        "A fund.",
        "Item 4. Purpose of Transaction.",
        "To seek a sale.",
    )
    more = ("Item 5. Interest in Securities.", "1,500,000 shares, 7.5%.", "SIGNATURE", "By: someone")
    parts = read(document("SC 13D", "<html><body>" + rows + page(*items, *more)))
    assert list(parts) == ["Item 4", "Cover", "Item 5", "Item 2"]
    assert "Example Fund LP" in parts["Cover"]
    assert "1,500,000" in parts["Cover"]
    assert "7.5%" in parts["Cover"]
    assert "someone" not in parts["Item 5"]


def test_a_cover_whose_values_stand_below_their_labels_is_read():
    """A label without a figure takes the next line as its value."""
    cover = (
        "Name of reporting person",
        "Example Fund LP",
        "Percent of class represented by amount in row 11",
        "7.5%",
    )
    parts = read(
        document("SC 13D", page(*cover, "Item 4. Purpose of Transaction.", "To seek a sale of the company."))
    )
    assert parts["Cover"].splitlines() == [" ".join(cover[:2]), " ".join(cover[2:])]


def test_a_13d_in_xml_is_read_by_its_elements():
    """Schedules come as XML since the end of 2024; purpose, holders and per cent are found by name."""
    xml = (
        '<XML>\n<?xml version="1.0"?>\n<edgarSubmission xmlns:com="urn:x"><formData><issuerName>Example Corp</issuerName>'
        "<reportingPersonName>Example Fund LP</reportingPersonName><aggregateAmountOwned>1500000</aggregateAmountOwned>"
        "<percentOfClass>7.5</percentOfClass><items1To7><item2><filingPersonName>Example Fund LP</filingPersonName></item2>"
        "<item4><transactionPurpose>To seek a sale of the company &amp; a seat on its board, for which it has a"
        " candidate.\nIt may sell.</transactionPurpose></item4></items1To7></formData></edgarSubmission>\n</XML>"
    )
    parts = read(document("SCHEDULE 13D", xml))
    assert list(parts) == ["Item 4", "Cover", "Item 2"]
    assert parts["Item 4"].startswith("To seek a sale of the company & a seat")
    assert "Percent of class: 7.5%" in parts["Cover"].splitlines()
    assert parts["Item 2"] == "Filing person name: Example Fund LP"


def test_a_6k_that_only_covers_a_release_gives_the_release_first():
    """A cover page with a list of exhibits is less than the exhibit; a report of its own leads."""
    release = document("EX-99.1", page("The company sold its mill."))
    cover = ("FORM 6-K", "Indicate by check mark: Form 20-F ☒ Form 40-F ☐")
    assert list(read(document("6-K", page(*cover, "EXHIBIT INDEX")), release)) == ["EX-99.1", "6-K"]
    assert list(read(document("6-K", page(*cover, "A long report. " * 60)), release)) == ["6-K", "EX-99.1"]


def test_other_forms_give_the_lead_of_the_main_document():
    """A form without rules of its own shows how it begins."""
    assert read(document("DEFM14A", page("A merger is proposed."))) == {"DEFM14A": "A merger is proposed."}


def test_a_page_alone_is_the_main_document():
    """HTML without a submission around it is read by the form that the feed gave."""
    parts = read(page(*COVER, "Item 8.01 Other Events.", "The board met today."), form="8-K")
    assert list(parts) == ["Item 8.01"]
    assert read_submission(page("x y").encode(), form="10-Q").form == "10-Q"


@pytest.mark.parametrize("end", ["", "</TEXT>\n", "</DOCUMENT>\n"])
def test_missing_end_tags_and_a_cut_body_lose_nothing_that_came(end):
    """Documents end where the next one starts, or with the body."""
    whole = document("8-K", page(*COVER, "Item 8.01 Other Events.", "The board met."), end=end)
    parts = read(whole, document("EX-99.1", "<html><p>Half a rele", end=""))
    assert parts == {"Item 8.01": "Item 8.01 Other Events.\nThe board met.", "EX-99.1": "Half a rele"}


def test_what_cannot_be_read_is_passed_over():
    """Pictures, archives, data files and uuencoded PDF are no text, whatever they claim to be."""
    junk = [
        document("GRAPHIC", "begin 644 a.jpg\nM123\nend"),
        document("EX-99.2", "<PDF>\nbegin 644 a.pdf\nM123\nend\n</PDF>"),
        document("EX-101.INS", "<XBRL>data</XBRL>"),
        document("ZIP", "begin 644 a.zip"),
        document("XML", "<x>1</x>"),
    ]
    main = document("8-K", page("Item 8.01 Other Events.", "The board met."))
    assert list(read(junk[0], main, *junk[1:])) == ["Item 8.01"]
    with pytest.raises(ParseError):
        read(*junk)


@pytest.mark.parametrize(
    "body", [b"", b"   \n", b"<html><body></body></html>", b"<SEC-HEADER>x\nACCESSION NUMBER: 1\n"]
)
def test_nothing_to_read_is_a_parse_error(body):
    """An empty body, an empty page and a header alone are refused by name."""
    with pytest.raises(ParseError, match="no text"):
        read_submission(body)


def test_text_that_nobody_sees_is_left_out():
    """Hidden inline XBRL, scripts, comments and elements that are not displayed are no text of the filing."""
    hidden = (
        "<div style='display:none'><ix:header><ix:hidden>false</ix:hidden></ix:header><div>deep</div>unseen</div>"
        "<script>code()</script><!-- note --><style>p {}</style><span hidden>no</span><font style='font-size:0.0pt'>not</font><p style='display: none'>nor"
        "<p>Seen &amp; told.</p>"
    )
    assert read(document("10-Q", f"<html><head><title>T</title></head><body>{hidden}")) == {
        "10-Q": "Seen & told."
    }


def test_an_inline_xbrl_header_is_left_out_where_nothing_hides_it():
    """Its facts are no text, though no style says so."""
    header = "<ix:header><ix:hidden><ix:nonNumeric>0001234567</ix:nonNumeric></ix:hidden></ix:header>"
    assert read(document("10-Q", f"<html>{header}<p>Seen.</p>")) == {"10-Q": "Seen."}


def test_a_page_laid_out_in_a_table_keeps_its_paragraphs():
    """A page in one cell, or a long text beside its label, is lines, not one row."""
    one = "<html><table><tr><td><p>One.</p><p>Two.</p></td></tr></table>"
    assert page_lines(one) == ["One.", "Two."]
    long = "Long text. " * 200
    two = f"<html><table><tr><td>Label</td><td><p>First.</p><p>{long}</p></td></tr></table>"
    assert page_lines(two) == ["Label | First.", long.strip()]


def test_of_a_page_only_the_beginning_is_read():
    """What lies behind the bounds of page and submission is not looked at."""
    assert page_lines("<p>a</p>" + " " * MAX_PAGE_CHARS + "<p>b</p>") == ["a"]
    main = document("8-K", page("Item 8.01 Other Events.", "The board met today."))
    picture = document("GRAPHIC", "begin 644 a.jpg\n" + "M" * MAX_SUBMISSION_BYTES)
    assert list(read(main, picture, document("EX-99.1", page("Too late.")))) == ["Item 8.01"]


def test_rows_of_a_table_stay_together():
    """Cells are divided, empty ones go, and a sign in a cell of its own joins its figure."""
    row = (
        "<tr><td>Net loss</td><td></td><td>$</td><td>(</td><td>1,250</td><td>)</td><td>12</td><td>%</td></tr>"
    )
    text = read(document("10-Q", f"<html><table>{row}<tr><td>•</td><td><p>A point</p></td></tr></table>"))[
        "10-Q"
    ]
    assert text == "Net loss | $(1,250) | 12%\n• A point"


def test_windows_letters_and_a_letter_cut_in_two_are_read():
    """Bytes that are no UTF-8 are Windows'; a body that ends within a letter is not for that."""
    body = page("“Quoted” – and cut: ").encode("cp1252")
    assert read_submission(body, form="10-Q").parts[0].text == "“Quoted” – and cut:"
    cut = page("“Quoted”").encode() + "é".encode()[:1]
    assert read_submission(cut, form="10-Q").parts[0].text == "“Quoted”"


def test_exhibits_come_by_number():
    """EX-99.1 leads, in whatever order they were filed; only the first few are kept."""
    exhibits = [document(f"EX-99.{n}", page(f"Release {n}.")) for n in (10, 2, 1, 4, 3)]
    main = document("8-K", page("Item 8.01 Other Events.", "The board met today."))
    assert list(read(main, *exhibits)) == ["Item 8.01", "EX-99.1", "EX-99.2", "EX-99.3", "EX-99.4"]


def test_parts_and_the_whole_are_bounded():
    """A long filing is cut at the end of a sentence, and says so; short ones are not cut."""
    long = page(
        "Item 1.01 Entry.",
        "This is one more sentence. " * 2_000,
        "Item 8.01 Other.",
        "Short text here, whole.",
    )
    text = read_submission(document("8-K", long).encode())
    assert text.cut
    assert [part.name for part in text.parts] == ["Item 1.01", "Item 8.01"]
    assert len(text.parts[0].text) <= MAX_PART_CHARS
    assert text.parts[0].text.endswith("sentence.…")
    exhibits = [document(f"EX-99.{n}", page("Words and words. " * 2_000)) for n in range(1, 9)]
    whole = read_submission("".join([document("8-K", long), *exhibits]).encode())
    assert sum(len(part.text) for part in whole.parts) <= MAX_CHARS
    little = read_submission("".join([document("8-K", long), *exhibits]).encode(), max_chars=5_000)
    assert 4_000 < sum(len(part.text) for part in little.parts) <= 5_000
    assert not read_submission(document("8-K", page("Item 8.01 Other Events.", "Short.")).encode()).cut


@given(st.binary(max_size=400), st.sampled_from(["8-K", "424B5", "SCHEDULE 13D", "6-K", "10-K", None]))
def test_any_bytes_give_text_or_a_parse_error(body, form):
    """Whatever comes, nothing but ParseError is raised and no bound is passed."""
    try:
        text = read_submission(body, form=form)
    except ParseError:
        return
    assert sum(len(part.text) for part in text.parts) <= MAX_CHARS


PIECES = [
    "<DOCUMENT>\n",
    "<TYPE>8-K\n",
    "<TEXT>\n",
    "</TEXT>\n",
    "<p>",
    "</td>",
    "<td>",
    "<tr>",
    "<table>",
    "<!--",
    "-->",
]
PIECES += [
    "<div style='display:none'>",
    "</div>",
    "<pre>",
    "<title>",
    "Item 1.01 Entry\n",
    "Item 4.",
    "&#0;",
    "&nbsp;",
    "x ",
]
PIECES += [
    "<XML><edgarSubmission>",
    "<item4>",
    "</item4>",
    "<percentOfClass>",
    "SIGNATURES\n",
    "THE OFFERING\n",
    "\n\n",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=60), st.sampled_from(["8-K", "424B5", "SC 13G", "6-K", "S-1"])
)
def test_broken_markup_gives_text_or_a_parse_error(pieces, form):
    """Tags and headings in any order break nothing, and every part kept has text."""
    try:
        text = read_submission("".join(pieces).encode(), form=form, items=("1.01", "8.01"))
    except ParseError:
        return
    assert all(part.text and part.name for part in text.parts)
