"""EDGAR's Atom feeds of filings: ``getcurrent`` (all companies) and ``getcompany`` (one).

Owns form, items, accession number and parties of a filing, and the headline made of them. EDGAR lists a
filing once for each party; here it is one item. Well-formed pages are read with ElementTree (twenty
times as fast as feedparser), the rest with feedparser; both give the same.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from catalyst_ray.core.assemble import (
    MAX_SUMMARY_CHARS,
    MAX_TITLE_CHARS,
    Notes,
    absolute_url,
    published_utc,
)
from catalyst_ray.core.feed_bytes import MAX_ENTRIES, not_a_feed
from catalyst_ray.core.identity import accession_in, accession_of_url, filing_key
from catalyst_ray.core.parse_rss import read_entries
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.text import html_to_text, one_line
from catalyst_ray.models import Item, ItemKind, ParsedFeed, Party

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalyst_ray.models import FeedSpec, Fetched

_ATOM = "{http://www.w3.org/2005/Atom}"
MAX_PARTIES = 100

# As in: 8-K - ACME CORP (0001234567) (Filer)
_TITLE = re.compile(
    r"(?P<form>\S.{0,40}?)\s+-\s+(?P<name>.+?)\s+\((?P<cik>\d{1,10})\)\s+\((?P<role>[^()]{1,40})\)"
)
_FILING_ITEM = re.compile(r"^Item\s+(\d{1,2}\.\d{2})\b:?[ \t]*(.*)$", re.MULTILINE | re.IGNORECASE)
_ITEM_LINE = re.compile(r"^Item\s.*$", re.MULTILINE | re.IGNORECASE)
_SUBJECT_ROLES = {"issuer", "subject"}
# Filings about a company that someone else makes: ownership, tender offers, insiders.
_ABOUT_FORM = re.compile(r"(?:SC|SCHEDULE) (?:13|TO)|(?:3|4|5|144)(?:/A)?$")
_BARE_FORM = re.compile(r"(?:\d+|[A-Z])(?:/A)?")
_EXHIBITS = "9.01"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFiling:
    """One EDGAR entry: a filing as listed for one of its parties."""

    title: str
    summary: str
    link: str
    updated: str
    form: str
    identifier: str


@dataclass(frozen=True, slots=True)
class _Entry:
    accession: str
    form: str
    party: Party | None
    raw: RawFiling


def parse_edgar(body: bytes, fetched: Fetched, spec: FeedSpec) -> ParsedFeed:
    """Read a page of filings; entries of one accession number become one item with all parties.

    Raises:
        ParseError: The bytes are no feed; EDGAR's refusals and its 503 page are named as such.
    """
    notes = Notes()
    filings, company = read_filings(body, fetched, notes)
    by_accession: dict[str, list[_Entry]] = {}
    for raw in filings[:MAX_ENTRIES]:
        entry = _entry(raw, company)
        if entry is None:
            notes.add(Code.NO_ACCESSION, raw.title)
        else:
            by_accession.setdefault(entry.accession, []).append(entry)
    items = tuple(_item(entries, fetched, spec, notes) for entries in by_accession.values())
    return ParsedFeed(feed=spec.name, items=items, entries=len(filings), notes=notes.reasons())


def read_filings(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[RawFiling], Party | None]:
    """Return the entries of a page, and the company that a ``getcompany`` page is about.

    Raises:
        ParseError: The bytes are no feed.
    """
    if b"<!DOCTYPE" not in body and b"<!ENTITY" not in body:  # ElementTree gets no entities to expand
        try:
            return _with_element_tree(body)
        except (ET.ParseError, ValueError, LookupError) as error:
            notes.add(Code.NOT_WELL_FORMED, str(error))
    return _with_feedparser(body, fetched, notes)


def _with_element_tree(body: bytes) -> tuple[list[RawFiling], Party | None]:
    root = ET.fromstring(body)  # noqa: S314  (no DTD comes here, expat bounds the rest)
    if root.tag != f"{_ATOM}feed":
        raise not_a_feed(body)
    filings = []
    for entry in root.iterfind(f"{_ATOM}entry"):
        link, category = entry.find(f"{_ATOM}link"), entry.find(f"{_ATOM}category")
        filings.append(
            RawFiling(
                title=entry.findtext(f"{_ATOM}title", ""),
                summary=entry.findtext(f"{_ATOM}summary", ""),
                link="" if link is None else link.get("href", ""),
                updated=entry.findtext(f"{_ATOM}updated", ""),
                form="" if category is None else category.get("term", ""),
                identifier=entry.findtext(f"{_ATOM}id", ""),
            )
        )
    company = root.find(f"{_ATOM}company-info")
    if company is None:
        return filings, None
    return filings, _company(
        company.findtext(f"{_ATOM}cik", ""), company.findtext(f"{_ATOM}conformed-name", "")
    )


def _with_feedparser(body: bytes, fetched: Fetched, notes: Notes) -> tuple[list[RawFiling], Party | None]:
    entries, feed = read_entries(body, fetched, notes)
    filings = [
        RawFiling(
            title=_text(entry, "title"),
            summary=_text(entry, "summary"),
            link=_text(entry, "link"),
            updated=_text(entry, "updated"),
            form=next((str(tag.get("term") or "") for tag in entry.get("tags") or ()), ""),
            identifier=_text(entry, "id"),
        )
        for entry in entries
    ]
    return filings, _company(_text(feed, "cik"), _text(feed, "conformed-name"))


def _text(holder: Mapping[str, object], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _company(cik: str, name: str) -> Party | None:
    cik, name = cik.strip(), one_line(name, limit=200)
    return Party(int(cik), name, "") if re.fullmatch(r"\d{1,10}", cik) and cik.isascii() and name else None


def _entry(raw: RawFiling, company: Party | None) -> _Entry | None:
    accession = accession_of_url(raw.link) or accession_in(raw.identifier) or accession_in(raw.summary)
    if accession is None:
        return None
    title = one_line(html_to_text(raw.title), limit=MAX_TITLE_CHARS)
    form = one_line(raw.form, limit=40).upper()
    named = _TITLE.fullmatch(title)
    if named:
        form = form or named["form"].upper()
        return _Entry(accession, form, Party(int(named["cik"]), named["name"], named["role"]), raw)
    form = form or title.partition(" - ")[0].strip().upper()
    role = "Subject" if _ABOUT_FORM.match(form) else "Filer"
    return _Entry(accession, form, Party(company.cik, company.name, role) if company else None, raw)


def _item(entries: Sequence[_Entry], fetched: Fetched, spec: FeedSpec, notes: Notes) -> Item:
    """Make one item of the entries of one accession number; the subject's entry leads."""
    leading = sorted(entries, key=lambda entry: _rank(entry.party))
    first = leading[0]
    summary = html_to_text(max((entry.raw.summary for entry in entries), key=len))
    numbered = dict(_FILING_ITEM.findall(summary)) if first.form.startswith("8-K") else {}
    parties = tuple(dict.fromkeys(entry.party for entry in leading if entry.party))[:MAX_PARTIES]
    return Item(
        key=filing_key(first.accession),
        feed=spec.name,
        source=spec.source or "SEC EDGAR",
        source_weight=spec.weight,
        kind=ItemKind.FILING,
        title=_headline(first.form, parties, numbered),
        summary="\n".join(_ITEM_LINE.findall(summary))[:MAX_SUMMARY_CHARS],
        url=absolute_url(fetched.url, first.raw.link),
        published_utc=published_utc(first.raw.updated, fetched.first_byte_utc, notes),
        received_utc=fetched.first_byte_utc,
        form=first.form or None,
        filing_items=tuple(numbered),
        accession=first.accession,
        parties=parties,
    )


