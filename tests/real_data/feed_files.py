"""Parse feed files of the real data in place, and read feedparser's survey of them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalyst_ray.core.parse import parse_feed
from catalyst_ray.models import FeedKind, FeedSpec, Fetched, ParsedFeed

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2027, 1, 1, tzinfo=UTC)
"""After every honest date in the data."""


def parse_file(path: Path, kind: FeedKind = FeedKind.RSS) -> ParsedFeed:
    """Parse a file as if it had just been fetched."""
    url = "https://feeds.example/feed.xml"
    fetched = Fetched(
        feed=path.name, url=url, status=200, body=path.read_bytes(), first_byte_utc=NOW, received_utc=NOW
    )
    return parse_feed(fetched, FeedSpec(name=path.name, url=url, kind=kind))


def surveyed_entries(data_dir: Path) -> dict[str, int]:
    """Return the entries that feedparser finds in each file, by path below ``data_dir``."""
    with (data_dir / "feedparser_survey.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["path"].partition("/")[2]: int(row["entries"] or 0) for row in rows}
