"""What has been published so far: batches, their moments of release, each feed's entries and bytes.

Owns the state of a running demo world. Serves nothing.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.prices import Shock
from catalyst_ray.demo.wires import Published, render_feed
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.demo.items import DemoItem
    from catalyst_ray.demo.world import World


@dataclass(frozen=True, slots=True)
class Edition:
    """A feed's bytes as they stand, with what conditional requests compare."""

    body: bytes
    content_type: str
    etag: str
    modified_utc: datetime


DAYS_KEPT = 3
"""Days of an endless world that are remembered: older items leave the feeds, as they do on real ones."""


class Press:
    """Publishes a world batch by batch.

    Args:
        world: What there is to publish.
        is_endless: When its last batch is out, the next one begins another day; old days are forgotten.
    """

    def __init__(self, world: World, opened_utc: datetime, *, is_endless: bool = False) -> None:
        self.world = world
        self._is_endless = is_endless
        self._days: deque[World] = deque(maxlen=DAYS_KEPT)
        self._opened_utc = opened_utc
        self._released: dict[int, datetime] = {}
        self.batch = 0
        """Number of the last batch released; 0 before the first."""
        self._channels = {channel.name: channel for channel in world.channels}
        self._items: dict[str, list[DemoItem]] = {}
        self._by_address: dict[str, DemoItem] = {}
        self._editions: dict[tuple[str, str], Edition] = {}
        self._begin(world)

    def release(self, batch: int, now_utc: datetime) -> None:
        """Publish everything up to ``batch``; what is out stays as it is.

        Raises:
            ConfigError: The world has no such batch.
        """
        if not 0 <= batch <= self.last_batch and not (self._is_endless and batch > 0):
            raise ConfigError(
                f"no batch {batch}", key="batch", hint=f"this world has batches 1 to {self.last_batch}"
            )
        while self.batch < batch:
            if self.batch == self.last_batch:
                self._begin(self._days[-1].next_day(now_utc))
            self.batch += 1
            self._released[self.batch] = now_utc
            self._editions.clear()

    @property
    def last_batch(self) -> int:
        """Return the number of the last batch that has been made."""
        return self._days[-1].batches

    def _begin(self, day: World) -> None:
        """Take up a day's items, and drop those of the oldest one where there are enough."""
        self._days.append(day)
        everything = [item for one in self._days for item in one.items]
        self._items = {name: [] for name in self._channels}
        for item in everything:
            self._items[item.channel].append(item)
        self._by_address = {_address(item): item for item in everything}
        first = min((item.batch for item in everything), default=1)
        self._released = {batch: at for batch, at in self._released.items() if batch >= first}

    def find(self, address: str) -> DemoItem | None:
        """Return the item of a path, or of an accession number, that is out."""
        item = self._by_address.get(address)
        return item if item is not None and item.batch <= self.batch else None

    def released_items(self) -> list[DemoItem]:
        """Return every item that is out and remembered."""
        return [item for day in self._days for item in day.items if item.batch <= self.batch]

    def entry(self, item: DemoItem) -> Published:
        """Return an item that is out, with its date."""
        released_utc = self._released[item.batch]
        when_utc = None if item.age_s is None else released_utc - timedelta(seconds=item.age_s)
        return Published(item, when_utc, released_utc)

    def entries(self, channel: Channel) -> list[Published]:
        """Return what a feed shows, newest batch first, newest date first within it."""
        out = [self.entry(item) for item in self._items[channel.name] if item.batch <= self.batch]
        out.sort(key=lambda entry: (entry.released_utc, entry.when_utc or entry.released_utc), reverse=True)
        return out

    def channel(self, name: str) -> Channel | None:
        """Return a feed by its name."""
        return self._channels.get(name)

    def edition(self, channel: Channel, base_url: str) -> Edition:
        """Return a news feed's bytes, made once a batch."""
        key = (channel.name, base_url)
        if key not in self._editions:
            entries = self.entries(channel)
            body, content_type = render_feed(channel, entries, base_url)
            modified_utc = max((entry.released_utc for entry in entries), default=self._opened_utc)
            digest = hashlib.sha256(body).hexdigest()[:20]
            self._editions[key] = Edition(body, content_type, f'"{digest}"', modified_utc)
        return self._editions[key]

    def filings(self, form: str) -> list[Published]:
        """Return the filings of a form, newest first; of every form for an empty one."""
        channels = [one for one in self.world.channels if one.shape is Shape.EDGAR]
        fitting = [one for one in channels if form in {"", one.form}]
        out = [entry for channel in fitting for entry in self.entries(channel)]
        out.sort(key=lambda entry: entry.when_utc or entry.released_utc, reverse=True)
        return out

    def shocks(self, ticker: str) -> list[Shock]:
        """Return what has happened to a company's price so far."""
        return [
            Shock(self._released[move.batch] - timedelta(seconds=move.age_s), move.pct)
            for day in self._days
            for move in day.moves
            if move.ticker == ticker and move.batch <= self.batch
        ]


def _address(item: DemoItem) -> str:
    """Return what an item is asked for by: a filing by its accession number, news by its path."""
    return item.filing.accession if item.filing else item.path.split("?")[0]
