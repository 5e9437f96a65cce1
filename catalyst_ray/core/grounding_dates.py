"""Dates of a text, however they are written, and whether one bears out another.

Reads English months, ISO dates and the American order of slashes. Knows no clock: "today" and "next week" are words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS = {
    **{name: number for number, name in enumerate(_NAMES, start=1)},
    **{name[:3]: number for number, name in enumerate(_NAMES, start=1)},
    "sept": 9,
}
_MONTH = rf"(?P<month>{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?![\w%]|[.,]\d)"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\w)"
# "may 10 million shares be sold" holds no date.
_NO_COUNT = (
    r"(?![ -]?(?:%|percent|per cent|hundred|thousand|million|billion|trillion|shares|cents|days|times)\b)"
)
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w-])(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\w)",
        r"(?<![\w/])(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>(?:19|20)?\d\d)(?![\w/])",
        rf"\b{_MONTH} {_DAY}(?:,? {_YEAR})",
        rf"(?<![\w.,$-]){_DAY}(?: of)? {_MONTH},?(?: {_YEAR})",
        rf"\b{_MONTH},?(?: of)? {_YEAR}",
        rf"\b{_MONTH} {_DAY}{_NO_COUNT}",
        rf"(?<![\w.,$-]){_DAY}(?: of)? {_MONTH}(?!\w)",
    )
)
_MOST_MONTHS, _MOST_DAYS = 12, 31


class Date(NamedTuple):
    """A date as far as a text states it; None for what it leaves open."""

    year: int | None
    month: int
    day: int | None

    def bears_out(self, other: Date) -> bool:
        """Return whether a text that states this date states ``other``: "March 3" follows from "March 3, 2026"."""
        return self.month == other.month and other.day in {None, self.day} and other.year in {None, self.year}


def take_dates(flat: str) -> tuple[str, frozenset[Date]]:
    """Return a plain text with its dates blanked, and the dates; lengths and offsets stay."""
    found = set()
    for pattern in _DATES:
        for match in pattern.finditer(flat):
            date = _date(match)
            if date is not None:
                found.add(date)
                flat = flat[: match.start()] + " " * len(match[0]) + flat[match.end() :]
    return flat, frozenset(found)


def _date(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    day = int(parts["day"]) if parts.get("day") else None
    month = MONTHS.get(parts["month"]) or int(parts["month"])
    if month > _MOST_MONTHS and day is not None:
        month, day = day, month
    year = int(parts["year"]) if parts.get("year") else None
    if year is not None and year < 100:
        year += 2000
    is_one = 1 <= month <= _MOST_MONTHS and (day is None or 1 <= day <= _MOST_DAYS)
    return Date(year, month, day) if is_one else None
