"""What has been published so far: batches, their moments of release, each feed's entries and bytes.

Owns the state of a running demo world. Serves nothing.
"""

from __future__ import annotations

import hashlib
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


class Press:
    """Publishes a world batch by batch."""

    def __init__(self, world: World, opened_utc: datetime) -> None:
        self.world = world
        self._opened_utc = opened_utc
        self._released: list[datetime] = []
        self._channels = {channel.name: channel for channel in world.channels}
        self._items: dict[str, list[DemoItem]] = {channel.name: [] for channel in world.channels}
        for item in world.items:
            self._items[item.channel].append(item)
        self._editions: dict[tuple[str, str, int], Edition] = {}

    @property
    def batch(self) -> int:
        """Return the number of the last batch released; 0 before the first."""
        return len(self._released)

    def release(self, batch: int, now_utc: datetime) -> None:
        """Publish everything up to ``batch``; what is out stays as it is.

        Raises:
            ConfigError: The world has no such batch.
        """
        if not 0 <= batch <= self.world.batches:
            raise ConfigError(
                f"no batch {batch}", key="batch", hint=f"this world has batches 1 to {self.world.batches}"
            )
        while len(self._released) < batch:
            self._released.append(now_utc)

    def released_items(self) -> list[DemoItem]:
        """Return every item that is out."""
        return [item for item in self.world.items if item.batch <= self.batch]

    def entry(self, item: DemoItem) -> Published:
        """Return an item that is out, with its date."""
        released_utc = self._released[item.batch - 1]
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
        key = (channel.name, base_url, self.batch)
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
            Shock(self._released[move.batch - 1] - timedelta(seconds=move.age_s), move.pct)
            for move in self.world.moves
            if move.ticker == ticker and move.batch <= self.batch
        ]
