"""Filings' documents: the address of a submission, and the parts of it that are worth reading.

Owns which parts of which form matter, their order and every bound on what is kept. Reading markup, items
and prospectuses is done in ``filing_*``. Does not fetch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from catalyst_ray.core.filing_items import Section, form_8k_sections
from catalyst_ray.core.filing_pages import page_lines
from catalyst_ray.core.filing_prospectus import prospectus_parts
from catalyst_ray.core.filing_stakes import is_stake_xml, stake_parts, xml_stake_parts
from catalyst_ray.core.filing_submission import Document, decode, split_submission
from catalyst_ray.errors import ParseError
from catalyst_ray.models import FilingPart, FilingText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import Item

MAX_CHARS = 24_000
MAX_PART_CHARS = 4_000
MAX_EXHIBITS = 4
_MAX_EXHIBIT_MARKUP = 600_000
_LEAD_LINES = 400
_COVER_ONLY_CHARS = 600

_ADDRESS = re.compile(
    r"/Archives/edgar/data/(\d{1,10})/(?:(\d{18})/)?(\d{10}-\d{2}-\d{6})(?:-index\.html?|\.txt)",
    re.IGNORECASE,
)

# What an 8-K's reader wants first. Exhibits come before the routine ones, the list of exhibits comes last.
_FIRST_ITEMS = (
    "1.03 4.02 3.01 2.04 5.01 1.01 2.01 3.02 1.02 1.05 2.06 2.05 2.02 8.01 7.01 2.03 3.03 5.02 4.01 1.04"
)
_FIRST_OLD_ITEMS = "1 3 2 4 12 5 9 6 8 10 11"
_ITEM_RANKS = {number: rank for rank, number in enumerate(_FIRST_ITEMS.split())}
_ITEM_RANKS |= {number: rank for rank, number in enumerate(_FIRST_OLD_ITEMS.split())}
_ROUTINE, _EXHIBIT_LIST = 100, 1_000
_ITEM_RANKS |= dict.fromkeys(("9.01", "7"), _EXHIBIT_LIST)

_COVER_END = re.compile(
    r"form\s+40-?f|rule\s+101\(b\)|transition\s+period\s+for\s+complying|emerging\s+growth\s+company|12g3-2|82-_",
    re.IGNORECASE,
)
_RELEASE_HEAD = re.compile(
    r"\W*(?:exhibit\s*\(?99.{0,8}|ex-99.{0,8}|for immediate release|press release|news release|news|for release.{0,60})\W*",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"\W*SIGNATURES?\W*", re.IGNORECASE)
_PROSPECTUS = re.compile(r"(?:424B|S-[13]|F-[13]|SUPPL)", re.IGNORECASE)
_STAKE = re.compile(r"(?:SC|SCHEDULE) 13[DG]", re.IGNORECASE)


def submission_url(item: Item) -> str | None:
    """Return the address of a filing's full submission text, on the host of its link; None if there is none.

    Source: https://www.sec.gov/search-filings/edgar-search-assistance/accessing-edgar-data
    """
    try:
        parts = urlsplit(item.url)
    except ValueError:
        return None
    match = _ADDRESS.fullmatch(parts.path)
    if match is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    cik, folder, accession = match[1], match[2], match[3]
    digits = accession.replace("-", "")
    if (folder and folder != digits) or (item.accession and item.accession != accession):
        return None
    path = f"/Archives/edgar/data/{int(cik)}/{digits}/{accession}.txt"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))


def read_submission(
    body: bytes,
    *,
    form: str | None = None,
    items: Sequence[str] = (),
    max_chars: int = MAX_CHARS,
    max_part_chars: int = MAX_PART_CHARS,
) -> FilingText:
    """Read a full submission, or a main document alone, into the parts that matter.

    ``form`` and ``items`` are what the feed said: the form leads where the submission does not say, items
    that it declares are looked for harder. Needs time linear in the (bounded) body.

    Raises:
        ParseError: It holds nothing that can be read.
    """
    named, documents = split_submission(decode(body))
    main = _main_document(documents, (form or named).upper())
    exhibits = _exhibits(documents)
    kind = (main.type if main else "") or (form or named).upper()
    parts = _parts(kind, main, exhibits, items)
    kept, is_cut = _bounded(parts, max_chars, max_part_chars)
    if not kept:
        raise ParseError("the filing holds no text that can be read", hint="it may be a scan or a data file")
    return FilingText(form=kind, parts=tuple(kept), cut=is_cut)


def _main_document(documents: Sequence[Document], form: str) -> Document | None:
    own = [document for document in documents if not document.is_exhibit]
    named = (document for document in own if form and document.type == form)
    return next(named, None) or next(iter(own), None)


def _exhibits(documents: Sequence[Document]) -> list[Document]:
    found = [document for document in documents if document.type.startswith("EX-99")]
    return sorted(found, key=_exhibit_rank)[:MAX_EXHIBITS]


def _exhibit_rank(document: Document) -> int:
    digits = re.search(r"\d{1,3}\b", document.type[5:])
    return int(digits[0]) if digits else 0


def _parts(
    form: str, main: Document | None, exhibits: Sequence[Document], items: Sequence[str]
) -> list[FilingPart]:
    releases = [_release(document) for document in exhibits]
    if main is None:
        return releases
    if is_stake_xml(main.text):
        return xml_stake_parts(main.text) + releases
    lines = page_lines(main.text)
    if _PROSPECTUS.match(form):
        return prospectus_parts(lines, form)
    if form.startswith("8-K") or items:
        return _form_8k(form, lines, releases, items)
    if form.startswith("6-K"):
        lead = _lead(form, _without_cover(lines))
        # A 6-K is often a cover page only: then what it covers comes first.
        return [lead, *releases] if len(lead.text) > _COVER_ONLY_CHARS else [*releases, lead]
    stake = stake_parts(lines) if _STAKE.match(form) else []
    return [*(stake or [_lead(form, lines)]), *releases]


def _form_8k(
    form: str, lines: Sequence[str], releases: Sequence[FilingPart], items: Sequence[str]
) -> list[FilingPart]:
    sections = sorted(form_8k_sections(lines, items), key=_rank)
    if not sections:
        return [_lead(form, _without_cover(lines)), *releases]
    telling = [_item_part(section) for section in sections if _rank(section) < _ROUTINE]
    routine = [_item_part(section) for section in sections if _rank(section) >= _ROUTINE]
    return [*telling, *releases, *routine]


def _rank(section: Section) -> int:
    return min(_ITEM_RANKS.get(number, _ROUTINE) for number in section.numbers)


def _item_part(section: Section) -> FilingPart:
    numbers = section.numbers
    name = f"Item {numbers[0]}" if len(numbers) == 1 else f"Items {', '.join(numbers)}"
    return FilingPart(name, section.text)


def _release(document: Document) -> FilingPart:
    lines = page_lines(document.text[:_MAX_EXHIBIT_MARKUP])
    start = 0
    while start < min(6, len(lines)) and _RELEASE_HEAD.fullmatch(lines[start]):
        start += 1
    return _lead(document.type, lines[start:])


def _lead(name: str, lines: Sequence[str]) -> FilingPart:
    return FilingPart(name or "Document", "\n".join(lines[:_LEAD_LINES]))


def _without_cover(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines after the cover page's last box to check, up to the signatures."""
    ends = [at for at, line in enumerate(lines[:80]) if _COVER_END.search(line)]
    body = lines[ends[-1] + 1 :] if ends else lines
    signed = next((at for at, line in enumerate(body) if _SIGNATURE.fullmatch(line)), len(body))
    return body[:signed] or body or lines


def _bounded(
    parts: Sequence[FilingPart], max_chars: int, max_part_chars: int
) -> tuple[list[FilingPart], bool]:
    kept: list[FilingPart] = []
    left, is_cut = max_chars, False
    for part in parts:
        if not part.text:
            continue
        text = _clipped(part.text, min(left, max_part_chars))
        is_cut = is_cut or text != part.text
        if text:
            kept.append(FilingPart(part.name, text))
            left -= len(text)
    return kept, is_cut


def _clipped(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, ending with a line or a sentence where one ends late enough."""
    if len(text) <= limit:
        return text
    if limit < 200:
        return ""
    head = text[: limit - 1]
    end = max(head.rfind("\n"), head.rfind(". ") + 1)
    return head[: end if end > limit // 2 else limit - 1].rstrip() + "…"
