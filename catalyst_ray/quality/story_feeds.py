"""Real feeds and headlines run through the story index: how many are joined, for people to look at. No labels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalyst_ray.core.dedupe import telling_of
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.stories import StoryIndex
from catalyst_ray.models import Link, Reason, Symbol
from catalyst_ray.quality.texts import items_of, news

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import Item
    from catalyst_ray.quality.folder import DataFolder

_FEEDS = ("01_feeds_finance/polls*/*", "01_feeds_finance/publishers/*")
_HEADLINES = "05_tickers/labelled/*headlines*.csv"


def joined_in_feeds(folder: DataFolder) -> Iterator[str]:
    """Yield how many items of other addresses are joined in polls and publishers' feeds."""
    items = [item for pattern in _FEEDS for path in folder.paths(pattern) for item in items_of(path)]
    unique = list({item.key: item for item in items}.values())
    if not unique:
        return
    pairs = joined(folder, [(item, None) for item in unique])
    same = sum(first.title == second.title for first, second in pairs)
    yield (
        f"real feeds: {len(unique)} items of {len(items)} entries; joined across addresses: {len(pairs)}, "
        f"{same} of them word for word"
    )


def joined_headlines(folder: DataFolder) -> Iterator[str]:
    """Yield how many dated headlines are joined, each under the stock that it is labelled with."""
    rows = [(row, when) for row in folder.table(_HEADLINES) if row.get("title") and (when := _when(row))]
    if not rows:
        return
    rows.sort(key=lambda row: row[1])
    items = [
        (
            news(row["title"], key=f"url:{number}", received_utc=when, published_utc=when),
            row.get("stock") or None,
        )
        for number, (row, when) in enumerate(rows)
    ]
    pairs = joined(folder, items)
    yield f"real headlines of one stock within a day: {len(pairs)} of {len(items)} joined to an earlier one"


def joined(folder: DataFolder, items: list[tuple[Item, str | None]]) -> list[tuple[Item, Item]]:
    """Return each item that joins a story of others, with the story's first item; a ticker given is taken as true."""
    tier = FastTier(
        directory=folder.directory, sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
    )
    index = StoryIndex()
    first: dict[str, Item] = {}
    pairs: list[tuple[Item, Item]] = []
    for item, ticker in items:
        reading = tier.read(item, now_utc=item.received_utc)
        link = reading.link
        if ticker:
            listing = folder.directory.by_ticker(ticker)
            symbol = Symbol(ticker=ticker, reason=Reason(Code.CATEGORY), name=listing.name if listing else "")
            link = Link(symbols=(symbol,))
        story = index.place(telling_of(item, link, reading.score), now_utc=item.received_utc)
        if story != item.key:
            pairs.append((first[story], item))
        first[item.key] = item
    return pairs


def _when(row: dict[str, str]) -> datetime | None:
    try:
        when = datetime.fromisoformat((row.get("date") or "").strip())
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
