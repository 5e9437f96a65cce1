from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.dates import parse_date, sane_published

NOON = datetime(2026, 7, 16, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Thu, 16 Jul 2026 15:45:00 GMT", "2026-07-16T15:45:00"),
        ("Fri, 02 Oct 2026 18:06 GMT", "2026-10-02T18:06:00"),
        ("Fri, 2 Oct 2026 18:33:00 +0000", "2026-10-02T18:33:00"),
        ("16 Jul 26 11:45:00 -0400", "2026-07-16T15:45:00"),
        ("Thu, 16 Jul 2026 11:45:00 EDT", "2026-07-16T15:45:00"),
        ("Fri, 16 Jan 2026 11:45 EST", "2026-01-16T16:45:00"),
        ("Thu, 16 Jul 2026 11:45 ET", "2026-07-16T15:45:00"),
        ("Fri, 16 Jan 2026 11:45 ET", "2026-01-16T16:45:00"),
        ("July 16, 2026 1:05 PM PST", "2026-07-16T21:05:00"),
        ("Thu, 16 Jul 99 15:45:00 UT", "1999-07-16T15:45:00"),
        ("2026-07-16T11:39:40-04:00", "2026-07-16T15:39:40"),
        ("2026-07-16T15:35:19Z", "2026-07-16T15:35:19"),
        ("2026-07-16 15:35:19.25", "2026-07-16T15:35:19.250000"),
        ("2026-07-16T15:35+0530", "2026-07-16T10:05:00"),
        ("2026-07-16", "2026-07-16T00:00:00"),
        ("20260716T153519Z", "2026-07-16T15:35:19"),
        ("2026-07-16T24:00:00Z", "2026-07-17T00:00:00"),
        ("2026-12-31T23:59:60Z", "2026-12-31T23:59:59"),
        ("Thu Jul 16 15:45:00 2026", "2026-07-16T15:45:00"),
        ("1784215402", "2026-07-16T15:23:22"),
        ("1784215402000", "2026-07-16T15:23:22"),
    ],
)
def test_dates_of_feeds(text, moment):
    """Every form that newswires, EDGAR and JSON sources use gives the right moment in UTC."""
    assert parse_date(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "32 Jul 2026 10:00 GMT", "16 Jul 2026 25:00 GMT", "16 Jul 2026 10:00 XQZ",
     "06/07/2026 10:00", "12345", "99999999999999999999", "16 Foo 2026 10:00 GMT", "2026-07-16T13:00 PM",
     "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_nonsense_is_no_date(text):
    """A date that cannot be, or could be two, is none."""
    assert parse_date(text) is None


@given(st.text() | st.text(alphabet="0123456789-:+TZ. /,JulapEmMT"))
def test_any_text_gives_utc_or_none(text):
    """No string raises, and every result is aware and in UTC."""
    when = parse_date(text)
    assert when is None or when.tzinfo is UTC


def test_published_is_never_after_it_was_received():
    """A clock slightly ahead is clamped; a date far ahead or before 1990 is dropped and named."""
    assert sane_published(NOON - timedelta(hours=1), NOON) == (NOON - timedelta(hours=1), None)
    assert sane_published(NOON + timedelta(minutes=9), NOON) == (NOON, None)
    assert sane_published(NOON + timedelta(minutes=11), NOON) == (None, "date_in_future")
    assert sane_published(datetime(1970, 1, 1, tzinfo=UTC), NOON) == (None, "date_before_1990")
    assert sane_published(None, NOON) == (None, None)
