"""Numbered items in the lines of a filing: Form 8-K, the old one too, and Schedules 13D and 13G.

Owns what is a heading and what only speaks of an item, and where cover page and signatures end the items.
Does not say which items matter.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

# The numbers of Form 8-K since August 2004 (1.01), as they are written: "Item 1.01", "ITEM 1. 01", "Item1.01Entry".
_NEW_NUMBER = r"(\d)[\s|]{0,3}[.:][\s|]{0,3}(\d\d)(?!\d)"
_NEW_HEADING = re.compile(rf"\W{{0,6}}items?[\s|.:#]{{0,6}}{_NEW_NUMBER}(.{{0,200}})", re.IGNORECASE)
_NEW_MORE = re.compile(
    rf"(?:[\s|.,;/&()a-e]|and\b){{1,12}}(?:items?[\s|.:]{{0,4}})?{_NEW_NUMBER}", re.IGNORECASE
)
_NEW_INSIDE = re.compile(rf"\bitems?\s{{1,3}}{_NEW_NUMBER}[\s.:|–—-]{{1,6}}(?=([^\W\d_]))", re.IGNORECASE)
_PLAIN_HEADING = re.compile(r"\W{0,6}items?[\s|.:#]{0,6}(\d{1,2})(?![\d.]*\d)(.{0,200})", re.IGNORECASE)
_PLAIN_MORE = re.compile(
    r"[\s|]{0,3}(?:,|and\b|&)[\s|]{0,3}(?:items?[\s|]{0,3})?(\d{1,2})(?![\d.]*\d)", re.IGNORECASE
)
# Words after a number that go on with a sentence: "Item 1.01 of this report is incorporated by reference".
_SPEAKS_OF = re.compile(
    r"(?:\([a-z0-9]\)|[\s|,;])*(?:of|above|below|is|are|was|were|hereof|hereto|herein|in|to|shall|will|and|or|by|under|with"
    r"|for|that|which|has|have|had|as|on|from|may|contains?|regarding|concerning|this|also|set)\b(?!\W*$)"
)
_SIGNATURE = re.compile(r"\W*S\s?I\s?G\s?N\s?A\s?T\s?U\s?R\s?E\s?S?(?:\s?PAGE)?\W*", re.IGNORECASE)
_SIGNING = re.compile(
    r"\W*pursuant to the requirements? of the securities (?:and )?exchange act of 1934,? .{0,200}\bsigned\b"
    r"|\W*after reasonable inquiry and to the best of",
    re.IGNORECASE,
)
_FORM_SECTION = re.compile(r"\W*section\s+\d{1,2}\W{1,6}\w.{0,120}", re.IGNORECASE)
_NO_BODY_CHARS = 20
_HEADING_CHARS = 200


@dataclass(slots=True)
class Section:
    """An item and its lines, the heading first; ``numbers`` has several where one text answers them all."""

    numbers: tuple[str, ...]
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the lines as text."""
        return "\n".join(self.lines)


def form_8k_sections(lines: Sequence[str], expected: Collection[str] = ()) -> list[Section]:
    """Return the items of a Form 8-K in the order of the page.

    ``expected`` are numbers that the filer declared; they are looked for inside lines, too, where no line
    begins with them.
    """
    sections = _sections(lines, _new_numbers)
    found = {number for section in sections for number in section.numbers}
    missing = {number for number in expected if number not in found} & _known_numbers()
    if missing:
        sections = _sections(_broken_before(lines, missing), _new_numbers) or sections
    return sections or _sections(lines, _old_numbers)


def schedule_sections(lines: Sequence[str]) -> list[Section]:
    """Return the items of a Schedule 13D or 13G (1 to 10)."""
    return _sections(lines, _old_numbers)


@cache
def _known_numbers() -> frozenset[str]:
    text = files("catalyst_ray.core").joinpath("data/form_8k.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["items"])


def _sections(lines: Sequence[str], numbers_of: Callable[[str], tuple[str, ...]]) -> list[Section]:
    marks = [(at, numbers) for at, line in enumerate(lines) if (numbers := numbers_of(line))]
    if not marks:
        return []
    stop = _signature(lines, after=marks[-1][0])
    by_first: dict[str, Section] = {}
    edges = [at for at, _ in marks[1:]] + [stop]
    for (at, numbers), end in zip(marks, edges, strict=True):
        section = Section(numbers, _without_form_sections(lines[at:end]))
        known = by_first.get(numbers[0])
        if known is None or _is_bare(known):
            # A table of contents comes first and has no text: the order is that of the text.
            by_first.pop(numbers[0], None)
            by_first[numbers[0]] = section
        elif not _is_bare(section):
            known.lines += section.lines
    return list(by_first.values())


def _is_bare(section: Section) -> bool:
    return len(section.lines[0]) < _HEADING_CHARS and sum(map(len, section.lines[1:])) < _NO_BODY_CHARS


def _without_form_sections(lines: Iterable[str]) -> list[str]:
    """Drop "Section 5 - Corporate Governance and Management", which stands before the next item."""
    return [line for line in lines if not _FORM_SECTION.fullmatch(line)]


def _signature(lines: Sequence[str], *, after: int) -> int:
    for at in range(after + 1, len(lines)):
        if _SIGNATURE.fullmatch(lines[at]) or _SIGNING.match(lines[at]):
            return at
    return len(lines)


def _new_numbers(line: str) -> tuple[str, ...]:
    match = _NEW_HEADING.match(line)
    if match is None:
        return ()
    numbers, rest = [f"{match[1]}.{match[2]}"], match[3]
    while more := _NEW_MORE.match(rest):
        numbers.append(f"{more[1]}.{more[2]}")
        rest = rest[more.end() :]
    known = tuple(number for number in dict.fromkeys(numbers) if number in _known_numbers())
    return () if _SPEAKS_OF.match(rest) else known


def _old_numbers(line: str) -> tuple[str, ...]:
    match = _PLAIN_HEADING.match(line)
    if match is None:
        return ()
    numbers, rest = [int(match[1])], match[2]
    while more := _PLAIN_MORE.match(rest):
        numbers.append(int(more[1]))
        rest = rest[more.end() :]
    known = tuple(str(number) for number in dict.fromkeys(numbers) if 1 <= number <= 12)
    return () if _SPEAKS_OF.match(rest) else known


def _broken_before(lines: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Return the lines, broken where a wanted item begins inside one and a title follows its number."""
    broken: list[str] = []
    for line in lines:
        start = 0
        for match in _NEW_INSIDE.finditer(line):
            if f"{match[1]}.{match[2]}" in wanted and match[3].isupper() and match.start() > start:
                broken.append(line[start : match.start()].rstrip())
                start = match.start()
        broken.append(line[start:])
    return broken
