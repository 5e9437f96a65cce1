"""Schedules 13D and 13G: who holds how much, and why; as pages and, since December 2024, as XML.

Owns the cover page's figures and the order in which a reader wants the items. Source of the element names:
EDGAR Schedule 13D and 13G XML Technical Specification (SEC).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from catalyst_ray.core.filing_items import Section, schedule_sections
from catalyst_ray.core.text import one_line
from catalyst_ray.models import FilingPart

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COVER_LINES = 60
_ORDER = ("4", "5", "2", "3", "6")
_IS_XML = re.compile(
    r"\s*(?:<XML>\s*)?(?:<\?xml[^<>]{0,200}>\s*)?<(?:\w{1,20}:)?edgarSubmission\b", re.IGNORECASE
)
_ELEMENT = re.compile(r"<(/?+)(?:\w{1,20}:)?([a-zA-Z]\w{0,100}+)([^<>]*+)>([^<]*+)")
_ITEM = re.compile(r"item(\d{1,2})")
_COVER_WORDS = {
    "issuername": "Issuer",
    "securitiesclasstitle": "Class",
    "dateofevent": "Date of event",
    "eventdaterequiresfilingthisstatement": "Date of event",
    "amendmentno": "Amendment number",
    "reportingpersonname": "Reporting person",
    "aggregateamountowned": "Aggregate amount owned",
    "reportingpersonbeneficiallyownedaggregatenumberofshares": "Aggregate amount owned",
    "percentofclass": "Percent of class",
    "classpercent": "Percent of class",
}
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROSE_CHARS = 60
_COVER_LABEL = re.compile(
    r"(?:\W|\d)*(?:\([a-z0-9]+\)|\|)*\s*(?:(names?\s+of\s+(?:the\s+)?(?:reporting|issuer))|aggregate\s+amount|percent\s+of\s+class)",
    re.IGNORECASE,
)
_HAS_FIGURE = re.compile(r"\d%|\d[\d,.]{2,}|-0-|\|\s*\d")


def is_stake_xml(text: str) -> bool:
    """Return whether a document is the XML of a schedule."""
    return _IS_XML.match(text) is not None


def xml_stake_parts(text: str) -> list[FilingPart]:
    """Return the parts of a schedule filed as XML: items in order of importance, and the cover."""
    cover: list[str] = []
    items: dict[str, list[str]] = {}
    current = ""
    for is_end, name, rest, content in _ELEMENT.findall(text):
        item = _ITEM.fullmatch(name.lower())
        if item:
            current = "" if is_end or rest.endswith("/") else item[1]
        lines = [line for raw in html.unescape(content).splitlines() if (line := one_line(raw))]
        if is_end or not lines:
            continue
        label = _COVER_WORDS.get(name.lower(), "")
        if current:
            items.setdefault(current, []).extend(_worded(name, lines))
        elif label and len(cover) < MAX_COVER_LINES:
            unit = "%" if label == "Percent of class" and not lines[0].endswith("%") else ""
            cover.append(f"{label}: {lines[0]}{unit}")
    return _ordered([Section((number,), lines) for number, lines in items.items()], cover)


def stake_parts(lines: Sequence[str]) -> list[FilingPart]:
    """Return the parts of a schedule filed as a page."""
    sections = schedule_sections(lines)
    first = sections[0].lines[0] if sections else ""
    end = lines.index(first) if first in lines else len(lines)
    return _ordered(sections, _cover(lines[:end]))


def _worded(name: str, lines: list[str]) -> list[str]:
    if len(lines) > 1 or len(lines[0]) >= _PROSE_CHARS:
        return lines
    words = _WORD_START.sub(" ", name).lower()
    return [f"{words[0].upper()}{words[1:]}: {lines[0]}"]


def _cover(lines: Sequence[str]) -> list[str]:
    """Return name, amount and per cent of each reporting person; a value may stand on the next line."""
    cover: list[str] = []
    for at, line in enumerate(lines):
        label = _COVER_LABEL.match(line)
        if label is None or len(cover) >= MAX_COVER_LINES:
            continue
        after = lines[at + 1] if at + 1 < len(lines) else ""
        has_value = line.count(" | ") > 1 if label[1] else _HAS_FIGURE.search(line[label.end() :])
        cover.append(line if has_value else f"{line} {after}".strip())
    return cover


def _ordered(sections: Sequence[Section], cover: Sequence[str]) -> list[FilingPart]:
    by_number = {number: section for section in sections for number in section.numbers}
    parts = [FilingPart(f"Item {number}", by_number[number].text) for number in _ORDER if number in by_number]
    if cover:
        parts.insert(min(1, len(parts)), FilingPart("Cover", "\n".join(cover)))
    return parts
