"""Stories: days of the demo world in which releases are retold, against what is true of them; real feeds beside.

The days are made harder than the demo that is shown: near misses stand among the copies. Items are joined as the
program does: exact identity first, then likeness within a window, feed after feed.
"""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.dedupe import telling_of
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.identity import url_key
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.stories import LIMIT, StoryIndex
from catalyst_ray.core.text import normal_title
from catalyst_ray.demo.world import World
from catalyst_ray.quality.clusters import adjusted_rand, index_rows
from catalyst_ray.quality.demo_day import demo_directory, demo_items
from catalyst_ray.quality.figure import Figure, estimate, estimate_of
from catalyst_ray.quality.story_feeds import joined_headlines, joined_in_feeds
from catalyst_ray.quality.texts import NOW_UTC

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from catalyst_ray.core.dedupe import Telling
    from catalyst_ray.demo.items import Truth
    from catalyst_ray.models import Item
    from catalyst_ray.quality.clusters import Pair
    from catalyst_ray.quality.folder import DataFolder

SEEDS = range(101, 113)
"""Days; the rules were written on others, but wrong joins of two of these were looked at while guards were tuned."""
_ITEMS = 400
_LOOK_ALIKES = 3
_LOOK_UPS = 300
"""Texts looked up in a full index for the figure of speed."""


def stories(folder: DataFolder) -> tuple[Figure, ...]:
    """Return how well copies are joined on demo days, and what a look-up costs in a full window."""
    days = [_Day(seed) for seed in SEEDS]
    found = estimate(np.concatenate([index_rows(day.found()) for day in days]), adjusted_rand)
    title = "Near-duplicate stories of demo days, adjusted Rand index"
    return (
        Figure(key="story_ari", title=title, aim=0.95).measured(
            found,
            n=sum(len(day.rows) for day in days),
            baselines={
                "exact title": _index(days, lambda item: normal_title(item.title)),
                "old bot: by URL": _index(days, lambda item: url_key(item.url) or item.url),
            },
            details=(*_details(days), *joined_in_feeds(folder), *joined_headlines(folder)),
        ),
        _speed(days),
    )


class _Day:
    """One demo day: its items with their truth, and what is compared of them."""

    def __init__(self, seed: int) -> None:
        world = World(seed, NOW_UTC, items=_ITEMS, look_alikes=_LOOK_ALIKES)
        tier = FastTier(
            directory=demo_directory(), sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
        )
        self.rows: list[tuple[Item, Truth, Telling]] = []
        for item, made in demo_items(world):
            reading = tier.read(item, now_utc=NOW_UTC)
            self.rows.append((item, made.truth, telling_of(item, reading.link, reading.score)))

    def found(self) -> list[Pair]:
        """Return true and found story of every item: by identity, then by likeness."""
        index, owners = StoryIndex(), dict[str, str]()
        pairs: list[Pair] = []
        for item, truth, telling in self.rows:
            names = (item.key, *item.aliases)
            story = next((owners[name] for name in names if name in owners), None)
            story = story or index.place(telling, now_utc=NOW_UTC)
            for name in names:
                owners.setdefault(name, story)
            pairs.append((truth.story, story))
        return pairs


def _index(days: Sequence[_Day], name: Callable[[Item], str]) -> float:
    """Return the figure for stories by a name of the item."""
    rows = [index_rows([(truth.story, name(item)) for item, truth, _ in day.rows]) for day in days]
    return float(adjusted_rand(np.concatenate(rows).sum(axis=0)[None, :])[0])


def _details(days: Sequence[_Day]) -> Iterator[str]:
    sums = np.concatenate([index_rows(day.found()) for day in days]).sum(axis=0)
    _, both, true, found = (int(value) for value in sums)
    each = [adjusted_rand(index_rows(day.found()).sum(axis=0)[None, :])[0] for day in days]
    yield (
        f"{len(days)} days (seeds {SEEDS[0]} to {SEEDS[-1]}) of {_ITEMS} items, {_LOOK_ALIKES} groups of look-alikes a "
        f"batch; a day by itself {min(each):.3f} to {max(each):.3f}"
    )
    yield f"pairs of items that tell one story: {true}, found {both}, missed {true - both}, falsely joined {found - both}"
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for day in days:
        _count_mistakes(day, missed, wrong)
    yield "copies not joined to their story's first item, by event: " + (_listed(missed) or "none")
    yield "items joined to another story, by event: " + (_listed(wrong) or "none")


def _count_mistakes(day: _Day, missed: Counter[str], wrong: Counter[str]) -> None:
    first_found: dict[Hashable, Hashable] = {}
    first_true: dict[Hashable, Hashable] = {}
    for (true, found), (_, truth, _) in zip(day.found(), day.rows, strict=True):
        if first_found.setdefault(true, found) != found:
            missed[truth.event] += 1
        if first_true.setdefault(found, true) != true:
            wrong[truth.event] += 1


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def _speed(days: Sequence[_Day]) -> Figure:
    """Measure look-ups in a full window, every text in it a story of its own: the worst that a window can be."""
    rows = [row for day in days for row in day.rows]
    index = StoryIndex()
    for number in range(LIMIT):
        index.add(rows[number % len(rows)][2], story=str(number), now_utc=NOW_UTC)
    tier = FastTier(
        directory=demo_directory(), sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
    )
    times_ms = []
    for item, _, _ in rows[:: max(1, len(rows) // _LOOK_UPS)]:
        reading = tier.read(item, now_utc=NOW_UTC)
        begun = perf_counter()
        index.find(telling_of(item, reading.link, reading.score))
        times_ms.append(1_000 * (perf_counter() - begun))
    found = estimate_of(times_ms, lambda sample: float(np.mean(sample)))
    figure = Figure(
        key="story_lookup_ms",
        title=f"Milliseconds to find an item's story among {LIMIT:,}",
        aim=5.0,
        smaller_is_better=True,
        unit="ms",
    )
    return figure.measured(
        found,
        n=len(times_ms),
        details=(f"mean; the slowest of a hundred {float(np.percentile(times_ms, 99)):.2f} ms",),
    )
