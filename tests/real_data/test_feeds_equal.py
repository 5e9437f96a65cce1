"""The fast reader and feedparser on every real and odd feed."""

from __future__ import annotations

import pytest

from catalyst_ray.core.assemble import Notes
from catalyst_ray.core.feed_bytes import tame
from catalyst_ray.core.parse_rss import _bounded, _headers, _read_any
from catalyst_ray.core.parse_xml import read_plain
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Fetched
from tests.real_data.feed_files import NOW

pytestmark = pytest.mark.real_data

CONTENT_TYPES = ("", "application/xml", "text/xml; charset=utf-8")


def compare(path, content_type):
    """Return whether the fast reader takes the file; fail where it then differs from feedparser."""
    raw = path.read_bytes()
    try:
        body = _bounded(tame(raw), Notes())
    except ParseError:
        return False
    fetched = Fetched(
        feed=path.name,
        url="https://feeds.example/feed.xml",
        status=200,
        body=body,
        content_type=content_type,
        first_byte_utc=NOW,
        received_utc=NOW,
    )
    fast = read_plain(body, _headers(fetched))
    if fast is None:
        return False
    notes = Notes()
    slow, total = _read_any(body, fetched, notes)
    assert fast == slow, path
    assert total == len(fast)
    assert notes.reasons() == ()
    return True


@pytest.mark.timeout(120)
@pytest.mark.parametrize("folder", ["01_feeds_finance", "02_feeds_odd"])
def test_every_feed_that_is_read_fast_reads_the_same(data_dir, folder):
    """Of all files, those that the fast reader accepts give feedparser's entries, field by field."""
    files = sorted(path for path in (data_dir / folder).rglob("*") if path.is_file())
    if not files:
        pytest.skip(f"no files in {folder}")
    accepted = sum(compare(path, kind) for path in files for kind in CONTENT_TYPES)
    assert accepted


def test_publishers_feeds_are_read_fast(data_dir):
    """The feeds of real publishers and wires are plain, unless they are not well-formed."""
    files = [
        path
        for folder in ("publishers", "wires", "polls_wsj")
        for path in sorted((data_dir / "01_feeds_finance" / folder).glob("*.[xr][ms][ls]"))
    ]
    if not files:
        pytest.skip("no feeds of publishers")
    slow = [path.name for path in files if not compare(path, "")]
    assert len(slow) * 5 < len(files), slow
