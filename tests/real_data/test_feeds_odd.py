"""Every odd, broken and hostile feed goes through the parser."""

from __future__ import annotations

import resource
import sys

import pytest

from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind
from tests.real_data.feed_files import parse_file, surveyed_entries

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def odd_files(data_dir):
    """Return every file of the folder of odd feeds."""
    files = sorted(path for path in (data_dir / "02_feeds_odd").rglob("*") if path.is_file())
    if not files:
        pytest.skip(f"no odd feeds in {data_dir}")
    return files


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", list(FeedKind))
def test_no_file_crashes_or_fills_the_memory(odd_files, kind):
    """Whatever the feed is said to be, each file gives items or a named ParseError, within 300 MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused: dict[str, ParseError] = {}
    for path in odd_files:
        try:
            feed = parse_file(path, kind)
        except ParseError as error:
            refused[path.name] = error
        else:
            assert len({item.key for item in feed.items}) == len(feed.items) <= feed.entries
    assert all(error.key == name for name, error in refused.items())
    assert not [error for error in refused.values() if error.message.startswith("the parser failed")]
    unit = 1024 if sys.platform == "darwin" else 1
    grown_kib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit
    assert grown_kib < 300 * 1024


def test_entries_agree_with_the_survey_of_feedparser(data_dir, odd_files):
    """Our flags, bounds and changed bytes cost not one entry; what is no feed for it is none for us."""
    surveyed = surveyed_entries(data_dir)
    wrong = {}
    compared = 0
    for path in odd_files:
        name = str(path.relative_to(data_dir))
        if name not in surveyed:
            continue
        compared += 1
        try:
            entries = parse_file(path).entries
        except ParseError:
            entries = 0
        if entries != surveyed[name]:
            wrong[name] = (surveyed[name], entries)
    assert not wrong
    assert compared


def test_text_of_odd_feeds_can_be_stored(odd_files):
    """Titles and summaries hold no control character, stay in bounds and encode as UTF-8."""
    for path in odd_files:
        try:
            items = parse_file(path).items
        except ParseError:
            continue
        for item in items:
            assert item.title
            assert "\n" not in item.title
            assert len(item.title) <= 500
            assert len(item.summary) <= 4_000
            text = item.title + item.summary + "".join(item.categories) + item.url
            assert not any(ord(letter) < 32 and letter != "\n" for letter in text), path
            text.encode("utf-8")
