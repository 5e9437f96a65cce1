"""Dates of feeds: strings in any common form to aware UTC datetimes, and whether they can be true.

Owns the reading of dates and zones. Does not know the time: the caller passes when the answer came.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from catalyst_ray.core.reasons import Code

MAX_SKEW = timedelta(minutes=10)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
# RFC 822 names and those that newswires write; the two-letter ones follow daylight saving.
_ZONE_HOURS = {
    "": 0, "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "BST": 1, "WEST": 1,
    "CET": 1, "MEZ": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "GST": 4, "IST": 5.5, "HKT": 8, "SGT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_US_ZONES = {
    "ET": "America/New_York", "EASTERN": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}  # fmt: skip

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?\s*(?P<zone>[A-Za-z]{1,7}|(?:UTC|GMT)?[+-]\d{1,2}:?(?:\d{2})?)?"
)
_WEEKDAY = r"(?:[A-Za-z]{3,9}\.?,?\s+)?"
_COMPACT_DAY = r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # Thu, 16 Jul 2026 15:45 GMT; 16-Jul-26 15:45:00 -0400
        _WEEKDAY
        + rf"(?P<day>\d{{1,2}})[\s-]+(?P<month>[a-z]{{3,9}})\.?,?[\s-]+(?P<year>\d{{2}}|\d{{4}})(?:,?\s+{_TIME})?",
        # July 16, 2026 11:39 AM ET
        _WEEKDAY
        + rf"(?P<month>[a-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})(?:,?\s+(?:at\s+)?{_TIME})?",
        # 2026-07-16T15:45:00.123-04:00; 2026/07/16 15:45; 2026-07-16
        rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?:(?:\s?T\s?|\s){_TIME})?",
        # 20260716T15:45:00Z; 20260716T154500Z; 20260716
        _COMPACT_DAY + rf"\s?T?\s?{_TIME}",
        _COMPACT_DAY + r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?\s*(?P<zone>Z|[+-]\d{4})?)?",
        # Thu Jul 16 15:45:00 2026; Thu Jul 16 15:45:00 EDT 2026
        _WEEKDAY
        + r"(?P<month>[a-z]{3})\s+(?P<day>\d{1,2})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})\s+(?:(?P<zone>[A-Z]{1,5}|[+-]\d{4})\s+)?(?P<year>\d{4})",
    )
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d{1,9})?|\d{12,13}")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)


def parse_date(text: str) -> datetime | None:
    """Return the moment that a date string names, aware, in UTC; None for nonsense.

    Reads RFC 822 (also without seconds, with two-digit years and named zones), ISO 8601, dates as US
    newswires write them, and epoch seconds or milliseconds. No zone means UTC; an unknown zone is
    nonsense, since a guess could be wrong by hours. Numeric day/month order is never guessed.
    """
    return _read(text[:100])


@lru_cache(maxsize=8_192)  # a poll brings mostly what the poll before it brought
def _read(text: str) -> datetime | None:
    text = " ".join(text.split())
    if _EPOCH.fullmatch(text):
        return parse_epoch(float(text))
    for form in _FORMS:
        match = form.fullmatch(text)
        if match:
            return _moment({name: value or "" for name, value in match.groupdict().items()})
    return None


def parse_epoch(seconds: float) -> datetime | None:
    """Return the moment of an epoch time in seconds or milliseconds; None outside 1990 to 2100."""
    if seconds >= LATEST.timestamp():
        seconds /= 1000
    if not EARLIEST.timestamp() <= seconds < LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _moment(part: dict[str, str]) -> datetime | None:
    zone = _zone(part.get("zone", ""))
    hour = _hour(int(part.get("hour") or 0), part.get("half", "")[:1].lower())
    if zone is None or hour is None:
        return None
    year = int(part["year"])
    if len(part["year"]) == 2:
        year += 2000 if year < 69 else 1900  # POSIX: 69 to 99 are of the last century
    month = part["month"]
    minute, second = int(part.get("minute") or 0), int(part.get("second") or 0)
    if hour > 24 or (hour == 24 and (minute or second)):
        return None
    try:
        local = datetime(
            year,
            int(month) if month.isdigit() else _MONTHS.get(month[:3].lower(), 0),
            int(part["day"]),
            hour % 24,
            minute,
            59 if second == 60 else second,  # a leap second is the last one of its minute here
            int((part.get("fraction") or "0").ljust(6, "0")[:6]),
            zone,
        )
        if hour == 24:
            local += timedelta(days=1)  # as ISO 8601 may write the end of a day
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _hour(hour: int, half: str) -> int | None:
    if not half:
        return hour
    return hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo | None:
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(sign * timedelta(minutes=minutes)) if minutes <= 14 * 60 else None
    name = name.upper()
    if name in _US_ZONES:
        return ZoneInfo(_US_ZONES[name])
    hours = _ZONE_HOURS.get(name)
    return None if hours is None else timezone(timedelta(hours=hours))


def sane_published(when: datetime | None, received_utc: datetime) -> tuple[datetime | None, str | None]:
    """Return a publishing time that can be true, and the code of what was wrong with it, if anything.

    A clock up to ten minutes ahead is clamped to ``received_utc``; a later time is dropped
    (``date_in_future``), and so is one before 1990 (``date_before_1990``).
    """
    if when is None:
        return None, None
    if when < EARLIEST:
        return None, Code.DATE_BEFORE_1990
    if when > received_utc + MAX_SKEW:
        return None, Code.DATE_IN_FUTURE
    return min(when, received_utc), None