def _rank(party: Party | None) -> int:
    """Order parties: whom it is about, then who files, then the rest."""
    role = party.role.lower() if party else ""
    return 0 if role in _SUBJECT_ROLES else 1 if role == "filer" else 2


def _headline(form: str, parties: Sequence[Party], numbered: Mapping[str, str]) -> str:
    subjects = [party.name for party in parties if party.role.lower() in _SUBJECT_ROLES]
    filers = [party.name for party in parties if party.role.lower() not in _SUBJECT_ROLES]
    paper = f"Form {form}" if _BARE_FORM.fullmatch(form) else form or "a filing"
    if filers and subjects and set(filers) != set(subjects):
        head = f"{_names(filers)} files {paper} on {_names(subjects)}"
    elif filers:
        head = f"{_names(filers)} files {paper}"
    elif subjects:
        head = f"{paper} on {_names(subjects)}"
    else:
        head = f"{paper[0].upper()}{paper[1:]}"
    what = "; ".join(_item_titles(numbered))
    return one_line(f"{head}: {what}" if what else head, limit=MAX_TITLE_CHARS)


def _names(names: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} and {len(distinct) - 1} more"


def _item_titles(numbered: Mapping[str, str]) -> list[str]:
    """Return what each item reports; exhibits are worth a word only when there is nothing else."""
    titles = _form_8k_items()
    telling = [number for number in numbered if number != _EXHIBITS] or list(numbered)
    return [titles.get(number) or numbered[number] or f"Item {number}" for number in telling]


@cache
def _form_8k_items() -> Mapping[str, str]:
    text = files("catalyst_ray.core").joinpath("data/form_8k.toml").read_text(encoding="utf-8")
    items: dict[str, str] = tomllib.loads(text)["items"]
    return items
