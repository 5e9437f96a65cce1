"""Days of the demo world as the program reads them: published, parsed, each item with what is true of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.demo import edgar
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.near_misses import namesake
from catalyst_ray.demo.press import Press
from catalyst_ray.models import Fetched
from catalyst_ray.quality.texts import NOW_UTC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.demo.items import DemoItem
    from catalyst_ray.demo.world import World
    from catalyst_ray.models import Item

_BASE_URL = "http://127.0.0.1:8099"


def demo_directory() -> TickerDirectory:
    """Return the ticker map of the demo's companies and of those of like name."""
    listed = (one for company in companies() for one in (company, namesake(company)))
    return TickerDirectory.from_listings([Listing(one.ticker, one.cik, one.name) for one in listed])


def demo_items(world: World) -> Iterator[tuple[Item, DemoItem]]:
    """Release batch after batch and yield what each adds, feed by feed, beside what it was made of."""
    press = Press(world, NOW_UTC)
    made = {item.path.split("?")[0]: item for item in world.items}
    made |= {item.filing.accession: item for item in world.items if item.filing}
    for batch in range(1, world.batches + 1):
        press.release(batch, NOW_UTC)
        for channel in world.channels:
            for item in _read(press, channel) if channel.shape is not Shape.BROKEN else ():
                true = made[item.accession or item.url.removeprefix(_BASE_URL).split("?")[0]]
                if true.batch == batch:
                    yield item, true


def _read(press: Press, channel: Channel) -> tuple[Item, ...]:
    spec = channel.spec(_BASE_URL)
    if channel.shape is Shape.EDGAR:
        page = press.filings(channel.form)
        body = edgar.current_page(page, NOW_UTC, start=0, count=100, base_url=_BASE_URL) or b""
        content_type = edgar.CONTENT_TYPE
    else:
        edition = press.edition(channel, _BASE_URL)
        body, content_type = edition.body, edition.content_type
    fetched = Fetched(
        feed=spec.name,
        url=spec.url,
        status=200,
        body=body,
        content_type=content_type,
        first_byte_utc=NOW_UTC,
        received_utc=NOW_UTC,
    )
    return parse_feed(fetched, spec).items
