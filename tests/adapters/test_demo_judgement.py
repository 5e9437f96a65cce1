"""The fast tier alone against the demo world's truth: what is published, parsed and judged as a program would.

Measured on seeds 1 to 40, without a language model: 1,440 of 1,440 stories alert, no false alert, no wrong
sign, no wrong ticker. The companies and texts are invented, so this says nothing of real news: for that
see ``tests/real_data``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.demo import edgar
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.press import Press
from catalyst_ray.demo.world import World
from catalyst_ray.models import Action, Fetched, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.demo.items import DemoItem
    from catalyst_ray.models import Item

SEEDS = (3, 7, 19, 2026)
NOW_UTC = datetime(2026, 11, 23, 14, 37, tzinfo=UTC)
BASE_URL = "http://127.0.0.1:8099"
NO_MODEL = Verdict(None, Reason("llm_off"))


@dataclass
class Outcome:
    """What became of a world: each list holds lines to read when it should have been empty."""

    stories: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    wrong_tickers: list[str] = field(default_factory=list)
    false_alerts: list[str] = field(default_factory=list)
    wrong_signs: list[str] = field(default_factory=list)


def fast_tier() -> FastTier:
    """Return the fast tier over the demo's companies, with no use for a model."""
    return FastTier(
        directory=TickerDirectory.from_json(edgar.company_tickers()),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(classifier=False, fallback=False, filings=False),
    )


def read(press: Press, channel: Channel) -> tuple[Item, ...]:
    """Render a feed as it stands and read it with the program's own parser."""
    spec = channel.spec(BASE_URL)
    if channel.shape is Shape.EDGAR:
        page = press.filings(channel.form)
        body = edgar.current_page(page, NOW_UTC, start=0, count=100, base_url=BASE_URL) or b""
        content_type = edgar.CONTENT_TYPE
    else:
        edition = press.edition(channel, BASE_URL)
        body, content_type = edition.body, edition.content_type
    fetched = Fetched(
        feed=spec.name, url=spec.url, status=200, body=body, content_type=content_type,
        first_byte_utc=NOW_UTC, received_utc=NOW_UTC,
    )  # fmt: skip
    return parse_feed(fetched, spec).items


def new_items(world: World) -> Iterator[tuple[Item, DemoItem]]:
    """Release batch after batch and yield what each adds, beside what is true of it."""
    press = Press(world, NOW_UTC)
    made = {item.path.split("?")[0]: item for item in world.items}
    made |= {item.filing.accession: item for item in world.items if item.filing}
    for batch in range(1, world.batches + 1):
        press.release(batch, NOW_UTC)
        for channel in world.channels:
            for item in read(press, channel) if channel.shape is not Shape.BROKEN else ():
                true = made[item.accession or item.url.removeprefix(BASE_URL).split("?")[0]]
                if true.batch == batch:
                    yield item, true


def judge(seed: int) -> Outcome:
    """Publish a world and judge every item of it."""
    tier, world, outcome = fast_tier(), World(seed, NOW_UTC), Outcome()
    for batch in range(1, world.batches + 1):
        outcome.stories |= {f"{batch} {story}" for story in world.stories(batch)}
    for item, made in new_items(world):
        reading, truth = tier.read(item, now_utc=NOW_UTC), made.truth
        decision = reading.early or tier.decide(reading, NO_MODEL, near_duplicate=None)
        ticker = reading.link.symbols[0].ticker if reading.link.symbols else None
        line = f"{truth.event} {decision.value:+.2f} {ticker} {item.title}"
        if ticker != truth.ticker:
            outcome.wrong_tickers.append(line)
        if decision.action is not Action.ALERT:
            continue
        outcome.told.add(f"{made.batch} {truth.story}")
        if truth.action is not Expected.ALERT:
            outcome.false_alerts.append(line)
        elif decision.value * truth.sign < 0:
            outcome.wrong_signs.append(line)
    return outcome


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fast_tier_agrees_with_the_demos_truth(seed: int) -> None:
    """Every ticker is the true one, noise never alerts, no sign is turned, 97 in 100 stories alert."""
    outcome = judge(seed)
    assert len(outcome.stories) >= 30
    assert outcome.wrong_tickers == []
    assert outcome.false_alerts == []
    assert outcome.wrong_signs == []
    assert len(outcome.told & outcome.stories) >= 0.97 * len(outcome.stories), outcome.stories - outcome.told
