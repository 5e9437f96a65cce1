"""The texts on which linking is measured: labelled news, EDGAR's pages, and every other text of the folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FeedKind
from catalyst_ray.quality.texts import items_of, news

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from catalyst_ray.models import Item
    from catalyst_ray.quality.folder import DataFolder

_FOREIGN_LABEL = re.compile(r"(?i)^(?!.*(?:nasdaq|nyse|amex|otc)).+:")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with the tickers that its publisher gave it."""

    title: str
    summary: str
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the whole text that was read."""
        return f"{self.title[:500]}\n{self.summary[:4_000]}"


def labelled(folder: DataFolder) -> Iterator[Labelled]:
    """Yield the labelled news: headlines by stock, items with tickers, releases with entities."""
    for row in folder.table("05_tickers/labelled/*headlines*.csv"):
        if row.get("title") and row.get("stock"):
            yield Labelled(row["title"], "", (row["stock"],))
    for row in folder.table("05_tickers/labelled/*tickers*.csv"):
        labels = tuple(label.strip() for label in (row.get("tickers") or "").split(",") if label.strip())
        if row.get("title") and labels:
            yield Labelled(row["title"], row.get("description") or "", labels)
    for release in folder.documents("05_tickers/labelled/**/*.json"):
        if isinstance(release, dict) and (labels := tuple(_entities(release))):
            yield Labelled(str(release.get("title") or ""), str(release.get("body") or ""), labels)


def _entities(release: dict[str, Any]) -> Iterator[str]:
    """Yield the US symbols of a release's entities ("NASDAQ: ABCD")."""
    for entity in release.get("entities") or ():
        stock = str(entity.get("stock_name") or "") if isinstance(entity, dict) else ""
        if stock and not _FOREIGN_LABEL.search(stock):
            yield stock.rsplit(":", maxsplit=1)[-1].strip()


def edgar_items(folder: DataFolder) -> Iterator[Item]:
    """Yield the filings of EDGAR's Atom pages."""
    for path in folder.paths("01_feeds_finance/edgar_getcurrent*/**/*.atom"):
        yield from items_of(path, FeedKind.EDGAR)


def every_text(folder: DataFolder) -> Iterator[Item]:
    """Yield all news of the folder as items: feeds with their categories, labelled texts, lines of other tables."""
    for path in folder.paths("01_feeds_finance/**/*"):
        if path.suffix in {".xml", ".rss"} and "edgar" not in path.name:
            yield from items_of(path, FeedKind.RSS)
        elif "finnhub" in path.name:
            yield from items_of(path, FeedKind.FINNHUB)
    for path in folder.paths("01_feeds_finance/items_json*/*.json"):
        yield from _captured(path)
    for sample in labelled(folder):
        yield news(sample.title, sample.summary)
    for path in folder.paths("03_sentiment/**/*.csv"):
        for line in path.read_text("utf-8", "replace").splitlines():
            yield news("", line)


def _captured(path: Path) -> Iterator[Item]:
    """Yield the texts of a captured set of items, whatever its layout."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}", key="--data") from error
    for entry in document if isinstance(document, list) else ():
        if isinstance(entry, dict):
            yield news(
                str(entry.get("title") or ""), str(entry.get("description") or entry.get("summary") or "")
            )
